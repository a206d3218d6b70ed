--- InstanceNorm2d (Ulyanov, Vedaldi and Lempitsky 2016): normalises every channel of every image of
-- x (n,c,h,w) by its own statistics, both in training and in evaluation.
-- @usage nn.InstanceNorm2d(64, {eps = 1e-5, affine = false})

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local fresh <const> = require "braid.nn.fresh"
local instance_norm <const> = require "braid.functional.instance_norm"
local Module <const> = require "braid.nn.module"

local argument <const>, flag <const>, number <const> = check.argument, check.flag, check.number
local whole <const> = check.whole

local InstanceNorm2d <const> = class("InstanceNorm2d", Module)

local OPTIONS <const> = check.declare("InstanceNorm2d", {
  channels = argument(whole{from = 1}), eps = number{1e-5, above = 0}, affine = flag(false),
})

function InstanceNorm2d:init(channels, given)
  local o <const> = check.options(OPTIONS, given, {channels = channels})
  self.channels, self.eps = channels, o.eps
  if not o.affine then return end
  self.weight = Module.parameter(fresh(self, {channels}, "float32", 1))
  self.bias = Module.parameter(fresh(self, {channels}, "float32", 0))
end

function InstanceNorm2d:forward(x)
  if core.input(x) ~= 4 or x.shape[2] ~= self.channels then
    check.fail("InstanceNorm2d: x must have shape (n, %d, h, w), not (%s)", self.channels,
      table.concat(x.shape, ", "))
  end
  return (instance_norm(x, self.weight, self.bias, {eps = self.eps}))
end

function InstanceNorm2d:describe() return tostring(self.channels) end

return InstanceNorm2d
