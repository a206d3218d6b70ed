--- Module: what every layer and network is.
--
-- A module holds parameters, buffers, options and other modules, and nothing else:
-- forward reads them and returns tensors. Tensors in fields are parameters, unless the
-- class names them in `buffer_names`; modules may stand in fields or in tables in fields.
-- Everything is found by walking the fields in sorted order.

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local grad <const> = require "braid.grad"

local Module <const> = class("Module")
Module.training = true
Module.frozen = false
Module.buffer_names = {}

--- Whether a value is a module.
function Module.is(value)
  local meta <const> = type(value) == "table" and getmetatable(value)
  return meta and meta.is_module == true or false
end

Module.is_module = true

local function pass(...) return ... end

-- pass() keeps this frame on the stack, where the message of an error looks for the path.
Module.__call = function(self, ...) return pass(self:forward(...)) end

function Module:forward()
  error(("%s has no forward"):format(getmetatable(self).__name), 2)
end

--- A trainable tensor.
function Module.parameter(t)
  return core.keep(core.requires_grad(t))
end

-- Numbers first, in order; then names, sorted.
local function before(a, b)
  if type(a) == type(b) then return a < b end
  return type(a) == "number"
end

local function sorted_fields(t)
  local keys <const> = {}
  for key in pairs(t) do
    if type(key) == "number" or type(key) == "string" then keys[#keys + 1] = key end
  end
  table.sort(keys, before)
  return keys
end

-- Calls visit(path, value, owner, key) for tensors and modules below `node`, in order.
local function walk(node, owner, prefix, visit)
  for _, key in ipairs(sorted_fields(node)) do
    local value <const> = node[key]
    local path <const> = prefix .. key
    if core.is_tensor(value) or Module.is(value) then
      visit(path, value, owner, key)
      if Module.is(value) then walk(value, value, path .. ".", visit) end
    elseif type(value) == "table" and getmetatable(value) == nil then
      walk(value, owner, path .. ".", visit)
    end
  end
end

local function collect(self, wanted)
  local names <const>, values <const>, seen <const> = {}, {}, {}
  walk(self, self, "", function(path, value, owner, key)
    if seen[value] or not wanted(value, owner, key) then return end
    seen[value] = true
    names[#names + 1], values[#values + 1] = path, value
  end)
  return names, values
end

local function is_parameter(value, owner, key)
  return core.is_tensor(value) and not owner.buffer_names[key]
end

local function is_buffer(value, owner, key)
  return core.is_tensor(value) and owner.buffer_names[key] ~= nil
end

--- All parameters, each once, in the order of their names.
function Module:parameters()
  local _, values <const> = collect(self, is_parameter)
  return values
end

--- Iterates over name, parameter.
-- @usage for name, p in net:named_parameters() do print(name, p) end
function Module:named_parameters()
  local names <const>, values <const> = collect(self, is_parameter)
  local i = 0
  return function()
    i = i + 1
    return names[i], values[i]
  end
end

--- All buffers: state that is saved but not trained.
function Module:buffers()
  local _, values <const> = collect(self, is_buffer)
  return values
end

--- Calls f on every module below, then on this one.
function Module:apply(f)
  local _, modules <const> = collect(self, Module.is)
  for i = #modules, 1, -1 do f(modules[i]) end
  f(self)
  return self
end

--- The number of trainable values.
function Module:count_parameters()
  local total = 0
  for _, p in ipairs(self:parameters()) do total = total + p:numel() end
  return total
end

--- Training mode: batch statistics, dropout.
function Module:train(on)
  local training <const> = on ~= false
  return self:apply(function(m) m.training = training end)
end

function Module:eval() return self:train(false) end

--- No part of it changes any more: no gradients, and batch norm and dropout as in
-- evaluation.
function Module:freeze()
  for _, p in ipairs(self:parameters()) do core.requires_grad(p, false) end
  return self:apply(function(m) m.frozen = true end)
end

function Module:unfreeze()
  for _, p in ipairs(self:parameters()) do core.requires_grad(p) end
  return self:apply(function(m) m.frozen = false end)
end

--- Whether the module should behave as in training.
function Module:is_training() return self.training and not self.frozen end

--- Parameters and buffers by name. The tensors share memory with the module's.
function Module:state_dict()
  local state <const> = {}
  walk(self, self, "", function(path, value)
    if core.is_tensor(value) then state[path] = core.detach(value) end
  end)
  return state
end

--- Copies values from a table of tensors by name. With {strict = false}, names that only
-- one side knows are reported rather than an error.
-- @return {missing = {names...}, unexpected = {names...}}
function Module:load_state_dict(state, given)
  local o <const> = check.options("load_state_dict", given, {strict = true})
  local own <const>, report <const> = self:state_dict(), {missing = {}, unexpected = {}}
  for _, name in ipairs(check.sorted_keys(own)) do
    local value <const> = state[name]
    if not value then
      report.missing[#report.missing + 1] = name
    elseif table.concat(value.shape, ", ") ~= table.concat(own[name].shape, ", ") then
      error(("load_state_dict: %s has shape (%s), the module's is (%s)"):format(name,
        table.concat(value.shape, ", "), table.concat(own[name].shape, ", ")), 2)
    end
  end
  for _, name in ipairs(check.sorted_keys(state)) do
    if not own[name] then report.unexpected[#report.unexpected + 1] = name end
  end
  if o.strict and #report.missing + #report.unexpected > 0 then
    error(("load_state_dict: missing: %s; unexpected: %s"):format(
      table.concat(report.missing, ", "), table.concat(report.unexpected, ", ")), 2)
  end
  local _ <close> = grad.no_grad()
  for name, t in pairs(own) do
    if state[name] then t:copy_(state[name]) end
  end
  return report
end

--- What stands in the brackets when the module is printed.
function Module:describe() return "" end

local function tree(self, indent, lines)
  for _, key in ipairs(sorted_fields(self)) do
    local value <const> = self[key]
    if Module.is(value) then
      lines[#lines + 1] = ("%s%s: %s(%s)"):format(indent, key, getmetatable(value).__name,
        value:describe())
      tree(value, indent .. "  ", lines)
    elseif type(value) == "table" and getmetatable(value) == nil then
      tree(value, indent .. tostring(key) .. ".", lines)
    end
  end
  return lines
end

Module.__tostring = function(self)
  local head <const> = ("%s(%s)"):format(getmetatable(self).__name, self:describe())
  return table.concat(tree(self, "  ", {head}), "\n")
end

-- ---- where an error happened ------------------------------------------------------------

local function name_within(parent, child)
  local name
  walk(parent, parent, "", function(path, value)
    if value == child and not name then name = path end
  end)
  return name
end

-- The path of the innermost running module, from the modules on the call stack.
local function running_path()
  local running <const> = {}
  for level = 2, 200 do
    local info <const> = debug.getinfo(level, "f")
    if not info then break end
    if info.func == Module.__call then
      local _, self <const> = debug.getlocal(level, 1)
      table.insert(running, 1, self)
    end
  end
  if not running[1] then return nil end
  local words <const> = {getmetatable(running[1]).__name}
  for i = 2, #running do
    words[#words + 1] = name_within(running[i - 1], running[i])
      or getmetatable(running[i]).__name
  end
  return table.concat(words, ".")
end

core.set_context(running_path)

return Module
