--- Makes the parts of a stage of training from the options of train.fit: optimizer, schedule,
-- averages.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local optim <const> = require "braid.optim"
local task_rates <const> = require "braid.mtl.task_rates"

local M <const> = {}

-- ---- optimizers -----------------------------------------------------------------------

local function of_name(name)
  local found = name
  if type(name) == "string" then found = optim[name] end -- an unknown name is an error
  if not (class.is_class(found) and found.declared) then
    check.fail("train.fit: optimizer: %s is not an optimizer", type(name) == "string"
      and "optim." .. name or check.shown(name))
  end
  return found
end

-- The optimizer as text for a run's config.json.
local function described(opt)
  local text <const> = tostring(opt):gsub(": %d+ steps, factor %S+", "", 1)
  return text
end

-- Raises an error if an optimizer has none of the network's parameters.
local function check_parameters(net, opt)
  local own <const> = {}
  for _, p in ipairs(net:parameters()) do own[p] = true end
  for _, group in ipairs(opt.groups or {}) do
    for _, p in ipairs(group.params) do
      if own[p] then return end
    end
  end
  check.fail("train.fit: optimizer: it has no parameter of net; make it with net:parameters(), "
    .. "after all calls that change the network")
end

--- Makes the optimizer of a stage.
function M.optimizer(net, o, rates)
  local given <const> = o.optimizer or "Adam"
  local opt
  if type(given) == "function" then
    opt = given(net)
  elseif type(given) == "table" and not class.is_class(given) and given.groups then
    opt = given
  else
    local listed <const> = type(given) == "table" and not class.is_class(given)
    local name <const>, options <const> = listed and given[1] or given, {}
    for key, value in pairs(listed and given or {}) do
      if key ~= 1 then options[key] = value end
    end
    options.lr = o.lr or options.lr
    local grouped <const> = next(rates) and task_rates(net, rates):groups() or net:parameters()
    return of_name(name)(grouped, options)
  end
  if type(opt) ~= "table" or not opt.step or not opt.groups and not opt.optimizer then
    check.fail("train.fit: optimizer: the function must return an optimizer, not %s",
      check.shown(opt))
  end
  check_parameters(net, opt.groups and opt or opt.optimizer)
  if o.lr then
    check.fail("train.fit: lr has no effect on an optimizer that is already made: give lr to the "
      .. "optimizer")
  end
  if next(rates) then
    check.fail("train.fit: rates wants the optimizer by name, such as {\"AdamW\", lr = 1e-3}, "
      .. "because fit makes a group of parameters for each task")
  end
  return opt
end

M.described = described

--- Whether an optimizer's step needs a function that computes the loss (L-BFGS).
function M.wants_closure(opt) return class.is_a(opt, optim.LBFGS) end

--- Sets the tasks' factors of the learning rate at the beginning of an epoch.
function M.set_rates(net, opt, rates, epoch)
  if next(rates) then task_rates(net, rates):set(opt, epoch) end
end

--- The settings of an optimizer's groups, as numbers and lists by name.
function M.settings(opt)
  local list <const> = {}
  for i, group in ipairs((opt.groups and opt or opt.optimizer).groups) do
    list[i] = {}
    for key, value in pairs(group) do
      if key ~= "params" then list[i][key] = value end
    end
  end
  return list
end

--- Sets the settings of an optimizer's groups.
function M.set(opt, settings)
  for i, group in ipairs((opt.groups and opt or opt.optimizer).groups) do
    for key, value in pairs(settings[i] or {}) do group[key] = value end
  end
end

-- ---- schedules ------------------------------------------------------------------------

-- The schedules that have a name; each is made for a number of steps.
local NAMED <const> = {
  constant = function() return function() return 1 end end,
  cosine = function(steps) return optim.cosine(steps) end,
  linear = function(steps) return optim.poly(steps, {power = 1}) end,
}

--- Makes the schedule of a stage of `steps` steps, with `per_epoch` steps in an epoch. The second
-- result tells whether the schedule counts in "step" or "epoch". A plateau schedule uses `metric`.
function M.schedule(opt, o, steps, per_epoch, metric)
  local given <const>, warm = o.schedule or "constant", o.warmup or 0
  warm = type(warm) == "table" and warm.steps or math.floor(warm * per_epoch + 0.5)
  if warm > steps then
    check.fail("train.fit: warmup: %d steps of warmup are more than all %d steps", warm, steps)
  end
  local plateau <const> = class.is_a(given, optim.plateau)
  if plateau and given.options.mode ~= (metric and metric.direction or "min") then
    check.fail("train.fit: schedule: optim.plateau{mode = \"%s\"} follows %s, where %s is better; "
      .. "change its mode", given.options.mode, metric and metric.path or "the loss",
      metric and metric.direction == "max" and "more" or "less")
  end
  local by = plateau and "epoch" or "step"
  local f = given
  if type(given) == "string" then
    f = NAMED[given](math.max(1, steps - warm))
  elseif type(given) == "table" and getmetatable(given) == nil then
    f, by = given[1], given.by or by
  end
  if by == "epoch" and warm > 0 then
    check.fail("train.fit: warmup counts steps, so it does not work with a schedule by epochs "
      .. "(optim.plateau)")
  end
  if warm > 0 then f = optim.warmup(warm, {start = 1 / (warm + 1), after = f}) end
  local inner <const> = opt.groups and opt or opt.optimizer -- mtl.ttc_update holds another one
  return optim.schedule(inner, f, {epoch_steps = by == "step" and per_epoch or nil}), by
end

-- ---- averages -------------------------------------------------------------------------

-- How averages are used: for how many batches batch norm's statistics are computed again, the first
-- epoch whose weights count, and whether weights are added after each step or each epoch.
local AVERAGES <const> = check.declare("train.fit: ema", {
  recompute = check.either(check.flag(), check.whole{from = 1}), from = check.whole{1, from = 1},
  by = check.choice{"step", "epoch"},
})

--- The optim.EMA of the network and {recompute = a number of batches or nil, from =, by =}, or nil.
function M.ema(net, o)
  if not o.ema then return nil end
  local own <const>, others <const> = {}, {}
  for key, value in pairs(type(o.ema) == "table" and o.ema or {decay = o.ema}) do
    if AVERAGES.kinds[key] then own[key] = value else others[key] = value end
  end
  local use <const> = check.options(AVERAGES, own)
  if use.recompute == true then use.recompute = math.maxinteger end
  use.recompute = use.recompute or nil
  return optim.EMA(net, others), use
end

return M
