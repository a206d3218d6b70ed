--- Builds a network of columns from its recipe: trunk, columns, shared stream, mixers, heads.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local grad <const> = require "braid.grad"
local groups <const> = require "braid.mtl.columns.groups"
local head_kinds <const> = require "braid.mtl.columns.head_kinds"
local Backbone <const> = require "braid.nn.backbone"
local Module <const> = require "braid.nn.module"
local pretrained <const> = require "braid.mtl.columns.pretrained"
local PerColumn <const> = require "braid.mtl.columns.per_column"
local Tasks <const> = require "braid.mtl.tasks"
local walk <const> = require "braid.nn.walk"

local M <const> = {}

-- A network's recipe: {plan, backbones by column, split, mixers by block, stacked, start}. It has
-- its own class, so that it is not taken for a part of the network.
local Recipe <const> = class("Recipe")
Recipe.apart = true -- its backbones are to be copied; they are not parts of the network

--- Gives a network its own recipe before a change, because copies of a network share a recipe.
-- Returns the recipe.
function M.own_recipe(self)
  local own <const> = Recipe()
  for key, value in pairs(self.recipe) do own[key] = value end
  own.backbones, own.mixers = {}, {}
  for name, backbone in pairs(self.recipe.backbones) do own.backbones[name] = backbone end
  for block, mixer in pairs(self.recipe.mixers) do own.mixers[block] = mixer end
  self.recipe = own
  return own
end

--- New Tasks that have only the named tasks.
function M.only(tasks, names, what)
  local kept <const> = {}
  for _, name in ipairs(names) do
    local known = false
    for _, n in ipairs(tasks.names) do known = known or n == name end
    if not known then
      check.fail("%s: there is no task '%s'; there is %s", what, tostring(name),
        table.concat(tasks.names, ", "))
    end
    kept[name] = tasks[name]
  end
  return Tasks(kept)
end

local function as_backbone(value)
  if type(value) == "string" then return Backbone(value) end
  if getmetatable(value) == Backbone then return value end
  check.fail("mtl.columns: the backbone is a %s, not a name or what nn.backbone gives",
    Module.is(value) and getmetatable(value).__name or type(value))
end

-- One backbone for each column. All have the same block names.
local function backbones_of(columns, given)
  local list <const> = {}
  if type(given) ~= "table" or getmetatable(given) ~= nil then
    local one <const> = as_backbone(given)
    for _, name in ipairs(columns) do list[name] = one end
    return list
  end
  local blocks
  for _, name in ipairs(columns) do
    if given[name] == nil then
      check.fail("mtl.columns: there is no backbone for task '%s'", name)
    end
    list[name] = as_backbone(given[name])
    local own <const> = table.concat(list[name]:blocks(), ", ")
    blocks = blocks or own
    if own ~= blocks then
      check.fail("mtl.columns: the backbone of '%s' has blocks %s, others have %s", name, own,
        blocks)
    end
  end
  return list
end

--- Checks the arguments of mtl.columns -> tasks, recipe, the names of columns, home (groups.lua).
function M.recipe(tasks, backbone, o)
  if type(tasks) ~= "table" or not tasks.names then
    check.fail("mtl.columns: the first argument must be what mtl.tasks gives, not %s", type(tasks))
  end
  local given = o.groups
  if o.single ~= nil then
    local wanted
    wanted, given = groups.single(given, o.single)
    tasks = M.only(tasks, wanted, "mtl.columns")
  end
  local home <const> = groups.home("mtl.columns", given, tasks.names)
  local columns <const>, r <const> = groups.columns(home, tasks.names), Recipe()
  r.backbones = backbones_of(columns, backbone)
  r.plan = r.backbones[columns[1]].plan
  r.split, r.mixers, r.stacked, r.start = 0, {}, o.stacked, o.init
  if o.columns == "shared" then r.split = #r.plan.names end
  if o.split ~= nil then r.split = r.plan:find(o.split, "mtl.columns: split") end
  if o.pretrained ~= nil then pretrained.begin("mtl.columns", r, columns, o.pretrained) end
  return tasks, r, columns, home
end

--- Raises an error if columns with different numbers of channels would be mixed.
function M.equal_channels(self, block, mixer)
  local first <const> = self.names[1]
  local c <const> = self.recipe.backbones[first]:channels(block)
  for _, name in ipairs(self.names) do
    local own <const> = self.recipe.backbones[name]:channels(block)
    if own ~= c then
      check.fail("mix: %s at '%s' wants columns of equal channels, but '%s' has %d and '%s' %d: "
        .. "give their backbones the same width", mixer.kind.__name, block, first, c, name, own)
    end
  end
end

