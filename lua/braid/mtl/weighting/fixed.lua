--- Fixed: sum_t w_t L_t with given weights; a task without a given weight has weight 1.
-- @usage mtl.weighting.fixed{weights = {smile = 0.3}}

local base <const> = require "braid.mtl.weigh.base"
local check <const> = require "braid.check"

local Fixed <const> = base.by_losses("fixed", {weights = check.needed(base.BY_TASK)})

function Fixed:scale(s)
  s:check_names("mtl.weighting.fixed: weights", self.options.weights)
  return s:by_task(self.options.weights, 1)
end

return Fixed
