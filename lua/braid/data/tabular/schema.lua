--- Schema: the inputs and labels among the columns of a table, and their values as tensors.
--
-- A schema is {inputs = list of {column =, kind = "numbers" or "words", words = nil or list, fixed
-- = whether the user listed the words}, index = a list of the same, reals = {{name, columns},
-- ...}}. A frame is {n =, columns = {name = tensor (n)}, words = {name = list}}. Numbers are
-- float64, with NaN for a missing one; words are int64, their places in the list, with 0 for a
-- missing one.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local cells <const> = require "braid.data.tabular.cells"
local columns <const> = require "braid.data.columns"
local damage <const> = require "braid.data.damage"

local fail <const> = damage.fail

local M <const> = {}

-- A column with more different words than this is probably not a category, but free text or a name
-- of each row. If the options do not name it, it is an error.
local MANY <const> = 1000

-- Fields of a batch, which cannot be names of indices.
local RESERVED <const> = {input = true, inputs = true, count = true, units = true, task = true}

-- Iterates over the names in a list, and then over its fields {name = value or list} in order.
local function entries(list)
  local out <const> = {}
  for _, name in ipairs(list or {}) do out[#out + 1] = {tostring(name), nil} end
  for _, key in ipairs(check.sorted_keys(list or {})) do
    local meant <const> = list[key]
    if meant ~= nil then out[#out + 1] = {key, type(meant) == "table" and meant or {meant}} end
  end
  return ipairs(out)
end

M.entries = entries

-- The columns that are labels or indices, and the column `split`.
local function taken_by(o, t)
  local taken <const> = {[tostring(o.split)] = true}
  for _, entry in entries(o.classes) do taken[entry[1]] = true end
  for _, entry in entries(o.reals) do
    for _, column in ipairs(entry[2] or {entry[1]}) do taken[tostring(column)] = true end
  end
  for _, entry in entries(o.index) do
    if taken[entry[1]] then
      fail("%s: column '%s' is both an index and a label or a part", t.path, entry[1])
    end
    taken[entry[1]] = true
  end
  return taken
end

-- All columns that are not labels. A column that has no name or is called Unnamed is left out:
-- programs write such a column to count the rows.
local function others(t, o)
  local taken <const>, list <const> = taken_by(o, t), {}
  for _, name in ipairs(t.names) do
    if not taken[name] and name:find("%S") and not name:find("^Unnamed: %d+$") then
      list[#list + 1] = name
    end
  end
  return list
end

-- Makes an input of the schema, and stores its values in the frame.
local function input_of(t, frame, entry, kind, named)
  local column <const>, words <const> = entry[1], entry[2]
  kind = words and "words" or kind or cells.kind(t, column)
  if kind == "numbers" then
    frame.columns[column] = core.keep(core.from_table((cells.numbers(t, {column})), "float64"))
    return {column = column, kind = kind}
  end
  local labels <const>, names <const> = columns.class(t, column, words)
  if not named and #names > MANY then
    fail("%s: column '%s' has %d different words: name it in categories or index, or leave it out "
      .. "of inputs", t.path, column, #names)
  end
  frame.columns[column], frame.words[column] = core.keep(labels), names
  return {column = column, kind = kind, fixed = words ~= nil}
end

-- The options by which net:predict reads a file of cells in the same way, or nil.
local function file_of(o)
  local own <const> = {separator = o.separator, decimal = o.decimal}
  if o.header == false then own.header = false end
  return next(own) and own or nil
end

--- The schema and the frame of a table t, by the options of data.table.
function M.of(t, o)
  local frame <const> = {n = t.n, columns = {}, words = {}}
  local schema <const> = {inputs = {}, index = {}, standardise = o.standardise,
    indicator = o.indicator, missing = o.missing, file = file_of(o)}
  local taken <const>, as_words <const> = taken_by(o, t), {}
  for _, entry in entries(o.categories) do as_words[entry[1]] = "words" end
  for _, entry in entries(o.inputs or others(t, o)) do
    if taken[entry[1]] then
      fail("%s: column '%s' is both an input and a label, a part or an index", t.path, entry[1])
    end
    schema.inputs[#schema.inputs + 1] = input_of(t, frame, entry, as_words[entry[1]],
      as_words[entry[1]] or o.inputs)
  end
  for _, entry in entries(o.index) do
    if RESERVED[entry[1]] then
      fail("%s: '%s' cannot be the name of an index: rename the column", t.path, entry[1])
    end
    schema.index[#schema.index + 1] = input_of(t, frame, entry, "words", true)
  end
  if #schema.inputs + #schema.index == 0 then fail("%s: inputs names no column", t.path) end
  return schema, frame
end

--- Labels of numbers, {name = float64 (n) or (n,k)}.
function M.reals(t, reals)
  local labels <const> = {}
  for _, entry in entries(reals) do
    local values <const>, width <const> = cells.numbers(t, entry[2] or {entry[1]})
    local x <const> = core.from_table(values, "float64")
    labels[entry[1]] = width == 1 and x or x:reshape(-1, width)
  end
  return labels
end

return M
