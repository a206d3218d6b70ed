--- FAMO: fast adaptive multitask optimization (Liu, Feng, Stone and Liu 2023, algorithm 1). All
-- tasks improve at about the same rate, with one backward pass a step.
--
--   line 3  z = softmax(xi)
--   line 4  theta moves along sum_t c z_t / l_t dl_t, c = 1 / sum_t z_t / l_t
--   line 5  xi <- xi - beta (delta + gamma xi),
--           delta = (dz/dxi)' (log l(theta_k) - log l(theta_k+1))
-- l = L - floor + eps, where floor is a lower bound of the loss (0). As in the authors' code, Adam
-- moves xi; beta is its lr, and gamma its weight decay. By default l(theta_k+1) are the losses of
-- the next batch, which costs nothing. update = "same" takes the losses of the same batch, as in
-- the authors' code and torchjd; call weighing:update(outputs, batch) after opt:step().
-- @usage tasks:weigh(net, mtl.weighting.famo())

local adam <const> = require "braid.mtl.weigh.adam"
local base <const> = require "braid.mtl.weigh.base"
local check <const> = require "braid.check"
local matrix <const> = require "braid.mtl.weigh.matrix"

local Famo <const> = base.by_losses("famo", {lr = check.number{0.025, from = 0},
  weight_decay = check.number{1e-3, from = 0}, floor = check.map(check.number{}),
  update = check.choice{"next", "same"}})

local EPS <const> = 1e-8

local function logs(self, s)
  local floor <const> = s:by_task(self.options.floor, 0)
  return matrix.map(s.losses, function(loss, i)
    return math.log(math.max(loss - floor[i] + EPS, EPS))
  end)
end

--- Updates xi from the losses after the step.
function Famo:update(s)
  local xi <const>, before <const> = s:recall("xi", 0.0), s.state.before
  local now <const> = logs(self, s)
  local z <const> = matrix.softmax(xi)
  local fallen <const> = matrix.map(now, function(x, i)
    local was <const> = before and before[s.names[i]]
    return was and was - x or 0
  end)
  local mean <const> = matrix.dot(z, fallen)
  adam(s, "xi", xi, matrix.map(z, function(p, i) return p * (fallen[i] - mean) end), self.options)
end

function Famo:scale(s)
  s:check_names("mtl.weighting.famo: floor", self.options.floor)
  if self.options.update == "next" and s.state.before then self:update(s) end
  local z <const>, l <const> = matrix.softmax(s:recall("xi", 0.0)), logs(self, s)
  s:keep("before", l)
  local parts <const> = matrix.map(z, function(p, i) return p / math.exp(l[i]) end)
  return matrix.scaled(parts, 1 / matrix.sum(parts))
end

return Famo
