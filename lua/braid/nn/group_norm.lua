--- GroupNorm (Wu and He 2018): normalises groups of channels of x (n,c,...) by their own statistics
-- in each image.
-- @usage nn.GroupNorm(8, 64, {eps = 1e-5, affine = true})

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local fresh <const> = require "braid.nn.fresh"
local group_norm <const> = require "braid.functional.group_norm"
local Module <const> = require "braid.nn.module"

local argument <const>, flag <const>, number <const> = check.argument, check.flag, check.number
local whole <const> = check.whole

local GroupNorm <const> = class("GroupNorm", Module)

local OPTIONS <const> = check.declare("GroupNorm", {
  groups = argument(whole{from = 1}), channels = argument(whole{from = 1}),
  eps = number{1e-5, above = 0}, affine = flag(true),
}, function(o)
  if o.channels % o.groups ~= 0 then
    return ("groups = %d must divide the %d channels"):format(o.groups, o.channels)
  end
end)

function GroupNorm:init(groups, channels, given)
  local o <const> = check.options(OPTIONS, given, {groups = groups, channels = channels})
  self.groups, self.channels, self.eps = groups, channels, o.eps
  if not o.affine then return end
  self.weight = Module.parameter(fresh(self, {channels}, "float32", 1))
  self.bias = Module.parameter(fresh(self, {channels}, "float32", 0))
end

function GroupNorm:forward(x)
  return (group_norm(x, self.groups, self.weight, self.bias, {eps = self.eps}))
end

function GroupNorm:describe() return ("%d, %d"):format(self.groups, self.channels) end

return GroupNorm
