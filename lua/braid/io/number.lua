--- Reads numbers as people write them: 1234.5, 1,234.5 or 1.234,5, 1 234,5, 12 %.

local texts <const> = require "braid.io.text"

local M <const> = {}

local WORDS <const> = {nan = 0 / 0, inf = math.huge, infinity = math.huge}

--- The number in a cell that is written as in C or Python, or nil.
function M.plain(cell)
  local sign <const>, rest <const> = cell:match("^%s*([+-]?)([%w.+-]+)%s*$")
  if not rest then return nil end
  local value = WORDS[rest:lower()]
  if not value then
    local mantissa <const> = rest:match("^([%d.]+)$") or rest:match("^([%d.]+)[eE][+-]?%d+$")
    value = mantissa and tonumber(rest)
  end
  return value and (sign == "-" and -(value + 0.0) or value + 0.0)
end

local LONGEST <const> = 64 -- characters of a number with groups
local OTHER <const> = {["."] = ",", [","] = "."}
local GROUPS <const> = {"'", "\u{2019}", "\u{A0}", "\u{202F}", " "}

-- Removes the marks between groups of three digits; nil if the digits have no such groups.
local function without_groups(whole, mark)
  local first <const>, rest <const> = whole:match("^(%d+)(.*)$")
  if not first or rest == "" then return first end
  if #first > 3 or first == "0" then return nil end
  local digits, at = first, 1
  while at <= #rest do
    local three <const> = rest:sub(at, at + #mark - 1) == mark and rest:match("^%d%d%d", at + #mark)
    if not three then return nil end
    digits, at = digits .. three, at + #mark + 3
  end
  return digits
end

-- The number in a cell with the decimal sign `decimal`, or nil.
local function grouped(cell, decimal)
  if #cell > LONGEST then return nil end
  local sign <const>, body = texts.trimmed(cell):match("^([+-]?)(%d.*)$")
  if not body then return nil end
  local power <const> = body:match("[eE][+-]?%d+$") or ""
  body = body:sub(1, -1 - #power)
  local at <const> = body:find(decimal, 1, true)
  local whole <const>, part <const> = body:sub(1, (at or 0) - 1), at and body:sub(at + 1) or ""
  if not part:find("^%d*$") then return nil end
  local digits = without_groups(whole, OTHER[decimal])
  for _, mark in ipairs(GROUPS) do digits = digits or without_groups(whole, mark) end
  local value <const> = digits and tonumber(digits .. "." .. part .. power)
  return value and (sign == "-" and -value or value + 0.0)
end

--- The number in a cell, or nil. It may have marks between groups of three digits. A number that
-- ends in % is divided by 100.
-- @param decimal the decimal sign, "." or ","
function M.parse(cell, decimal)
  if decimal == "." then
    local value <const> = M.plain(cell)
    if value then return value end
  end
  local share <const> = #cell <= LONGEST and cell:match("^(.*[%d.,])%s*%%%s*$")
  if share then
    local value <const> = M.parse(share, decimal)
    return value and value / 100
  end
  local word <const> = not cell:find("%d") and M.plain(cell)
  return word or grouped(cell, decimal)
end

-- Counts the cells of a column that are numbers only with a decimal point, only with a decimal
-- comma, or with both but not the same number; also keeps the place of the first cell of each kind.
-- Counts nothing if the column has other cells.
local function count_readings(rows, first, c, found)
  local own <const> = {point = {n = 0}, comma = {n = 0}, either = {n = 0}}
  for r = first, #rows do
    local cell <const> = rows[r][c]
    if cell:find("%d") then
      local a <const>, b <const> = M.parse(cell, "."), M.parse(cell, ",")
      if not (a or b) then return end
      local kind <const> = a == b and "same" or not b and "point" or not a and "comma" or "either"
      local o <const> = own[kind]
      if o then
        o.n = o.n + 1
        o.row, o.c = o.row or r, o.c or c
      end
    end
  end
  for kind, o in pairs(own) do
    local all <const> = found[kind]
    all.n, all.row, all.c = all.n + o.n, all.row or o.row, all.c or o.c
  end
end

--- The decimal sign in the cells of a table, "." or ",", as the columns of numbers show it; or nil
-- and a message if they disagree or leave it open.
-- @param rows the rows of a table, as from sheet.read
-- @param first the first row after the header
function M.decimal(rows, first)
  local found <const> = {point = {n = 0}, comma = {n = 0}, either = {n = 0}}
  for c = 1, #(rows[1] or {}) do count_readings(rows, first, c, found) end
  local point <const>, comma <const>, either <const> = found.point, found.comma, found.either
  if comma.n > 0 and point.n > 0 then
    return nil, ("line %d: '%s' has a decimal comma and '%s' in line %d a point: say decimal = "
      .. "\",\" or \".\""):format(rows[comma.row].line, rows[comma.row][comma.c],
      rows[point.row][point.c], rows[point.row].line)
  end
  if comma.n > 0 then return "," end
  if point.n > 0 or either.n == 0 then return "." end
  local cell <const> = rows[either.row][either.c]
  if not cell:find(",", 1, true) then return "." end
  if rows.separator == ";" then return "," end
  return nil, ("line %d: '%s' can be a decimal comma or a mark of thousands: say decimal = "
    .. "\",\" or \".\""):format(rows[either.row].line, cell)
end

return M
