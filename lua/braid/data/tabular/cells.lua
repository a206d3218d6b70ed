--- The cells of a table as numbers, and whether a column has numbers or words.

local columns <const> = require "braid.data.columns"
local damage <const> = require "braid.data.damage"
local json <const> = require "braid.io.json"
local number <const> = require "braid.io.number"

local fail <const> = damage.fail

local M <const> = {}

local NAN <const>, EXACT <const>, MOST <const> = 0 / 0, 1 << 53, 1e30
local LONGEST <const> = 40 -- bytes of a cell in a message

local function quoted(value) return ("'%s'"):format(tostring(value):sub(1, LONGEST)) end

-- The number that a value stands for, or nil; and whether digits were lost.
local function number_of(t, value)
  if type(value) == "number" then
    return value + 0.0, math.type(value) == "integer" and (value > EXACT or value < -EXACT)
  end
  if type(value) == "boolean" then return value and 1.0 or 0.0, false end
  local v <const> = type(value) == "string" and number.parse(value, t.decimal) or nil
  return v, v and math.abs(v) >= EXACT and value:find("^%s*[+-]?%d+%s*$") ~= nil
end

local function is_list(value) return type(value) == "table" and value ~= json.null end

--- The number in a cell; NaN for a missing one.
function M.number(t, value, row, column)
  if columns.is_missing(t, value, column) then return NAN end
  local v <const>, lost <const> = number_of(t, value)
  if lost then
    fail("%s: %s is beyond 2^53, where numbers lose their last digits: if it names something, say "
      .. "categories = {\"%s\"}, or leave the column out", columns.place(t, row, column),
      quoted(value), column)
  end
  if v and math.abs(v) <= MOST then return v end
  fail("%s: %s is not a number from -1e30 to 1e30; if it marks a missing value: missing = {\"%s\"}",
    columns.place(t, row, column), quoted(value), tostring(value):sub(1, LONGEST))
end

--- The numbers of k columns, row by row in one list, and k.
function M.numbers(t, names) return columns.rows(t, names, M.number) end

-- Says whether a value that is not missing is a "number" or a "word".
local function sort_of(t, value)
  if type(value) == "boolean" then return "word" end
  return number_of(t, value) and "number" or "word"
end

--- Whether a column has "numbers" or "words". A column with both is an error that names the row.
function M.kind(t, name)
  local values <const>, first <const> = columns.of(t, name), {}
  for row = 1, t.n do
    local value <const> = values[row]
    if is_list(value) then
      fail("%s: a list is not one value: leave the column out of inputs",
        columns.place(t, row, name))
    end
    if not columns.is_missing(t, value, name) then
      local sort <const> = sort_of(t, value)
      first[sort] = first[sort] or row
      if first.number and first.word then
        local word <const> = values[first.word]
        fail("%s: %s among numbers such as %s; if it marks a missing value: missing = {\"%s\"}; if "
          .. "the column has categories: categories = {\"%s\"}",
          columns.place(t, first.word, name), quoted(word), quoted(values[first.number]),
          tostring(word):sub(1, LONGEST), name)
      end
    end
  end
  return first.word and "words" or "numbers"
end

return M
