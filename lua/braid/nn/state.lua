--- The state of a module, which is its tensors by name: reads, loads, copies and converts it.

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local class <const> = require "braid.class"
local from_one <const> = require "braid.nn.from_one"
local grad <const> = require "braid.grad"
local hints <const> = require "braid.nn.hints"
local origin <const> = require "braid.origin"
local record <const> = require "braid.record"
local walk <const> = require "braid.nn.walk"

local M <const> = {}

local OPTIONS <const> = check.declare("load_state_dict", {
  state = check.argument(check.kind("a table of tensors by name", function(v)
    return type(v) == "table"
  end)),
  strict = check.flag(true),
  rename = check.either(check.call(), check.map(check.either(check.text(), check.call()))),
})

--- Parameters and buffers by name. They share memory with the module's tensors. A tensor of two
-- modules has two names. A module in two places is listed once, under its first name. A module with
-- a method own_state names its tensors itself.
function M.state_dict(module)
  local own_state <const> = class.trusted(module, "own_state")
  if own_state then return own_state(module) end
  local state <const> = {}
  walk.walk(module, function(path, value)
    if core.is_tensor(value) then state[path] = core.detach(value) end
    local own <const> = walk.is_module(value) and class.trusted(value, "own_state")
    if not own then return end
    for name, t in pairs(own(value)) do state[path .. "." .. name] = t end
    return true
  end)
  return state
end

-- The tensors of a state under the names that `rename` makes.
local function renamed(state, rename)
  if not rename then return state end
  local result <const> = {}
  for _, name in ipairs(check.sorted_keys(state)) do
    local other = name
    if type(rename) == "function" then
      other = rename(name)
    else
      for _, pattern in ipairs(check.sorted_keys(rename)) do
        local ok <const>, changed <const> = pcall(other.gsub, other, pattern, rename[pattern])
        if not ok then
          check.fail("load_state_dict: rename: pattern \"%s\": %s", pattern, changed)
        end
        other = changed
      end
    end
    if other then
      if result[other] then
        check.fail("load_state_dict: two tensors would be called %s", other)
      end
      result[other] = state[name]
    end
  end
  return result
end

local function shape_text(t) return "(" .. table.concat(t.shape, ", ") .. ")" end

-- The given tensors under the names of the module's own state. A part that is in two places of the
-- module may be given under either path, and a tensor with two names under one of them.
local function resolved(module, own, state)
  local names_of <const>, result <const> = {}, {}
  for name in pairs(own) do
    local t <const> = walk.at(module, name)
    if t then
      names_of[t] = names_of[t] or {}
      table.insert(names_of[t], name)
    end
  end
  for name, value in pairs(state) do
    local same <const> = type(name) == "string" and names_of[walk.at(module, name) or false] or {}
    if own[name] or #same == 0 then result[name] = value end
    for _, other in ipairs(same) do
      if state[other] == nil then result[other] = value end
    end
  end
  return result
end

-- The last words of the names of counters. These buffers count steps, and older files of weights do
-- not have them.
local function counters_of(module)
  local names <const> = {}
  walk.walk(module, function(_, value, owner, key)
    if core.is_tensor(value) and owner.buffer_names[key] == "counter" then names[key] = true end
  end)
  return names
end

-- A state of published weights under the module's own names, if it has all tensors of the module
-- under other names (pretrained.lua). Tensors that the module does not have keep their names.
local function translated(module, own, counters, state)
  local whole = true
  for name in pairs(own) do whole = whole and (state[name] or counters[name:match("[^.]*$")]) end
  local names <const> = not whole
    and require("braid.nn.pretrained").names(module, state) -- it needs modules
  if not names then return state end
  local result <const>, used <const> = {}, {}
  for path, name in pairs(names) do result[path], used[name] = state[name], true end
  for name, t in pairs(state) do
    if not used[name] then result[result[name] and name .. " (another)" or name] = t end
  end
  return result
end

