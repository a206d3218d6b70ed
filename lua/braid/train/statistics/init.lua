--- Statistics of a few measured values: what a few seeds can show and what they cannot.

return require "braid.folder"("braid.train.statistics", {internal = {"solve"}})
