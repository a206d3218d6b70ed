--- L-BFGS (Nocedal and Wright, "Numerical optimization", 2006, algorithm 7.4), with PyTorch's
-- steps.
--
-- A step takes a closure that clears the gradients, computes the loss, runs backward and returns
-- the loss. The closure is called up to max_eval times.
-- @usage
-- local line <const> = nn.Linear(3, 1)
-- local opt <const> = optim.LBFGS(line:parameters(), {line_search_fn = "strong_wolfe"})
-- opt:step(function()
--   opt:zero_grad()
--   local loss = F.mse(line(x), y:narrow(2, 1, 1))
--   loss:backward()
--   return loss
-- end)

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local grad <const> = require "braid.grad"
local strong_wolfe <const> = require "braid.optim.strong_wolfe"
local Optimizer <const> = require "braid.optim.optimizer"
local check_tensor <const> = require("braid.optim.state").check_tensor

local LBFGS <const> = class("LBFGS", Optimizer)
LBFGS.state_of_all = true -- a single state, which is kept under the first parameter

local ops <const>, keep <const> = core.ops, core.keep
local number <const>, whole <const>, choice <const> = check.number, check.whole, check.choice

Optimizer.declare(LBFGS, check.declare("LBFGS", {
  lr = number{1, from = 0}, max_iter = whole{20, from = 1}, max_eval = whole{from = 1},
  tolerance_grad = number{1e-7, from = 0}, tolerance_change = number{1e-9, from = 0},
  history_size = whole{100, from = 1}, line_search_fn = check.optional(choice{"strong_wolfe"}),
}))

function LBFGS:init(parameters, given)
  Optimizer.init(self, parameters, given)
  if #self.groups ~= 1 then check.fail("LBFGS: there must be one group of parameters") end
end

function LBFGS.add_group() check.fail("LBFGS: there must be one group of parameters") end

local STATE <const> = check.declare("LBFGS: load_state_dict: parameter 1", {
  n_iter = check.needed(whole{from = 0}), func_evals = check.needed(whole{from = 0}),
  t = number(), scale = number(), ro = check.list{of = number()}, d = check.tensor(),
  last = check.tensor(), changes = check.list{of = check.tensor()},
  moves = check.list{of = check.tensor()},
}, function(s)
  for _, key in ipairs{"changes", "moves"} do
    if #(s[key] or {}) ~= #(s.ro or {}) then return key .. " and ro differ in length" end
  end
end)

--- Checks the single state, which belongs to all parameters and is kept under the first parameter.
function LBFGS:check_state_of(p, _, state, wrong)
  local params <const>, n = self.groups[1].params, 0
  if p ~= params[1] then wrong("its state is not known") end
  for _, each in ipairs(params) do n = n + each:numel() end
  local s <const> = check.options(STATE, state)
  for _, key in ipairs{"d", "last"} do
    if s.n_iter > 0 or s[key] then check_tensor(key, s[key], p.dtype, {n}, wrong) end
  end
  for i = 1, #(s.ro or {}) do
    check_tensor("changes", s.changes[i], p.dtype, {n}, wrong)
    check_tensor("moves", s.moves[i], p.dtype, {n}, wrong)
  end
end

local function dot(a, b) return ops.sum(a * b):item() end
local function largest(t) return ops.max(ops.abs(t)):item() end

-- All gradients as one vector. A parameter that is frozen or has no gradient gives zeros.
local function flat_grad(params)
  local parts <const> = {}
  for i, p in ipairs(params) do
    local g <const> = p.requires_grad and p.grad and p.grad:detach() or core.like(p, p.dtype, 0)
    parts[i] = ops.reshape(g, -1)
  end
  return ops.clone(ops.cat(parts, 1))
end

-- Moves the parameters that train by t along d. Frozen parameters are skipped, although d may still
-- have values for them from earlier steps.
local function move(params, t, d)
  local at = 1
  for _, p in ipairs(params) do
    local n <const> = p:numel()
    if p.requires_grad then
      ops.add_(p, ops.reshape(ops.narrow(d, 1, at, n), p.shape) * t)
    end
    at = at + n
  end
end

