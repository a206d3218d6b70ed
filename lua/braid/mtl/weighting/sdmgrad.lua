--- SDMGrad (Xiao, Ban and Ji 2023, "Direction-oriented multi-objective learning", algorithm 1):
-- finds weights that make the combined gradient short and stay near a preference.
--
-- The weights w on the simplex move against G (w + lambda w0), where G has the products of the
-- tasks' gradients. They begin where the last step left them. w0 is the preference (1 / T unless
-- given).
--   sampling = "single" (default)  All products come from the step's one batch, as in the authors'
--     code and in torchjd. G is divided by the square of the gradients' mean length. The weights
--     make `steps` (20) moves of rate lr (10) with momentum (0.5). The direction is
--     J' (w + lambda w0) / (1 + lambda).
--   sampling = "double"  The algorithm as printed. Each of `steps` (1) moves draws two independent
--     batches x and x', so that the expectation of the move is the true slope:
--     w <- the simplex's point nearest to w - lr J(x) (J(x')' (w + lambda w0)). A last batch gives
--     the direction J' (w + lambda w0). lr is then 0.1, and momentum 0. A training step takes
--     2 * steps + 1 batches by weighing:gather, which train.fit calls by itself. The last step of
--     an epoch may have fewer batches; it makes one move for each two of them.
-- @usage tasks:weigh(net, mtl.weighting.sdmgrad())

local base <const> = require "braid.mtl.weigh.base"
local check <const> = require "braid.check"
local matrix <const> = require "braid.mtl.weigh.matrix"

local Sdmgrad <const> = base.by_gram("sdmgrad", {lr = check.number{above = 0},
  momentum = check.number{from = 0, below = 1}, steps = check.whole{from = 1},
  lambda = check.number{0.3, from = 0}, preference = base.BY_TASK,
  sampling = check.choice{"single", "double"}}, function(o)
  if o.sampling == "double" and o.on == "representation" then
    return "sampling = \"double\" wants on = \"parameters\": representations of different "
      .. "batches cannot be multiplied with each other"
  end
end)

-- The defaults of options, by sampling.
local USUAL <const> = {single = {lr = 10, momentum = 0.5, steps = 20},
  double = {lr = 0.1, momentum = 0, steps = 1}}

local function setting(self, key) return self.options[key] or USUAL[self.options.sampling][key] end

--- How many independent samples a step takes.
function Sdmgrad:samples()
  return self.options.sampling == "double" and 2 * setting(self, "steps") + 1 or 1
end

-- The products of each move.
local function single(self, s)
  local mean <const> = matrix.sum(matrix.lengths(s.gram)) / s.count
  local a <const>, list <const> = matrix.each(s.gram, function()
    return 1 / (mean * mean + 1e-8)
  end), {}
  for i = 1, setting(self, "steps") do list[i] = a end
  return list
end

local function double(_, s)
  local list <const> = {}
  for i = 1, (#s.sampled - 1) // 2 do list[i] = s:products(2 * i - 1, 2 * i) end
  return list
end

function Sdmgrad:weigh(s)
  local o <const>, is_single <const> = self.options, self.options.sampling == "single"
  s:check_names("mtl.weighting.sdmgrad: preference", o.preference)
  local lr <const>, momentum <const> = setting(self, "lr"), setting(self, "momentum")
  local w0 <const> = s:by_task(o.preference, 1 / s.count)
  local w, velocity = s:recall("w", 1 / s.count), nil
  local function leaning(v) return matrix.map(v, function(x, i) return x + o.lambda * w0[i] end) end
  for _, products in ipairs((is_single and single or double)(self, s)) do
    velocity = matrix.map(matrix.times(products, leaning(w)), function(x, i)
      return velocity and momentum * velocity[i] + x or x
    end)
    w = matrix.onto_simplex(matrix.map(w, function(x, i) return x - lr * velocity[i] end))
  end
  s:keep("w", w)
  return is_single and matrix.scaled(leaning(w), 1 / (1 + o.lambda)) or leaning(w)
end

return Sdmgrad
