--- The one-cycle schedule (Smith and Topin: "Super-convergence", 2019), with two phases like
-- PyTorch's OneCycleLR.
--
-- The optimizer's learning rate is the highest rate of the cycle. The cycle starts at the highest
-- rate / div_factor, reaches the highest rate after the share pct_start of all steps, and ends at
-- the first rate / final_div_factor. Call schedule:step() after every batch.
-- @usage optim.schedule(opt, optim.one_cycle(30 * 100, {pct_start = 0.3}))

local check <const> = require "braid.check"

-- Goes from a to b, with exact values at both ends.
local ANNEAL <const> = {
  cos = function(a, b, x) return b + (a - b) / 2 * (1 + math.cos(math.pi * x)) end,
  linear = function(a, b, x) return a + (b - a) * x end,
}

local OPTIONS <const> = check.declare("optim.one_cycle", {
  total = check.argument(check.whole{from = 1}), pct_start = check.number{0.3, from = 0, to = 1},
  anneal = check.choice{"cos", "linear"}, div_factor = check.number{25, above = 0},
  final_div_factor = check.number{1e4, above = 0},
})

return function(total, given)
  local o <const> = check.options(OPTIONS, given, {total = total})
  local anneal <const> = ANNEAL[o.anneal]
  local first <const> = 1 / o.div_factor
  local last <const> = first / o.final_div_factor
  local top <const>, ending <const> = o.pct_start * total - 1, total - 1
  local function along(a, b, x)
    if x <= 0 then return a end
    return x >= 1 and b or anneal(a, b, x)
  end
  return function(step)
    if step > ending or step == ending and top < ending then return last end
    if step <= top then return top > 0 and along(first, 1, step / top) or 1 end
    return along(1, last, (step - top) / (ending - top))
  end
end
