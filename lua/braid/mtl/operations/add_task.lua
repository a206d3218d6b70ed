--- net:add_task(name, task, {freeze = "others", init =, head =}): adds a task with its own column
-- and head. The outputs of the old tasks stay the same, bit for bit, until something trains,
-- because at first the mixers pass nothing from the new column to the old columns.
--
-- Options:
--   freeze   "others" trains only the new column, its head, and its weights for the other columns
--   init     the name of a task, such as "pose": the new column starts as a copy of its column
--   column   the name of a column, such as "traits": the task uses it, and only the head is new
--   head     a kind in mtl.heads (default: the kind of the other heads)
-- Stacked columns stay stacked, with the new column outside the stack. net:stack() stacks all
-- columns, which changes rounding (1e-7). The mixers' parameters become new tensors, so make the
-- optimizer afterwards. The mixers must have a method resize (help mtl.mixer); all of Braid's have
-- one.

local build <const> = require "braid.mtl.columns.build"
local check <const> = require "braid.check"
local groups <const> = require "braid.mtl.columns.groups"
local head_kinds <const> = require "braid.mtl.columns.head_kinds"
local mixer_methods <const> = require "braid.mtl.columns.mixer_methods"
local optimizer_check <const> = require "braid.mtl.columns.optimizer_check"
local origin <const> = require "braid.origin"
local PerColumn <const> = require "braid.mtl.columns.per_column"
local Tasks <const> = require "braid.mtl.tasks"
local walk <const> = require "braid.nn.walk"

local function with(names, name)
  local all <const> = table.move(names, 1, #names, 1, {})
  all[#all + 1] = name
  table.sort(all)
  return all
end

local function has(names, name)
  for _, other in ipairs(names) do
    if other == name then return true end
  end
  return false
end

local function check_arguments(self, name, task, o)
  if not self.head then
    check.fail("add_task: the heads are not made yet: call net:heads() first")
  end
  if type(name) ~= "string" then
    check.fail("add_task: wants the name of a task, then the task, not %s", tostring(name))
  end
  if self.head[name] then check.fail("add_task: there is a task '%s' already", name) end
  if self.columns and has(self.names, name) then
    check.fail("add_task: there is a column '%s' already, which other tasks take from", name)
  end
  if self.shared_head then
    check.fail("add_task: a network with stages cannot get another task; build it with end_to_end "
      .. "= true, or anew with all tasks")
  end
  if type(task) ~= "table" or not task.loss then
    check.fail("add_task: the task is a %s, not one like mtl.classes{2}", type(task))
  end
  if self.columns then PerColumn.check_name(name) end
  for _, key in ipairs{"init", "column"} do
    if o[key] ~= nil and not (self.columns and has(self.names, groups.of(self, o[key]))) then
      check.fail("add_task: %s: there is no column '%s'", key, tostring(o[key]))
    end
  end
  if o.init and o.column then
    check.fail("add_task: give init, for a new column, or column, for an existing one, not both")
  end
end

-- The mixers between the old columns and a new column.
local function mixers_with_another(self)
  local mixers <const> = build.standing(self, #self.names + 1)
  for _, block in ipairs(check.sorted_keys(mixers)) do
    if not self.mixer[block] and not mixers[block].kind.alone then
      check.fail("add_task: %s would change the outputs of the only old task; build the network "
        .. "with two tasks",
        mixers[block].kind.__name)
    end
    local kind <const> = mixers[block].kind
    mixer_methods.must_have("add_task", "resize", block, self.mixer[block] or kind, kind)
  end
  return mixers
end

-- Gives each mixer a place for the new column. A single column had no mixers.
local function grow_mixers(self, mixers, names)
  for _, block in ipairs(check.sorted_keys(mixers)) do
    self.mixer[block] = self.mixer[block] or build.mixer(self, mixers[block], block)
    self.mixer[block]:resize(names)
  end
end

local function add_column(self, mixers, name, o)
  local names <const>, start <const> = with(self.names, name), {}
  if o.init then
    for path, t in pairs(self.columns:rows(groups.of(self, o.init))) do start[path] = t:clone() end
  end
  grow_mixers(self, mixers, names)
  self.columns = self.columns:extended(names, function()
    local column <const> = build.column(self, name, mixers)
    if o.init then column:load_state_dict(start) end
    return column
  end)
  self.names = names
end

-- Adds the task to the group of tasks that share a column.
local function share_column(self, name, column)
  local home <const> = {[name] = column}
  for task, own in pairs(self.home or {}) do home[task] = own end
  for _, task in ipairs(groups.served(self, column)) do home[task] = column end
  self.home = home
end

local OPTIONS <const> = check.declare("add_task", {
  freeze = check.optional(check.choice{"others"}), init = check.text(), column = check.text(),
  head = head_kinds.OPTION,
})

return function(self, name, task, given)
  local o <const> = check.options(OPTIONS, given)
  check_arguments(self, name, task, o)
  local tasks <const>, dtype <const>, done <const> = {[name] = task}, walk.dtype(self),
    origin.changing(self)
  local _ <close> = build.adopting(self)
  for old, t in self.tasks:each() do tasks[old] = t end
  local all <const> = Tasks(tasks) -- raises an error for an invalid name
  local column <const> = o.column and groups.of(self, o.column)
  local model <const> = column or o.init and groups.of(self, o.init) or self.names[1]
  local mixers <const> = column and build.standing(self, #self.names)
    or self.columns and mixers_with_another(self) or {}
  local head <const> = head_kinds.maker(o.head or self.recipe.make_head)(task,
    build.last_channels(self, model, mixers), name)
  local backbones <const> = build.own_recipe(self).backbones
  backbones[column or name] = backbones[model]
  if column then
    share_column(self, name, column)
  elseif self.columns then
    add_column(self, mixers, name, o)
  else
    self.names = build.names(all)
  end
  self.tasks, self.head[name] = all, head
  optimizer_check.renew(self, "add_task")
  self:to(dtype)
  build.settle(self)
  done{add = name, task = task, init = o.init, column = o.column, head = o.head}
  if o.freeze then self:train_only{name} end
  return self
end
