--- Equal: the sum of the tasks' weighted losses, sum_t L_t, as in tasks:loss. `mean = true` divides
-- it by the number of tasks.
-- @usage
-- local weigh = tasks:weigh(net, mtl.weighting.equal())
-- weigh:backward(tasks:losses(net(batch.image), batch))

local base <const> = require "braid.mtl.weigh.base"
local check <const> = require "braid.check"

local Equal <const> = base.by_losses("equal", {mean = check.flag(false)})

function Equal:scale(s) return s:list(self.options.mean and 1 / s.count or 1) end

return Equal
