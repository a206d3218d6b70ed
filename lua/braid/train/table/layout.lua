--- Lays a table of results out as text: for every cell its mean, deviation, count and mark. The
-- writers add what their format needs.

local format <const> = require "braid.format"
local summary <const> = require "braid.train.statistics.summary"

local SHORT <const> = {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}}
local DIGITS <const> = 4 -- significant digits of a value without a deviation

local function grouped(text)
  local sign <const>, digits <const>, rest <const> = text:match("^(%-?)(%d+)(.*)$")
  if not digits then return text end -- text for nan and inf
  return sign .. digits:reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", "") .. rest
end

local function shortened(v)
  for _, unit in ipairs(SHORT) do
    if math.abs(v) >= unit[1] then return format("%.3g %s", v / unit[1], unit[2]) end
  end
  return format("%.4g", v)
end

-- A cell's values, scaled: {mean =, deviation =, n = number of finite values, of = number of all
-- values, whole = whether it is one integer, several = whether there are several}, or {text =}.
local function read(value, scale)
  if type(value) == "string" then return {text = value} end
  local list <const>, scaled <const> = type(value) == "table" and value or {value}, {}
  for _, v in ipairs(list) do
    -- values that are not finite count as missing
    if v - v == 0 then scaled[#scaled + 1] = scale * v end
  end
  local cell <const> = {n = #scaled, of = #list, several = #list > 1}
  if #scaled == 0 then
    cell.text = #list > 0 and format("%g", list[1]) or nil
    return cell
  end
  local s <const> = summary(scaled)
  cell.whole = #list == 1 and math.type(scaled[1]) == "integer"
  cell.mean, cell.deviation = cell.whole and scaled[1] or s.mean, s.deviation
  return cell
end

local function decimals(cells)
  local least, largest = math.huge, 0.0
  for _, cell in ipairs(cells) do
    if cell.deviation and cell.deviation > 0 then least = math.min(least, cell.deviation) end
    if cell.mean then largest = math.max(largest, math.abs(cell.mean)) end
  end
  -- The decimal place of the first digit of v, after rounding to two digits.
  local function place(v) return math.tointeger(tonumber(format("%.1e", v):match("e(.+)$"))) end
  local by_size <const> = largest > 0 and largest < math.huge and DIGITS - 1 - place(largest) or 1
  if least < math.huge then return math.max(0, math.min(1 - place(least), by_size + 2, 12)) end
  return math.max(0, math.min(by_size, 12))
end

local function text_of(column, cell, v)
  if column.short then return shortened(v) end
  if cell.whole then return grouped(("%d"):format(v)) end
  return grouped(format("%." .. column.decimals .. "f", v))
end

local function find_best(column, cells, rows)
  local best <const>, value = {}, nil
  local sign <const> = column.direction == "min" and 1 or -1
  if not column.direction then return best end
  for _, cell in ipairs(cells) do
    if cell.mean and (not value or sign * cell.mean < sign * value) then value = cell.mean end
  end
  local others = false -- if all cells are equal, none is marked as the best
  for i, cell in ipairs(cells) do
    if cell.mean and cell.mean == value then best[rows[i][1]] = true end
    others = others or cell.mean ~= nil and cell.mean ~= value
  end
  return others and best or {}
end

local function lay_out_column(t, given)
  local column <const> = {name = given.name, title = given.title or given.name,
    unit = given.percent and "%" or given.unit, direction = given.direction, short = given.short}
  local cells <const>, most = {}, 0
  for i, row in ipairs(t.rows) do
    cells[i] = read(row[given.name], given.percent and 100 or 1)
    most = math.max(most, cells[i].of or 0)
  end
  column.decimals = given.digits or decimals(cells)
  column.best = find_best(column, cells, t.rows)
  local near <const> = t.near[given.name] or {}
  for i, cell in ipairs(cells) do
    local name <const> = t.rows[i][1]
    if cell.mean then
      cell.shown = text_of(column, cell, cell.mean)
      cell.spread = cell.deviation and text_of(column, cell, cell.deviation)
      cell.count = cell.n < most and ("%d of %d"):format(cell.n, most) or nil
      cell.mark = column.best[name] and "best" or near[name] and "near" or nil
    end
  end
  column.cells = cells
  return column
end

return function(t)
  local columns <const>, names <const> = {}, {}
  for i, given in ipairs(t.columns) do columns[i] = lay_out_column(t, given) end
  for i, row in ipairs(t.rows) do names[i] = row[1] end
  return {columns = columns, names = names, title = t.title, first = t.first, notes = t.notes}
end
