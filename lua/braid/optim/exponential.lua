--- The exponential schedule: gamma ^ step, as ExponentialLR of PyTorch.
-- @usage optim.schedule(opt, optim.exponential(0.95))

return function(gamma)
  if type(gamma) ~= "number" or not (gamma > 0) then
    error("exponential: gamma must be a number above 0, not " .. tostring(gamma), 2)
  end
  return function(step) return gamma ^ step end
end
