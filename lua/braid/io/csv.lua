--- .csv: a table of numbers, {header = {"a", ...} or nil, data = float64 (rows, columns)}.
--
-- Cells are separated by commas; a cell in quotes may hold commas, line ends and doubled
-- quotes (RFC 4180). Lines end in LF or CRLF; blank lines and a byte order mark are
-- skipped. The first row is the header when none of its cells is a number.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local files <const> = require "braid.io.files"
require "braid.tensor" -- for methods

local M <const> = {}

local WORDS <const> = {nan = 0 / 0, inf = math.huge, infinity = math.huge}

local function fail(what, ...) error({message = what:format(...)}, 0) end

-- The number that a cell stands for, as C and Python write it, or nil.
local function number_of(cell)
  local sign <const>, rest <const> = cell:match("^%s*([+-]?)([%w.+-]+)%s*$")
  if not rest then return nil end
  local value = WORDS[rest:lower()]
  if not value then
    local mantissa <const> = rest:match("^([%d.]+)$") or rest:match("^([%d.]+)[eE][+-]?%d+$")
    value = mantissa and tonumber(rest)
  end
  return value and (sign == "-" and -(value + 0.0) or value + 0.0)
end

local function shown(cell)
  return #cell > 40 and cell:sub(1, 37) .. "..." or (cell:gsub("%c", "?"))
end

