--- Weightings on given gradients J and losses L. The loss of task t is <J_t, p> + L_t, for a
-- parameter p = 0: its gradient is row t of J, and its value is L_t.

local braid <const> = require "braid"
local mtl <const> = braid.mtl

local M <const> = {}

-- Names of T tasks in the order of their rows.
function M.names(count)
  local names <const> = {}
  for i = 1, count do names[i] = ("task%02d"):format(i) end
  return names
end

--- A weighing of `count` tasks. Also returns a function(J, losses) that makes a step, where J is
-- (T,d). It returns the gradient (d), and the coefficients as a list.
function M.weighing(weighting, count, dtype)
  local kinds <const>, names <const> = {}, M.names(count)
  for i = 1, count do kinds[names[i]] = mtl.real{1} end
  local tasks <const> = mtl.tasks(kinds)
  local p
  local weighing <const> = tasks:weigh({braid.zeros(1)}, weighting)
  weighing.parameters = function()
    local given = false
    return function()
      if given then return nil end
      given = true
      return "p", p
    end
  end
  local function losses_at(j, losses)
    local by_task <const> = {}
    for i, name in ipairs(names) do by_task[name] = (j[i] * p):sum() + losses[i] end
    return by_task
  end
  local function step(j, losses)
    p = braid.zeros({j:size(2)}, {dtype = dtype or "float64"}):requires_grad_()
    if not losses then
      losses = {}
      for i = 1, count do losses[i] = 1 end
    end
    weighing:backward(losses_at(j, losses))
    local coefficients <const> = {}
    for i, name in ipairs(names) do coefficients[i] = weighing.coefficients[name] end
    return p.grad, coefficients
  end
  return weighing, step, losses_at, names
end

return M
