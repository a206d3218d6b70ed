--- Sets which parts of a network of columns train: freezing by task or part, and stages.

local build <const> = require "braid.mtl.columns.build"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local groups <const> = require "braid.mtl.columns.groups"
local Conv2d <const> = require "braid.nn.conv2d"
local Module <const> = require "braid.nn.module"
local mutual <const> = require "braid.mtl.mutual"
local origin <const> = require "braid.origin"
local walk <const> = require "braid.nn.walk"

local M <const> = {}

-- The parts of a network that have this name, as a list of modules.
local function parts_named(self, name, what)
  if name == "trunk" then return {self.trunk} end
  if name == "shared" then return {self.shared} end
  local list <const> = {}
  if name == "columns" then return {self.columns} end
  if name == "heads" or name == "shared_heads" then
    local heads <const> = name == "heads" and self.head or self.shared_head or {}
    for _, task in ipairs(check.sorted_keys(heads)) do list[#list + 1] = heads[task] end
    return list
  end
  if name == "mixers" then
    for _, block in ipairs(check.sorted_keys(self.mixer)) do list[#list + 1] = self.mixer[block] end
    return list
  end
  local known = self.head[name] ~= nil
  for _, column in ipairs(self.names) do known = known or column == name end
  if not known then
    check.fail("%s: there is no task or part '%s'; there is %s, trunk, shared, columns, mixers, "
      .. "heads, shared_heads", what, tostring(name), table.concat(self.tasks.names, ", ")
      .. (self.home and ", " .. table.concat(self.names, ", ") or ""))
  end
  local served <const> = groups.served(self, name)
  local column <const> = #served > 0 and name or groups.of(self, name)
  if #served == 0 and #groups.served(self, column) > 1 then
    return {self.head[name]} -- the column serves other tasks too
  end
  if not (self.columns and self.columns[column]) then
    self:unstack() -- columns whose parts train differently must be in a list
  end
  if self.columns and self.columns[column] then list[1] = self.columns[column] end
  for _, task in ipairs(groups.served(self, column)) do list[#list + 1] = self.head[task] end
  for _, block in ipairs(check.sorted_keys(self.mixer)) do
    for _, part in ipairs(self.mixer[block]:column_parts(column)) do list[#list + 1] = part end
  end
  return list
end

local function each_part(self, names, what, f)
  if type(names) == "string" then names = {names} end
  if type(names) ~= "table" then
    check.fail("%s: wants a task or part, or a list of them, not a %s", what, type(names))
  end
  if not self.head then
    check.fail("%s: the heads are not made yet: call net:heads() first", what)
  end
  for _, name in ipairs(names) do
    for _, part in ipairs(parts_named(self, name, what)) do f(part) end
  end
  return self
end

--- Freezes parts, or everything if nothing is named. A part is a task, a group, "trunk", "shared",
-- "columns", "mixers", "heads" or "shared_heads". A task means its column, its head and its share
-- of the mixers; if other tasks are in its group, it means only its head. A group means its column
-- with the heads of all its tasks. If a column and a task have the same name, as after add_task
-- with the option `column`, the name means the group. Freezing a task puts the columns in a list,
-- so make an optimizer afterwards.
function M.freeze(self, names)
  if names == nil then return Module.freeze(self) end
  return each_part(self, names, "freeze", function(part) part:freeze() end)
end

--- Lets parts train again. Connections of tasks that were added later are initialised if they can
-- train now (mixers/ttc.lua).
function M.unfreeze(self, names)
  if names == nil then
    Module.unfreeze(self)
  else
    each_part(self, names, "unfreeze", function(part) part:unfreeze() end)
  end
  build.reconnect(self)
  return self
end

--- Freezes everything except the named parts.
-- @usage net:train_only{"mixers"}   net:train_only{"pose"}
function M.train_only(self, names)
  if not self.head then
    check.fail("train_only: the heads are not made yet: call net:heads() first")
  end
  Module.freeze(self)
  each_part(self, names, "train_only", function(part) part:unfreeze() end)
  build.reconnect(self)
  return self
end

-- Copies the shared stream and its heads into the columns and their heads. The tensors stay the
-- same objects, because optimizers hold them.
local function start_from_shared(self)
  local state <const>, values <const> = self.shared:state_dict(), {}
  for _, name in ipairs(self.names) do
    for path, t in pairs(state) do values[("columns.%s.%s"):format(name, path)] = t end
  end
  for name, head in pairs(self.shared_head) do
    for path, t in pairs(head:state_dict()) do values[("head.%s.%s"):format(name, path)] = t end
  end
  Module.load_state_dict(self, values, {strict = false})
end

--- Begins a stage of a separation network's training. Stage 1 trains the shared stream with its own
-- heads; stage 2 freezes the stream and trains the columns. An optimizer of all parameters suits
-- both stages.
function M.stage(self, number)
  if not self.shared_head then
    check.fail("stage: only a network with mtl.separation and end_to_end = false has stages")
  end
  if number ~= 1 and number ~= 2 then
    check.fail("stage: wants 1 or 2, not %s", tostring(number))
  end
  local was <const> = self.stage_number:item()
  self.stage_number:fill_(number)
  local shared <const> = {"trunk", "shared", "shared_heads"}
  local own <const> = {"columns", "mixers", "heads"}
  M.unfreeze(self, number == 1 and shared or own)
  M.freeze(self, number == 1 and own or shared)
  local _, mixer <const> = next(self.recipe.mixers)
  if number == 2 and was == 1 and mixer.options.fine_tune then start_from_shared(self) end
  return self
end

-- The weights of the last convolution of each column's block.
local function last_weights(self, block)
  local list <const>, columns <const> = {}, self.columns
  for i, part in ipairs(columns:parts()) do
    local found <const> = part[block]:find(Conv2d)
    local w <const> = found[#found] and found[#found].weight
    local count <const> = i == 1 and columns.stacked and #columns.stacked_names or 1
    for k = 1, w and count or 0 do
      local rows <const> = w:size(1) // count
      list[#list + 1] = count > 1 and w:narrow(1, (k - 1) * rows + 1, rows) or w
    end
  end
  return list
end

local TABLE <const> = check.kind("a table of networks or states by task", function(v)
  return type(v) == "table"
end)

-- The column that `name` means, and the tasks whose heads start with it. An unknown name is an
-- error.
local function start_of(self, name)
  local served <const> = groups.served(self, name)
  if #served > 0 then return name, served end
  local column <const> = groups.of(self, name)
  if not self.head[name] then
    check.fail("start_from: there is no task '%s'; there is %s", name,
      table.concat(self.tasks.names, ", "))
  end
  if #groups.served(self, column) > 1 then
    check.fail("start_from: '%s' shares its column: give the weights of its group, '%s'", name,
      column)
  end
  return column, {name}
end

--- Starts columns and heads from trained single-task networks, {task = network or its state}. The
-- same definition must have made them: braid.model(path, {tasks = tasks, single = task, ...}).
-- A key may also be the name of a group, whose network has all tasks of the group.
function M.start_from(self, given)
  check.value("start_from", "what it starts from", given, TABLE)
  local own <const>, values <const> = self:state_dict(), {}
  for _, task in ipairs(check.sorted_keys(given)) do
    local column <const>, served <const> = start_of(self, task)
    local heads <const> = {}
    for _, name in ipairs(served) do heads[name] = true end
    local state <const> = Module.is(given[task]) and given[task]:state_dict() or given[task]
    for _, path in ipairs(check.sorted_keys(own)) do
      local part <const>, name <const> = path:match("^(%w+)%.([^.]+)%.")
      if part == "columns" and name == column or part == "head" and heads[name] then
        if not state[path] then
          check.fail("start_from: the weights given for '%s' have no %s; they must come from the "
            .. "same definition with single = \"%s\"", task, path, task)
        end
        values[path] = state[path]
      end
    end
  end
  self:load_state_dict(values, {strict = false})
  build.own_recipe(self).started = true
  return self
end

--- Adds a loss that draws the columns' weights together; net:penalty() includes it. The options are
-- the options of mtl.mutual; form = false removes the loss.
function M.mutual(self, given)
  local done <const>, ends <const> = origin.changing(self),
    type(given) == "table" and given.form == false
  if not ends then mutual(self, given) end -- raises the error for wrong options
  self.drawn = not ends and check.copy("mutual", given) or nil
  done{mutual = self.drawn or {form = false}}
  return self
end

--- The network's own loss, to be added to the tasks' losses, or nil. It is the sum of the loss of
-- net:mutual and the mixers' losses (such as the orthogonality in sluice networks).
-- @usage loss = loss + (net:penalty() or 0)
function M.penalty(self)
  local total = self.drawn and (#self.names > 1 and mutual(self, self.drawn)
    or core.new({}, walk.dtype(self), 0)) -- a single column has no other column to compare with
  for _, block in ipairs(check.sorted_keys(self.mixer or {})) do
    if self.mixer[block].penalty then
      for _, w in ipairs(last_weights(self, block)) do
        local part <const> = self.mixer[block]:penalty(w) -- nil means none
        if part then total = total and total + part or part end
      end
    end
  end
  return total
end

return M
