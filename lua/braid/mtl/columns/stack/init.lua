--- Turns equal modules of several columns into one module that computes all of them, and back.
--
-- The maps of T stacked columns are concatenated in one tensor (n, T*c, h, w). A layer that treats
-- every channel separately (channelwise) is used unchanged, with the columns' parameters one after
-- the other. A layer that mixes channels has a stacked form in a file of this folder, and the file
-- is named like the layer's class. The modules' tensors are joined along their first dimension;
-- their counters get the shape (1, T).

local class <const> = require "braid.class"
local core <const> = require "braid.core"
local folder <const> = require "braid.folder"
local grad <const> = require "braid.grad"
local hints <const> = require "braid.nn.hints"
local walk <const> = require "braid.nn.walk"

local M <const> = {}

local special <const> = folder("braid.mtl.columns.stack", {
  file_of = function(name) return (name:gsub("ReLU", "Relu"):gsub("(%l)(%u)", "%1_%2"):lower()) end,
  internal = {"pair"},
})

-- Whether a class is channelwise: it or one of its bases is marked so, and no class between them
-- has another forward.
local function is_channelwise(kind)
  if not kind.channelwise then return false end
  while kind and class.own(kind, "channelwise") == nil do
    if class.own(kind, "forward") then return false end
    kind = kind.base
  end
  return true
end

-- The class that computes T modules of a class at once, or nil.
local function stacked_class(kind)
  local own <const> = folder.find(special, kind.__name)
  if own and own.base == kind then return own end
  return is_channelwise(kind) and kind or nil
end

local function different(path, what) return false, ("%s differs in its %s"):format(path, what) end

local same -- declared here, because it and same_tables call each other

local function same_tensors(list, path)
  local first <const> = list[1]
  if first:dim() == 0 and first.dtype ~= "int64" then
    return false, path .. " is one number for all channels"
  end
  local shape <const> = table.concat(first.shape, ",")
  for _, t in ipairs(list) do
    if not core.is_tensor(t) or table.concat(t.shape, ",") ~= shape or t.dtype ~= first.dtype then
      return different(path, "shape")
    end
    if t.requires_grad ~= first.requires_grad then return different(path, "requires_grad") end
  end
  return true
end

-- The names of a table's fields without `training`, which a module has only if its mode was set.
local function fields_of(t)
  local keys <const> = {}
  for _, key in ipairs(walk.fields(t)) do
    if key ~= "training" then keys[#keys + 1] = key end
  end
  return keys
end

local function same_tables(list, path)
  local first <const> = list[1]
  local keys <const> = fields_of(first)
  for _, t in ipairs(list) do
    if type(t) ~= "table" or getmetatable(t) ~= getmetatable(first) or #fields_of(t) ~= #keys then
      return different(path, "layers")
    end
    if t.training ~= first.training then return different(path, "mode") end
  end
  for _, key in ipairs(keys) do
    local values <const> = {}
    for i, t in ipairs(list) do
      if t[key] == nil then return different(path, "layers") end
      values[i] = t[key]
    end
    local ok <const>, why <const> = same(values, path .. "." .. key)
    if not ok then return false, why end
  end
  return true
end

function same(list, path)
  local first <const> = list[1]
  if core.is_tensor(first) then return same_tensors(list, path) end
  if walk.is_module(first) then
    local kind <const> = class.of(first)
    if first.unsized then return false, path .. " does not know its input size yet" end
    local stacked <const> = stacked_class(kind)
    if not stacked or stacked.can_stack and not stacked.can_stack(first) then
      return false, ("%s: no stacked form of %s"):format(path, kind.__name)
    end
    return same_tables(list, path)
  end
  if walk.is_plain(first) then return same_tables(list, path) end
  if type(first) == "function" then return false, path .. " is a function" end
  for _, value in ipairs(list) do
    if value ~= first then
      return false, ("%s is %s in one column and %s in another"):format(path, tostring(first),
        tostring(value))
    end
  end
  return true
end

--- Whether modules can be stacked; or false and the reason.
function M.possible(modules)
  return same(modules, getmetatable(modules[1]).__name)
end

-- A new tensor with t's values and the optimizer settings of `like`.
local function own(t, like)
  t = core.keep(core.ops.clone(core.detach(t)))
  hints.copy(like, t)
  return like.requires_grad and core.requires_grad(t) or t
end

local function stack_tensors(list)
  local parts <const> = {}
  for i, t in ipairs(list) do parts[i] = core.detach(t) end
  if list[1]:dim() == 0 then return own(core.ops.stack(parts, 1):reshape(1, #list), list[1]) end
  return own(core.ops.cat(parts, 1), list[1])
end

local function stack(list)
  local first <const> = list[1]
  if core.is_tensor(first) then return stack_tensors(list) end
  if not (walk.is_module(first) or walk.is_plain(first)) then return first end
  local result <const> = {}
  for _, key in ipairs(walk.fields(first)) do
    local values <const> = {}
    for i, t in ipairs(list) do values[i] = t[key] end
    result[key] = stack(values)
  end
  local kind <const> = class.of(first)
  if not kind then return result end
  local stacked <const> = stacked_class(kind)
  if stacked ~= kind then result.stack_size = #list end
  return class.adopt(stacked, result)
end

--- Makes one module from several. It shares nothing with them.
function M.stack(modules)
  local _ <close> = grad.no_grad()
  return stack(modules)
end

--- The part of column i in a tensor that t columns share: its rows; or of a counter, which has
-- fewer rows than columns, its number.
function M.slice(x, i, t)
  if x:size(1) < t then return core.ops.select(core.ops.select(core.detach(x), 1, 1), 1, i) end
  local rows <const> = x:size(1) // t
  return core.ops.narrow(core.detach(x), 1, (i - 1) * rows + 1, rows)
end

local function unstack(value, i, t)
  if core.is_tensor(value) then return own(M.slice(value, i, t), value) end
  if not (walk.is_module(value) or walk.is_plain(value)) then return value end
  local result <const> = {}
  for _, key in ipairs(walk.fields(value)) do
    if key ~= "stack_size" then result[key] = unstack(value[key], i, t) end
  end
  local kind <const> = class.of(value)
  if not kind then return result end
  return class.adopt(rawget(value, "stack_size") and kind.base or kind, result)
end

--- The t modules from which `stacked` was made. They share nothing with it.
function M.unstack(stacked, t)
  local _ <close> = grad.no_grad()
  local list <const> = {}
  for i = 1, t do list[i] = unstack(stacked, i, t) end
  return list
end

return M
