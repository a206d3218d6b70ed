--- BatchNorm1d: x (n,c) or (n,c,l) normalised per channel.
-- @usage nn.BatchNorm1d(64, {momentum = 0.1, eps = 1e-5, affine = true})

local class <const> = require "braid.class"

local BatchNorm1d <const> = class("BatchNorm1d", require "braid.nn.batch_norm")
BatchNorm1d.dims = {[2] = true, [3] = true}

return BatchNorm1d
