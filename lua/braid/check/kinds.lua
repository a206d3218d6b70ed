--- Kinds of options and arguments. A kind has a default, a range, and the words for messages.
--
--   number{1e-3, from = 0}      a finite number; from, above, to, below bound it; infinite = true
--                               allows math.huge, nan = true allows NaN
--   whole{1, from = 1}          an integer, with the same bounds
--   flag(false)                 true or false
--   choice{"zeros", "reflect"}  one of these; the first is the default
--   text("class")               a string
--   list{{0.9, 0.999}, of = number{from = 0, below = 1}, n = 2}   a table of n values, or of at
--                               least `least` values
--   map(tensor())               a table by name of values of this kind
--   pair{1, from = 1}           a whole number, or a list of two
--   call(f)                     a function, or another value that can be called
--   tensor()                    a tensor
--   any(v)                      any value; it is checked elsewhere
--   dimension(2)                a dimension: from 1, or from -1 backwards
--   kind("a task", is_task, d)  a value that is_task accepts, the words for it, and the default d
--   named("the number of classes", k)   kind k with a name for messages
--   either(a, b)                a value of kind a or b; the default is a's
--
-- An option without a default is nil unless it is given. needed(k) must be given. optional(k) is k
-- without its default. argument(k) is a positional argument of the call.

local core <const> = require "braid.core"
local shown <const> = require "braid.check.shown"

local M <const> = {}

local Kind <const> = {__name = "kind of option"}
Kind.__index = Kind

local function new(sort, default, says, accepts, more)
  local k <const> = setmetatable({sort = sort, default = default, says = says, accepts = accepts},
    Kind)
  for key, value in pairs(more or {}) do k[key] = value end
  return k
end

--- Whether a value is a kind.
function M.is_kind(value) return getmetatable(value) == Kind end

-- A copy of kind k with some fields changed.
local function changed(k, more)
  local copy <const> = new(k.sort, k.default, k.says, k.accepts, k)
  for key, value in pairs(more) do copy[key] = value end
  return copy
end

function M.needed(k) return changed(k, {needed = true}) end
function M.argument(k) return changed(k, {positional = true, needed = k.default == nil and
  not k.may_miss}) end

function M.named(name, k) return changed(k, {name = name}) end

function M.optional(k)
  local copy <const> = changed(k, {may_miss = true, needed = false})
  copy.default = nil
  return copy
end

-- ---- numbers --------------------------------------------------------------------------

local RANGE <const> = {"from", "above", "to", "below"}

-- "a number from 0 and below 1", "a whole number from 1 to 4"
local function range_text(noun, o)
  local low <const> = o.from and "from " .. shown(o.from) or o.above and "above " .. shown(o.above)
  local high <const> = o.to and "to " .. shown(o.to) or o.below and "below " .. shown(o.below)
  if low and high then
    return ("%s %s%s%s"):format(noun, low, o.from and o.to and " " or o.to and ", up " or " and ",
      high)
  end
  return (low or high) and ("%s %s"):format(noun, low or (o.to and "up " or "") .. high) or noun
end

-- Whether v is a number (with `whole`, an integer) within the bounds. This is a single function for
-- speed, because it runs for every option of every call.
local function within(o, whole)
  local from <const>, above <const>, to <const>, below <const> = o.from, o.above, o.to, o.below
  local infinite <const>, nan <const>, type_of <const> = o.infinite, o.nan == true, math.type
  return function(v)
    local sort <const> = type_of(v)
    if not sort or whole and sort ~= "integer" then return false end
    if v ~= v then return nan end
    return not (from and v < from or above and v <= above or to and v > to
      or below and v >= below) and (infinite or v - v == 0)
  end
end

local function numeric(sort, noun, whole)
  return function(o)
    if type(o) ~= "table" then o = {o} end
    local more <const> = {infinite = o.infinite, noun = noun, nan = o.nan == true}
    for _, key in ipairs(RANGE) do more[key] = o[key] end
    return new(sort, o[1], range_text(noun, o), within(o, whole), more)
  end
