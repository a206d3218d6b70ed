--- Optimizer: groups of parameters, their state, and a step that changes all of them.
--
-- The learning rate of a group is lr * lr_mult * factor. A schedule sets the factor:
--   opt.factor = optim.cosine(epoch - 1, epochs)
-- A class names the operator of its step in `rule`. Its method `update` returns the operator's
-- arguments for a parameter, except the gradient; a single call then changes all parameters. The
-- state of a parameter is a table of numbers and tensors. A parameter with hints (nn/hints.lua)
-- goes to a group for its hints, right after the group in which the parameter was given.
-- @usage
-- opt:zero_grad()
-- tasks:loss(net(batch.image), batch):backward()
-- opt:step()

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local grad <const> = require "braid.grad"
local hints <const> = require "braid.nn.hints"
local parameters_of <const> = require "braid.optim.parameters"
local state <const> = require "braid.optim.state"

local Optimizer <const> = class("Optimizer")

-- The names of state tensors that a parameter has only with some options of its group.
Optimizer.at_times = {}

local GROUP <const> = {lr_mult = check.number{1, from = 0}, params = check.needed(check.any())}

-- Raises an error for opt.lr = 0.1, which would change nothing, because each group has its own
-- rate.
local function set(self, key, value)
  if self.group_declared.kinds[key] then
    check.fail("%s: an optimizer has no %s of its own, its groups have: opt.groups[1].%s = ...%s",
      self.declared.what, key, key, key == "lr" and "; opt.factor multiplies the rate of all" or "")
  end
  rawset(self, key, value)
end

--- Declares the options of a class. The constructor takes them, and each group may have its own.
function Optimizer.declare(cls, declared)
  cls.declared, cls.group_declared = declared, declared:called(declared.what .. ": group", GROUP)
  cls.__newindex = set
end

local function group_name(self, i) return ("%s: group %d"):format(self.declared.what, i) end

-- A group with checked options. An option that the group does not give has the optimizer's value.
local function group_of(self, i, group, seen)
  local what <const>, own <const> = group_name(self, i), {}
  if type(group) ~= "table" or group.params == nil or check.is_object(group) then
    check.fail("%s must be {params = {...}}, not %s", what, check.shown(group))
  end
  for key, value in pairs(self.defaults) do own[key] = value end
  for key, value in pairs(group) do own[key] = value end
  local filled <const> = check.options(self.group_declared, own, nil, what)
  seen.of = " of group " .. i
  parameters_of.check_trainable(what, filled.params, seen)
  return filled
end