--- A copy of the list of the tasks' names.
function M.names(tasks) return table.move(tasks.names, 1, #tasks.names, 1, {}) end

--- The mixers by block for `count` columns. A single column keeps only mixers with a shared stream.
function M.standing(self, count)
  local list <const> = {}
  for place, block in ipairs(self.recipe.plan.names) do
    local mixer <const> = place > self.recipe.split and self.recipe.mixers[block]
    if mixer and (count > 1 or mixer.kind.shared_stream) then list[block] = mixer end
  end
  return list
end

local function fresh(self, backbone, from, to, channels, inputs)
  local made <const> = backbone:build(from, to, channels, inputs)
  pretrained.start(self.recipe, made, backbone)
  return made
end

--- A new column for a task: the blocks after the trunk, up to block number `last` (default: all).
function M.column(self, name, mixers, last)
  local r <const> = self.recipe
  local backbone <const> = r.backbones[name]
  local channels <const> = self.trunk and self.trunk:channels() or backbone.plan.channels
  return fresh(self, backbone, r.split + 1, last or #r.plan.names, channels, function(block, c)
    local before <const> = r.plan.names[r.plan.place[block] - 1]
    return before and mixers[before] and mixers[before]:widths(c) or c
  end)
end

local function make_columns(self, mixers)
  local r <const> = self.recipe
  local count <const> = #r.plan.names
  pretrained.check_shared(r, self.names)
  if r.split > 0 then
    for _, name in ipairs(self.names) do
      if r.backbones[name].plan ~= r.plan then
        check.fail("mtl.columns: tasks that share blocks must have one backbone")
      end
    end
    self.trunk = fresh(self, r.backbones[self.names[1]], 1, r.split)
  end
  if r.split == count then
    if self.home then
      check.fail("mtl.columns: groups: all blocks are shared, so no column is left for a group; "
        .. "set split to an earlier block")
    end
    return
  end
  local columns <const> = {}
  for _, name in ipairs(self.names) do columns[name] = M.column(self, name, mixers) end
  self.columns = PerColumn(self.names, columns)
  local last = 0
  for block, mixer in pairs(mixers) do
    if mixer.kind.shared_stream then
      last = math.max(last, r.plan.place[block])
      self.two_stages = not mixer.options.end_to_end
    end
  end
  -- A stream with its own heads runs to the end. Without heads it ends at the last block that uses
  -- it.
  if last > 0 then
    self.shared = M.column(self, self.names[1], {}, self.two_stages and count or last)
  end
end

--- Makes a block's mixer for the network's columns.
function M.mixer(self, recipe, block)
  return recipe:build{block = block, names = self.names,
    channels = self.recipe.backbones[self.names[1]]:channels(block)}
end

local function make_mixers(self, mixers)
  self.mixer = {}
  for _, block in ipairs(self.recipe.plan.names) do
    if mixers[block] then self.mixer[block] = M.mixer(self, mixers[block], block) end
  end
end

--- Lets mixers start the connections that an operation has set to 0, if these can train.
function M.reconnect(self)
  for _, block in ipairs(check.sorted_keys(self.mixer or {})) do
    if self.mixer[block].reconnect then self.mixer[block]:reconnect() end
  end
end

--- The number of channels that a column's head gets.
function M.last_channels(self, name, mixers)
  local names <const> = self.recipe.plan.names
  local backbones <const> = self.recipe.backbones
  local c <const> = (backbones[name] or backbones[self.names[1]]):channels()
  local mixer <const> = mixers[names[#names]]
  return mixer and mixer:widths(c) or c
end

--- Runs the network once on zeros, if layers need an input to get their sizes.
function M.settle(self)
  local input <const> = self.recipe.plan.input
  local waiting = false
  self:apply(function(m) waiting = waiting or m.unsized end)
  if not (waiting and input) then return end
  local _ <close> = grad.scope()
  local _ <close> = grad.no_grad()
  local _ <close> = self:evaluating()
  local shape <const> = {1, self.recipe.plan.channels, input[1], input[2]}
  local x <const> = core.new(shape, walk.dtype(self), 0)
  for stage = self.shared_head and 1 or 2, 2 do
    if self.shared_head then self.stage_number:fill_(stage) end
    self(x)
  end
end

--- Gives new parts the network's mode (training or not) when the returned value closes. Older parts
-- keep their mode.
function M.adopting(self)
  local known <const> = {}
  self:apply(function(m) known[m] = true end)
  return setmetatable({}, {__close = function()
    self:apply(function(m)
      if not known[m] then m.training = self.training end
    end)
  end})
end

--- Builds everything in the recipe, with heads of the given kind.
function M.network(self, kind)
  local f <const> = head_kinds.maker(kind)
  local mixers <const> = M.standing(self, #self.names)
  make_columns(self, mixers)
  make_mixers(self, mixers)
  local head <const>, shared_head <const> = {}, {}
  M.own_recipe(self).make_head = f
  for name, task in self.tasks:each() do
    local c <const> = M.last_channels(self, groups.of(self, name), mixers)
    head[name] = f(task, c, name)
    if self.two_stages then
      shared_head[name] = f(task, self.shared:channels(), name)
    end
  end
  self.head = head
  if self.two_stages then
    self.shared_head, self.stage_number = shared_head, core.keep(core.new({}, "int64", 1))
  end
  M.settle(self)
  if self.two_stages then self:stage(1) end
end

return M
