--- The multistep schedule: gamma to the number of milestones reached, as MultiStepLR of
-- PyTorch.
-- @usage optim.schedule(opt, optim.multistep({30, 80}, {gamma = 0.1}))

local check <const> = require "braid.check"

return function(milestones, given)
  local o <const> = check.options("multistep", given, {gamma = 0.1})
  if type(milestones) ~= "table" or #milestones == 0 then
    error("multistep: the milestones must be a list of steps", 2)
  end
  return function(step)
    local reached = 0
    for _, at in ipairs(milestones) do
      if step >= at then reached = reached + 1 end
    end
    return o.gamma ^ reached
  end
end
