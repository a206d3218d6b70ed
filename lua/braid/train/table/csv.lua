--- Writes a table of results as CSV (RFC 4180). A column of numbers becomes mean, deviation and
-- count with all digits; percentages are written as percentages.

local format <const> = require "braid.format"

local function quoted(text)
  if not text:find("[\",;\t\r\n]") and text:find("^%S") and text:find("%S$") then return text end
  return "\"" .. text:gsub("\"", "\"\"") .. "\""
end

local function number(v)
  if not v then return "" end
  if math.type(v) == "integer" then return ("%d"):format(v) end
  for digits = 15, 17 do
    local text <const> = format("%." .. digits .. "g", v)
    if tonumber(text) == v or digits == 17 then return text end
  end
end

-- Whether any row has several numbers in a column.
local function spreads(column)
  for _, cell in ipairs(column.cells) do
    if cell.several then return true end
  end
  return false
end

return function(t)
  local head <const>, lines <const> = {quoted(t.first)}, {}
  for _, c in ipairs(t.columns) do
    local name <const> = c.title .. (c.unit and (" (%s)"):format(c.unit) or "")
    head[#head + 1] = quoted(name)
    if spreads(c) then
      head[#head + 1], head[#head + 2] = quoted(name .. " deviation"), quoted(name .. " n")
    end
  end
  lines[1] = table.concat(head, ",")
  for i, name in ipairs(t.names) do
    local cells <const> = {quoted(name)}
    for _, c in ipairs(t.columns) do
      local cell <const> = c.cells[i]
      cells[#cells + 1] = cell.text and quoted(cell.text) or number(cell.mean)
      if spreads(c) then
        cells[#cells + 1] = number(cell.deviation)
        cells[#cells + 1] = number(cell.n)
      end
    end
    lines[#lines + 1] = table.concat(cells, ",")
  end
  return table.concat(lines, "\n")
end