-- Appends the group to `groups`, as one group of parameters without hints and one for each kind of
-- hint. A hint does not replace an option in `given`.
local function add_by_hints(groups, group, given, kinds_known)
  local kinds <const>, plain <const> = {}, {}
  for _, p in ipairs(group.params) do
    local hint <const> = hints.get(p)
    if not hint then
      plain[#plain + 1] = p
    else
      local key <const> = ("%s %s"):format(hint.lr_mult, hint.weight_decay)
      if not kinds[key] then
        kinds[key] = {hint = hint, params = {}}
        kinds[#kinds + 1] = kinds[key]
      end
      table.insert(kinds[key].params, p)
    end
  end
  if #plain > 0 or #kinds == 0 then
    local own <const> = {}
    for key, value in pairs(group) do own[key] = value end
    own.params = plain
    groups[#groups + 1] = own
  end
  for _, kind in ipairs(kinds) do
    local own <const> = {}
    for key, value in pairs(group) do own[key] = value end
    own.params = kind.params
    own.lr_mult = group.lr_mult * (kind.hint.lr_mult or 1)
    if kinds_known.weight_decay and given.weight_decay == nil then
      own.weight_decay = kind.hint.weight_decay or group.weight_decay
    end
    groups[#groups + 1] = own
  end
end

-- `parameters` is a list of tensors, or of groups {params = {...}, lr = ..., lr_mult = ...}.
local function groups_of(self, parameters)
  local name <const> = self.declared.what
  parameters_of.check_list(name, parameters)
  if type(parameters[1]) ~= "table" then
    -- raises the error if it is not a list of tensors
    parameters_of.check_trainable(name, parameters, {})
    parameters = {{params = parameters}}
  end
  local groups <const>, seen <const>, some = {}, {}, false
  for i = 1, #parameters do
    local group <const> = parameters[i]
    local filled <const> = group_of(self, i, group, seen)
    some = some or parameters_of.any_requires_grad(filled.params)
    if self.state_of_all then
      groups[i] = filled
    else
      add_by_hints(groups, filled, group, self.group_declared.kinds)
    end
  end
  if not some then
    check.fail("%s: there is nothing to train: no parameter requires a gradient "
      .. "(net:unfreeze(), or p:requires_grad_())", name)
  end
  return groups
end

-- Notes that this optimizer holds the parameters of the groups from number `first` on. This is the
-- last step, so that nothing is noted after an error.
local function hold(groups, first)
  for i = first, #groups do
    for _, p in ipairs(groups[i].params) do hints.hold(p) end
  end
end

function Optimizer:init(parameters, given)
  self.defaults = check.options(self.declared, given)
  self.groups = groups_of(self, parameters)
  self.state = {}
  self.steps = 0
  self.factor = 1
  hold(self.groups, 1)
  parameters_of.set_current(self)
end

Optimizer.__tostring = function(self)
  local lines <const> = {("%s: %d steps, factor %s"):format(self.declared.what, self.steps,
    check.shown(self.factor))}
  for i, group in ipairs(self.groups) do
    local words <const> = {}
    for _, key in ipairs(check.sorted_keys(group)) do
      if key ~= "params" then
        words[#words + 1] = ("%s = %s"):format(key, check.shown(group[key]))
      end
    end
    lines[i + 1] = ("  group %d: %d parameter%s, %s"):format(i, #group.params,
      #group.params == 1 and "" or "s", table.concat(words, ", "))
  end
  return table.concat(lines, "\n")
end

--- Adds parameters to train: {params = {...}, lr = ..., lr_mult = ...}. Options that are left out
-- have the values that the optimizer was made with.
function Optimizer:add_group(group)
  local seen <const> = {}
  for i, old in ipairs(self.groups) do
    for j, p in ipairs(old.params) do seen[p] = ("parameter %d of group %d"):format(j, i) end
  end
  local new <const> = group_of(self, #self.groups + 1, group, seen)
  local first <const> = #self.groups + 1
  add_by_hints(self.groups, new, group, self.group_declared.kinds)
  hold(self.groups, first)
end

-- All parameters, in the order of the groups.
local function all_parameters(self)
  local list <const> = {}
  for _, group in ipairs(self.groups) do
    table.move(group.params, 1, #group.params, #list + 1, list)
  end
  return list
end

local FACTOR <const> = check.number{from = 0}

--- Checks options of groups that were changed since the last step, and checks that modules still
-- use the parameters.
function Optimizer:check_groups()
  parameters_of.check_current(self.declared.what, self, all_parameters)
  check.value(self.declared.what, "factor", self.factor, FACTOR)
  for i, group in ipairs(self.groups) do
    check.recheck(self.group_declared, group, group_name(self, i))
  end
end

--- A tensor of p's shape and type, filled with a value (default: 0). It outlives the scope in which
-- it is made.
-- @treturn Tensor
function Optimizer.zeros_like(p, value) return core.keep(core.like(p, p.dtype, value or 0)) end

--- Takes a step: changes every parameter that has a gradient. A `closure`, if given, is called
-- first to compute the gradients, and its result is returned.
-- @treturn any the result of the closure
function Optimizer:step(closure)
  if closure ~= nil and type(closure) ~= "function" then
    check.fail("%s: step takes a function or nothing, not %s", self.declared.what,
      check.shown(closure))
  end
  self:check_groups()
  local loss <const> = closure and closure()
  local _ <close> = grad.no_grad()
  self.steps = self.steps + 1
  local updates <const>, states <const> = core.updates(self.rule), self.state
  for _, group in ipairs(self.groups) do
    local lr <const> = group.lr * group.lr_mult * self.factor
    for _, p in ipairs(group.params) do
      if core.has_grad(p) then
        local own = states[p]
        if not own then
          own = self:new_state(p, group)
          states[p] = own
        end
        updates:add(self:update(p, own, group, lr))
      end
    end
  end
  updates:run()
  return loss
end

--- Clears the gradients, so that the next backward pass begins at zero.
function Optimizer:zero_grad()
  for _, group in ipairs(self.groups) do core.clear_grads(group.params) end
end

--- The state: everything that a later run needs to continue (optim/state.lua).
-- @usage local saved = opt:state_dict()
Optimizer.state_dict, Optimizer.load_state_dict = state.state_dict, state.load_state_dict
Optimizer.check_state_of = state.check_state_of

return Optimizer
