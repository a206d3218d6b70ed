--- Sequential: modules, one after the other.
-- The option `first` numbers the layers: 1 unless given; 0 gives the names that PyTorch has.
-- @usage nn.Sequential{nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)}

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local Module <const> = require "braid.nn.module"
local modules_kind <const> = require "braid.nn.modules_kind"
local ReLU <const> = require("braid.nn.activation").ReLU
local BatchNorm2d <const> = require "braid.nn.batch_norm2d"

local is_module <const>, is_watched <const> = Module.is, Module.is_watched

local Sequential <const> = class("Sequential", Module)
Sequential.channelwise = true

local OPTIONS <const> = check.declare("Sequential", {
  layers = check.argument(modules_kind), first = check.whole{1, from = 0},
})

function Sequential:init(layers, given)
  local o <const> = check.options(OPTIONS, given, {layers = layers})
  self.first, self.last = o.first, o.first + #o.layers - 1
  table.move(o.layers, 1, #o.layers, o.first, self)
end

-- Whether a layer carries out what follows it in the same pass over memory. A class says so
-- by the forward that can: one that overrides it cannot.
local function takes_relu(layer, following)
  return getmetatable(following) == ReLU and layer.fuses_relu == layer.forward
end

local function takes_norm(layer, following)
  return getmetatable(following) == BatchNorm2d and layer.fuses_norm == layer.forward
    and not core.is_recording() and not following:is_training() and not layer.unsized
end

-- While nothing is recorded the core runs what it can by itself (core.chain), and more of it
-- in one pass.
function Sequential:forward(x)
  local i = self.first
  local apart <const> = is_watched()
  local in_core <const> = not apart and not core.is_recording()
  while i <= self.last do
    if in_core then x, i = core.chain(self, i, self.last, x) end
    if i > self.last then break end
    local layer <const> = self[i]
    if apart or i == self.last or not is_module(layer) then
      x, i = layer(x), i + 1
    elseif takes_norm(layer, self[i + 1]) then
      local relu <const> = i + 2 <= self.last and takes_relu(layer, self[i + 2])
      x, i = layer(x, relu, self[i + 1]), i + (relu and 3 or 2)
    elseif takes_relu(layer, self[i + 1]) then
      x, i = layer(x, true), i + 2
    else
      x, i = layer(x), i + 1
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
