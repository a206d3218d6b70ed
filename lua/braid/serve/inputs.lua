--- The inputs in a request of JSON, as net:predict takes them: {"inputs": ...}.
--
-- A network of pictures takes numbers from 0 to 255 in rows: (h,w), (c,h,w) or (n,c,h,w). Other
-- networks take rows of a table, which are objects by the name of the column, or lists of numbers.
-- Nothing in a request becomes the path of a file.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local json <const> = require "braid.io.json"

local M <const> = {}

local DEPTH <const> = 8

-- How deeply lists of numbers nest; nil if there is something else than a number.
local function depth_of(value, depth)
  if type(value) == "number" then return 0 end
  if type(value) ~= "table" or value == json.null or depth > DEPTH then return nil end
  local inner <const> = depth_of(value[1], depth + 1)
  return inner and inner + 1
end

-- Lists of numbers as a tensor; or nil and what is wrong.
local function tensor_of(value, dtype)
  local ok <const>, t <const> = check.caught(core.from_table, value, dtype)
  if ok then return t end
  return nil, "the inputs are not lists of numbers of the same length"
end

-- Whether all numbers in nested lists are whole and from 0 to 255.
local function are_bytes(value, depth)
  if depth == 0 then return math.type(value) == "integer" and value >= 0 and value <= 255 end
  if type(value) ~= "table" then return false end
  for i = 1, #value do
    if not are_bytes(value[i], depth - 1) then return false end
  end
  return true
end

local function pictures_of(value)
  local depth <const> = depth_of(value, 0)
  if not depth or depth < 2 or depth > 4 then
    return nil, "the network takes pictures: rows of numbers from 0 to 255 as (h,w), (c,h,w) or "
      .. "(n,c,h,w), or the bytes of a PNG or JPEG as the body"
  end
  if not are_bytes(value, depth) then
    return nil, "the numbers of a picture must be whole and from 0 to 255"
  end
  return tensor_of(value, "uint8")
end

local SCALARS <const> = {number = true, string = true, boolean = true}

-- An object of scalars, or of lists of them if `listed`, whose nulls are "", a missing value; nil
-- for anything else.
local function row_of(value, listed)
  if type(value) ~= "table" or value == json.null then return nil end
  local row <const> = {}
  for name, cell in next, value do
    if type(name) ~= "string" then return nil end
    if type(cell) == "table" and cell ~= json.null then
      if not listed then return nil end
      for i = 1, #cell do
        if not SCALARS[type(cell[i])] then return nil end
      end
      row[name] = cell
    else
      row[name] = cell == json.null and "" or cell
    end
  end
  return next(row) and row or nil
end

local function rows_of(value)
  local wrong <const> = "the network takes rows of a table: objects by the name of the column"
  if type(value) ~= "table" or value == json.null then return nil, wrong end
  if #value == 0 then
    local row <const> = row_of(value, true)
    return row, not row and wrong or nil
  end
  if type(value[1]) == "number" or depth_of(value, 0) then return tensor_of(value, "float32") end
  local rows <const> = {}
  for i = 1, #value do
    rows[i] = row_of(value[i], false)
    if not rows[i] then return nil, ("%s; row %d is not one"):format(wrong, i) end
  end
  return rows
end

local function numbers_of(value)
  if type(value) == "table" and value ~= json.null and #value > 0 then
    return tensor_of(value, "float32")
  end
  local given <const> = {}
  for name, x in next, type(value) == "table" and value ~= json.null and value or {} do
    local t <const>, why <const> = tensor_of(type(x) == "table" and x or {x}, "float32")
    if not t then return nil, why end
    given[name] = t
  end
  if not next(given) then return nil, "the network takes lists of numbers" end
  return given
end

local FIELDS <const> = {inputs = true, unknown = true}

--- The argument of net:predict for the text of a request, and its option `unknown` or nil; or nil
-- and what is wrong. `recipe` is the card's preprocessing.
function M.of(recipe, text)
  local value <const>, why <const> = json.decode(text)
  if value == nil then return nil, why end
  local inputs <const> = type(value) == "table" and value.inputs
  if inputs == nil or inputs == false or inputs == json.null then
    return nil, "wants an object with inputs: {\"inputs\": [...]}"
  end
  for name in pairs(value) do
    if not FIELDS[name] or name == "unknown" and not recipe.table then
      return nil, ("there is no field '%s' in a request; there is inputs%s"):format(name,
        recipe.table and " and unknown" or "")
    end
  end
  if recipe.table then
    local rows <const>, wrong <const> = rows_of(inputs)
    if rows == nil then return nil, wrong end
    if value.unknown ~= nil and value.unknown ~= "missing" and value.unknown ~= "error" then
      return nil, "unknown is \"missing\" or \"error\""
    end
    return rows, value.unknown
  end
  if recipe.tensors then return numbers_of(inputs) end
  return pictures_of(inputs)
end

return M
