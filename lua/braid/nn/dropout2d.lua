--- Dropout2d (Tompson et al. 2015): in training, sets each channel of x (n,c,h,w) to 0 with
-- probability p, and multiplies the others by 1 / (1 - p).
-- @usage nn.Dropout2d(0.1)(images)

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local dropout2d <const> = require "braid.functional.dropout2d"
local Module <const> = require "braid.nn.module"

local Dropout2d <const> = class("Dropout2d", Module)
Dropout2d.channelwise = true

local OPTIONS <const> = check.declare("Dropout2d", {
  p = check.argument(check.number{0.5, from = 0, to = 1}),
})

function Dropout2d:init(p) self.p = check.options(OPTIONS, nil, {p = p}).p end

function Dropout2d:forward(x)
  return (dropout2d(x, self.p, {training = self:is_training()}))
end

function Dropout2d:describe() return tostring(self.p) end

return Dropout2d
