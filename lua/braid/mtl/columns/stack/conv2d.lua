--- The Conv2d of T columns: one grouped convolution with weight (T*o, c, kh, kw).
--
-- If the input has the channels of one column, all columns share it: T*o outputs in one group. For
-- a pair, the weight has two parts: its first channels take x in groups, the rest take z for all
-- columns, because conv([x_t, z]) = conv(x_t) + conv(z).

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local Conv2d <const> = require "braid.nn.conv2d"
local Pair <const> = require "braid.mtl.columns.stack.pair"
local ops <const> = core.ops

local Stacked <const> = class("StackedConv2d", Conv2d)

--- Whether the layer can take an input that all columns share.
Stacked.takes_shared = true

local function options_with(self, groups)
  local o <const> = self.options
  return {stride = o.stride, padding = o.padding, dilation = o.dilation, groups = groups}
end

-- The output for a pair: each column's part in groups, plus the part of z for all.
local function of_pair(self, pair, w, bias)
  local t <const> = self.stack_size
  local c <const> = pair.x:size(2) // t
  local rest <const> = ops.narrow(w, 2, c + 1, pair.z:size(2))
  local own <const> = ops.conv2d(pair.x, ops.narrow(w, 2, 1, c), bias, options_with(self, t))
  return own + ops.conv2d(pair.z, rest, nil, options_with(self, 1))
end

function Stacked:forward(x)
  local t <const>, groups <const> = self.stack_size, self.options.groups
  local w <const>, bias <const> = self.weight, self.bias
  if Pair.is(x) and groups ~= 1 then x = x:whole() end
  if Pair.is(x) then return of_pair(self, x, w, bias) end
  if x:size(2) == w:size(2) * groups then
    if groups == 1 then return ops.conv2d(x, w, bias, self.options) end
    x = ops.repeat_(x, 1, t, 1, 1)
  end
  return ops.conv2d(x, w, bias, options_with(self, groups * t))
end

Stacked.straight = Stacked.forward

function Stacked:macs(y)
  return y:numel() * self.weight:numel() // (self.outputs * self.stack_size)
end

function Stacked:describe() return ("%d x (%s)"):format(self.stack_size, Conv2d.describe(self)) end

return Stacked
