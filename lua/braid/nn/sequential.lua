--- Sequential: runs modules one after the other.
-- The option `first` is the number of the first layer: 1 by default; 0 gives PyTorch's names.
-- @usage nn.Sequential{nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)}

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local Module <const> = require "braid.nn.module"
local modules_kind <const> = require "braid.nn.modules_kind"

local is_watched <const>, step <const>, type <const> = Module.is_watched, Module.step, type
local straight <const>, is_straight <const>, settled <const> = core.straight, core.is_straight,
  core.settled

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

local function one_by_one(self, x)
  for i = self.first, self.last do x = self[i](x) end
  return x
end

-- The output of a straight layer may stay uncomputed in the core, so that several calls can run as
-- one (csrc/op/fuse.c). Other layers get a computed input. A Sequential inside another leaves its
-- last output uncomputed.
function Sequential:forward(x)
  if is_watched() then return one_by_one(self, x) end
  local given <const>, within <const> = x, is_straight(x)
  local ready = within
  for i = self.first, self.last do
    local layer <const> = self[i]
    local way <const> = type(layer) == "table" and layer.straight
    if way and way == layer.forward then
      if not ready then x, ready = straight(x) end
      x = step(layer, x)
    else
      x, ready = layer(ready and settled(x, given) or x), false
    end
  end
  return within and x or settled(x, given)
end

Sequential.straight = Sequential.forward

function Sequential:channels_after(channels)
  for i = self.first, self.last do
    if Module.is(self[i]) then channels = self[i]:channels_after(channels) end
  end
  return channels
end

return Sequential
