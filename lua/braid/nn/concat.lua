--- Concat: runs several modules on the same input and concatenates their outputs along a dimension
-- (default: 2, the channels).
-- @usage nn.Concat{nn.Conv2d(3, 8, {kernel = 1}), nn.Conv2d(3, 8, {kernel = 3, padding = 1})}
-- @usage nn.Concat({nn.Linear(4, 2), nn.Linear(4, 3)}, {dim = 2})

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local Module <const> = require "braid.nn.module"
local modules_kind <const> = require "braid.nn.modules_kind"

local Concat <const> = class("Concat", Module)

local OPTIONS <const> = check.declare("Concat", {
  modules = check.argument(modules_kind), dim = check.dimension(2),
})

function Concat:init(modules, given)
  local o <const> = check.options(OPTIONS, given, {modules = modules})
  self.dim = o.dim
  if #o.modules == 0 then
    check.fail("Concat: wants one module or more, as in nn.Concat{a, b}")
  end
  table.move(o.modules, 1, #o.modules, 1, self)
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
