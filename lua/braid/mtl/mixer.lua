--- Mixer: connects the columns of a network at a block. T maps go in, T maps come out.
--
-- A mixer of your own is a class, in your script or in a module of yours.
-- mtl.mixer.define(Class, options) makes the function that puts it into a
-- network. Each instance is at one block. These two methods it must have:
--   init(self, at, o)
--       at.block is the block's name, at.names the list of the columns' names.
--       at.channels is one number: columns that are mixed have equally many
--       channels. o has the options.
--   list(self, xs, z)
--       mixes maps in a list, xs[i] (n,c,h,w), and returns as many. z is the
--       shared stream's map, if any.
-- All else is optional. An operation that needs more says what is missing.
--   braid(self, x, z)
--       mixes stacked maps in one tensor, x (n, T*c, h, w), and returns one.
--       Without it the columns are in a list.
--   resize(self, names)
--       for net:add_task, net:remove_task, and net:extract where it leaves out
--       columns: changes the columns to `names`, which are the old ones without
--       some, or with new ones among them. Old columns take nothing from new ones.
--   needs(self, i, learning)
--       for net:extract and steps on the labels of some tasks: the names of the
--       columns that column i takes from; when learning, also columns whose
--       weight is 0 now but can change. Without it these are all columns.
--   weights(self)
--       for net:transfer and drawings: T rows of T numbers; row i says how much
--       column i takes from each column.
--   aggregates = true
--       for net:ablate: list(self, xs, z, apart) and braid(self, x, z, apart)
--       hide map i from the other columns if apart[i] is true.
--   alone = true           it changes nothing in a network of one column
--   wants_maps = true      it gets (n,c) as (n,c,1,1), maps of one pixel
--   widths(o, c)           the number of output channels for c input channels
--   shared_stream = true   a stream that all columns share runs beside them
--   appends = true         its results are a column's map with z appended
--   reconnect(self)        starts connections that resize set to 0
--
-- A per-column module (mtl.per_column) holds a module for each column, by name.
-- net:freeze(task) then finds what is the column's own, and stacked columns can
-- run it as one. Make it in init:
--   local PerColumn = require "braid.mtl.columns.per_column"
--   self.own = PerColumn(at.names, {pose = nn.PReLU(8), smile = nn.PReLU(8)})
-- In a list, self.own[name] is a column's module; stacked, self.own.stacked is
-- one module for all. In resize, self.own = self.own:extended(names, make) keeps
-- the modules of old columns, and make(name) makes those of new ones.
-- @usage
-- local class <const> = require "braid.class"
-- local check <const> = require "braid.check"
-- local Lean <const> = class("lean", mtl.mixer)   -- y_i = x_i + sum of share_ij x_j
-- function Lean:init(at, o)
--   self.names, self.start = at.names, o.start
--   self.share = nn.Module.parameter(braid.full({#at.names, #at.names}, o.start))
-- end
-- function Lean:list(xs)
--   local ys <const> = {}
--   for i = 1, #xs do
--     ys[i] = xs[i]
--     for j, x in ipairs(xs) do ys[i] = ys[i] + x * self.share[{i, j}] end
--   end
--   return ys
-- end
-- function Lean:resize(names)
--   local place <const> = {}   -- of the columns that there were
--   for i, name in ipairs(self.names) do place[name] = i end
--   local share <const> = braid.zeros(#names, #names)   -- 0: an old column, a new one
--   for i, name in ipairs(names) do
--     for j, other in ipairs(names) do
--       local k <const>, l <const> = place[name], place[other]
--       if not k then share[{i, j}] = self.start end
--       if k and l then share[{i, j}] = self.share[{k, l}]:item() end
--     end
--   end
--   self.names, self.share = names, nn.Module.parameter(share)
-- end
-- function Lean:needs(i, learning)
--   if learning then return self.names end
--   local list <const> = {}
--   for j, name in ipairs(self.names) do
--     if j == i or self.share[{i, j}]:item() ~= 0 then list[#list + 1] = name end
--   end
--   return list
-- end
-- function Lean:weights()
--   return (self.share:detach() + braid.eye(#self.names)):totable()
-- end
-- local lean <const> = mtl.mixer.define(Lean, {start = check.number{0.1, from = -1, to = 1}})
-- local leaning <const> = mtl.columns(tasks, nn.backbone("tcdcn"))
-- leaning:mix("conv3", lean{start = 0.2}):heads()
-- leaning:add_task("glasses", mtl.classes{2})
-- print(leaning:transfer().weights.conv3[1][2])

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local Module <const> = require "braid.nn.module"
local Pair <const> = require "braid.mtl.columns.stack.pair"
local PerColumn <const> = require "braid.mtl.columns.per_column"

local ops <const> = core.ops

local Mixer <const> = class("Mixer", Module)

-- Every mixer gets its place and its options.
function Mixer:init(at, options) local _, _ = at, options end
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

-- Whether a value is a class that derives from mtl.mixer.
local function is_mixer(kind)
  while class.is_class(kind) and kind ~= Mixer do kind = kind.base end
  return kind == Mixer
end

-- A text about the arguments of define, or nil if they are right.
local function wrong_arguments(kind, known, relation)
  if kind == Mixer or not is_mixer(kind) then
    return ("the first argument must be a class that derives from mtl.mixer, such as "
      .. "class(\"mine\", mtl.mixer), not %s"):format(check.shown(kind))
  end
  if type(known) ~= "table" or check.is_object(known) then
    return ("its options must be a table of kinds by name, {} for none, not %s"):format(
      check.shown(known))
  end
  for _, key in ipairs(check.sorted_keys(known)) do
    if not check.is_kind(known[key]) then
      return ("its option %s must be a kind of value, such as check.number(0.1), not %s"):format(
        key, check.shown(known[key]))
    end
  end
  if relation ~= nil and type(relation) ~= "function" then
    return ("relation must be a function of the options, not %s"):format(check.shown(relation))
  end
end

--- Makes the function that users call, such as mtl.ttc{...}, which net:mix takes the result of.
-- kind is the mixer's class. known has its options by name, each a kind of value from require
-- "braid.check": check.number{0.1, from = 0}, check.whole{3, from = 1}, check.flag(true),
-- check.choice{"first is the default", "other"}; {} if it has none. relation is for options that
-- must fit together: relation(o) gets them all and returns what is wrong as text, or nil.
-- @usage
-- local class <const> = require "braid.class"
-- local check <const> = require "braid.check"
-- local Between <const> = class("between", mtl.mixer)
-- function Between:init(_, o) self.low, self.high = o.low, o.high end
-- function Between:list(xs)
--   local ys <const> = {}
--   for i, x in ipairs(xs) do ys[i] = x:clamp(self.low, self.high) end
--   return ys
-- end
-- local between <const> = mtl.mixer.define(Between,
--   {low = check.number(0), high = check.number(6)},
--   function(o) return o.low >= o.high and "low must be less than high" or nil end)
-- mtl.columns(tasks, nn.backbone("tcdcn")):mix("conv1", between{high = 1}):heads()
function Mixer.define(kind, known, relation)
  local wrong <const> = wrong_arguments(kind, known, relation)
  if wrong then
    check.fail("mtl.mixer.define: %s; help(\"mtl.mixer.define\") explains it", wrong)
  end
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
