--- Concat: modules side by side on one input, their outputs joined along a dimension (2, the
-- channels, unless given).
-- @usage nn.Concat{nn.Conv2d(3, 8, {kernel = 1}), nn.Conv2d(3, 8, {kernel = 3, padding = 1})}
-- @usage nn.Concat({nn.Linear(4, 2), nn.Linear(4, 3)}, {dim = 2})

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local Module <const> = require "braid.nn.module"

local Concat <const> = class("Concat", Module)

function Concat:init(modules, given)
  self.dim = check.options("Concat", given, {dim = 2}).dim
  if #modules == 0 then error("Concat: there are no modules", 3) end
  for i, m in ipairs(modules) do
    if not Module.is(m) and type(m) ~= "function" then
      error(("Concat: entry %d is a %s, not a module or a function"):format(i, type(m)), 3)
    end
    self[i] = m
  end
end

function Concat:forward(x)
  local outputs <const> = {}
  for i, m in ipairs(self) do outputs[i] = m(x) end
  return core.ops.cat(outputs, self.dim)
end

function Concat:describe() return self.dim == 2 and "" or "dim = " .. self.dim end

function Concat:channels_after(channels)
  local total = 0
  for _, m in ipairs(self) do
    total = total + (Module.is(m) and m:channels_after(channels) or channels)
  end
  return self.dim == 2 and total or channels
end

return Concat
