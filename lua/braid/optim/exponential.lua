--- The exponential schedule, like PyTorch's ExponentialLR: the factor is gamma ^ step.
-- @usage optim.schedule(opt, optim.exponential(0.95))

local check <const> = require "braid.check"

local OPTIONS <const> = check.declare("optim.exponential", {
  gamma = check.argument(check.number{above = 0}),
})

return function(gamma)
  check.options(OPTIONS, nil, {gamma = gamma})
  return function(step) return gamma ^ step end
end
