--- Optimizers and schedules: optim.Adam is in optim/adam.lua.

return require "braid.folder"("braid.optim", {
  file_of = string.lower,
  internal = {"strong_wolfe"},
  fits = function(name, value)
    return type(value) == "table" and value.__name == name or name:lower() == name
      and not (type(value) == "table" and value.__name)
  end,
})
