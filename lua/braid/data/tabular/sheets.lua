--- Reads files of rows as tables of columns (columns.lua): CSV and JSONL.

local check <const> = require "braid.check"
local damage <const> = require "braid.data.damage"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"
local limits <const> = require "braid.limits"
local numbers <const> = require "braid.io.number"
local sheet <const> = require "braid.io.sheet"
local texts <const> = require "braid.io.text"

local fail <const> = damage.fail

local M <const> = {}

-- The text of a file in UTF-8.
local function text_of(path)
  local bytes <const>, message <const> = files.read(path)
  if not bytes then fail("%s", message) end
  local text <const>, why <const> = texts.decode(bytes)
  return text or fail("%s: %s", path, why)
end

-- ---- CSV ----------------------------------------------------------------------------------

-- Columns by name, from rows of cells.
local function columns_of(path, rows, header)
  local t <const> = {path = path, lines = {}, names = {}, columns = {}}
  for c, name in ipairs(rows[1] or {}) do
    name = header and texts.trimmed(name) or tostring(c)
    if t.columns[name] then
      fail("%s:%d: two columns are called '%s'", path, rows[1].line, name)
    end
    t.names[c], t.columns[name] = name, {}
  end
  for r = header and 2 or 1, #rows do
    t.lines[#t.lines + 1] = rows[r].line
    for c, cell in ipairs(rows[r]) do
      t.columns[t.names[c]][#t.lines] = texts.trimmed(cell)
    end
  end
  t.n = #t.lines
  return t
end

-- The decimal sign: as the option says, or as the cells show it.
local function decimal_of(path, text, rows, o)
  if o.decimal then return o.decimal end
  if not text:find(",", 1, true) or rows.separator == "," and not text:find("\"", 1, true) then
    return "."
  end
  local decimal <const>, wrong <const> = numbers.decimal(rows, o.header and 2 or 1)
  return decimal or fail("%s: %s", path, wrong)
end

--- The columns of a file of cells. `o` has separator, decimal and header, as data.csv takes them.
function M.csv(path, o)
  local text <const> = text_of(path)
  local rows <const>, wrong <const> =
    sheet.read(text, {separator = o.separator, whole = not o.header})
  if not rows then fail("%s: %s", path, wrong) end
  local t <const> = columns_of(path, rows, o.header)
  t.decimal = decimal_of(path, text, rows, o)
  return t
end

-- ---- JSONL ----------------------------------------------------------------------------------

-- Adds an object from line `number`.
local function add(t, object, number, message)
  if type(object) ~= "table" or object == json.null or #object > 0 then
    fail("%s:%d: %s", t.path, number, message or "this is not an object")
  end
  t.n = t.n + 1
  t.lines[t.n] = number
  for key, value in pairs(object) do
    if not t.columns[key] then
      t.columns[key], t.width = {}, t.width + 1
      limits.bound("columns", t.width, "columns, up to line %d of %s", number, t.path)
    end
    t.columns[key][t.n], t.values = value, t.values + 1
  end
  limits.bound("cells", t.values, "cells, up to line %d of %s", number, t.path)
end

-- A hint for an error in the first line: the text may be one value over many lines.
local function hint(text, line)
  if not line:find("^%s*[{%[]") then return "" end
  local value <const> = json.decode(text)
  if not value then return "" end
  return " (the file is one value of JSON over many lines; it must have one object a line, or be a "
    .. "list of objects, as pandas writes with orient=\"records\")"
end

local function read_lines(t, text)
  local number = 0
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    number = number + 1
    if #line > limits.line then
      fail("%s:%d: %s", t.path, number, limits.over("line", #line, "bytes"))
    end
    if line:find("%S") then
      local object <const>, message <const> = json.decode(line)
      if object == nil and t.n == 0 then
        fail("%s:%d: %s%s", t.path, number, message, hint(text, line))
      end
      add(t, object, number, message)
    end
  end
end

-- Reads a file that is one list. Messages give an object's number in the list, because its line is
-- not known.
local function read_list(t, text)
  local list <const>, message <const> = json.decode(text)
  if not list then fail("%s: %s", t.path, message) end
  for i, object in ipairs(list) do add(t, object, i) end
end

--- The columns of a file of objects, one a line, or of one list of objects.
function M.jsonl(path)
  local text <const> = text_of(path)
  local t <const> = {path = path, n = 0, lines = {}, columns = {}, values = 0, width = 0,
    decimal = "."}
  local read <const> = text:find("^%s*%[") and read_list or read_lines
  read(t, text)
  t.names = check.sorted_keys(t.columns)
  return t
end

return M
