--- Scales all gradients so that their norm, taken as one vector, is at most max_norm (Pascanu,
-- Mikolov and Bengio 2013), like PyTorch's clip_grad_norm_. This limits the step after a batch with
-- very large gradients.
--
-- Options: norm_type (2), the p of the p-norm, which may be math.huge; error_if_nonfinite (false),
-- true to raise an error if the norm is infinite or NaN.
-- @treturn number the norm before scaling
-- @usage
-- tasks:loss(net(batch.image), batch):backward()
-- optim.clip_grad_norm(net:parameters(), 1)
-- opt:step()

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local grad <const> = require "braid.grad"
local parameters <const> = require "braid.optim.parameters"

local ops <const> = core.ops

-- The norm of one gradient, in double precision.
local function norm_of(g, p)
  local a <const> = ops.abs(g:to("float64"))
  if g:numel() == 0 then return 0 end
  if p == math.huge then return ops.max(a):item() end
  if p == 2 then return math.sqrt(ops.sum(ops.square(a)):item()) end
  return ops.sum(ops.pow(a, p)):item() ^ (1 / p)
end

local OPTIONS <const> = check.declare("clip_grad_norm", {
  max_norm = check.argument(check.number{from = 0, infinite = true}),
  norm_type = check.number{2, above = 0, infinite = true}, error_if_nonfinite = check.flag(false),
})

return function(given_parameters, max_norm, given)
  local o <const> = check.options(OPTIONS, given, {max_norm = max_norm})
  local list <const> = parameters.tensors("clip_grad_norm", given_parameters)
  local _ <close> = grad.no_grad()
  local p <const>, total = o.norm_type, 0
  for _, x in ipairs(list) do
    local size <const> = x.grad and norm_of(x.grad, p) or 0
    if p == math.huge then
      total = (size > total or size ~= size) and size or total
    else
      total = total + size ^ p
    end
  end
  if p ~= math.huge then total = total ^ (1 / p) end
  if o.error_if_nonfinite and not (total < math.huge) then
    check.fail("clip_grad_norm: the norm of the gradients is %s, which nothing can be scaled to; "
      .. "local _ <close> = braid.detect_anomaly() names the operator that made it",
      check.shown(total))
  end
  local scale <const> = max_norm / (total + 1e-6)
  if not (scale >= 1) then
    for _, x in ipairs(list) do
      if x.grad then ops.mul_(x.grad, scale) end
    end
  end
  return total
end
