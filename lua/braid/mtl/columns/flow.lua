--- Runs maps through a network of columns. The shared blocks come first; then, block by block, the
-- columns, their shared stream, and the mixer.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local Pair <const> = require "braid.mtl.columns.stack.pair"
local turns <const> = require "braid.mtl.columns.turns"

local M <const> = {}

-- The names of the blocks that columns have.
local function column_blocks(self) return self.recipe.plan:list(nil, self.recipe.split) end

-- Calls a tap on a map. Returns the tap's map (or the old one if the tap returns nothing), and
-- whether only the map's own column may take it.
local function seen_by(tap, block, name, x)
  local other <const>, alone <const> = tap(block, name, x)
  if other == nil then return x, alone end
  if not core.is_tensor(other) then
    check.fail("network: the tap at block '%s' returned a %s; it must return a tensor, or nothing",
      block, type(other))
  end
  return other, alone
end

local function shared_block(module, block, x, tap)
  x = module[block](x)
  return tap and (seen_by(tap, block, "shared", x)) or x
end

-- The maps of the columns after the tap; and {place = true} for the maps that only their own column
-- may take, or nil if there is none.
local function tapped(self, block, xs, tap)
  local seen <const>, apart = {}, nil
  for i, name in ipairs(self.names) do
    local x <const>, alone <const> = seen_by(tap, block, name, xs[i])
    seen[i] = x
    if alone then
      apart = apart or {}
      apart[i] = true
    end
  end
  if apart and not self.mixer[block] then
    check.fail("network: the tap at block '%s' hides a map from other columns, but no mixer there "
      .. "gives it to them: return only the map", block)
  end
  return seen, apart
end

local function run_list(self, xs, z, tap)
  for _, block in ipairs(column_blocks(self)) do
    local ys, apart = {}, nil
    for i, name in ipairs(self.names) do ys[i] = self.columns[name][block](xs[i]) end
    if self.shared and self.shared[block] then z = shared_block(self.shared, block, z, tap) end
    if tap then ys, apart = tapped(self, block, ys, tap) end
    xs = self.mixer[block] and self.mixer[block](ys, z, block, apart) or ys
  end
  return xs
end

-- Runs the blocks of stacked columns on their map x, and the blocks of columns that were added
-- later on {name = map}.
local function run_stacked(self, x, beside, z, tap)
  local columns <const>, late <const> = self.columns, self.columns:names_beside()
  for _, block in ipairs(column_blocks(self)) do
    local mixer <const>, apart = self.mixer[block], nil
    x = columns.stacked[block](x)
    for _, name in ipairs(late) do beside[name] = columns[name][block](beside[name]) end
    if self.shared and self.shared[block] then z = shared_block(self.shared, block, z, tap) end
    if tap then
      local maps
      maps, apart = tapped(self, block, columns:listed(x, beside), tap)
      x, beside = columns:side_by_side(maps)
    end
    if mixer and #late == 0 then
      x = mixer(x, z, block, apart)
    elseif mixer then
      local own <const> = mixer.appends and Pair(x, z, #columns.stacked_names)
      x, beside = columns:side_by_side(mixer(columns:listed(x, beside), z, block, apart))
      x = own or x
    end
  end
  return columns:listed(x, beside)
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

-- The inputs of the columns as a list; or for stacked columns their input, and {name = image} for
-- the columns outside the stack.
local function entrance(self, x)
  local columns <const> = self.columns
  local xs = not core.is_tensor(x) and own_images(self, x)
  if columns.stacked and xs then return columns:side_by_side(xs) end
  if xs then return xs end
  xs = {}
  for i, name in ipairs(self.names) do xs[columns.stacked and name or i] = x end
  if not columns.stacked then return xs end
  local channels <const> = columns:image_channels()
  local is_batch <const> = x:dim() == 4 or x:dim() == 2
  -- Without this check, an image of T times the channels would count as the maps of all columns.
  if channels and is_batch and x:size(2) ~= channels then
    check.fail("network: its columns take images of %d channels, not %d", channels, x:size(2))
  end
  return channels and x or columns:spread(x), xs
end

--- Whether the shared stream trains now, with its own heads.
function M.is_first_stage(self)
  return self.stage_number ~= nil and self.stage_number:item() == 1
end

--- Raises an error for a call that needs the columns, while only the shared stream trains.
function M.check_columns_run(self, what)
  if M.is_first_stage(self) then
    check.fail("%s: in stage 1 the columns do not run; call net:stage(2) first", what)
  end
end

--- Runs the network -> the features for the heads, {column = x}; `names` are the tasks that run.
function M.run(self, x, tap, names)
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
    for _, name in ipairs(self.names) do features[name] = x end
    return features
  end
  local start <const>, beside <const> = entrance(self, x)
  local z <const> = self.shared and x
  local turn <const> = #names < #self.tasks.names and turns.columns(self, names)
  if turn then
    for i, map in pairs(turns.run(self, start, z, turn)) do features[self.names[i]] = map end
    return features
  end
  local maps <const> = beside and run_stacked(self, start, beside, z, tap)
    or run_list(self, start, z, tap)
  for i, map in ipairs(maps) do features[self.names[i]] = map end
  return features
end

return M
