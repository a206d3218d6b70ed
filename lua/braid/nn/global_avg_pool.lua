--- GlobalAvgPool: x (n,c,h,w) -> (n,c), the mean of each channel; x (n,c) is returned unchanged.
-- @usage nn.GlobalAvgPool()(images).shape

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local Module <const> = require "braid.nn.module"

local GlobalAvgPool <const> = class("GlobalAvgPool", Module)
GlobalAvgPool.channelwise = true

function GlobalAvgPool:forward(x) return core.input(x) == 2 and x or x:mean({3, 4}) end

return GlobalAvgPool
