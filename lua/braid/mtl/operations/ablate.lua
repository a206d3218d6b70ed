--- net:ablate(batches, {blocks =, part =, relative =}): how each metric changes when the features
-- of a task's column are zeroed at one block (Trottier et al. 2018, section 4.4 and figure 6).
--
-- Only the other columns lose the features; the task's own column keeps them. In mixers that are
-- sums, this means alpha_jt = 0 for all j except t. part = "map" zeroes the map itself, for its own
-- column too. batches is a loader, a batch, or a list of batches. blocks is a block or a list
-- (default: all blocks whose mixer can hide a column's map from the others: aggregates = true, as
-- help mtl.mixer explains).
-- @return {names, columns, blocks, base, change}: names has the columns' names; columns[task] is
--   the column of a task; base[task][metric] is the value without zeroing;
--   change[block][column][task][metric] is the relative change of this value when the column is
--   zeroed, or the difference if relative is false or the value is 0

local asked <const> = require "braid.data.asked"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local groups <const> = require "braid.mtl.columns.groups"
local mixer_methods <const> = require "braid.mtl.columns.mixer_methods"
local flow <const> = require "braid.mtl.columns.flow"

local function listed(batches)
  if type(batches) == "table" and asked(batches) then return {batches} end
  if type(batches) == "table" and getmetatable(batches) == nil then
    for i, batch in ipairs(batches) do
      if type(batch) ~= "table" or not asked(batch) then
        check.fail("ablate: entry %d is a %s, not a batch with an input and labels", i, type(batch))
      end
    end
    return batches
  end
  if type(batches) ~= "table" and type(batches) ~= "function" then
    check.fail("ablate: wants a loader, a batch or a list of batches, not a %s", type(batches))
  end
  local list <const> = {}
  for batch in batches do list[#list + 1] = batch end
  return list
end

local function iterate(list)
  local i = 0
  return function()
    i = i + 1
    return list[i]
  end
end

-- The numbers in a report, {task = {metric = value}}.
local function numbers(report, names)
  local result <const> = {}
  for _, name in ipairs(names) do
    result[name] = {}
    for metric, value in pairs(report[name]) do
      if type(value) == "number" then result[name][metric] = value end
    end
  end
  return result
end

local function changes(now, base, relative)
  local result <const> = {}
  for name, metrics in pairs(base) do
    result[name] = {}
    for metric, value in pairs(metrics) do
      local difference <const> = now[name][metric] - value
      result[name][metric] = relative and value ~= 0 and difference / value or difference
    end
  end
  return result
end

local OPTIONS <const> = check.declare("ablate", {
  blocks = check.either(check.text(), check.list{of = check.text()}), relative = check.flag(true),
  part = check.choice{"aggregation", "map"},
})

-- Raises an error for a mixer without the form of `list` by which a map can be hidden.
local function cannot_hide(self, block)
  check.fail("ablate: the mixer %s cannot hide a column's map from the other columns; it wants "
    .. "aggregates = true and list(self, xs, z, apart), which help(\"mtl.mixer\") explains; part = "
    .. "\"map\" zeroes a map for its own column too",
    mixer_methods.shown(block, getmetatable(self.mixer[block])))
end

-- The blocks at which features can be zeroed. If the user names another block, it is an error.
local function blocks_of(self, o)
  local blocks <const> = self.recipe.plan:list(o.blocks, self.recipe.split, "ablate")
  if o.part == "map" then return blocks end
  local list <const> = {}
  local unable
  for _, block in ipairs(blocks) do
    local mixer <const> = self.mixer[block]
    if mixer and mixer.aggregates then
      list[#list + 1] = block
    elseif mixer and mixer_methods.connects("ablate", self, block) then
      unable = unable or block
      if o.blocks then cannot_hide(self, block) end
    elseif o.blocks then
      check.fail("ablate: block '%s' has %s, so no column takes from another there; part = \"map\" "
        .. "zeroes a map for its own column", block,
        mixer and "mtl." .. getmetatable(mixer).__name or "no mixer")
    end
  end
  if #list == 0 and unable then cannot_hide(self, unable) end
  if #list == 0 then
    check.fail("ablate: no block has a mixer whose columns take from each other; part = \"map\" "
      .. "zeroes a map for its own column")
  end
  return list
end

return function(self, batches, given)
  if not self.columns then
    check.fail("ablate: the network has no columns whose features could be zeroed")
  end
  flow.check_columns_run(self, "ablate")
  local o <const> = check.options(OPTIONS, given)
  local list <const> = listed(batches)
  if #list == 0 then check.fail("ablate: there is no batch to measure on") end
  local blocks <const> = blocks_of(self, o)
  local names <const> = self.tasks.names
  local _ <close> = self:evaluating()
  local base <const> = numbers(self.tasks:evaluate(self, iterate(list)), names)
  local change <const> = {}
  for _, block in ipairs(blocks) do
    change[block] = {}
    for _, zeroed in ipairs(self.names) do
      local function tap(at, name, x)
        if at ~= block or name ~= zeroed then return nil end
        if o.part == "map" then return core.new(x.shape, x.dtype, 0) end
        return nil, true
      end
      local report <const> = self.tasks:evaluate(function(x) return self(x, tap) end, iterate(list))
      change[block][zeroed] = changes(numbers(report, names), base, o.relative)
    end
  end
  local columns <const> = {}
  for _, name in ipairs(names) do columns[name] = groups.of(self, name) end
  return {names = table.move(self.names, 1, #self.names, 1, {}), columns = columns,
    blocks = blocks, base = base, change = change}
end
