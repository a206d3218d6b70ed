--- Dropout: in training, sets each value to 0 with probability p, and multiplies the others by
-- 1 / (1 - p).
-- @usage nn.Dropout(0.5)

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local Module <const> = require "braid.nn.module"

local Dropout <const> = class("Dropout", Module)
Dropout.channelwise = true

local OPTIONS <const> = check.declare("Dropout", {
  p = check.argument(check.number{0.5, from = 0, to = 1}),
})

function Dropout:init(p) self.p = check.options(OPTIONS, nil, {p = p}).p end

function Dropout:forward(x)
  if not self:is_training() then
    if not (type(x) == "table" and x.columns) then core.input(x) end -- a Pair is not a tensor
    return x
  end
  return core.ops.dropout(x, self.p)
end

Dropout.straight = Dropout.forward

function Dropout:describe() return tostring(self.p) end

return Dropout
