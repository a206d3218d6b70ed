--- The types that editors know: of options and arguments as they are declared, of operators'
-- arguments, and of the names in comments.

local check <const> = require "braid.check"
local class <const> = require "braid.class"

local M <const> = {}

M.TENSOR = "braid.Tensor"
M.DTYPE = "braid.dtype"

-- Computed whole numbers are floats for an editor, so these take any number.
M.ALIASES = {
  {"braid.whole", "integer|number", "A whole number."},
  {"braid.pair", "integer|number|integer[]", "A whole number, or a list of two."},
  {"braid.wholes", "integer|number|integer[]", "Whole numbers, in a row or in a list."},
  {M.DTYPE, '"float32"|"float64"|"int64"|"int32"|"uint8"|"bool"', "An element type."},
}
local WHOLE <const>, PAIR <const>, WHOLES <const> = "braid.whole", "braid.pair", "braid.wholes"

-- ---- declared kinds (braid.check) ---------------------------------------------------------

-- The types of kinds that a function checks, by the words that describe the kind.
local SAID <const> = {
  ["a network"] = "Module", ["a module"] = "Module", ["a network of columns"] = "mtl.columns",
  ["tasks, as mtl.tasks gives them"] = "mtl.tasks", ["tasks as mtl.tasks gives them"] = "mtl.tasks",
  ["an optim.EMA"] = "EMA", ["a list of tensors"] = "Tensor[]",
  ["a table of tensors by name"] = "table<string, Tensor>", ["a tensor of numbers (n)"] = "Tensor",
  ["a uint8 tensor (c,h,w) of 1 or 3 channels"] = "Tensor",
}

local function literal(value) return type(value) == "string" and ("%q"):format(value)
  or tostring(value) end

local function union(list)
  local words <const>, seen <const> = {}, {}
  for _, word in ipairs(list) do
    if word == "any" then return "any" end
    if not seen[word] then words[#words + 1] = word end
    seen[word] = true
  end
  return table.concat(words, "|")
end

local function list_of(sort)
  return (sort:find("|", 1, true) and "(" .. sort .. ")" or sort) .. "[]"
end

local SIMPLE <const> = {number = "number", whole = WHOLE, pair = PAIR, flag = "boolean",
  text = "string", call = "function|table", tensor = M.TENSOR, dimension = WHOLE, any = "any"}

--- The type of a declared kind.
function M.of_kind(kind)
  local sort <const> = kind.sort
  if SIMPLE[sort] then return SIMPLE[sort] end
  if sort == "list" then return list_of(M.of_kind(kind.of)) end
  if sort == "map" then return ("table<string, %s>"):format(M.of_kind(kind.of)) end
  local parts <const> = {}
  if sort == "choice" then
    for i, value in ipairs(kind.values) do parts[i] = literal(value) end
    return union(parts)
  elseif sort == "either" then
    for i, each in ipairs(kind.kinds) do parts[i] = M.of_kind(each) end
    return union(parts)
  end
  return SAID[kind.says] and M.resolved(SAID[kind.says]) or "any"
end

-- ---- operators (csrc/op/signature.c) ------------------------------------------------------

local LETTERS <const> = {t = M.TENSOR, n = M.TENSOR .. "|number|boolean", l = M.TENSOR .. "[]",
  f = "number", v = "number|boolean", i = WHOLE, b = "boolean", s = "string", y = M.DTYPE,
  d = WHOLE, k = WHOLE, D = WHOLES, I = WHOLES, p = PAIR, P = PAIR .. '|"same"'}

--- The type of an operator's argument.
function M.of_argument(argument) return LETTERS[argument.kind] end

-- ---- names in comments --------------------------------------------------------------------

local LUA <const> = {}
for word in ("any nil boolean number integer string table function fun userdata thread self true "
  .. "false"):gmatch("%a+") do
  LUA[word] = word
end

local names, used, hidden = {}, {}, {} -- types by name; types that were named; classes by type

--- Begins anew: `public` is the type of each public class, by handle. Other classes of Braid have
-- the names that messages use.
function M.begin(public)
  names, used, hidden = {Tensor = M.TENSOR, dtype = M.DTYPE}, {}, {}
  local known <const>, handles <const> = class.names(), {}
  for handle in pairs(known) do handles[#handles + 1] = handle end
  table.sort(handles, function(a, b)
    local x <const>, y <const> = public[a] or "~" .. known[a], public[b] or "~" .. known[b]
    return x < y
  end)
  for _, handle in ipairs(handles) do
    local sort <const> = public[handle] or "braid." .. known[handle]:gsub("[^%w_.]", "_")
    if not public[handle] then hidden[sort] = hidden[sort] or handle end
    local path <const> = sort:gsub("^braid%.", "")
    for _, word in ipairs{sort, path, known[handle], path:match("[^.]+$")} do
      names[word] = names[word] or sort
    end
  end
end

local function use(sort)
  if hidden[sort] then used[sort] = hidden[sort] end
  return sort
end

--- The type of a class.
function M.of_class(handle) return use(names[class.names()[handle]]) end

--- A type of a comment with the full names of Braid's classes. An unknown name is an error.
function M.resolved(text)
  local unquoted <const> = text:gsub('"[^"]*"', function(word) return (" "):rep(#word) end)
  local out <const>, at = {}, 1
  for from, word, to in unquoted:gmatch("()([%a_][%w_.]*)()") do
    local is_key <const> = unquoted:find("^%??:", to)
    local sort <const> = is_key and word or LUA[word] or names[word]
    if not sort then check.fail("there is no type '%s' in \"%s\"", word, text) end
    use(sort)
    out[#out + 1] = text:sub(at, from - 1) .. sort
    at = to
  end
  return table.concat(out) .. text:sub(at)
end

--- Classes without a public name that were named since the last call: a list of {type, handle}.
function M.newly_used()
  local list <const> = {}
  for sort, handle in pairs(used) do list[#list + 1] = {sort, handle} end
  table.sort(list, function(a, b) return a[1] < b[1] end)
  used = {}
  return list
end

return M
