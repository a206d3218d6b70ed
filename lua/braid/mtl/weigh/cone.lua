--- Projects sums of gradients onto the cone of directions that conflict with no gradient, for the
-- weightings upgrad and dualproj.

local base <const> = require "braid.mtl.weigh.base"
local check <const> = require "braid.check"
local matrix <const> = require "braid.mtl.weigh.matrix"

local M <const> = {}

--- The options of both weightings.
function M.options()
  return {preference = base.BY_TASK, regularize = check.number{1e-4, from = 0},
    norm_eps = check.number{0, from = 0}}
end

--- The weights of the gradients before the projection.
function M.preference(self, s)
  local o <const> = self.options
  s:check_names(self.declared.what .. ": preference", o.preference)
  return s:by_task(o.preference, 1 / s.count)
end

--- For each u, finds the v >= u with the least v' G v. It is u + x for the x >= 0 with the least
-- x' G x / 2 + (G u)' x.
function M.project(gram, us, o)
  local trace <const> = matrix.trace(gram)
  local by <const> = trace > 0 and trace >= o.norm_eps and 1 / trace or 0
  local g <const> = matrix.each(gram, function() return by end)
  for i = 1, #g do g[i][i] = g[i][i] + o.regularize end
  local qs <const> = {}
  for i, u in ipairs(us) do qs[i] = matrix.times(g, u) end
  local out <const> = matrix.nonnegative(g, qs)
  for i, u in ipairs(us) do
    for j, x in ipairs(u) do out[i][j] = out[i][j] + x end
  end
  return out
end

return M
