--- Checks arguments and options. A message about a wrong argument names the argument, its value and
-- the values that are wanted.

local core <const> = require "braid.core"
local format <const> = require "braid.format"
local kinds <const> = require "braid.check.kinds"
local nearest <const> = require "braid.nearest"
local shown <const> = require "braid.check.shown"

local M <const> = {shown = shown, nearest = nearest.hint}
for name, f in pairs(kinds) do M[name] = f end -- check.number, check.flag ...

local function by_text(a, b) return tostring(a) < tostring(b) end

local function sorted_keys(t)
  local keys <const> = {}
  for key in pairs(t) do keys[#keys + 1] = tostring(key) end
  table.sort(keys)
  return keys
end

--- Raises an error about the caller's mistake, at the user's line that called Braid.
function M.fail(form, ...) core.fail(format(form, ...)) end

--- Gives a function the name that messages about its arguments use. Returns the function.
function M.public(name, f)
  core.name_functions {[name] = f}
  return f
end

--- Raises an error if an argument after the first `most` is not nil.
function M.none_beyond(what, most, ...)
  local last = select("#", ...)
  while last > most and select(last, ...) == nil do last = last - 1 end
  if last <= most then return end
  M.fail("%s: takes at most %d argument%s, not %d; there is no place for %s", what, most,
    most == 1 and "" or "s", last, shown((select(most + 1, ...))))
end

--- Wraps f so that surplus arguments are an error. Returns f itself if f takes any number of
-- arguments.
function M.fixed(what, f)
  local info <const> = debug.getinfo(f, "u")
  if info.isvararg then return f end
  local most <const> = info.nparams
  return function(...)
    if select("#", ...) > most then M.none_beyond(what, most, ...) end
    return f(...)
  end
end

-- ---- options --------------------------------------------------------------------------

local Declared <const> = {__name = "declared options"}
Declared.__index = Declared

--- Everything that was declared, by name. A spec tests each declaration.
M.declared = {}

--- Declares the options and arguments of the function `what`: a table of kinds by name.
-- relation(o), if given, returns what is wrong with the options together, or nil.
-- @usage
-- local OPTIONS <const> = check.declare("optim.step", {
--   size = argument(whole{from = 1}), gamma = number{0.1, from = 0},
-- })
-- local o <const> = check.options(OPTIONS, given, {size = size})
function M.declare(what, known, relation)
  local defaults <const>, lists <const>, needed <const>, rows <const> = {}, {}, {}, {}
  for key, kind in pairs(known) do
    assert(kinds.is_kind(kind), what)
    assert(kind.default == nil or kind.accepts(kind.default), key)
    defaults[key] = kind.default
    if type(kind.default) == "table" then lists[#lists + 1] = key end
    if kind.needed then needed[#needed + 1] = key end
    rows[#rows + 1] = {key = key, kind = kind, accepts = kind.accepts,
      stays = kind.needed or kind.default ~= nil}
  end
  table.sort(needed, by_text)
  local declared <const> = setmetatable({what = what, kinds = known, defaults = defaults,
    needed = needed, lists = lists, rows = rows, relation = relation}, Declared)
  -- a later declaration replaces one of the same name, as a prompt may define a mixer again
  M.declared[what] = declared
  return declared
end

--- The same declaration under another name, with some kinds added, changed or left out (false).
function Declared:called(what, more)
  local known <const> = {}
  for key, kind in pairs(self.kinds) do known[key] = kind end
  for key, kind in pairs(more or {}) do known[key] = kind or nil end
  return M.declare(what, known, self.relation)
end

-- The names of options that a user may write.
local function names_of(declared)
  local names <const> = {}
  for key, kind in pairs(declared.kinds) do
    if not kind.positional then names[#names + 1] = tostring(key) end
  end
  table.sort(names)
  return names
end

local function missing(what, key, kind)
  M.fail("%s: %s is missing; it must be %s", what, kind.name or tostring(key), kind.says)
end

-- A hint why a value is wrong: which entry of a list is wrong, or that the number is a float.
local function why(kind, value)
  local whole <const> = kind.sort == "whole" and math.type(value) == "float"
    and math.tointeger(value)
  if whole and kind.accepts(whole) then return " (a float; math.tointeger makes it whole)" end
  if type(value) ~= "table" or kinds.is_object(value) then return "" end
  if kind.sort == "map" then
    for _, key in ipairs(M.sorted_keys(value)) do
      local entry <const> = value[key]
      if not kind.of.accepts(entry) then return (": %s is %s"):format(key, shown(entry)) end
    end
  end
  if kind.sort ~= "list" then return "" end
  for i = 1, #value do
    if not kind.of.accepts(value[i]) then return (": entry %d is %s"):format(i, shown(value[i])) end
  end
  return ""
end

local function refuse(what, key, kind, value)
  local says = kind.says
  if kind.sort == "number" and (value == math.huge or value == -math.huge) then
    says = says:gsub("number", "finite number", 1)
  end
  M.fail("%s: %s must be %s, not %s%s", what, kind.name or tostring(key), says, shown(value),
    why(kind, value))
end

-- Raises an error for the first wrong option or argument, in the order of their names.
local function blame(declared, what, given, positional)
  local keys <const> = {}
  for key in pairs(given) do keys[#keys + 1] = key end
  table.sort(keys, by_text)
  for _, key in ipairs(keys) do
    local kind <const> = declared.kinds[key]
    if not kind or kind.positional and not positional then
      local names <const> = names_of(declared)
      if #names == 0 then
        M.fail("%s: there is no option '%s'; it takes none", what, tostring(key))
      end
      local near <const> = nearest.names(key, names)
      M.fail("%s: there is no option '%s'; there is %s%s", what, tostring(key),
        table.concat(names, ", "),
        #near > 0 and #names > 1 and "; did you mean " .. table.concat(near, " or ") .. "?" or "")
    end
    if not kind.accepts(given[key]) then refuse(what, key, kind, given[key]) end
  end
end

local function copy_of(list)
  if type(list) ~= "table" or getmetatable(list) ~= nil then return list end
  local copy <const> = {}
  for key, value in next, list do copy[key] = value end
  return copy
end

-- Checks the arguments and stores them in `result`.
local function take_arguments(declared, what, result, arguments)
  for key, value in next, arguments do
    local kind <const> = declared.kinds[key]
    if not kind.accepts(value) then blame(declared, what, arguments, true) end
    result[key] = kind.copies and copy_of(value) or value
  end
end

--- Checks the options given and fills in defaults. `arguments` are positional arguments by name;
-- the result has them too. Messages begin with `what` (default: the declared name).
function M.options(declared, given, arguments, what)
  local known <const> = declared.kinds
  what = what or declared.what
  local result <const> = {}
  for key, value in next, declared.defaults do result[key] = value end
  for _, key in ipairs(declared.lists) do result[key] = copy_of(result[key]) end
  if arguments then take_arguments(declared, what, result, arguments) end
  if given ~= nil then
    if type(given) ~= "table" or M.is_object(given) then
      M.fail("%s: options must be a table, not %s", what, shown(given))
    end
    for key, value in pairs(given) do
      local kind <const> = known[key]
      if not kind or kind.positional or not kind.accepts(value) then
        blame(declared, what, given)
      end
      result[key] = kind.copies and copy_of(value) or value
    end
  end
  for _, key in ipairs(declared.needed) do
    if result[key] == nil then missing(what, key, known[key]) end
  end
  if declared.relation then
    local wrong <const> = declared.relation(result)
    if wrong then M.fail("%s: %s", what, wrong) end
  end
  return result
end

--- Checks options again that were already filled in and may have changed since.
function M.recheck(declared, options, what)
  for _, row in ipairs(declared.rows) do
    local value <const> = options[row.key]
    if value == nil and row.stays or value ~= nil and not row.accepts(value) then
      refuse(what, row.key, row.kind, value)
    end
  end
  local wrong <const> = declared.relation and declared.relation(options)
  if wrong then M.fail("%s: %s", what, wrong) end
end

--- Returns a value of a kind, or raises an error that names it.
function M.value(what, name, value, kind)
  if not kind.accepts(value) then refuse(what, name, kind, value) end
  return value
end

--- A copy of the options given, for callers that pass some of them on.
function M.copy(what, given)
  local copy <const> = {}
  if given ~= nil and type(given) ~= "table" then
    M.fail("%s: options must be a table, not %s", what, type(given))
  end
  for key, value in pairs(given or {}) do copy[key] = value end
  return copy
end

local SIZE <const> = kinds.whole{from = 1}

--- Returns a positive whole number, or raises an error that names it.
function M.size(what, name, value) return M.value(what, name, value, SIZE) end

--- Calls pcall(f, ...) and removes the place in the user's script from the message, so that another
-- message can quote it.
function M.caught(f, ...)
  local results <const> = table.pack(pcall(f, ...))
  if results[1] then return table.unpack(results, 1, results.n) end
  local message <const> = results[2]
  if type(message) ~= "string" then return false, "an error that is not a string" end
  local _, place <const> = pcall(M.fail, "")
  return false, message:sub(1, #place) == place and message:sub(#place + 1) or message
end

--- Returns a file's path, or raises an error that says what was given.
function M.path(what, path)
  if type(path) ~= "string" then
    M.fail("%s: wants the path of a file, a string, not %s", what,
      path == nil and "nil" or "a " .. type(path))
  end
  if path == "" or path:find("\0", 1, true) then
    M.fail("%s: %q is not the path of a file: it %s", what, path,
      path == "" and "is empty" or "holds a zero byte")
  end
  return path
end

--- Sorts out an optional weight and bias; the table of options may come in the place of either.
-- @return weight or nil, bias or nil, options or nil
function M.affine(weight, bias, given)
  if type(weight) == "table" then return nil, nil, weight end
  if type(bias) == "table" then return weight, nil, bias end
  return weight, bias, given
end

M.sorted_keys = sorted_keys

return M
