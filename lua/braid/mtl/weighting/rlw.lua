--- Random loss weighting (Lin, Ye, Zhang and Tsang 2022, "Reasonable effectiveness of random
-- weighting"): new weights in every step, the softmax of standard normal numbers (section 3.1, the
-- normal case). Their sum is 1. They come from Braid's random stream.
-- @usage tasks:weigh(net, mtl.weighting.rlw())

local base <const> = require "braid.mtl.weigh.base"
local draw <const> = require "braid.mtl.weigh.draw"
local matrix <const> = require "braid.mtl.weigh.matrix"

local Rlw <const> = base.by_losses("rlw")

function Rlw.scale(_, s) return matrix.softmax(draw.normal(s.count)) end

return Rlw
