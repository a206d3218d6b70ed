--- The step schedule, like PyTorch's StepLR: the factor is gamma ^ floor(step / size).
-- @usage optim.schedule(opt, optim.step(30, {gamma = 0.1}))

local check <const> = require "braid.check"

local OPTIONS <const> = check.declare("optim.step", {
  size = check.argument(check.whole{from = 1}), gamma = check.number{0.1, above = 0},
})

return function(size, given)
  local o <const> = check.options(OPTIONS, given, {size = size})
  return function(step) return o.gamma ^ (step // size) end
end
