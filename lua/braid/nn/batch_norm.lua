--- Batch normalisation (Ioffe and Szegedy 2015): the common part of BatchNorm1d and BatchNorm2d.
-- @usage nn.BatchNorm2d(3)(images)

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local fresh <const> = require "braid.nn.fresh"
local Module <const> = require "braid.nn.module"

local argument <const>, choice <const> = check.argument, check.choice
local either <const>, flag <const>, number <const> = check.either, check.flag, check.number
local whole <const> = check.whole

local BatchNorm <const> = class("BatchNorm", Module)
BatchNorm.channelwise = true
BatchNorm.buffer_names = {running_mean = "statistic", running_var = "statistic",
  num_batches_tracked = "counter"}

local OPTIONS <const> = check.declare("BatchNorm1d", {
  channels = argument(whole{from = 1}), eps = number{1e-5, above = 0}, affine = flag(true),
  momentum = either(number{0.1, from = 0, to = 1}, choice{false}),
})
BatchNorm.options_of = OPTIONS.what -- the name of a class's declared options

--- With momentum = false the running statistics are means over all batches so far, with equal
-- weights.
function BatchNorm:init(channels, given)
  local o <const> = check.options(check.declared[self.options_of], given, {channels = channels})
  self.channels, self.eps, self.momentum = channels, o.eps, o.momentum
  if o.affine then
    self.weight = Module.parameter(fresh(self, {channels}, "float32", 1))
    self.bias = Module.parameter(fresh(self, {channels}, "float32", 0))
  end
  self.running_mean = core.keep(fresh(self, {channels}, "float32", 0))
  self.running_var = core.keep(fresh(self, {channels}, "float32", 1))
  self.num_batches_tracked = core.keep(fresh(self, {}, "int64", 0))
end

function BatchNorm:forward(x)
  local dims <const>, n <const> = self.dims, core.input(x)
  if not dims[n] then
    check.fail("%s: x must have %s, not the shape (%s)", getmetatable(self).__name,
      dims[2] and "shape (n, c) or (n, c, l)" or "shape (n, c, h, w)", table.concat(x.shape, ", "))
  end
  local training <const> = self:is_training()
  local momentum = self.momentum
  if training then
    core.count(self.num_batches_tracked)
    -- the count is the same in all stacked columns
    momentum = momentum or 1 / self.num_batches_tracked:max():item()
  end
  return core.ops.batch_norm(x, self.weight, self.bias, self.running_mean, self.running_var,
    training, momentum or 0, self.eps)
end

--- Whether a batch norm can be stacked. With momentum = false it cannot, because columns may have
-- seen different numbers of batches.
function BatchNorm.can_stack(module) return module.momentum ~= false end

BatchNorm.straight = BatchNorm.forward

function BatchNorm:describe() return tostring(self.running_mean:numel()) end

return BatchNorm
