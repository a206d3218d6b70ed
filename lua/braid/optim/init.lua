--- Optimizers and schedules: optim.Adam is in optim/adam.lua.

return require "braid.folder"("braid.optim", string.lower)
