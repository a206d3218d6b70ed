--- Sequential: modules, one after the other.
-- The option `first` numbers the layers: 1 unless given; 0 gives the names that PyTorch has.
-- @usage nn.Sequential{nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)}

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local Module <const> = require "braid.nn.module"
local ReLU <const> = require("braid.nn.activation").ReLU
local PReLU <const> = require "braid.nn.prelu"
local BatchNorm2d <const> = require "braid.nn.batch_norm2d"

local Sequential <const> = class("Sequential", Module)
Sequential.channelwise = true

function Sequential:init(layers, given)
  local o <const> = check.options("Sequential", given, {first = 1})
  if type(layers) ~= "table" or Module.is(layers) then
    check.fail("Sequential: wants a table of modules, not a %s",
      Module.is(layers) and "module" or type(layers))
  end
  self.first, self.last = o.first, o.first + #layers - 1
  for i, layer in ipairs(layers) do
    if not Module.is(layer) and type(layer) ~= "function" then
      error(("Sequential: entry %d is a %s, not a module or a function"):format(i,
        type(layer)), 3)
    end
    self[o.first + i - 1] = layer
  end
end

-- Whether a layer carries out what follows it in the same pass over memory. A class says so
-- by the forward that can: one that overrides it cannot. Of an activation, what the layer is
-- told of it: true for ReLU, the module itself for a PReLU that evaluates.
local function takes_activation(layer, following)
  local class_of <const> = getmetatable(following)
  if class_of == ReLU then return layer.fuses_relu == layer.forward end
  if class_of ~= PReLU or layer.fuses_prelu ~= layer.forward or core.is_recording() then
    return false
  end
  local weight <const>, slope <const> = layer.weight, following.weight
  return weight and slope:numel() == layer.outputs and slope.dtype == weight.dtype and following
end

local function takes_norm(layer, following)
  return getmetatable(following) == BatchNorm2d and layer.fuses_norm == layer.forward
    and not core.is_recording() and not following:is_training() and not layer.unsized
end

function Sequential:forward(x)
  local i = self.first
  local apart <const> = Module.is_watched()
  while i <= self.last do
    if not apart then x, i = core.chain(self, i, self.last, x) end
    if i > self.last then break end
    local layer <const> = self[i]
    if apart or i == self.last or not Module.is(layer) then
      x, i = layer(x), i + 1
    elseif takes_norm(layer, self[i + 1]) then
      local after <const> = i + 2 <= self.last and takes_activation(layer, self[i + 2])
      x, i = layer(x, after, self[i + 1]), i + (after and 3 or 2)
    else
      local after <const> = takes_activation(layer, self[i + 1])
      if after then
        x, i = layer(x, after), i + 2
      else
        x, i = layer(x), i + 1
      end
    end
  end
  return x
end

function Sequential:channels_after(channels)
  for i = self.first, self.last do
    if Module.is(self[i]) then channels = self[i]:channels_after(channels) end
  end
  return channels
end

return Sequential
