--- mtl.task_rates: a learning rate for each task. For the parameters of a single task (its column
-- and head) the optimizer's rate is multiplied by the task's number, or its function of the epoch
-- (from 1). Shared parameters have the optimizer's rate. The columns must be in a list: call
-- net:unstack() if they are stacked.
-- @usage
-- local rates <const> = mtl.task_rates(net, {smile = function(e) return 0.9 ^ e end})
-- local opt <const> = optim.Adam(rates:groups(), {lr = 1e-3})
-- for epoch = 1, 3 do
--   rates:set(opt, epoch)           -- and then the steps of the epoch
-- end

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local Module <const> = require "braid.nn.module"

local Rates <const> = class("task_rates")

local RATE <const> = check.number{from = 0}
local OPTIONS <const> = check.declare("mtl.task_rates", {
  net = check.argument(check.kind("a network", Module.is)),
  rates = check.argument(check.map(check.either(RATE, check.call()))),
})
local EPOCH <const> = check.whole{from = 0}

-- The task that a parameter of this name belongs to, or nil if it is shared.
local function task_of(net, name)
  local part <const>, owner <const> = name:match("^(%w+)%.([^.]+)")
  if (part == "columns" or part == "head") and net.tasks and net.tasks[owner] then return owner end
end

--- rates: {task = number or function(epoch)}
function Rates:init(net, rates)
  local o <const> = check.options(OPTIONS, nil, {net = net, rates = rates})
  self.net, self.rates = o.net, o.rates
end

--- Groups of parameters for an optimizer: one for each task that has a rate, and one for the rest.
function Rates:groups()
  local groups <const>, own <const> = {{params = {}}}, {}
  for name, p in self.net:named_parameters() do
    local task <const> = task_of(self.net, name)
    local place = 1
    if task and self.rates[task] then
      place = own[task] or #groups + 1
      own[task], groups[place] = place, groups[place] or {params = {}}
    end
    table.insert(groups[place].params, p)
  end
  for _, task in ipairs(check.sorted_keys(self.rates)) do
    if self.net.tasks and not self.net.tasks[task] then
      check.fail("mtl.task_rates: rates: there is no task '%s'; %s", task,
        check.nearest(task, self.net.tasks.names))
    elseif not own[task] then
      check.fail("mtl.task_rates: task '%s' has no parameter of its own, neither a column nor a "
        .. "head", task)
    end
  end
  if #groups[1].params == 0 then table.remove(groups, 1) end
  return groups
end

--- Sets the rates of an optimizer's groups for an epoch. A parameter's own lr_mult still counts.
function Rates:set(opt, epoch)
  check.value("mtl.task_rates: set", "the epoch", epoch, EPOCH)
  if type(opt) ~= "table" or not opt.groups then
    check.fail("mtl.task_rates: set: wants an optimizer of the groups, not %s", check.shown(opt))
  end
  local task <const> = {}
  for name, p in self.net:named_parameters() do task[p] = task_of(self.net, name) end
  for _, group in ipairs(opt.groups) do
    local name <const> = task[group.params[1]]
    local rate = name and self.rates[name]
    if type(rate) == "function" then rate = rate(epoch) end
    if rate then
      group.lr_mult = check.value("mtl.task_rates: set", "the rate of " .. name, rate, RATE)
    end
  end
end

return Rates