-- Adds the last step to the history and returns the next direction, -H g.
local function direction(s, g, size)
  if s.n_iter == 1 then
    s.changes, s.moves, s.ro, s.scale = {}, {}, {}, 1
    return -g
  end
  local y <const>, moved <const> = keep(g - s.last), keep(s.d * s.t)
  local ys <const> = dot(y, moved)
  if ys > 1e-10 then
    if #s.changes == size then
      for _, list in ipairs{s.changes, s.moves, s.ro} do table.remove(list, 1) end
    end
    local n <const> = #s.changes + 1
    s.changes[n], s.moves[n], s.ro[n], s.scale = y, moved, 1 / ys, ys / dot(y, y)
  end
  local al <const> = {}
  local q = -g
  for i = #s.changes, 1, -1 do
    al[i] = dot(s.moves[i], q) * s.ro[i]
    q = q - s.changes[i] * al[i]
  end
  q = q * s.scale
  for i = 1, #s.changes do
    q = q + s.moves[i] * (al[i] - dot(s.changes[i], q) * s.ro[i])
  end
  return q
end

-- Returns a function of t that gives loss and gradient at t along d, and restores the parameters.
local function along(params, d, evaluate)
  local start <const> = {}
  for i, p in ipairs(params) do start[i] = ops.clone(p) end
  return function(t)
    move(params, t, d)
    local loss <const>, g <const> = evaluate()
    for i, p in ipairs(params) do ops.copy_(p, start[i]) end
    return loss, g
  end
end

--- Checks the closure of a step.
local function check_closure(closure)
  if type(closure) == "function" then return end
  check.fail("LBFGS: step wants a function that computes the loss and its gradients, not %s",
    check.shown(closure))
end

-- A value to be closed: if the step fails or is interrupted, it restores the parameters and drops
-- the history of steps, so that the next step begins without one.
local function undone_by_errors(self, params)
  local start <const> = {}
  for i, p in ipairs(params) do start[i] = ops.clone(p) end
  return setmetatable({}, {__close = function(_, failure)
    if failure == nil then return end
    for i, p in ipairs(params) do ops.copy_(p, start[i]) end
    self.state[params[1]], self.steps = nil, self.steps - 1
  end})
end

function LBFGS:step(closure)
  check_closure(closure)
  self:check_groups()
  local _ <close> = grad.no_grad()
  local group <const> = self.groups[1]
  local params <const> = group.params
  local lr <const> = group.lr * group.lr_mult * self.factor
  local max_eval <const> = group.max_eval or group.max_iter * 5 // 4
  local s <const> = self.state[params[1]] or {n_iter = 0, func_evals = 0}
  self.state[params[1]] = s
  self.steps = self.steps + 1
  local _ <close> = undone_by_errors(self, params)

  local function evaluate()
    local _ <close> = core.set_recording(true)
    local loss <const> = closure()
    s.func_evals = s.func_evals + 1
    return core.is_tensor(loss) and loss:item() or loss, flat_grad(params), loss
  end

  local loss, g, first = evaluate()
  local evals = 1
  if largest(g) <= group.tolerance_grad then return first end
  for n = 1, group.max_iter do
    s.n_iter = s.n_iter + 1
    local d <const> = keep(direction(s, g, group.history_size))
    local before <const>, slope <const> = loss, dot(g, d)
    s.t = s.n_iter == 1 and math.min(1, 1 / ops.sum(ops.abs(g)):item()) * lr or lr
    s.d, s.last = d, keep(ops.clone(g))
    if slope > -group.tolerance_change then break end
    if group.line_search_fn then
      local used
      loss, g, s.t, used = strong_wolfe(along(params, d, evaluate), s.t, largest(d), loss, g,
        slope, function(v) return dot(v, d) end,
        {tolerance = group.tolerance_change, most = max_eval - evals})
      evals = evals + used
      move(params, s.t, d)
    else
      move(params, s.t, d)
      if n == group.max_iter then break end
      loss, g = evaluate()
      evals = evals + 1
    end
    if n == group.max_iter or evals >= max_eval or largest(g) <= group.tolerance_grad or
      largest(d) * math.abs(s.t) <= group.tolerance_change or
      math.abs(loss - before) < group.tolerance_change then break end
  end
  return first
end

return LBFGS
