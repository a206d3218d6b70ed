--- DualProj (Lopez-Paz and Ranzato 2017, "Gradient episodic memory", equation 11, as torchjd has it
-- for several tasks): the mean gradient, or that of the preference by task, brought to the nearest
-- direction that conflicts with no gradient. Options as of upgrad.

local base <const> = require "braid.mtl.weigh.base"
local cone <const> = require "braid.mtl.weigh.cone"

local Dualproj <const> = base.by_gram("dualproj", cone.options())

function Dualproj:weigh(s)
  return cone.project(s.gram, {cone.preference(self, s)}, self.options)[1]
end

return Dualproj
