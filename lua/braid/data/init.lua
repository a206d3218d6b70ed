--- Data sets, what is done to them, and the iteration over them.

return require "braid.folder"("braid.data", {
  internal = {"cifar", "damage", "listing", "manifest", "paths", "plan", "sampling", "split",
    "sqlite", "stats"},
  others = function() return require "braid.data.transforms" end,
})
