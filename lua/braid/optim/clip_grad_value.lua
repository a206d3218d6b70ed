--- Clamps every entry of every gradient to -limit .. limit, as clip_grad_value_ of PyTorch.
-- @return the largest absolute entry before
-- @usage optim.clip_grad_value(net:parameters(), 0.5)

local core <const> = require "braid.core"
local grad <const> = require "braid.grad"

local ops <const> = core.ops

return function(parameters, limit)
  if type(limit) ~= "number" or not (limit >= 0) then
    error("clip_grad_value: the limit must be a number from 0, not " .. tostring(limit), 2)
  end
  if core.is_tensor(parameters) then parameters = {parameters} end
  local _ <close> = grad.no_grad()
  local largest = 0
  for _, x in ipairs(parameters) do
    local g <const> = x.grad
    if g and g:numel() > 0 then
      local size <const> = ops.max(ops.abs(g)):item()
      if size > largest or size ~= size then largest = size end
      ops.clamp_(g, -limit, limit)
    end
  end
  return largest
end
