--- Reads the arguments of scripts and commands: options, as --name value or --name=value, and
-- words.
--
-- A table of defaults gives the options' names and types. A default may have bounds, {30, from =
-- 1} (from, above, to, below), or be the first of several choices, {"plain", "channelwise"}. An
-- option whose default is a kind (check/kinds.lua) has no value if it is left out. Numbers may be
-- written 10k, 2M or 1e-3. A flag needs no value: --json, or --json=no. All arguments after "--"
-- are words. In names, _ and - are the same.

local check <const> = require "braid.check"
local nearest <const> = require "braid.nearest"

local M <const> = {}

-- The kind of a default, and its first value (nil if the option may be left out).
local function kind_of(default)
  if check.is_kind(default) then return default, default.default end
  local first <const> = type(default) == "table" and default[1] or default
  if type(default) == "table" and #default > 1 then return check.choice(default), first end
  if type(first) == "number" then
    local kind <const> = math.type(first) == "integer" and check.whole or check.number
    return kind(default), first
  end
  if type(first) == "boolean" then return check.flag(first), first end
  return check.text(first), first
end

local WORDS <const> = {yes = true, ["true"] = true, no = false, ["false"] = false}
local UNITS <const> = {k = 1000, M = 1000000}

local function number_of(text, whole)
  local digits <const>, unit <const> = text:match("^(.-)([kM]?)$")
  local value = tonumber(digits)
  if not value or digits:find("[xXnN]") then return nil end -- 0x10 is usually a slip
  value = value * (UNITS[unit] or 1)
  return whole and math.tointeger(value) or value
end

local function is_numeric(kind) return kind.sort == "number" or kind.sort == "whole" end

-- The value that a text gives an option. The text of a choice is looked up as
-- it is; then as yes or no, or as a number.
local function convert(kind, text)
  if is_numeric(kind) then return number_of(text, kind.sort == "whole") end
  if kind.sort == "flag" then return WORDS[text] end
  if kind.accepts(text) then return text end
  local value <const> = WORDS[text]
  if value ~= nil and kind.accepts(value) then return value end
  return number_of(text, true)
end

local function known_name(kinds, written)
  for _, name in ipairs{written, (written:gsub("-", "_")), (written:gsub("_", "-"))} do
    if kinds[name] then return name end
  end
end

local function unknown(written, kinds)
  local names <const> = check.sorted_keys(kinds)
  for i, name in ipairs(names) do names[i] = "--" .. name end
  written = written:match("^[^=]*")
  return ("there is no option '%s'; %s"):format(written, nearest.hint(written, names))
end

--- The kinds of a table of defaults, and the default values.
function M.kinds(defaults)
  local kinds <const>, values <const> = {}, {}
  for name, default in pairs(defaults) do kinds[name], values[name] = kind_of(default) end
  return kinds, values
end

--- The options in a list of arguments, and the words between them; or nil and what is wrong. The
-- words are false if help was asked for (-h, --help).
function M.read(given, defaults)
  local kinds <const>, options <const> = M.kinds(defaults)
  local words <const>, i = {}, 1
  while i <= #given do
    local argument <const> = given[i]
    local written <const>, value = argument:match("^%-%-([^=]+)=?(.*)$")
    if argument == "--" then
      table.move(given, i + 1, #given, #words + 1, words)
      break
    elseif argument == "-h" or argument == "--help" and not kinds.help then
      return options, false
    elseif written then
      local name <const> = known_name(kinds, written)
      if not name then return nil, unknown(argument, kinds) end
      local kind <const> = kinds[name]
      if not argument:find("=", 1, true) then
        value = given[i + 1]
        if kind.sort == "flag" and WORDS[value or ""] == nil then
          value = "yes"
        elseif value and value:find("^%-%-.") then
          value = nil
        else
          i = i + 1
        end
      end
      local converted <const> = value and convert(kind, value)
      if not kind.accepts(converted) then
        return nil, ("--%s must be %s, not %s"):format(name, kind.says,
          value and ("'%s'"):format(value) or "missing")
      end
      options[name] = converted
    elseif argument:find("^%-%a") then
      return nil, unknown(argument, kinds)
    else
      words[#words + 1] = argument
    end
    i = i + 1
  end
  return options, words
end

--- The lines that list the options, each with its description if `said` has one by name.
function M.described(defaults, said)
  local lines <const>, left <const>, width = {}, {}, 0
  local kinds <const>, values <const> = M.kinds(defaults)
  local names <const> = check.sorted_keys(defaults)
  for i, name in ipairs(names) do
    local kind <const>, value <const> = kinds[name], values[name]
    local shown = value ~= nil and tostring(value) or ""
    if kind.sort == "flag" and value == false then shown = "" end
    left[i] = ("  --%s %s"):format(name, shown):gsub("%s+$", "")
    width = math.max(width, #left[i])
  end
  for i, name in ipairs(names) do
    local default <const>, words = defaults[name], said and said[name]
    local list <const> = type(default) == "table" and not check.is_kind(default) and default or {}
    if #list > 1 then
      local others = {}
      for k = 2, #list do others[k - 1] = tostring(list[k]) end
      others = ("(or %s)"):format(table.concat(others, ", "))
      words = words and words .. " " .. others or others
    end
    lines[i] = words and left[i] .. (" "):rep(width - #left[i] + 2) .. words or left[i]
  end
  return table.concat(lines, "\n")
end

return M
