--- ExcessMTL (He et al. 2024, "Robust multi-task learning with excess risks", algorithm 1): tasks
-- that can still improve much count more.
--
--   e_t = g_t' diag(h_t)^(-1/2) g_t, h_t = the sum of the squares of g_t over all steps (line 5)
--   w_t <- w_t exp(step_size e_t), divided by their sum (lines 6, 7); w = 1 / T at first
-- 1e-7 is added to h. A task's e is divided by its mean over the first `warmup` steps, in which the
-- weights do not change (100; three epochs in the paper's appendix C.1). With warmup = 0, e is
-- divided by its value at the first step, as in the authors' code and torchjd; but the first step
-- itself moves the weights by the undivided e. step_size is 1, as in torchjd.
-- @usage tasks:weigh(net, mtl.weighting.excess())

local base <const> = require "braid.mtl.weigh.base"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local matrix <const> = require "braid.mtl.weigh.matrix"
local ops <const> = core.ops

local Excess <const> = base.by_rows("excess", {step_size = check.number{1, from = 0},
  warmup = check.whole{100, from = 0}})

-- The estimates divided by their first values; nil while these are still being collected.
local function relative(s, gain, warmup)
  local first <const>, steps <const> = s:recall("first"), s:recall("steps", 0)
  local e <const>, waits = {}, false
  for i, x in ipairs(gain) do
    steps[i] = steps[i] + 1
    e[i] = steps[i] > math.max(warmup, 1) and x / (first[i] + 1e-7) or x
    if steps[i] <= warmup then
      first[i] = (first[i] or 0) + x / warmup
      waits = true
    elseif steps[i] == 1 then
      first[i] = x
    end
  end
  s:keep("first", first)
  s:keep("steps", steps)
  return not waits and e or nil
end

function Excess:combine(s)
  local square <const>, h <const> = ops.square(s.rows), s:recall_rows("squares")
  ops.add_(h, square)
  s:keep_rows("squares", h)
  local gain <const> = ops.sum(square / ops.sqrt(h + 1e-7), 2):totable()
  local e <const> = relative(s, gain, self.options.warmup)
  local log_weight = s:recall("log_weight", 0.0)
  if e then
    log_weight = matrix.map(log_weight, function(x, i) return x + self.options.step_size * e[i] end)
    local top <const> = math.max(table.unpack(log_weight)) -- only the ratios of weights count
    s:keep("log_weight", matrix.map(log_weight, function(x) return x - top end))
  end
  local w <const> = matrix.softmax(log_weight)
  return ops.weighted_rows(s.rows, core.from_table(w, s.rows.dtype)), w
end

return Excess
