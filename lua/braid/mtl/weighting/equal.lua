--- Equal: the plain sum of the weighted losses, sum_t L_t, as tasks:loss has it. `mean = true`
-- divides by their number.

local base <const> = require "braid.mtl.weigh.base"
local check <const> = require "braid.check"

local Equal <const> = base.by_losses("equal", {mean = check.flag(false)})

function Equal:scale(s) return s:list(self.options.mean and 1 / s.count or 1) end

return Equal
