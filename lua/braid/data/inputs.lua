--- Inputs: columns of a table as rows of numbers, for networks without pictures.

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local columns <const> = require "braid.data.columns"
local damage <const> = require "braid.data.damage"

local fail <const> = damage.fail

-- Appends the numbers of a column and their names. A column of words gives one number for each
-- class: 1 if the row has the class, else 0. `fill` is the value, or "mean", for a missing input.
local function input_columns(t, name, words, fill, into, names)
  local values <const>, column <const> = columns.of(t, name), {}
  if words or columns.kind(t, name) == "words" then
    local labels <const>, classes <const> = columns.class(t, name, words)
    for i, label in ipairs(labels:totable()) do
      if label == 0 and fill == nil then
        fail("%s: an input is missing: say fill = 0, or leave the row out",
          columns.place(t, i, name))
      end
      column[i] = label
    end
    for k, class in ipairs(classes) do
      names[#names + 1], into[#into + 1] = name .. "=" .. class, {}
      for i, label in ipairs(column) do into[#into][i] = label == k and 1 or 0 end
    end
    return
  end
  local sum, n = 0, 0
  for row = 1, t.n do
    column[row] = columns.number_at(t, values[row], row, name)
    if column[row] == column[row] then
      sum, n = sum + column[row], n + 1
    elseif fill == nil then
      fail("%s: an input is missing: say fill = 0 or fill = \"mean\", or leave the row out",
        columns.place(t, row, name))
    end
  end
  local other <const> = fill == "mean" and sum / math.max(n, 1) or fill
  for row = 1, t.n do
    if column[row] ~= column[row] then column[row] = other end
  end
  names[#names + 1], into[#into + 1] = tostring(name), column
end

--- Makes float32 (n,k) and the names of the k numbers from a list of columns. An entry {column =
-- {"a", "b"}} of the list gives the classes of a column of words.
return function(t, list, fill)
  local into <const>, names <const>, rows <const> = {}, {}, {}
  for _, name in ipairs(list) do input_columns(t, name, nil, fill, into, names) end
  for _, name in ipairs(check.sorted_keys(list)) do
    if type(list[name]) == "table" then input_columns(t, name, list[name], fill, into, names) end
  end
  if #into == 0 then fail("%s: inputs names no column", t.path) end
  for row = 1, t.n do
    for c = 1, #into do rows[#rows + 1] = into[c][row] end
  end
  return core.from_table(rows, "float32"):reshape(t.n, #into), names
end
