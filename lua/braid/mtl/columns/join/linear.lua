--- Linear of T columns: x (n, T*in) -> (n, T*out) with weight (T*out, in), as one batched
-- product; an input (n, in) is that of all columns.

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local Linear <const> = require "braid.nn.linear"
local Pair <const> = require "braid.mtl.columns.join.pair"
local ops <const> = core.ops

local Joined <const> = class("JoinedLinear", Linear)
Joined.takes_shared = true

function Joined:forward(x)
  local t <const>, w <const> = self.towers, self.weight
  if Pair.is(x) then x = x:whole() end
  if x:size(2) == w:size(2) then return ops.linear(x, w, self.bias) end
  local n <const> = x:size(1)
  local towers <const> = ops.permute(ops.reshape(x, n, t, -1), 2, 1, 3)
  local y <const> = ops.matmul(towers,
    ops.permute(ops.reshape(w, t, self.outputs, -1), 1, 3, 2))
  local flat <const> = ops.reshape(ops.permute(y, 2, 1, 3), n, t * self.outputs)
  return self.bias and flat + self.bias or flat
end

Joined.straight = Joined.forward

function Joined:macs(y) return y:numel() * self.weight:size(2) end

function Joined:describe() return ("%d x (%s)"):format(self.towers, Linear.describe(self)) end

return Joined
