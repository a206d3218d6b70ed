--- First values of weights. All work in place and return their tensor.

local grad <const> = require "braid.grad"

local M <const> = {}

-- The connections into and out of one unit of a weight (out, in, kernel...).
local function fans(w)
  local shape <const> = w.shape
  if #shape < 2 then
    error(("init: a weight needs two dimensions or more, not (%s)"):format(
      table.concat(shape, ", ")), 3)
  end
  local area = 1
  for d = 3, #shape do area = area * shape[d] end
  return shape[2] * area, shape[1] * area
end

--- That of a layer's tensors: float64 if its first input, or anything else, is, or float32.
function M.dtype(like)
  return like and like.dtype == "float64" and "float64" or "float32"
end

local function quietly(f)
  return function(w, ...)
    local _ <close> = grad.no_grad()
    return f(w, ...)
  end
end

M.uniform = quietly(function(w, low, high) return w:uniform_(low, high) end)
M.normal = quietly(function(w, mean, std) return w:normal_(mean, std) end)
M.constant = quietly(function(w, value) return w:fill_(value) end)

--- Glorot and Bengio 2010: variance 2 / (in + out).
M.xavier_uniform = quietly(function(w, gain)
  local fan_in <const>, fan_out <const> = fans(w)
  local bound <const> = (gain or 1) * math.sqrt(6 / (fan_in + fan_out))
  return w:uniform_(-bound, bound)
end)

--- He, Zhang, Ren and Sun 2015, for ReLU: variance 2 / in.
M.kaiming_uniform = quietly(function(w, gain)
  local bound <const> = (gain or math.sqrt(2)) * math.sqrt(3 / (fans(w)))
  return w:uniform_(-bound, bound)
end)

M.kaiming_normal = quietly(function(w, gain)
  return w:normal_(0, (gain or math.sqrt(2)) / math.sqrt((fans(w))))
end)

--- What PyTorch gives a Linear or Conv2d: uniform within 1 / sqrt(in), the bias too.
function M.default(weight, bias)
  M.kaiming_uniform(weight, math.sqrt(1 / 3))
  if bias then
    local bound <const> = 1 / math.sqrt((fans(weight)))
    M.uniform(bias, -bound, bound)
  end
end

return M
