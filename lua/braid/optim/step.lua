--- The step schedule: gamma ^ floor(step / size), as StepLR of PyTorch.
-- @usage optim.schedule(opt, optim.step(30, {gamma = 0.1}))

local check <const> = require "braid.check"

return function(size, given)
  local o <const> = check.options("step", given, {gamma = 0.1})
  check.size("step", "size", size)
  return function(step) return o.gamma ^ (step // size) end
end