--- The keys of a table whose values are tables of tensors by name, such as state_dict in a
-- checkpoint.
function M.nested(given)
  local names <const> = {}
  for key, value in pairs(given) do
    local all = type(key) == "string" and walk.is_plain(value) and next(value) ~= nil
    for name, t in pairs(all and value or {}) do
      all = all and type(name) == "string" and core.is_tensor(t)
    end
    if all then names[#names + 1] = key end
  end
  table.sort(names)
  return names
end

local FROM_ONE <const> = "; PyTorch counts the parts of a Sequential from 0, and Braid from 1: all "
  .. "tensors fit with {rename = braid.nn.from_one}"

-- Advice for tensors that do not fit, or "": they are deeper in the table, or counted from 0.
local function advice(own, counters, state)
  local nested <const> = M.nested(state)
  if #nested > 0 then
    return ("; tables of tensors are in it: %s. Pass one of them: state.%s"):format(
      table.concat(nested, ", "), nested[1])
  end
  local shifted <const> = {}
  for name, t in pairs(state) do
    if type(name) ~= "string" or not core.is_tensor(t) then return "" end
    shifted[from_one(name)] = t
  end
  for name, t in pairs(own) do
    local other <const> = shifted[name]
    if not other and not counters[name:match("[^.]*$")]
      or other and shape_text(other) ~= shape_text(t) then
      return ""
    end
  end
  return FROM_ONE
end

local function fail_strict(report, help)
  check.fail("load_state_dict: missing: %s; unexpected: %s%s", table.concat(report.missing, ", "),
    table.concat(report.unexpected, ", "), help)
end

-- Notes a name of the module that the state does not have.
local function note_missing(report, counters, name)
  local list <const> = counters[name:match("[^.]*$")] and report.counters or report.missing
  list[#list + 1] = name
end

--- Copies values from a table of tensors by name.
--
-- A name that only the module or only the table has is an error; with {strict = false} it is
-- reported. rename changes the given names first. It is a function (nil leaves a tensor out), or a
-- table of Lua patterns and replacements: {rename = {["^features%."] = "trunk."}}; nn.from_one is
-- the one for the parts of PyTorch's Sequential. A state that has all tensors of the module under
-- published names (torchvision's of a backbone) or after one prefix ("module.") needs no rename.
-- Counters of steps, such as batch norm's num_batches_tracked, may be missing and then keep their
-- values.
-- @return {fitted = {names of the module's tensors that were copied...}, missing = {names...},
--   unexpected = {names...}, counters = {names of missing counters...}}
function M.load_state_dict(module, given_state, given)
  local o <const> = check.options(OPTIONS, given, {state = given_state})
  local own <const>, report <const> = M.state_dict(module),
    {fitted = {}, missing = {}, unexpected = {}, counters = {}}
  local counters <const>, state = counters_of(module), resolved(module, own,
    renamed(given_state, o.rename))
  if not o.rename then state = translated(module, own, counters, state) end
  for _, name in ipairs(check.sorted_keys(own)) do
    local value <const> = state[name]
    if not value then
      note_missing(report, counters, name)
    elseif not core.is_tensor(value) then
      check.fail("load_state_dict: %s is a %s, not a tensor", name, type(value))
    elseif shape_text(value) ~= shape_text(own[name]) then
      check.fail("load_state_dict: %s has shape %s, the module's is %s%s", name,
        shape_text(value), shape_text(own[name]), advice(own, counters, given_state))
    end
  end
  for _, name in ipairs(check.sorted_keys(state)) do
    if not own[name] then report.unexpected[#report.unexpected + 1] = name end
  end
  if o.strict and #report.missing + #report.unexpected > 0 then
    fail_strict(report, advice(own, counters, given_state))
  end
  local _ <close> = grad.no_grad()
  for _, name in ipairs(check.sorted_keys(own)) do
    if state[name] then
      own[name]:copy_(state[name])
      report.fitted[#report.fitted + 1] = name
    end
  end
  return record(report, "load_state_dict")
end

--- Gives each layer that has no size yet the size of the weights with its name.
function M.give_sizes(net, weights)
  local function give(path, m)
    local weight <const> = rawget(m, "unsized") and weights[path .. "weight"]
    local set_inputs <const> = class.trusted(m, "set_inputs")
    if set_inputs and weight and weight:dim() > 1 then
      set_inputs(m, weight:size(2) * (m.options and m.options.groups or 1), weight)
    end
  end
  give("", net)
  walk.walk(net, function(path, m)
    if walk.is_module(m) then give(path .. ".", m) end
  end)
end

-- A new tensor with the values of t, trainable if t is.
local function copy_tensor(t)
  local copy <const> = core.ops.clone(core.detach(t))
  hints.copy(t, core.keep(copy))
  return t.requires_grad and core.requires_grad(copy) or copy
end

--- A copy of a module that shares nothing with it. A part that is in two places of the module is
-- also one part in two places of the copy.
function M.clone(module)
  local copies <const> = {}
  local function copy(value)
    if copies[value] then return copies[value] end
    if core.is_tensor(value) then
      copies[value] = copy_tensor(value)
      return copies[value]
    end
    if type(value) ~= "table" or not (walk.is_module(value) or walk.is_plain(value)) then
      return value
    end
    local result <const> = {}
    copies[value] = result
    for key, field in next, value do result[key] = copy(field) end
    origin.copy(value, result)
    local kind <const> = class.of(value)
    return kind and class.adopt(kind, result) or result
  end
  return copy(module)
end

--- Converts float parameters and buffers in place. Make optimizers after the conversion: an
-- optimizer made before it holds the old tensors.
function M.to(module, dtype)
  if dtype ~= "float32" and dtype ~= "float64" then
    check.fail("to: a module's tensors are float32 or float64, not %s", tostring(dtype))
  end
  local converted <const> = {}
  walk.walk(module, function(_, value, _, key, at)
    if not core.is_tensor(value) then return end
    if value.dtype == dtype or value.dtype ~= "float32" and value.dtype ~= "float64" then return end
    converted[value] = converted[value]
      or hints.replace(value, core.ops.to(core.detach(value), dtype))
    at[key] = converted[value]
  end)
  return module
end

return M
