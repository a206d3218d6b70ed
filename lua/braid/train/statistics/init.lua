--- Statistics of a few measured values: what seeds, and pairs of them, can and cannot show.

return require "braid.folder"("braid.train.statistics", {internal = {"solve"}})
