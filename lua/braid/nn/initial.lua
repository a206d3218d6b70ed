--- The first values of weights: each function changes a tensor in place and returns it.

local check <const> = require "braid.check"
local folder <const> = require "braid.folder"
local grad <const> = require "braid.grad"

local argument <const>, number <const> = check.argument, check.number

local M <const> = {}

-- The numbers of inputs and outputs of one unit, for a weight (out, in, kernel...).
local function fans(w)
  local shape <const> = w.shape
  if #shape < 2 then
    check.fail("init: a weight needs two dimensions or more, (out, in, ...), not (%s); a bias is "
      .. "set by nn.init.constant or uniform", table.concat(shape, ", "))
  end
  local area = 1
  for d = 3, #shape do area = area * shape[d] end
  return shape[2] * area, shape[1] * area
end

--- The type of a layer's tensors: float64 if `like` (such as its first input) has that type,
-- otherwise float32.
-- @usage nn.init.dtype(x)
function M.dtype(like)
  return like and like.dtype == "float64" and "float64" or "float32"
end

-- Declares nn.init.<name>(w, ...), which calls f without gradients. `keys` are the names of the
-- arguments after w, and `kinds` their kinds.
local function quietly(name, keys, kinds, f, relation)
  kinds.w = argument(check.tensor())
  local arguments <const> = check.declare("init." .. name, kinds, relation)
  M[name] = function(w, a, b)
    local given <const> = {w = w, [keys[1]] = a}
    if keys[2] then given[keys[2]] = b end
    local o <const> = check.options(arguments, nil, given)
    local _ <close> = grad.no_grad()
    return f(w, o[keys[1]], o[keys[2]])
  end
end

--- Random numbers from low (0) to high (1), all equally likely.
-- @usage nn.init.uniform(nn.Linear(3, 4).weight, -0.1, 0.1)
quietly("uniform", {"low", "high"}, {low = argument(number(0)), high = argument(number(1))},
  function(w, low, high) return w:uniform_(low, high) end, function(o)
    if o.low > o.high then return ("low = %s lies above high = %s"):format(o.low, o.high) end
  end)
--- Random normal numbers of the given mean (0) and standard deviation (1).
-- @usage nn.init.normal(nn.Linear(3, 4).weight, 0, 0.01)
quietly("normal", {"mean", "std"},
  {mean = argument(number(0)), std = argument(number{1, from = 0})},
  function(w, mean, std) return w:normal_(mean, std) end)
--- Sets all elements to one value.
-- @usage nn.init.constant(nn.Linear(3, 4).bias, 0)
quietly("constant", {"value"}, {value = argument(number())},
  function(w, value) return w:fill_(value) end)

local GAIN <const>, HE <const> = {"gain"}, math.sqrt(2)

--- Glorot and Bengio 2010: uniform numbers of variance 2 / (in + out).
-- @usage nn.init.xavier_uniform(nn.Linear(3, 4).weight)
quietly("xavier_uniform", GAIN, {gain = argument(number{1, from = 0})}, function(w, gain)
  local fan_in <const>, fan_out <const> = fans(w)
  local bound <const> = gain * math.sqrt(6 / (fan_in + fan_out))
  return w:uniform_(-bound, bound)
end)

--- He, Zhang, Ren and Sun 2015, for ReLU: uniform numbers of variance 2 / in.
-- @usage nn.init.kaiming_uniform(nn.Linear(3, 4).weight)
quietly("kaiming_uniform", GAIN, {gain = argument(number{HE, from = 0})}, function(w, gain)
  local bound <const> = gain * math.sqrt(3 / (fans(w)))
  return w:uniform_(-bound, bound)
end)

--- He, Zhang, Ren and Sun 2015, for ReLU: normal numbers of variance 2 / in.
-- @usage nn.init.kaiming_normal(nn.Linear(3, 4).weight)
quietly("kaiming_normal", GAIN, {gain = argument(number{HE, from = 0})}, function(w, gain)
  return w:normal_(0, gain / math.sqrt((fans(w))))
end)

--- PyTorch's first values of a Linear or Conv2d: weight and bias are uniform from -1 / sqrt(in) to
-- 1 / sqrt(in).
-- @usage nn.init.default(nn.Linear(3, 4).weight)
function M.default(weight, bias)
  M.kaiming_uniform(weight, math.sqrt(1 / 3))
  if bias then
    local bound <const> = 1 / math.sqrt((fans(weight)))
    M.uniform(bias, -bound, bound)
  end
end

return folder.named(M, "nn.init", function() end, function() return check.sorted_keys(M) end)
