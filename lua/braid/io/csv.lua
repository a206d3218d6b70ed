--- .csv: a table of numbers, {header = {"a", ...} or nil, data = float64 (rows, columns)}.
--
-- sheet.lua reads the rows, number.lua the numbers. The first row is the header if none of its
-- cells is a number.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local damage <const> = require "braid.io.damage"
local files <const> = require "braid.io.files"
local numbers <const> = require "braid.io.number"
local sheet <const> = require "braid.io.sheet"
local texts <const> = require "braid.io.text"
require "braid.tensor" -- gives tensors their methods

local M <const> = {}

local fail <const> = damage.fail

local function shown(cell)
  return #cell > 40 and cell:sub(1, 37) .. "..." or (cell:gsub("%c", "?"))
end

-- Whether the first row has the names of the columns.
local function is_header(cells, line, given)
  if given ~= nil then return given end
  local count, other = 0, nil
  for i, cell in ipairs(cells) do
    local number <const> = numbers.parse(cell, ".") or numbers.parse(cell, ",")
    if number then count = count + 1 else other = other or i end
  end
  if other and count > 0 then
    fail("line %d, column %d: '%s' is not a number ({header = true} reads the line as names)",
      line, other, shown(cells[other]))
  end
  return other ~= nil
end

-- The decimal sign. It is uncertain only if cells contain commas. If no cell contains a comma, the
-- rows need not be in memory all at once.
local function decimal_of(text, given, separator)
  if separator == "," and not text:find("\"", 1, true) or not text:find(",", 1, true) then
    return "."
  end
  local rows <const>, message <const> = sheet.read(text)
  if not rows then fail("%s", message) end
  local first <const> = rows[1] and is_header(rows[1], rows[1].line, given) and 2 or 1
  local decimal <const>, wrong <const> = numbers.decimal(rows, first)
  if not decimal then fail("%s", wrong) end
  return decimal
end

local function parse(text, given, decimal)
  local header, columns
  local values <const>, rows = {}, 0
  local each <const>, separator <const> = sheet.rows(text)
  decimal = decimal or decimal_of(text, given, separator)
  for cells, line in each do
    if not columns and is_header(cells, line, given) then
      header = cells
    else
      for i, cell in ipairs(cells) do
        values[#values + 1] = numbers.parse(cell, decimal) or
          fail("line %d, column %d: '%s' is not a number", line, i, shown(cell))
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

local read <const> = damage.caught(parse)

--- The table in the bytes of a file; or nil and what is wrong with it.
-- @param header whether the first row is a header (true or false); nil: it is one if none of its
--   cells is a number
-- @param decimal the decimal sign, "." or ","; nil: as number.lua finds it
function M.parse(bytes, header, decimal)
  local text <const>, wrong <const> = texts.decode(bytes)
  if not text then return nil, wrong end
  return read(text, header, decimal)
end

local OPTIONS <const> = check.declare("load: .csv", {header = check.flag(),
  decimal = check.optional(check.choice{".", ","})})

--- The table in a file; or nil and a message that names line and column. Numbers are decimal, or
-- nan, inf and infinity. An empty cell becomes NaN. Whole numbers beyond 2^53 are rounded to
-- float64.
-- @param given {header = true or false} tells whether the first row is a header; {decimal = ","}
--   sets the decimal sign
function M.read(path, given)
  local options <const> = check.options(OPTIONS, given, nil, "load")
  local bytes <const>, message <const> = files.read(path)
  if not bytes then return nil, message end
  local value <const>, wrong <const> = M.parse(bytes, options.header, options.decimal)
  if not value then return nil, ("%s: %s"):format(path, wrong) end
  return value
end

-- The shortest text that reads as the same number.
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
    check.fail("save: the header of a .csv must name its %d columns", columns)
  end
  local names <const> = {}
  for i, name in ipairs(header) do
    if type(name) ~= "string" then check.fail("save: the header of a .csv must be strings") end
    names[i] = quoted(name)
  end
  return table.concat(names, ",") .. "\n"
end

--- Writes a tensor (rows, columns) or (rows), or {header =, data =} with such a tensor. Each number
-- has just enough digits to be read as the same float again.
-- @return true, or nil and a message
function M.write(path, value)
  local t = value
  if type(value) == "table" and not core.is_tensor(value) then t = value.data end
  if not core.is_tensor(t) or t:dim() < 1 or t:dim() > 2 then
    check.fail("save: a .csv wants a tensor (rows, columns) or (rows), or {header =, data =} with "
      .. "one, not %s", core.is_tensor(t) and ("a tensor (%s)"):format(table.concat(t.shape, ", "))
        or "a " .. type(value))
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