end

M.number = numeric("number", "a number", false)
M.whole = numeric("whole", "a whole number", true)

-- ---- the rest -------------------------------------------------------------------------

local function of_type(sort, says, name)
  return function(default)
    return new(sort, default, says, function(v) return type(v) == name end)
  end
end

M.flag = of_type("flag", "true or false", "boolean")
M.text = of_type("text", "a string", "string")

function M.choice(o)
  local known <const>, words <const> = {}, {}
  for i, value in ipairs(o) do known[value], words[i] = true, shown(value) end
  local last <const> = table.remove(words)
  local says <const> = #words == 0 and last or table.concat(words, ", ") .. " or " .. last
  return new("choice", o[1], says, function(v) return v ~= nil and known[v] == true end,
    {values = table.move(o, 1, #o, 1, {})})
end

--- Whether a table is an object of a class, and so neither a list nor a table of options.
function M.is_object(t)
  local meta <const> = getmetatable(t)
  return type(meta) == "table" and type(meta.__name) == "string"
end

-- The number of entries of a plain table that is only a list; nil for any other value.
local function entries(v)
  if type(v) ~= "table" or getmetatable(v) ~= nil then return nil end
  local n = 0
  for key in next, v do
    if math.type(key) ~= "integer" or key < 1 or key > #v then return nil end
    n = n + 1
  end
  return n == #v and n or nil
end

function M.list(o)
  local of <const>, least <const> = o.of or M.any(), o.n or o.least or 0
  local most <const> = o.n or math.maxinteger
  local count <const> = o.n and o.n .. " values" or "values"
  local says <const> = ("a list of %s%s%s"):format(least > 0 and not o.n and least .. " or more "
    or "", count, of.sort ~= "any" and ", each " .. of.says or "")
  return new("list", o[1], says, function(v)
    local n <const> = entries(v)
    if not n or n < least or n > most then return false end
    for i = 1, n do
      if not of.accepts(v[i]) then return false end
    end
    return true
  end, {of = of, n = o.n, least = least, copies = true})
end

function M.map(of)
  return new("map", nil, "a table by name, each " .. of.says, function(v)
    if type(v) ~= "table" or getmetatable(v) ~= nil then return false end
    for key, value in next, v do
      if type(key) ~= "string" or not of.accepts(value) then return false end
    end
    return true
  end, {of = of})
end

function M.pair(o)
  if type(o) ~= "table" then o = {o} end
  local single <const> = M.whole(o)
  local says <const> = ("%s, or a list of two"):format(single.says)
  return new("pair", o[1], says, function(v)
    if type(v) ~= "table" then return single.accepts(v) end
    return entries(v) == 2 and single.accepts(v[1]) and single.accepts(v[2])
  end, {of = single, copies = true})
end

function M.call(default)
  return new("call", default, "a function", function(v)
    local meta <const> = type(v) == "table" and getmetatable(v)
    return type(v) == "function" or type(meta) == "table" and meta.__call ~= nil
  end)
end

function M.dimension(default)
  return new("dimension", default, "a dimension (from 1, or from -1 backwards)", function(v)
    return math.type(v) == "integer" and v ~= 0
  end)
end

function M.tensor() return new("tensor", nil, "a tensor", core.is_tensor) end
function M.any(default) return new("any", default, "anything", function() return true end) end
function M.kind(says, accepts, default) return new("kind", default, says, accepts) end

function M.either(...)
  local kinds <const>, words <const> = {...}, {}
  for i, k in ipairs(kinds) do words[i] = k.says end
  return new("either", kinds[1].default, table.concat(words, ", or "), function(v)
    for _, k in ipairs(kinds) do
      if k.accepts(v) then return true end
    end
    return false
  end, {kinds = kinds, copies = true})
end

return M
