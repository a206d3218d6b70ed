--- Sequential: modules, one after the other.
-- @usage nn.Sequential{nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)}

local class <const> = require "braid.class"
local Module <const> = require "braid.nn.module"

local Sequential <const> = class("Sequential", Module)

function Sequential:init(layers)
  for i, layer in ipairs(layers) do
    if not Module.is(layer) and type(layer) ~= "function" then
      error(("Sequential: entry %d is a %s, not a module or a function"):format(i, type(layer)), 3)
    end
    self[i] = layer
  end
end

function Sequential:forward(x)
  for _, layer in ipairs(self) do x = layer(x) end
  return x
end

return Sequential
