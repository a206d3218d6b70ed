--- The values that a weighting gets at each step, and its state between steps.
--
--   names     the T tasks that have a label in the batch
--   count     T
--   losses    their losses, each multiplied by its task's weight: numbers in the order of the names
--   gram      T rows of the products of their gradients, if the method needs them
--   rows      the gradients (T,d), if the method needs them
--   sampled   a list of such gradients (T,d), one for each sample of the step
--             (weighing:samples()); the last is `rows`
--   number    the number of the step, from 1
--   epoch     the epoch set by tasks:set_epoch, or nil
--   tasks     the tasks by name, as mtl.tasks gives them
--   state     a table that belongs to the method and is saved with it. It is a copy, which is kept
--             only if the step succeeds
--   known     {name = true} for the parameters that were shared so far; also a copy
--   spare     {key = a tensor whose memory may hold the next rows kept under this key}
--
-- The state is kept by task, because the next step may have other tasks.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local ops <const> = core.ops

local Step <const> = class("Step")

function Step:init(fields)
  for key, value in pairs(fields) do self[key] = value end
end

--- A list with the same value for every task.
function Step:list(value)
  local list <const> = {}
  for i = 1, self.count do list[i] = value end
  return list
end

--- The values of a table by task, in order; `other` for a task without a value.
function Step:by_task(map, other)
  local list <const> = {}
  for i, name in ipairs(self.names) do list[i] = map and map[name] or other end
  return list
end

--- Raises an error if an option, a table by task, has a key that is not a task.
function Step:check_names(what, map)
  for _, name in ipairs(check.sorted_keys(map or {})) do
    if not self.tasks[name] then
      check.fail("%s names '%s', which is not a task; %s", what, name,
        check.nearest(name, self.tasks.names))
    end
  end
end

--- The values kept under a key for the tasks of this step; `first` for a task without a value.
function Step:recall(key, first) return self:by_task(self.state[key], first) end

--- Keeps a number for each task of this step.
function Step:keep(key, list)
  local map <const> = self.state[key] or {}
  self.state[key] = map
  for i, name in ipairs(self.names) do map[name] = list[i] end
end

--- T rows of the products of sample i's gradients and sample j's.
function Step:products(i, j)
  local t <const>, out <const> = self.count, {}
  local both <const> = ops.gram(ops.cat({self.sampled[i], self.sampled[j]}, 1)):totable()
  for k = 1, t do out[k] = table.move(both[k], t + 1, 2 * t, 1, {}) end
  return out
end

-- ---- vectors --------------------------------------------------------------------------

local function place_of(names, name)
  for i, other in ipairs(names) do
    if other == name then return i end
  end
end

local function same_list(a, b)
  if #a ~= #b then return false end
  for i, value in ipairs(a) do
    if value ~= b[i] then return false end
  end
  return true
end

-- Kept rows in this step's order of parameters, with 0 for parameters that the rows do not have.
local function laid_out(self, kept)
  local out <const> = core.new({#kept.names, self.rows:size(2)}, self.rows.dtype, 0)
  local at <const>, from = {}, 1
  for _, entry in ipairs(kept.layout) do
    at[entry] = from
    from = from + math.tointeger(entry:match("%d+$"))
  end
  local to = 1
  for _, entry in ipairs(self.layout) do
    local size <const> = math.tointeger(entry:match("%d+$"))
    if at[entry] then
      ops.copy_(ops.narrow(out, 2, to, size), ops.narrow(kept.rows, 2, at[entry], size))
    end
    to = to + size
  end
  return out
end

-- A copy of rows, in the memory of rows that are no longer kept, if their shape and type fit.
local function copy_of(self, key, rows)
  local copy = self.spare[key]
  if not copy or not same_list(copy.shape, rows.shape) or copy.dtype ~= rows.dtype then
    copy = core.keep(core.new(rows.shape, rows.dtype))
  end
  ops.copy_(copy, rows)
  return copy
end

--- A copy of the rows (T,d) kept for the tasks of this step, with 0 for a task without a row; and
-- {task = true} for the tasks without a row.
function Step:recall_rows(key)
  local kept <const>, fresh <const> = self.state[key], {}
  if kept and same_list(kept.names, self.names) and same_list(kept.layout, self.layout) then
    return copy_of(self, key, kept.rows), fresh
  end
  local out <const> = core.new({self.count, self.rows:size(2)}, self.rows.dtype, 0)
  local old <const> = kept and (same_list(kept.layout, self.layout) and kept.rows
    or laid_out(self, kept))
  for i, name in ipairs(self.names) do
    local from <const> = kept and place_of(kept.names, name)
    if from then
      ops.copy_(ops.select(out, 1, i), ops.select(old, 1, from))
    else
      fresh[name] = true
    end
  end
  return out, fresh
end

--- Keeps rows for the tasks of this step. The rows of other tasks stay.
function Step:keep_rows(key, rows)
  local kept <const> = self.state[key]
  local names <const>, list <const> = table.move(self.names, 1, self.count, 1, {}), {rows}
  for i, name in ipairs(kept and kept.names or {}) do
    if not place_of(names, name) then
      local old <const> = same_list(kept.layout, self.layout) and kept.rows or laid_out(self, kept)
      names[#names + 1] = name
      list[#list + 1] = ops.narrow(old, 1, i, 1)
    end
  end
  local all <const> = #list == 1 and rows or ops.cat(list, 1)
  if all ~= self.spare[key] then core.keep(all) end
  self.state[key] = {names = names, layout = self.layout, rows = all}
end

return Step
