--- JSON, as far as files need it. Integers stay integers, and floats are exact.

local check <const> = require "braid.check"
local damage <const> = require "braid.io.damage"
local limits <const> = require "braid.limits"

local M <const> = {}

local ESCAPES <const> = {["\""] = "\\\"", ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f",
  ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t"}
local UNESCAPES <const> = {["\""] = "\"", ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n",
  r = "\r", t = "\t"}
local DEPTH <const> = 100

local function quote(s)
  return "\"" .. s:gsub("[%c\"\\\127]", function(c)
    return ESCAPES[c] or ("\\u%04x"):format(c:byte())
  end) .. "\""
end

local function is_list(t)
  local n = 0
  for _ in pairs(t) do n = n + 1 end
  return n == #t
end

-- The shortest text that reads as the same float again, and not as an integer.
local function float_text(value)
  for digits = 15, 17 do
    local text <const> = ("%." .. digits .. "g"):format(value)
    if tonumber(text) == value then return text:find("[.e]") and text or text .. ".0" end
  end
end

local function encode(value, depth)
  local kind <const> = type(value)
  if depth > DEPTH then check.fail("json: tables nest too deeply") end
  if kind == "string" then return quote(value) end
  if kind == "boolean" then return tostring(value) end
  if math.type(value) == "integer" then return ("%d"):format(value) end
  if kind == "number" then
    if value ~= value or value == math.huge or value == -math.huge then
      check.fail("json: %s cannot be written", check.shown(value))
    end
    return float_text(value)
  end
  if value == M then return "null" end
  if value == M.empty_list then return "[]" end
  if kind ~= "table" then check.fail("json: a %s cannot be written", kind) end
  local parts <const> = {}
  if is_list(value) and #value > 0 then
    for i, v in ipairs(value) do parts[i] = encode(v, depth + 1) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  local keys <const> = {}
  for key in pairs(value) do
    if type(key) ~= "string" then
      check.fail("json: keys must be strings, not %s", check.shown(key))
    end
    keys[#keys + 1] = key
  end
  table.sort(keys)
  for i, key in ipairs(keys) do parts[i] = quote(key) .. ":" .. encode(value[key], depth + 1) end
  return "{" .. table.concat(parts, ",") .. "}"
end

--- Stands for a list without values, because an empty table is written as an object.
M.empty_list = {}

--- The text of a value. Keys are sorted, an empty table is an object, M.null is null.
function M.encode(value) return encode(value, 1) end

local decode

local QUOTE <const>, BACKSLASH <const>, COMMA <const>, COLON <const> = 34, 92, 44, 58
local BRACKET <const>, BRACKET_END <const>, BRACE <const>, BRACE_END <const> = 91, 93, 123, 125

local function fail(at, what) damage.fail("json: %s at byte %d", what, at) end

-- The place of the next byte that is not blank, and the byte; nil at the end.
local function skip(text, at)
  local c = text:byte(at)
  if c and c <= 32 then
    at = text:find("[^ \t\r\n]", at) or #text + 1
    c = text:byte(at)
  end
  return at, c
end

-- The character that the escape at `stop` stands for, and where the escape ends.
local function unescape(text, stop)
  local e <const> = text:sub(stop + 1, stop + 1)
  if e ~= "u" then return UNESCAPES[e] or fail(stop, "a bad escape"), stop + 2 end
  local code = tonumber(text:match("^%x%x%x%x", stop + 2) or fail(stop, "a bad \\u"), 16)
  local low <const> = code >= 0xD800 and code < 0xDC00
    and text:match("^\\u([dD][c-fC-F]%x%x)", stop + 6)
  if not low then return utf8.char(code), stop + 6 end
  code = 0x10000 + ((code - 0xD800) << 10) + (tonumber(low, 16) - 0xDC00)
  return utf8.char(code), stop + 12
end

local function decode_string(text, at)
  local from, parts = at + 1, nil
  while true do
    local stop <const> = text:find("[\"\\%c]", from)
    local c <const> = text:byte(stop or #text + 1)
    if not c then fail(at, "a string without an end") end
    if c == QUOTE and not parts then return text:sub(from, stop - 1), stop + 1 end
    parts = parts or {}
    parts[#parts + 1] = text:sub(from, stop - 1)
    if c == QUOTE then return table.concat(parts), stop + 1 end
    if c ~= BACKSLASH then fail(stop, "a control character in a string") end
    parts[#parts + 1], from = unescape(text, stop)
  end
end

local function decode_number(text, at)
  local word <const> = text:match("^-?%d[%d%.eE+-]*", at)
  if not word or word:find("^-?0%d") then fail(at, "a bad number") end
  local value <const> = word:find("[%.eE]") and tonumber(word) or math.tointeger(tonumber(word))
    or tonumber(word)
  if not value then fail(at, "a bad number") end
  return value, at + #word
end

local function decode_list(text, at, depth, budget)
  local list <const> = {}
  local c
  at, c = skip(text, at + 1)
  if c == BRACKET_END then return list, at + 1 end
  while true do
    list[#list + 1], at = decode(text, at, depth + 1, budget)
    at, c = skip(text, at)
    if c == BRACKET_END then return list, at + 1 end
    if c ~= COMMA then fail(at, "a comma or ] is missing") end
    at = at + 1
  end
end

local decode_elements

-- Calls each(key, value) for the members of the object at place `at`. A member that is a list and
-- has a function in `lists` is read element by element instead.
local function decode_members(text, at, depth, budget, each, lists)
  local c, key, value
  at, c = skip(text, at + 1)
  if c == BRACE_END then return at + 1 end
  while true do
    at, c = skip(text, at)
    if c ~= QUOTE then fail(at, "a key is missing") end
    key, at = decode_string(text, at)
    at, c = skip(text, at)
    if c ~= COLON then fail(at, "a colon is missing") end
    at, c = skip(text, at + 1)
    if lists and lists[key] and c == BRACKET then
      at, value = decode_elements(text, at, lists[key]), true
    else
      value, at = decode(text, at, depth + 1, budget)
    end
    if not each(key, value) then fail(at, "the key '" .. key:sub(1, 40) .. "' again") end
    at, c = skip(text, at)
    if c == BRACE_END then return at + 1 end
    if c ~= COMMA then fail(at, "a comma or } is missing") end
    at = at + 1
  end
end

local function decode_object(text, at, depth, budget)
  local object <const> = {}
  return object, decode_members(text, at, depth, budget, function(key, value)
    local new <const> = object[key] == nil
    object[key] = value
    return new
  end)
end

-- NaN and the infinities are not JSON, but Python writes them.
local WORDS <const> = {["true"] = true, ["false"] = false, ["null"] = M, NaN = 0 / 0,
  Infinity = math.huge, ["-Infinity"] = -math.huge}

-- Internally null is the module table; the caller gets nil. The budget is the number of values that
-- may still come.
function decode(text, at, depth, budget)
  local c
  at, c = skip(text, at)
  if depth > budget.depth then
    damage.fail("%s", limits.over("depth", depth, "tables in tables"))
  end
  budget.left = budget.left - 1
  if budget.left < 0 then
    damage.fail("%s", limits.over("values", budget.values + 1, "values of JSON, or more"))
  end
  if c == QUOTE then return decode_string(text, at) end
  if c == BRACE then return decode_object(text, at, depth, budget) end
  if c == BRACKET then return decode_list(text, at, depth, budget) end
  local word <const> = text:match("^-?%a+", at)
  if word and WORDS[word] ~= nil then return WORDS[word], at + #word end
  return decode_number(text, at)
end

local function new_budget()
  return {left = limits.values, values = limits.values, depth = limits.depth}
end

-- Calls f(budget), which returns the place where it stopped, and a value. Returns the value if that
-- place is the end of the text; otherwise nil and a message.
local function whole(text, f)
  local ok <const>, at, value = pcall(f, new_budget())
  if not ok then return nil, type(at) == "table" and at.message or tostring(at) end
  local past <const> = skip(text, at)
  if past <= #text then return nil, ("json: more than one value, at byte %d"):format(at) end
  return value
end

--- Stands for null in a decoded table.
M.null = M

--- The value that a text stands for; or nil and a message. braid.limits.values and depth bound it.
function M.decode(text)
  return whole(text, function(budget)
    local value <const>, at <const> = decode(text, 1, 1, budget)
    return at, value
  end)
end

--- Calls each(key, value) for the members of the object in a text, one after the other, so that
-- they are never all in memory. `each` returns whether it accepts the member, and handles repeated
-- keys.
-- @return true, or nil and a message
function M.members(text, each)
  return whole(text, function(budget)
    local at <const>, c <const> = skip(text, 1)
    if c ~= BRACE then fail(at, "an object is missing") end
    return decode_members(text, at, 1, budget, each), true
  end)
end

-- Calls each(value, i) for the elements of the list at place `at`, each within a budget of its own.
function decode_elements(text, at, each)
  local c, value
  local i = 0
  at, c = skip(text, at + 1)
  if c == BRACKET_END then return at + 1 end
  while true do
    value, at = decode(text, at, 3, new_budget())
    i = i + 1
    each(value, i)
    at, c = skip(text, at)
    if c == BRACKET_END then return at + 1 end
    if c ~= COMMA then fail(at, "a comma or ] is missing") end
    at = at + 1
  end
end

--- Calls lists[key](value, i) for the elements of each list that is a member of the object in a
-- text, so that a list is never all in memory. Members without a function are read and forgotten.
-- limits.values bounds each element and each other member.
-- @return true, or nil and a message
function M.elements(text, lists)
  return whole(text, function(budget)
    local at, c = skip(text, 1)
    if c ~= BRACE then fail(at, "an object is missing") end
    at = decode_members(text, at, 1, budget, function() return true end, lists)
    return at, true
  end)
end

return M
