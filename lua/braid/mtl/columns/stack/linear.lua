--- The Linear of T columns: x (n, T*in) -> (n, T*out) with weight (T*out, in), as one batched
-- product. An input (n, in) goes to all columns.

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local Linear <const> = require "braid.nn.linear"
local Pair <const> = require "braid.mtl.columns.stack.pair"
local ops <const> = core.ops

local Stacked <const> = class("StackedLinear", Linear)
Stacked.takes_shared = true

function Stacked:forward(x)
  local t <const>, w <const> = self.stack_size, self.weight
  if Pair.is(x) then x = x:whole() end
  if x:size(2) == w:size(2) then return ops.linear(x, w, self.bias) end
  local n <const> = x:size(1)
  local columns <const> = ops.permute(ops.reshape(x, n, t, -1), 2, 1, 3)
  local y <const> = ops.matmul(columns,
    ops.permute(ops.reshape(w, t, self.outputs, -1), 1, 3, 2))
  local flat <const> = ops.reshape(ops.permute(y, 2, 1, 3), n, t * self.outputs)
  return self.bias and flat + self.bias or flat
end

Stacked.straight = Stacked.forward

function Stacked:macs(y) return y:numel() * self.weight:size(2) end

function Stacked:describe() return ("%d x (%s)"):format(self.stack_size, Linear.describe(self)) end

return Stacked
