--- One cycle (Smith and Topin: "Super-convergence", 2019), in two phases as OneCycleLR of
-- PyTorch: the rate of the optimizer is the highest; it starts at 1 / div_factor of that,
-- reaches it after pct_start of all steps, and ends at the start's / final_div_factor.
-- Step it after every batch.
-- @usage optim.schedule(opt, optim.one_cycle(epochs * batches, {pct_start = 0.3}))

local check <const> = require "braid.check"

local ANNEAL <const> = {
  cos = function(a, b, x) return b + (a - b) / 2 * (1 + math.cos(math.pi * x)) end,
  linear = function(a, b, x) return a + (b - a) * x end,
}

return function(total, given)
  local o <const> = check.options("one_cycle", given,
    {pct_start = 0.3, anneal = "cos", div_factor = 25, final_div_factor = 1e4})
  check.size("one_cycle", "total", total)
  local anneal <const> = ANNEAL[o.anneal]
  if not anneal then
    error(("one_cycle: anneal must be \"cos\" or \"linear\", not \"%s\""):format(
      tostring(o.anneal)), 2)
  end
  local first <const> = 1 / o.div_factor
  local last <const> = first / o.final_div_factor
  local top <const>, ending <const> = o.pct_start * total - 1, total - 1
  return function(step)
    if step >= ending then return last end
    if step <= top then return anneal(first, 1, step / top) end
    return anneal(1, last, (step - top) / (ending - top))
  end
end
