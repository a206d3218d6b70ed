--- Clamps every entry of every gradient to -limit .. limit, like PyTorch's clip_grad_value_.
-- @treturn number the largest absolute entry before clamping
-- @usage optim.clip_grad_value(net:parameters(), 0.5)

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local grad <const> = require "braid.grad"
local parameters <const> = require "braid.optim.parameters"

local ops <const> = core.ops

local OPTIONS <const> = check.declare("clip_grad_value", {
  limit = check.argument(check.number{from = 0, infinite = true}),
})

return function(given, limit)
  check.options(OPTIONS, nil, {limit = limit})
  local list <const> = parameters.tensors("clip_grad_value", given)
  local _ <close> = grad.no_grad()
  local largest = 0
  for _, x in ipairs(list) do
    local g <const> = x.grad
    if g and g:numel() > 0 then
      local size <const> = ops.max(ops.abs(g)):item()
      if size > largest or size ~= size then largest = size end
      ops.clamp_(g, -limit, limit)
    end
  end
  return largest
end
