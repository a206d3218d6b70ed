--- Optimizer: groups of parameters, their state, and the step over all of them.
--
-- A group's rate is lr * its lr_mult * factor, where the factor is what a schedule sets:
--   opt.factor = optim.cosine(epoch - 1, epochs)
-- A class names the operator of its step in `rule`, and returns what that takes for a parameter
-- beside the gradient from `update`; all parameters then go in one call. The state of a
-- parameter is a table of numbers and tensors. A parameter that carries hints
-- (nn/hints.lua) goes to a group of its kind, which follows the one it was given in.

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local grad <const> = require "braid.grad"
local hints <const> = require "braid.nn.hints"

local Optimizer <const> = class("Optimizer")

-- A group with its options, each checked.
local function group_of(name, i, group, known)
  if type(group) ~= "table" or type(group.params) ~= "table" then
    error(("%s: group %d must be {params = {...}}"):format(name, i), 5)
  end
  local filled <const> = check.options(name, group, known)
  for j, p in ipairs(filled.params) do
    if not core.is_tensor(p) then
      error(("%s: parameter %d of group %d is no tensor"):format(name, j, i), 5)
    end
  end
  return filled
end

-- Appends to `groups` the group, as one that holds its parameters without hints and one for
-- each different hint. An option that `given` names stands.
local function add_by_hints(groups, group, given, known)
  local kinds <const>, plain <const> = {}, {}
  for _, p in ipairs(group.params) do
    local hint <const> = hints.get(p)
    hints.hold(p)
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
    if known.weight_decay ~= nil and given.weight_decay == nil then
      own.weight_decay = kind.hint.weight_decay or group.weight_decay
    end
    groups[#groups + 1] = own
  end
end

-- `parameters` is a list of tensors, or of groups {params = {...}, lr = ..., lr_mult =
-- ...}.
local function groups_of(self, name, parameters, known)
  if type(parameters) ~= "table" or #parameters == 0 then
    error(name .. ": there are no parameters to train", 4)
  end
  if core.is_tensor(parameters[1]) then parameters = {{params = parameters}} end
  local groups <const> = {}
  for i, group in ipairs(parameters) do
    local filled <const> = group_of(name, i, group, known)
    if self.state_of_all then
      groups[i] = filled
    else
      add_by_hints(groups, filled, group, known)
    end
  end
  return groups
end

function Optimizer:init(parameters, given, defaults)
  local name <const> = getmetatable(self).__name
  local known <const> = {lr_mult = 1, params = check.none}
  for key, value in pairs(defaults) do known[key] = value end
  for key, value in pairs(check.options(name, given, defaults)) do known[key] = value end
  self.known = known
  self.groups = groups_of(self, name, parameters, known)
  self.state = {}
  self.steps = 0
  self.factor = 1
end

--- Trains further parameters: {params = {...}, lr = ..., lr_mult = ...}; options that are
-- left out are those the optimizer was made with.
function Optimizer:add_group(group)
  local name <const> = getmetatable(self).__name
  local seen <const> = {}
  for _, old in ipairs(self.groups) do
    for _, p in ipairs(old.params) do seen[p] = true end
  end
  local new <const> = group_of(name, #self.groups + 1, group, self.known)
  for j, p in ipairs(new.params) do
    if seen[p] then error(("%s: parameter %d is in another group"):format(name, j), 2) end
  end
  add_by_hints(self.groups, new, group, self.known)
end

--- A tensor of one value (0 unless given) in p's shape and type that outlives the scope it
-- is made in.
function Optimizer.zeros_like(p, value) return core.keep(core.like(p, p.dtype, value or 0)) end

--- Lets every parameter follow its gradient; those without one stay. A function that is
-- given computes the gradients first, and what it returns is returned.
function Optimizer:step(closure)
  local loss <const> = closure and closure()
  local _ <close> = grad.no_grad()
  self.steps = self.steps + 1
  local updates <const>, states <const> = core.updates(self.rule), self.state
  for _, group in ipairs(self.groups) do
    local lr <const> = group.lr * group.lr_mult * self.factor
    for _, p in ipairs(group.params) do
      if core.has_grad(p) then
        local state = states[p]
        if not state then
          state = self:new_state(p, group)
          states[p] = state
        end
        updates:add(self:update(p, state, group, lr))
      end
    end
  end
  updates:run()
  return loss
end

--- Forgets the gradients, so that the next backward pass starts afresh.
function Optimizer:zero_grad()
  for _, group in ipairs(self.groups) do core.clear_grads(group.params) end
end

-- ---- state --------------------------------------------------------------------------------

-- Numbers, strings and booleans as they are, tables deeply, tensors through `f`.
local function copied(value, f)
  if core.is_tensor(value) then return f(value) end
  if type(value) ~= "table" then return value end
  local copy <const> = {}
  for key, v in pairs(value) do copy[key] = copied(v, f) end
  return copy
end

local function as_it_is(t) return t end

--- Everything a later run needs to go on: {steps, factor, groups = {{lr = ..., params =
-- {1, 2}}}, state = {[1] = {...}}}, where a number stands for a parameter, counted through
-- all groups. The tensors are the optimizer's own, not copies.
-- @usage local saved = opt:state_dict()
function Optimizer:state_dict()
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

local function same_shape(a, b)
  return table.concat(a.shape, ",") == table.concat(b.shape, ",")
end

-- The dictionary's groups against one's own, and the buffers against their parameters.
local function check_state(self, dict)
  local function wrong(...) error("load_state_dict: " .. string.format(...), 3) end
  if type(dict) ~= "table" or type(dict.groups) ~= "table" or type(dict.state) ~= "table" then
    wrong("this is no state of an optimizer")
  end
  if #dict.groups ~= #self.groups then
    wrong("it has %d groups, the optimizer %d", #dict.groups, #self.groups)
  end
  local at = 0
  for i, group in ipairs(self.groups) do
    local there <const> = dict.groups[i]
    if #there.params ~= #group.params then
      wrong("group %d has %d parameters, the optimizer's %d", i, #there.params, #group.params)
    end
    for key in pairs(there) do
      if self.known[key] == nil then
        wrong("group %d has '%s', which %s does not know", i, key, getmetatable(self).__name)
      end
    end
    for _, p in ipairs(group.params) do
      at = at + 1
      for key, t in pairs(dict.state[at] or {}) do
        if core.is_tensor(t) and not self.state_of_all and not same_shape(t, p) then
          wrong("'%s' of parameter %d has shape (%s), the parameter (%s)", key, at,
            table.concat(t.shape, ", "), table.concat(p.shape, ", "))
        end
      end
    end
  end
end

--- Goes on from what state_dict gave: the parameters stand in the same order, and the
-- tensors are copied.
function Optimizer:load_state_dict(dict)
  check_state(self, dict)
  local _ <close> = grad.no_grad()
  local function own(t) return core.keep(core.ops.clone(t)) end
  self.steps, self.factor, self.state = dict.steps, dict.factor, {}
  local at = 0
  for i, group in ipairs(self.groups) do
    local options <const> = copied(dict.groups[i], own)
    options.params = group.params
    self.groups[i] = options
    for _, p in ipairs(group.params) do
      at = at + 1
      self.state[p] = copied(dict.state[at], own)
    end
  end
end

return Optimizer
