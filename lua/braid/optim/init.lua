--- Optimizers and schedules: optim.Adam is in optim/adam.lua.

local check <const> = require "braid.check"

-- Makes a schedule that can be called as the function f, and prints as the call that made it.
local function named(name, arguments, f, ...)
  if type(f) ~= "function" then return f, ... end
  return setmetatable({}, {__name = "schedule", __call = function(_, ...) return f(...) end,
    __tostring = function()
      local words <const> = {}
      for i = 1, arguments.n do words[i] = check.shown(arguments[i]) end
      return ("optim.%s(%s)"):format(name, table.concat(words, ", "))
    end}), ...
end

return require "braid.folder"("braid.optim", {
  file_of = string.lower,
  internal = {"parameters", "state", "strong_wolfe"},
  fits = function(name, value)
    return type(value) == "table" and value.__name == name or name:lower() == name
      and not (type(value) == "table" and value.__name)
  end,
  made = function(value, name)
    if type(value) ~= "function" then return value end
    return function(...) return named(name, table.pack(...), value(...)) end
  end,
})
