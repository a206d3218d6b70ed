--- Mixer: connects the columns of a network at a block. T maps go in, T maps come out.
--
-- A mixer is a file in mtl/mixers/ that returns Mixer.define(Class, options, relation). Each
-- instance of the class is at one block:
--   init(at, o)   at = {block, names (of the columns), channels (of each column)}
--   list(xs, z)   mixes maps in a list, xs[i] (n,c,h,w) -> ys; z is the shared stream's map, if any
--   braid(x, z)   mixes stacked maps, x (n, T*c, h, w); it may return a Pair
-- Parameters of a single column are in a PerColumn, so that they are saved, frozen and stacked by
-- task. A class may also have
--   shared_stream = true     a stream that all columns share runs beside them
--   appends = true           each map of its result is the column's map with z appended
--   aggregates = true        list(xs, z, apart) and braid(x, z, apart) hide map i from the other
--                            columns if apart[i] is true
--   alone = true             it changes nothing in a network of one column
--   wants_maps = true        it gets (n,c) as (n,c,1,1), which are maps of one pixel
--   widths(o, c)             the number of output channels for c input channels
--   weights(self)            T rows of T numbers: how much column i takes from column j
--   needs(self, i, learning) the names of the columns that column i takes from; when learning, also
--                            columns whose weight is 0 now but can change
--   resize(self, names)      changes the columns to `names`; old columns take nothing from new ones
--   reconnect(self)          starts the connections that resize set to 0, if they can train
-- @usage
-- local class <const> = require "braid.class"
-- local Halves <const> = class("Halves", mtl.mixer)   -- columns take half of the mean
-- function Halves:list(xs)
--   local mean <const>, ys <const> = braid.stack(xs, 1):mean(1), {}
--   for i, x in ipairs(xs) do ys[i] = (x + mean) / 2 end
--   return ys
-- end
-- mtl.mixer.define(Halves, {})

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local Module <const> = require "braid.nn.module"
local Pair <const> = require "braid.mtl.columns.stack.pair"
local PerColumn <const> = require "braid.mtl.columns.per_column"

local ops <const> = core.ops

local Mixer <const> = class("Mixer", Module)

-- Every mixer gets its place (at) and its options.
function Mixer:init(_, _) end
Mixer.shared_stream = false
Mixer.structural = false
Mixer.appends = false
Mixer.aggregates = false
Mixer.alone = false
Mixer.wants_maps = false

-- A kind of mixer and its options, before it is put at a block.
local Recipe <const> = class.guarded(class "Mixer recipe")

function Recipe:init(kind, options) self.kind, self.options = kind, options end

Recipe.__tostring = function(self)
  local words <const>, options <const> = {}, self.options
  for i, key in ipairs(check.sorted_keys(options)) do
    words[i] = ("%s = %s"):format(key, check.shown(options[key]))
  end
  return ("mtl.%s{%s}"):format(self.kind.__name, table.concat(words, ", "))
end

--- Makes the mixer for a block.
function Recipe:build(at) return self.kind(at, self.options) end

--- The number of output channels for c input channels.
function Recipe:widths(c) return self.kind.widths(self.options, c) end

function Mixer.is_recipe(value) return getmetatable(value) == Recipe end

--- Makes the function that users call, mtl.<name>{...}, with declared options.
function Mixer.define(kind, known, relation)
  local options <const> = check.declare("mtl." .. kind.__name, known, relation)
  return function(given) return Recipe(kind, check.options(options, given)) end
end

function Mixer.widths(_, c) return c end

local function as_map(x) return ops.reshape(x, x:size(1), x:size(2), 1, 1) end
local function as_row(x) return ops.reshape(x, x:size(1), x:size(2)) end

local function each(xs, f)
  local ys <const> = {}
  for i, x in ipairs(xs) do ys[i] = f(x) end
  return ys
end

-- Raises an error about a mixer at a block.
local function fault(self, block, format, ...)
  local at <const> = block and (" at block '%s'"):format(block) or ""
  check.fail("mtl.%s%s: %s", getmetatable(self).__name, at, format:format(...))
end

local function shown(value)
  return value == nil and "nothing" or "a " .. (core.is_tensor(value) and "tensor" or type(value))
end

-- Checks the result of list(xs, z): it must be a map for each of the xs.
local function listed_maps(self, ys, xs, block)
  if type(ys) ~= "table" or getmetatable(ys) ~= nil then
    fault(self, block, "list(xs, z) returned %s; it must return a list of %d maps, one a column",
      shown(ys), #xs)
  end
  if #ys ~= #xs then fault(self, block, "list(xs, z) returned %d maps of %d", #ys, #xs) end
  for i, y in ipairs(ys) do
    if not core.is_tensor(y) then
      fault(self, block, "list(xs, z) returned %s as map %d", shown(y), i)
    end
  end
  return ys
end

-- Checks the result of braid(x, z): it must be a tensor or a pair.
local function stacked_map(self, y, block)
  if core.is_tensor(y) or Pair.is(y) then return y end
  fault(self, block, "braid(x, z) returned %s; it must return one tensor, the columns side by side",
    shown(y))
end

--- Mixes xs, a list of maps or the stacked maps in one tensor, and returns the same form. `block`
-- is for messages. If apart[i] is true, only column i takes map i.
function Mixer:forward(xs, z, block, apart)
  if apart and not self.aggregates then
    fault(self, block, "it has no aggregates = true, so no map can be hidden from other columns; "
      .. "help(\"mtl.mixer\") explains it")
  end
  local listed <const> = type(xs) == "table" and getmetatable(xs) == nil
  if self.wants_maps and (listed and xs[1] or xs):dim() == 2 then
    z = z and as_map(z)
    if listed then
      return each(listed_maps(self, self:list(each(xs, as_map), z, apart), xs, block), as_row)
    end
    return as_row(stacked_map(self, self:braid(as_map(xs), z, apart), block))
  end
  if listed then return listed_maps(self, self:list(xs, z, apart), xs, block) end
  return stacked_map(self, self:braid(xs, z, apart), block)
end

local function each_per_column(self, f)
  for _, key in ipairs(check.sorted_keys(self)) do
    if getmetatable(self[key]) == PerColumn then
      local stop <const>, why <const> = f(self[key])
      if stop == false then return false, why end
    end
  end
  return true
end

--- Whether the mixer can run on stacked columns; or false and the reason.
function Mixer:can_stack()
  if not self.braid then return false, getmetatable(self).__name .. " has no stacked form" end
  return each_per_column(self, function(s) return s:can_stack() end)
end

function Mixer:stack() each_per_column(self, function(s) s:stack() end) end
function Mixer:unstack() each_per_column(self, function(s) s:unstack() end) end

--- The parameters that belong to a column.
function Mixer:column_parts(name)
  local parts <const> = {}
  each_per_column(self, function(s) parts[#parts + 1] = s[name] end)
  return parts
end

return Mixer
