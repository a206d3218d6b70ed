--- Reads listings: text files with a name and a fixed number of numbers on each line.

local core <const> = require "braid.core"
local damage <const> = require "braid.data.damage"
local files <const> = require "braid.io.files"
local limits <const> = require "braid.limits"
local Paths <const> = require "braid.data.paths"
local texts <const> = require "braid.io.text"

local fail <const> = damage.fail

local M <const> = {}

local function words_of(line)
  local words <const> = {}
  for word in line:gmatch("%S+") do words[#words + 1] = word end
  return words
end

-- Turns a table with commas into a listing with blanks; also returns the names of its columns,
-- except the first.
local function without_commas(path, text)
  local head <const>, rest <const> = text:match("^([^\n]*)()")
  local names <const> = words_of((head:gsub("[,;\"]", " ")))
  if tonumber(names[2]) then fail("%s:1: the names of the columns are missing", path) end
  table.remove(names, 1)
  return text:sub(1, rest) .. text:sub(rest + 1):gsub("[,;\"]", " "), names
end

--- Reads a listing -> {paths = Paths, values = float32 (n, columns), path =, first = the line of
-- the first row, names = names of the columns if the listing has them}. Gives up by damage.fail.
-- @param columns the number of numbers in a row; nil: as many as there are names
-- @param counted whether two lines come first: the number of rows, and the names. A .csv file
--   instead has one line of names, and commas.
function M.read(path, columns, counted)
  local bytes <const>, message <const> = files.read(path)
  if not bytes then fail("%s", message) end
  local text, why <const> = texts.decode(bytes)
  if not text then fail("%s: %s", path, why) end
  local at, line, count, names = 1, 1, nil, nil
  if path:lower():find("%.csv$") then
    text, names = without_commas(path, text)
    columns, at, line = columns or #names, (text:find("\n", 1, true) or #text) + 1, 2
  elseif counted then
    local number <const>, name_line <const>, rest <const> =
      text:match("^[ \t]*(%d+)[ \t]*\r?\n([^\n]*)()")
    if not number or #number > 12 then fail("%s:1: the number of rows is missing", path) end
    count, names, at, line = math.tointeger(tonumber(number)), words_of(name_line), rest + 1, 3
    columns = columns or #names
    at = math.min(at, #text + 1)
  end
  limits.bound("columns", columns, "columns in %s", path)
  local names_text <const>, ends <const>, values <const> =
    core.parse_rows(text, at, line, columns)
  if not names_text then fail("%s:%s", path, ends) end
  local t <const> = {paths = Paths(names_text, ends), values = values, names = names,
    path = path, first = line}
  if count and #t.paths ~= count then
    fail("%s:1: %d rows announced, %d found", path, count, #t.paths)
  end
  if #t.paths == 0 then fail("%s: there are no rows in it", path) end
  return t
end

--- The difference between two listings as text; nil if they have the same names in the same order.
function M.differ(a, b)
  if a.paths.text == b.paths.text and a.paths.ends == b.paths.ends then return nil end
  for i, name in b.paths:each() do
    local other <const> = i <= #a.paths and a.paths:at(i) or nil
    if name ~= other then
      return ("%s:%d: '%s' where %s has '%s'"):format(b.path, b.first + i - 1, name, a.path,
        other or "nothing")
    end
  end
  return ("%s: %d rows, and %d in %s"):format(b.path, #b.paths, #a.paths, a.path)
end

--- The line of the first row for which a bool tensor (n) is true, and the row's number.
function M.first_bad(t, bad)
  for i, is_bad in ipairs(bad:to("uint8"):totable()) do
    if is_bad == 1 then return t.first + i - 1, i end
  end
end

return M
