--- The multistep schedule, like PyTorch's MultiStepLR: at each milestone (a number of steps) the
-- rate is multiplied by gamma.
-- @usage optim.schedule(opt, optim.multistep({30, 80}, {gamma = 0.1}))

local check <const> = require "braid.check"

local OPTIONS <const> = check.declare("optim.multistep", {
  milestones = check.argument(check.list{of = check.whole{from = 0}, least = 1}),
  gamma = check.number{0.1, above = 0},
}, function(o)
  for i = 2, #o.milestones do
    if o.milestones[i] <= o.milestones[i - 1] then
      return ("milestones must rise, %s does not"):format(check.shown(o.milestones))
    end
  end
end)

return function(milestones, given)
  local o <const> = check.options(OPTIONS, given, {milestones = milestones})
  return function(step)
    local reached = 0
    for _, at in ipairs(o.milestones) do
      if step >= at then reached = reached + 1 end
    end
    return o.gamma ^ reached
  end
end
