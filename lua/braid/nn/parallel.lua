--- Parallel: one module for each input. A table of inputs gives a table of outputs, so a Parallel
-- can be a layer of a Sequential. Several arguments give as many results.
-- @usage local a, b = nn.Parallel{nn.Linear(3, 2), nn.Linear(3, 4)}(x, y)

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local Module <const> = require "braid.nn.module"
local modules_kind <const> = require "braid.nn.modules_kind"

local Parallel <const> = class("Parallel", Module)

local OPTIONS <const> = check.declare("Parallel", {modules = check.argument(modules_kind)})

function Parallel:init(modules)
  check.options(OPTIONS, nil, {modules = modules})
  table.move(modules, 1, #modules, 1, self)
end

function Parallel:forward(first, ...)
  local listed <const> = type(first) == "table"
  local inputs <const> = listed and first or {first, ...}
  if #inputs ~= #self then
    check.fail("Parallel: %d inputs for %d modules", #inputs, #self)
  end
  local outputs <const> = {}
  for i, m in ipairs(self) do outputs[i] = m(inputs[i]) end
  if listed then return outputs end
  return table.unpack(outputs)
end

return Parallel
