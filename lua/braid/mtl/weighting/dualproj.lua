--- DualProj (Lopez-Paz and Ranzato 2017, "Gradient episodic memory", equation 11, in torchjd's form
-- for several tasks): projects the mean gradient, or the mean weighted by the preference by task,
-- to the nearest direction that conflicts with no gradient. The options are the same as upgrad's.
-- @usage tasks:weigh(net, mtl.weighting.dualproj())

local base <const> = require "braid.mtl.weigh.base"
local cone <const> = require "braid.mtl.weigh.cone"

local Dualproj <const> = base.by_gram("dualproj", cone.options())

function Dualproj:weigh(s)
  return cone.project(s.gram, {cone.preference(self, s)}, self.options)[1]
end

return Dualproj
