--- The warm-up schedule (Goyal et al.: "Accurate, large minibatch SGD", 2017, section 2.2), like
-- PyTorch's LinearLR: the factor grows linearly from `start` to 1 within `steps` steps. After that,
-- the function `after` of another schedule gives the factor; its steps count from 0 again.
-- @usage optim.schedule(opt, optim.warmup(5, {after = optim.cosine(25)}))

local check <const> = require "braid.check"

local OPTIONS <const> = check.declare("optim.warmup", {
  steps = check.argument(check.whole{from = 1}), start = check.number{1 / 3, from = 0, to = 1},
  after = check.call(),
})

return function(steps, given)
  local o <const> = check.options(OPTIONS, given, {steps = steps})
  return function(step, epoch, metrics)
    if step < steps then return o.start + (1 - o.start) * step / steps end
    if not o.after then return 1 end
    return o.after(step - steps, epoch, metrics)
  end
end
