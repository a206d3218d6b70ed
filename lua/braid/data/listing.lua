--- Listings: text files of which every line is a name and so many numbers.

local core <const> = require "braid.core"
local files <const> = require "braid.io.files"
local Paths <const> = require "braid.data.paths"

local M <const> = {}

local function words_of(line)
  local words <const> = {}
  for word in line:gmatch("%S+") do words[#words + 1] = word end
  return words
end

--- {paths = Paths, values = float32 (n, columns), path =, first = the line of the first
-- row, names = of the columns where the listing says them}; or nil and a message.
-- @param columns how many numbers there are in a row; nil: as many as names
-- @param counted whether two lines stand in front: how many rows there are, and names
function M.read(path, columns, counted)
  local text <const>, message <const> = files.read(path)
  if not text then return nil, message end
  local at, line, count, names = text:find("^\xEF\xBB\xBF") and 4 or 1, 1, nil, nil
  if counted then
    local number <const>, name_line <const>, rest <const> =
      text:match("^[ \t]*(%d+)[ \t]*\r?\n([^\n]*)()", at)
    if not number or #number > 12 then
      return nil, ("%s:1: the number of rows is missing"):format(path)
    end
    count, names, at, line = math.tointeger(tonumber(number)), words_of(name_line), rest + 1, 3
    columns = columns or #names
    at = math.min(at, #text + 1)
  end
  local names_text <const>, ends <const>, values <const> =
    core.parse_rows(text, at, line, columns)
  if not names_text then return nil, ("%s:%s"):format(path, ends) end
  local t <const> = {paths = Paths(names_text, ends), values = values, names = names,
    path = path, first = line}
  if count and #t.paths ~= count then
    return nil, ("%s:1: %d rows announced, %d found"):format(path, count, #t.paths)
  end
  if #t.paths == 0 then return nil, ("%s: there are no rows in it"):format(path) end
  return t
end

--- nil when two listings have the same names in the same order, or what is different.
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

--- The line of the first row for which a tensor of bool (n) is true, and its number.
function M.first_bad(t, bad)
  for i, is_bad in ipairs(bad:to("uint8"):totable()) do
    if is_bad == 1 then return t.first + i - 1, i end
  end
end

return M