-- A cell in quotes, where the next one starts, and the number of lines in it.
local function quoted_cell(text, at, line)
  local parts <const>, from = {}, at + 1
  while true do
    local stop <const> = text:find("\"", from, true)
    if not stop then fail("line %d: a quote is not closed", line) end
    parts[#parts + 1] = text:sub(from, stop - 1)
    if text:byte(stop + 1) ~= 34 then
      local cell <const> = table.concat(parts)
      return cell, stop + 1, select(2, cell:gsub("\n", ""))
    end
    parts[#parts + 1] = "\""
    from = stop + 2
  end
end

-- The rows of a text: cells, and the line where they start.
local function rows_of(text)
  local at, line = text:find("^\xEF\xBB\xBF") and 4 or 1, 1
  return function()
    while true do -- blank lines
      local past <const> = text:match("^[ \t]*\r?\n()", at)
      if not past then break end
      at, line = past, line + 1
    end
    if not text:find("^[ \t]*\r?[^ \t\r]", at) and not text:find("^[ \t]*,", at) then return nil end
    local cells <const>, first <const> = {}, line
    while true do
      local cell
      if text:byte(at) == 34 then
        local lines
        cell, at, lines = quoted_cell(text, at, line)
        line = line + lines
      else
        cell, at = text:match("^([^,\n]*)()", at)
        cell = cell:gsub("\r$", "")
        if cell:find("\"", 1, true) then
          fail("line %d, column %d: a quote inside a cell", line, #cells + 1)
        end
      end
      cells[#cells + 1] = cell
      local past <const> = text:match("^\r?\n()", at)
      if past or at > #text or text:find("^\r$", at) then
        at, line = past or #text + 1, line + 1
        return cells, first
      end
      if text:byte(at) ~= 44 then
        fail("line %d, column %d: more after a closed quote", line, #cells)
      end
      at = at + 1
    end
  end
end

-- Whether the first row names the columns.
local function is_header(cells, line, given)
  if given ~= nil then return given end
  local numbers, other = 0, nil
  for i, cell in ipairs(cells) do
    if number_of(cell) then numbers = numbers + 1 else other = other or i end
  end
  if other and numbers > 0 then
    fail("line %d, column %d: '%s' is no number ({header = true} reads the line as names)", line,
      other, shown(cells[other]))
  end
  return other ~= nil
end

local function parse(text, given)
  local header, columns
  local values <const>, rows = {}, 0
  for cells, line in rows_of(text) do
    if columns and #cells ~= columns then
      fail("line %d: %d cells, and %d in the lines before", line, #cells, columns)
    end
    if not columns and is_header(cells, line, given) then
      header = cells
    else
      for i, cell in ipairs(cells) do
        values[#values + 1] = number_of(cell) or
          fail("line %d, column %d: '%s' is no number", line, i, shown(cell))
      end
      rows = rows + 1
    end
    columns = #cells
  end
  if not columns then fail("it has no rows") end
  local data <const> = rows > 0 and core.from_table(values, "float64")
    or core.new({0}, "float64", 0)
  return {header = header, data = data:reshape(rows, columns)}
end

-- A message that `fail` raised, as a second value.
local function caught(f, ...)
  local ok <const>, value <const> = pcall(f, ...)
  if ok then return value end
  if type(value) ~= "table" then error(value, 0) end
  return nil, value.message
end

M.number = number_of

--- The cells of a text as they are, {{cells, line = number}, ...}, all rows of the same
-- length; or nil and what is wrong with it.
function M.cells(text)
  return caught(function()
    local rows <const> = {}
    for cells, line in rows_of(text) do
      if rows[1] and #cells ~= #rows[1] then
        fail("line %d: %d cells, and %d in the lines before", line, #cells, #rows[1])
      end
      cells.line = line
      rows[#rows + 1] = cells
    end
    return rows
  end)
end

--- A table from a text, or nil and what is wrong with it.
-- @param header true or false: whether the first row is one; nil: see above
function M.parse(text, header)
  return caught(parse, text, header)
end

--- The table of a file, or nil and a message that names line and column. Numbers are
-- decimal, or nan, inf and infinity; an empty cell is no number. Whole numbers beyond 2^53
-- are rounded, as float64 does.
-- @param given {header = true or false} says whether the first row is one
function M.read(path, given)
  local options <const> = check.options("load", given, {header = check.none})
  local text <const>, message <const> = files.read(path)
  if not text then return nil, message end
  local value <const>, wrong <const> = M.parse(text, options.header)
  if not value then return nil, ("%s: %s"):format(path, wrong) end
  return value
end

-- The shortest text that gives the same number again.
local function text_of(value, digits, most)
  if math.type(value) == "integer" then return ("%d"):format(value) end
  if type(value) == "boolean" then return value and "1" or "0" end
  if value ~= value then return "nan" end
  if value == math.huge or value == -math.huge then return value > 0 and "inf" or "-inf" end
  local single <const> = most < 17
  for n = digits, most do
    local text <const> = ("%." .. n .. "g"):format(value)
    local again <const> = tonumber(text) + 0.0
    if again == value or single and string.unpack("f", string.pack("f", again)) == value then
      return text
    end
  end
end

local function quoted(name)
  local plain <const> = name:find("^%S") and name:find("%S$") and not name:find("[\",\r\n]")
  return plain and name or "\"" .. name:gsub("\"", "\"\"") .. "\""
end

local function header_line(header, columns)
  if type(header) ~= "table" or #header ~= columns then
    error(("save: the header of a .csv must name its %d columns"):format(columns), 3)
  end
  local names <const> = {}
  for i, name in ipairs(header) do
    if type(name) ~= "string" then error("save: the header of a .csv must be strings", 3) end
    names[i] = quoted(name)
  end
  return table.concat(names, ",") .. "\n"
end

--- Writes a tensor (rows, columns) or (rows), or {header =, data =} with such a tensor; so
-- many digits that every float comes back the same.
-- @return true, or nil and a message
function M.write(path, value)
  local t = value
  if type(value) == "table" and not core.is_tensor(value) then t = value.data end
  if not core.is_tensor(t) or t:dim() < 1 or t:dim() > 2 then
    error("save: a .csv wants a tensor (rows, columns) or (rows), or {header =, data =} with one",
      2)
  end
  if t:dim() == 1 then t = t:unsqueeze(2) end
  local rows <const>, columns <const> = t:size(1), t:size(2)
  local head <const> = value ~= t and type(value) == "table" and value.header
    and header_line(value.header, columns)
  local digits <const> = t.dtype == "float32" and 6 or 15
  local i = head and -1 or 0
  return files.write(path, function()
    i = i + 1
    if i == 0 then return head end
    if i > rows or columns == 0 then return nil end
    local cells <const> = t[i]:totable()
    for j, cell in ipairs(cells) do cells[j] = text_of(cell, digits, digits == 6 and 9 or 17) end
    return table.concat(cells, ",") .. "\n"
  end)
end

return M
