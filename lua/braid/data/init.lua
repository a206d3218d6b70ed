--- Data sets, what is done to them, and the iteration over them.

return require "braid.folder"("braid.data", nil, function(name)
  return require("braid.data.transforms")[name]
end)
