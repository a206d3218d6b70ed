--- Classes: single inheritance, a constructor by call, names for messages.
-- @usage
-- local Point <const> = class("Point")
-- function Point:init(x, y) self.x, self.y = x, y end
-- print(Point(1, 2).x)

local function construct(cls, ...)
  local object <const> = setmetatable({}, cls)
  object:init(...)
  return object
end

--- A new class. Its instances find methods in it and then in `base`.
-- Metamethods are inherited too, for Lua looks for them in the class itself.
local function class(name, base)
  local cls <const> = {}
  for key, value in pairs(base or {}) do
    if type(key) == "string" and key:sub(1, 2) == "__" then cls[key] = value end
  end
  cls.__index, cls.__name, cls.base = cls, name, base
  cls.init = base and base.init or function() end
  return setmetatable(cls, {__index = base, __call = construct})
end

return class
