--- A row of a .csv file: texts are quoted if they must be, numbers are exact.

local json <const> = require "braid.io.json"

local function cell(value)
  if type(value) == "number" then
    return value - value == 0 and json.encode(value) or "nan"
  end
  local text <const> = tostring(value)
  return text:find('[",\r\n]') and '"' .. text:gsub('"', '""') .. '"' or text
end

--- The text of a list of values.
return function(list)
  local parts <const> = {}
  for i, value in ipairs(list) do parts[i] = cell(value) end
  return table.concat(parts, ",")
end
