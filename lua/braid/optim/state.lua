--- The state of an optimizer: everything that a later run needs to continue. It is saved, checked
-- and loaded here. The functions are methods of Optimizer.

local core <const> = require "braid.core"
local copied <const> = require "braid.copied"
local check <const> = require "braid.check"
local grad <const> = require "braid.grad"

local M <const> = {}

local function as_it_is(t) return t end

--- Everything that a later run needs to continue: {steps, factor, groups = {{lr = ..., params =
-- {1, 2}}}, state = {[1] = {...}}}. Parameters are given by number, counted over all groups. The
-- tensors are the optimizer's own, not copies.
function M:state_dict()
  local groups <const>, state <const> = {}, {}
  local at = 0
  for i, group in ipairs(self.groups) do
    local options <const>, places <const> = {}, {}
    for key, value in pairs(group) do
      if key ~= "params" then options[key] = copied(value, as_it_is) end
    end
    for j, p in ipairs(group.params) do
      at = at + 1
      places[j], state[at] = at, copied(self.state[p], as_it_is)
    end
    options.params = places
    groups[i] = options
  end
  return {steps = self.steps, factor = self.factor, groups = groups, state = state}
end

local NUMBER <const>, STEPS <const> = check.number{from = 0}, check.whole{from = 0}

-- Raises an error if a value is not a finite tensor of this type and shape.
local function check_tensor(key, value, dtype, shape, wrong)
  if not core.is_tensor(value) then
    wrong("'%s' must be a tensor, not %s", key, check.shown(value))
  end
  local wanted <const>, there <const> = table.concat(shape, ", "), table.concat(value.shape, ", ")
  if there ~= wanted or value.dtype ~= dtype then
    wrong("'%s' must be %s (%s), not %s (%s)", key, dtype, wanted, value.dtype, there)
  end
  local _ <close> = grad.no_grad()
  if not core.ops.all(core.ops.lt(core.ops.abs(value), math.huge)):item() then
    wrong("'%s' has values that are not finite", key)
  end
end
M.check_tensor = check_tensor

-- Checks the state of one parameter: it must have the fields of a new state, finite numbers, and
-- tensors of the parameter's shape.
function M:check_state_of(p, group, state, wrong)
  local fresh <const> = self:new_state(core.new({0}, p.dtype), group)
  for _, key in ipairs(check.sorted_keys(fresh)) do
    local value <const> = state[key]
    if not core.is_tensor(fresh[key]) then
      if not NUMBER.accepts(value) then wrong("'%s' is %s", key, check.shown(value)) end
    else
      check_tensor(key, value, p.dtype, p.shape, wrong)
    end
  end
  for _, key in ipairs(check.sorted_keys(state)) do
    if fresh[key] == nil then
      if not self.at_times[key] then wrong("'%s' is not known", key) end
      check_tensor(key, state[key], p.dtype, p.shape, wrong)
    end
  end
end

-- Checks the dictionary's groups against the optimizer's, and its tensors against the parameters.
local function check_state(self, dict)
  local name <const> = self.declared.what
  local function wrong(...) check.fail("%s: load_state_dict: %s", name, string.format(...)) end
  if type(dict) ~= "table" or type(dict.groups) ~= "table" or type(dict.state) ~= "table" then
    wrong("this is not the state of an optimizer: %s", check.shown(dict))
  end
  check.value(name .. ": load_state_dict", "steps", dict.steps, STEPS)
  check.value(name .. ": load_state_dict", "factor", dict.factor, NUMBER)
  if #dict.groups ~= #self.groups then
    wrong("it has %d groups, the optimizer %d", #dict.groups, #self.groups)
  end
  local at = 0
  for i, group in ipairs(self.groups) do
    local there <const> = dict.groups[i]
    if type(there) ~= "table" or type(there.params) ~= "table" then
      wrong("group %d is %s, not a table with params", i, check.shown(there))
    end
    if #there.params ~= #group.params then
      wrong("group %d has %d parameters, the optimizer's %d", i, #there.params, #group.params)
    end
    check.options(self.group_declared, there, nil,
      ("%s: load_state_dict: group %d"):format(name, i))
    for _, p in ipairs(group.params) do
      at = at + 1
      local state <const> = dict.state[at]
      if state ~= nil then
        local function bad(...) wrong("parameter %d: %s", at, string.format(...)) end
        if type(state) ~= "table" then bad("its state is %s", check.shown(state)) end
        self:check_state_of(p, there, state, bad)
      end
    end
  end
  for key in pairs(dict.state) do
    if math.type(key) ~= "integer" or key < 1 or key > at then
      wrong("it has a state for parameter %s, of %d", check.shown(key), at)
    end
  end
end

--- Continues from a result of state_dict. The optimizer must have its parameters in the same order.
-- The tensors are copied.
function M:load_state_dict(dict)
  check_state(self, dict)
  local _ <close> = grad.no_grad()
  local function own(t) return core.keep(core.ops.clone(t)) end
  self.steps, self.factor, self.state = dict.steps, dict.factor, {}
  local at = 0
  for i, group in ipairs(self.groups) do
    local options <const> = copied(dict.groups[i], own)
    options.params = group.params
    self.groups[i] = check.options(self.group_declared, options)
    for _, p in ipairs(group.params) do
      at = at + 1
      self.state[p] = copied(dict.state[at], own)
    end
  end
end

return M
