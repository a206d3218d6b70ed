--- Parallel: one module for each input. A table of inputs gives a table of outputs, so that
-- it can stand in a Sequential; inputs in a row give outputs in a row.
-- @usage local a, b = nn.Parallel{nn.Linear(4, 2), nn.Linear(3, 2)}(x, y)

local class <const> = require "braid.class"
local Module <const> = require "braid.nn.module"

local Parallel <const> = class("Parallel", Module)

function Parallel:init(modules)
  for i, m in ipairs(modules) do
    if not Module.is(m) and type(m) ~= "function" then
      error(("Parallel: entry %d is a %s, not a module or a function"):format(i, type(m)), 3)
    end
    self[i] = m
  end
end

function Parallel:forward(first, ...)
  local listed <const> = type(first) == "table"
  local inputs <const> = listed and first or {first, ...}
  if #inputs ~= #self then
    error(("Parallel: %d inputs for %d modules"):format(#inputs, #self), 3)
  end
  local outputs <const> = {}
  for i, m in ipairs(self) do outputs[i] = m(inputs[i]) end
  if listed then return outputs end
  return table.unpack(outputs)
end

return Parallel
