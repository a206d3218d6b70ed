--- BatchNorm2d: x (n,c,h,w) normalised per channel.
-- @usage nn.BatchNorm2d(64, {momentum = 0.1, eps = 1e-5, affine = true})

local check <const> = require "braid.check"
local class <const> = require "braid.class"

local BatchNorm2d <const> = class("BatchNorm2d", require "braid.nn.batch_norm")
BatchNorm2d.dims = {[4] = true}
BatchNorm2d.options_of = check.declared.BatchNorm1d:called("BatchNorm2d").what

return BatchNorm2d
