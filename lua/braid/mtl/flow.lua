--- How maps run through a network of columns: shared blocks first, then block by block the
-- columns, the stream they share, and the mixer.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local Pair <const> = require "braid.mtl.join.pair"
local ops <const> = core.ops

local M <const> = {}

-- The names of the blocks that columns have.
local function column_blocks(self)
  local names <const> = self.recipe.plan.names
  return table.move(names, self.recipe.split + 1, #names, 1, {})
end

local function shared_block(module, block, x, tap)
  x = module[block](x)
  return tap and tap(block, "shared", x) or x
end

-- x of all columns side by side, as a list.
local function parted(x, count)
  local xs <const> = {}
  if Pair.is(x) then
    for i = 1, count do xs[i] = x:tower(i) end
    return xs
  end
  local c <const> = x:size(2) // count
  for i = 1, count do xs[i] = ops.narrow(x, 2, (i - 1) * c + 1, c) end
  return xs
end

local function tapped(self, block, xs, tap)
  local seen <const> = {}
  for i, name in ipairs(self.names) do seen[i] = tap(block, name, xs[i]) or xs[i] end
  return seen
end

local function run_list(self, xs, z, tap)
  for _, block in ipairs(column_blocks(self)) do
    local ys = {}
    for i, name in ipairs(self.names) do ys[i] = self.columns[name][block](xs[i]) end
    if self.shared then z = shared_block(self.shared, block, z, tap) end
    if tap then ys = tapped(self, block, ys, tap) end
    xs = self.mixer[block] and self.mixer[block](ys, z) or ys
  end
  return xs
end

local function run_joined(self, x, z, tap)
  local joined <const>, count <const> = self.columns.joined, #self.names
  for _, block in ipairs(column_blocks(self)) do
    x = joined[block](x)
    if self.shared then z = shared_block(self.shared, block, z, tap) end
    if tap then x = ops.cat(tapped(self, block, parted(x, count), tap), 2) end
    if self.mixer[block] then x = self.mixer[block](x, z) end
  end
  local features <const> = parted(x, count)
  for i, map in ipairs(features) do features[i] = ops.clone(map) end -- dense, as in a list
  return features
end

-- The image of each column, from {task = x}.
local function own_images(self, given)
  if self.trunk or self.shared then
    check.fail("network: its tasks share blocks, so it takes one image for all, not a table")
  end
  local xs <const> = {}
  for i, name in ipairs(self.names) do
    xs[i] = given[name]
    if not core.is_tensor(xs[i]) then
      check.fail("network: the table of images has none for column '%s'", name)
    end
  end
  return xs
end

-- What the columns start from: a list, or one tensor if they are joined.
local function entrance(self, x)
  local given <const> = not core.is_tensor(x)
  local joined <const> = self.columns.joined ~= nil
  if given then
    local xs <const> = own_images(self, x)
    return joined and ops.cat(xs, 2) or xs
  end
  if joined then return self.columns:takes_image() and x or self.columns:spread(x) end
  local xs <const> = {}
  for i = 1, #self.names do xs[i] = x end
  return xs
end

--- Whether the stream that the columns share is learned, with heads of its own.
function M.is_first_stage(self)
  return self.stage_number ~= nil and self.stage_number:item() == 1
end

--- The features that each task's head gets, {task = x}.
function M.run(self, x, tap)
  if not core.is_tensor(x) and type(x) ~= "table" then
    check.fail("network: the input must be a tensor or {task = tensor}, not %s", type(x))
  end
  if self.trunk then
    if not core.is_tensor(x) then own_images(self, x) end
    for _, block in ipairs(self.trunk.order) do x = shared_block(self.trunk, block, x, tap) end
  end
  local features <const> = {}
  if not self.columns or M.is_first_stage(self) then
    if self.columns then
      for _, block in ipairs(column_blocks(self)) do
        x = shared_block(self.shared, block, x, tap)
      end
    end
    for _, name in ipairs(self.tasks.names) do features[name] = x end
    return features
  end
  local start <const> = entrance(self, x)
  local run <const> = self.columns.joined and run_joined or run_list
  for i, map in ipairs(run(self, start, self.shared and x, tap)) do
    features[self.names[i]] = map
  end
  return features
end

return M
