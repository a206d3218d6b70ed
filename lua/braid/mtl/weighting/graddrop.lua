--- GradDrop (Chen et al. 2020, "Just pick a sign", algorithm 1): at every element, a random choice
-- keeps the gradients of one sign and drops the gradients of the other sign.
--
-- P = (1 + sum_t g_t / sum_t |g_t|) / 2 (line 5), and U is uniform on (0, 1). Gradients above 0
-- stay if P > U, gradients below 0 if P < U (lines 7, 8). A task's leak, from 0 to 1, is the share
-- of its gradient that is never dropped. U comes from Braid's random numbers.
-- @usage tasks:weigh(net, mtl.weighting.graddrop())

local base <const> = require "braid.mtl.weigh.base"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local ops <const> = core.ops

local Graddrop <const> = base.by_rows("graddrop",
  {leak = check.map(check.number{from = 0, to = 1})}, true)

function Graddrop:combine(s)
  s:check_names("mtl.weighting.graddrop: leak", self.options.leak)
  local g <const> = s.rows
  local size <const> = ops.clamp(ops.sum(ops.abs(g), 1), 1e-38)
  local p <const> = (ops.sum(g, 1) / size + 1) * 0.5
  local u <const> = ops.uniform_(core.new({g:size(2)}, g.dtype), 0, 1)
  local up <const>, down <const> = p:gt(u):to(g.dtype), p:lt(u):to(g.dtype)
  local total
  for i, leak in ipairs(s:by_task(self.options.leak, 0)) do
    local row <const> = ops.select(g, 1, i)
    local kept <const> = up * row:gt(0):to(g.dtype) + down * row:lt(0):to(g.dtype)
    local part <const> = row * (kept * (1 - leak) + leak)
    total = total and total + part or part
  end
  return total
end

return Graddrop
