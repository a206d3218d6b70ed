--- PReLU (He, Zhang, Ren and Sun 2015): returns positive values of x (n,c,...) unchanged and
-- multiplies negative ones by a learned slope. There is one slope, or one for each channel.
-- @usage nn.PReLU()   nn.PReLU(64, {start = 0.25})

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local fresh <const> = require "braid.nn.fresh"
local Module <const> = require "braid.nn.module"

local PReLU <const> = class("PReLU", Module)

local OPTIONS <const> = check.declare("PReLU", {
  channels = check.argument(check.whole{1, from = 1}), start = check.number(0.25),
})

function PReLU:init(channels, given)
  if given == nil and type(channels) == "table" then channels, given = nil, channels end
  local o <const> = check.options(OPTIONS, given, {channels = channels})
  self.weight = Module.parameter(fresh(self, {o.channels}, "float32", o.start))
end

function PReLU:forward(x) return core.ops.prelu(x, self.weight) end

PReLU.straight = PReLU.forward

function PReLU:describe() return tostring(self.weight:numel()) end

return PReLU
