--- Reads the numbers, points and classes in the columns of a manifest (a .csv or .jsonl file).
--
-- A table t is {path =, n = number of rows, lines = line number of each row, names = names of the
-- columns, columns = {name = values}, decimal = "." or ",", marks = marks of missing values}.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local damage <const> = require "braid.data.damage"
local json <const> = require "braid.io.json"
local limits <const> = require "braid.limits"
local number <const> = require "braid.io.number"

local fail <const> = damage.fail

local M <const> = {}

local NAN <const>, MAX_VALUE <const> = 0 / 0, 1e9
-- Words that people write for a missing value. If one is among numbers, the error names it.
local WORDS <const> = {na = true, ["n/a"] = true, ["#n/a"] = true, null = true, none = true,
  ["-"] = true, ["--"] = true, ["?"] = true, ["."] = true, unknown = true, missing = true}

--- The place of a value (file, line and column), for messages.
function M.place(t, row, column)
  return ("%s:%d: column '%s'"):format(t.path, t.lines[row], column)
end

local LISTED <const> = 20

--- The names of the columns, for messages.
function M.list(t)
  local rest <const> = #t.names - LISTED
  return table.concat(t.names, ", ", 1, math.min(#t.names, LISTED)) .. (rest > 0
    and (" and %d more"):format(rest) or "")
end

--- The values of a column.
function M.of(t, name)
  local values <const> = t.columns[tostring(name)]
  if not values then
    fail("%s: there is no column '%s'; there is %s", t.path, name, M.list(t))
  end
  return values
end

-- Whether a value is a list, as JSON has them.
local function is_list(value) return type(value) == "table" and value ~= json.null end

local function add_mark(marks, value)
  marks.texts[tostring(value)] = true
  local v <const> = type(value) == "number" and value or number.plain(tostring(value))
  if v then marks.numbers[v + 0.0] = true end
end

--- The marks of missing values in the option `missing`: a value, a list of values, or {column =
-- value or list} for a single column.
function M.marks(what, missing)
  local all <const> = {texts = {}, numbers = {}}
  local marks <const> = {all = all, of = {}}
  if missing == nil then return marks end
  local function add(to, value)
    if type(value) ~= "string" and type(value) ~= "number" and type(value) ~= "boolean" then
      check.fail("%s: missing must be a text or number or a list of them, not a %s", what,
        type(value))
    end
    add_mark(to, value)
  end
  for key, value in pairs(type(missing) == "table" and missing or {missing}) do
    local own = all
    if type(key) == "string" then
      own = {texts = {}, numbers = {}}
      marks.of[key] = own
    end
    for _, v in ipairs(type(value) == "table" and value or {value}) do add(own, v) end
  end
  return marks
end

local function is_marked(marks, value)
  if not marks then return false end
  if marks.texts[tostring(value)] then return true end
  if next(marks.numbers) == nil then return false end
  local v <const> = type(value) == "number" and value
    or type(value) == "string" and number.plain(value)
  return v and marks.numbers[v + 0.0] or false
end

--- Whether a value is missing: an empty cell, null, nan, or one of the marks.
function M.is_missing(t, value, column)
  return value == nil or value == json.null or value == "" or value ~= value
    or is_marked(t.marks.all, value) or is_marked(t.marks.of[tostring(column)], value)
    or type(value) == "string" and #value == 3 and value:lower() == "nan"
end

-- The number that a value stands for, or nil.
local function number_of(t, value)
  if type(value) == "number" then return value end
  return type(value) == "string" and number.parse(value, t.decimal) or nil
end

--- The number that a value stands for; NaN for a missing one.
function M.number_at(t, value, row, column)
  if M.is_missing(t, value, column) then return NAN end
  local v <const> = number_of(t, value)
  if v and math.abs(v) <= MAX_VALUE then return v end
  local word <const> = tostring(value)
  local hint <const> = WORDS[word:lower()]
    and ("; if it marks a missing value: missing = {\"%s\"}"):format(word) or ""
  fail("%s: '%s' is not a number from -1e9 to 1e9%s", M.place(t, row, column), word:sub(1, 40),
    hint)
end

-- Appends the numbers of a list in a cell to `into`; lists inside it are flattened.
local function flat(t, value, row, column, into)
  for i = 1, #value do
    if is_list(value[i]) then
      flat(t, value[i], row, column, into)
    else
      into[#into + 1] = M.number_at(t, value[i], row, column)
    end
  end
end

-- Numbers from a column of lists of numbers. A row whose list is missing has NaN.
local function numbers_of_lists(t, column)
  local lists <const>, values <const>, out <const>, width = M.of(t, column), {}, {}, nil
  for row = 1, t.n do
    if not M.is_missing(t, lists[row], column) then
      if not is_list(lists[row]) then fail("%s is not a list", M.place(t, row, column)) end
      values[row] = {}
      flat(t, lists[row], row, column, values[row])
      width = width or #values[row]
      if #values[row] ~= width then
        fail("%s: %d numbers, but %d in the lines before", M.place(t, row, column),
          #values[row], width)
      end
    end
  end
  if not width then fail("%s: column '%s' is empty", t.path, column) end
  for row = 1, t.n do
    for c = 1, width do out[#out + 1] = values[row] and values[row][c] or NAN end
  end
  return out, width
end

--- Rows of numbers, from a list of columns. read(t, value, row, column) gives the number of a cell.
-- @return the numbers row by row, and how many there are in a row
function M.rows(t, names, read)
  local out <const>, lists <const> = {}, {}
  for c, name in ipairs(names) do lists[c] = M.of(t, name) end
  for row = 1, t.n do
    for c, name in ipairs(names) do
      out[#out + 1] = read(t, lists[c][row], row, name)
    end
  end
  return out, #names
end

--- Rows of numbers as M.rows gives them, from a list of columns, or from one column of lists.
function M.numbers(t, columns)
  if type(columns) ~= "table" then return numbers_of_lists(t, columns) end
  return M.rows(t, columns, M.number_at)
end

--- Columns of numbers as float32 (n) or (n,k).
function M.real(t, columns)
  local values <const>, width <const> = M.numbers(t, columns)
  local tensor <const> = core.from_table(values, "float32")
  return width == 1 and tensor or tensor:reshape(-1, width)
end

--- Columns of coordinates as float32 (n,points,2), counted from 0.
function M.points(t, columns, origin)
  local values <const>, width <const> = M.numbers(t, columns)
  if width % 2 ~= 0 or width == 0 then
    fail("%s: points need an x and a y each, but there are %d columns", t.path, width)
  end
  local tensor <const> = core.from_table(values, "float32"):reshape(-1, width // 2, 2)
  return origin == 0 and tensor or tensor - origin
end

-- ---- classes ------------------------------------------------------------------------------

--- The name of a class. It is the same for 2, 2.0 and the text "2.0", since programs write a whole
-- number in each of these ways.
function M.class_name(value)
  local whole <const> = type(value) == "number" and math.tointeger(value)
  if whole then return ("%d"):format(whole) end
  return type(value) == "string" and value:match("^(-?%d+)%.0+$") or tostring(value)
end

local function sorted_classes(t, set)
  local names <const>, numbers = check.sorted_keys(set), true
  for _, name in ipairs(names) do numbers = numbers and number.parse(name, t.decimal) ~= nil end
  if numbers then
    table.sort(names, function(a, b)
      local x <const>, y <const> = number.parse(a, t.decimal), number.parse(b, t.decimal)
      return x < y or x == y and a < b
    end)
  end
  return names
end

-- The classes that occur in a column.
local function occurring(t, column, values)
  local set <const> = {}
  for row = 1, t.n do
    if is_list(values[row]) then
      fail("%s is a list, not a class", M.place(t, row, column))
    end
    if not M.is_missing(t, values[row], column) then set[M.class_name(values[row])] = true end
  end
  return sorted_classes(t, set)
end

-- The labels of a column of whole numbers; class `from` becomes 1.
local function counted(t, column, values, from)
  local labels <const>, names <const>, most = {}, {}, 0
  for row = 1, t.n do
    local label = 0
    if not M.is_missing(t, values[row], column) then
      local v <const> = number_of(t, values[row])
      label = v and math.tointeger(v - from + 1)
      if not label or label < 1 then
        fail("%s: '%s' is not a whole number from %d (if it marks a missing one: missing = ...)",
          M.place(t, row, column), tostring(values[row]):sub(1, 40), from)
      end
      limits.bound("members", label, "classes in %s", M.place(t, row, column))
    end
    labels[row], most = label, math.max(most, label)
  end
  for i = 1, most do names[i] = ("%d"):format(i + from - 1) end
  return core.from_table(labels, "int64"), names
end

--- The labels of a column, int64 (n) with 0 for a missing one, and the names of the classes.
-- @param names the names of the classes in order; nil: the sorted names that occur
-- @param from the number of the first class if classes are numbers; nil: the numbers that occur
function M.class(t, column, names, from)
  local values <const>, labels <const> = M.of(t, column), {}
  if from and not names then return counted(t, column, values, from) end
  names = names or occurring(t, column, values)
  local numbers <const> = {}
  for i, name in ipairs(names) do numbers[M.class_name(name)] = i end
  for row = 1, t.n do
    labels[row] = M.is_missing(t, values[row], column) and 0
      or numbers[M.class_name(values[row])]
      or fail("%s: '%s' is not one of the classes %s", M.place(t, row, column),
        tostring(values[row]):sub(1, 40), table.concat(names, ", "))
  end
  return core.from_table(labels, "int64"), names
end

--- Finds what a column contains that no option describes: "lists", "numbers" or "words". If a word
-- for a missing value, such as NA, is among numbers, an error names it.
function M.kind(t, name)
  local values <const>, numbers, word_row = t.columns[name], 0, nil
  local words = false
  for row = 1, t.n do
    local value <const> = values[row]
    if is_list(value) then return "lists" end
    if not M.is_missing(t, value, name) then
      if number_of(t, value) then
        numbers = numbers + 1
      elseif type(value) == "string" and WORDS[value:lower()] then
        word_row = word_row or row
      else
        words = true
      end
    end
  end
  if words or numbers == 0 and word_row then return "words" end
  if word_row then M.number_at(t, values[word_row], word_row, name) end
  return "numbers"
end

return M
