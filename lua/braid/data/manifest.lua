--- Manifests: tables of pictures and labels, of which the user says what each column is.
--
-- What data.csv and data.jsonl share. The options:
--   image     the column of the paths (default: image, path, file or filename)
--   root      the directory they are relative to (default: that of the manifest)
--   classes   {"gender", ...}, or {gender = {"male", "female"}} to say the order; else
--             classes are sorted, as numbers when all are numbers
--   reals     {"age", ...}, or {pose = {"yaw", "pitch"}} for one label of several columns
--   points    {landmarks = {"x1", "y1", "x2", "y2", ...}}; origin = 1 says that they count
--             pixels from 1
--   box       {"x0", "y0", "x1", "y1"}; box_is = "size" says that the last two are width
--             and height
--   split     the column that names the set of a row: train, val or test
--   missing   {"-1", ...}: what stands for a missing value besides nothing at all and nan
--   channels  1, 3 or nil for what each file has
-- With neither classes nor reals nor points, every other column is a label: real values
-- when all of it are numbers, else classes. In JSONL a column may hold a list: points =
-- {landmarks = "points"}, box = "box".

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local cell_number <const> = require("braid.io.number").plain
local damage <const> = require "braid.data.damage"
local Dataset <const> = require "braid.data.dataset"
local json <const> = require "braid.io.json"

local fail <const> = damage.fail

local M <const> = {}

local NAN <const> = 0 / 0
local PATHS <const> = {"image", "path", "file", "filename"}
local SETS <const> = {train = true, val = true, test = true}

M.options = {
  image = check.none, root = check.none, classes = check.none, reals = check.none,
  points = check.none, origin = 0, box = check.none, box_is = "corners", split = check.none,
  missing = check.none, channels = check.none,
}

local function place(t, row, column)
  return ("%s:%d: column '%s'"):format(t.path, t.lines[row], column)
end

local function column_of(t, name)
  local values <const> = t.columns[tostring(name)]
  if not values then
    fail("%s: there is no column '%s'; there is %s", t.path, name, table.concat(t.names, ", "))
  end
  return values
end

local function is_missing(t, value)
  return value == nil or value == json.null or value == "" or value ~= value
    or t.missing[tostring(value)] or type(value) == "string" and value:lower() == "nan"
end

local function number_at(t, value, row, column)
  if is_missing(t, value) then return NAN end
  local number <const> = type(value) == "number" and value
    or type(value) == "string" and cell_number(value)
  if not number or math.abs(number) > 1e9 then
    fail("%s: '%s' is no number that makes sense here", place(t, row, column),
      tostring(value):sub(1, 40))
  end
  return number
end

-- The numbers of a list in a cell, lists in it laid flat.
local function flat(t, value, row, column, into)
  for i = 1, #value do
    if type(value[i]) == "table" and value[i] ~= json.null then
      flat(t, value[i], row, column, into)
    else
      into[#into + 1] = number_at(t, value[i], row, column)
    end
  end
end

-- Rows of numbers: from several columns, or from one that holds lists of numbers. Rows
-- where the list is missing have NaN.
local function numbers_of(t, columns)
  local out <const>, width = {}, nil
  if type(columns) == "table" then
    local lists <const> = {}
    for c, name in ipairs(columns) do lists[c] = column_of(t, name) end
    for row = 1, t.n do
      for c, name in ipairs(columns) do
        out[#out + 1] = number_at(t, lists[c][row], row, name)
      end
    end
    return out, #columns
  end
  local lists <const>, values <const> = column_of(t, columns), {}
  for row = 1, t.n do
    if not is_missing(t, lists[row]) then
      if type(lists[row]) ~= "table" then fail("%s is no list", place(t, row, columns)) end
      values[row] = {}
      flat(t, lists[row], row, columns, values[row])
      width = width or #values[row]
      if #values[row] ~= width then
        fail("%s: %d numbers, and %d in the lines before", place(t, row, columns),
          #values[row], width)
      end
    end
  end
  if not width then fail("%s: column '%s' is empty", t.path, columns) end
  for row = 1, t.n do
    for c = 1, width do out[#out + 1] = values[row] and values[row][c] or NAN end
  end
  return out, width
end

local function real(t, columns)
  local values <const>, width <const> = numbers_of(t, columns)
  local tensor <const> = core.from_table(values, "float32")
  return width == 1 and tensor or tensor:reshape(-1, width)
end

local function points(t, columns, origin)
  local values <const>, width <const> = numbers_of(t, columns)
  if width % 2 ~= 0 or width == 0 then
    fail("%s: points are x and y in turns, not %d columns", t.path, width)
  end
  local tensor <const> = core.from_table(values, "float32"):reshape(-1, width // 2, 2)
  return origin == 0 and tensor or tensor - origin
end

-- The text of a class, the same for 2 and 2.0.
local function class_name(value)
  local whole <const> = type(value) == "number" and math.tointeger(value)
  return whole and ("%d"):format(whole) or tostring(value)
end

local function sorted_classes(set)
  local names <const>, numbers = check.sorted_keys(set), true
  for _, name in ipairs(names) do numbers = numbers and cell_number(name) ~= nil end
  if numbers then
    table.sort(names, function(a, b)
      local x <const>, y <const> = cell_number(a), cell_number(b)
      return x < y or x == y and a < b
    end)
  end
  return names
end

-- The labels of a column, and the names of the classes.
local function class(t, column, names)
  local values <const>, set, labels <const> = column_of(t, column), {}, {}
  if not names then
    for row = 1, t.n do
      if type(values[row]) == "table" and values[row] ~= json.null then
        fail("%s is a list, which is no class", place(t, row, column))
      end
      if not is_missing(t, values[row]) then set[class_name(values[row])] = true end
    end
    names = sorted_classes(set)
  end
  local numbers <const> = {}
  for i, name in ipairs(names) do numbers[class_name(name)] = i end
  for row = 1, t.n do
    local missing <const> = is_missing(t, values[row])
    labels[row] = missing and 0 or numbers[class_name(values[row])]
      or fail("%s: '%s' is none of the classes %s", place(t, row, column),
        tostring(values[row]):sub(1, 40), table.concat(names, ", "))
  end
  return core.from_table(labels, "int64"), names
end

-- name, value for the entries of a list of names or a table of what they are.
local function entries(list)
  local out <const> = {}
  for _, key in ipairs(check.sorted_keys(list or {})) do
    local at <const> = math.tointeger(tonumber(key))
    if at and list[at] ~= nil then
      out[#out + 1] = {tostring(list[at]), nil}
    else
      out[#out + 1] = {key, list[key]}
    end
  end
  return ipairs(out)
end

-- What the columns are that nobody spoke of.
local function guess(t, o, image)
  local taken <const> = {[image] = true, [tostring(o.split)] = true}
  for _, name in ipairs(type(o.box) == "table" and o.box or {o.box}) do
    taken[tostring(name)] = true
  end
  local classes <const>, reals <const> = {}, {}
  for _, name in ipairs(t.names) do
    if not taken[name] then
      local numbers, lists = true, false
      for row = 1, t.n do
        local value <const> = t.columns[name][row]
        lists = lists or type(value) == "table" and value ~= json.null
        numbers = numbers and (is_missing(t, value) or type(value) == "number"
          or type(value) == "string" and cell_number(value) ~= nil)
      end
      if not lists then table.insert(numbers and reals or classes, name) end
    end
  end
  return classes, reals
end

local function boxes_of(t, o)
  if not o.box then return nil end
  local values <const>, width <const> = numbers_of(t, o.box)
  if width ~= 4 then fail("%s: a box is 4 numbers, not %d", t.path, width) end
  local shift <const> = o.box_is == "size"
  for row = 0, t.n - 1 do
    if shift then
      values[4 * row + 3] = values[4 * row + 1] + values[4 * row + 3]
      values[4 * row + 4] = values[4 * row + 2] + values[4 * row + 4]
    end
    if values[4 * row + 3] <= values[4 * row + 1] or values[4 * row + 4] <= values[4 * row + 2] then
      fail("%s:%d: the box has no area", t.path, t.lines[row + 1])
    end
  end
  return core.from_table(values, "float32"):reshape(-1, 4) - o.origin
end

local function sets_of(t, all, split)
  if not split then return {train = all} end
  local rows <const>, sets <const> = {}, {}
  local column <const> = column_of(t, split)
  for row = 1, t.n do
    local name <const> = column[row]
    if not (name and SETS[name]) then
      fail("%s: '%s' is none of train, val, test", place(t, row, split), tostring(name))
    end
    rows[name] = rows[name] or {}
    table.insert(rows[name], row)
  end
  for name, list in pairs(rows) do sets[name] = all:subset(list) end
  return sets
end

local function image_column(t, o)
  if o.image then return tostring(o.image) end
  for _, name in ipairs(PATHS) do
    if t.columns[name] then return name end
  end
  fail("%s: which column is the picture? There is %s: say image = ...", t.path,
    table.concat(t.names, ", "))
end

local function make(t, o)
  if o.box_is ~= "corners" and o.box_is ~= "size" then
    error(("box_is is 'corners' or 'size', not '%s'"):format(tostring(o.box_is)), 0)
  end
  if t.n == 0 then fail("%s: there are no rows in it", t.path) end
  t.missing = {}
  for _, mark in ipairs(o.missing or {}) do t.missing[tostring(mark)] = true end
  local image <const> = image_column(t, o)
  local paths <const> = column_of(t, image)
  for row = 1, t.n do
    if type(paths[row]) ~= "string" or paths[row] == "" then
      fail("%s: a path is missing", place(t, row, image))
    end
  end
  local labels <const>, names <const> = {}, {}
  local classes, reals = o.classes, o.reals
  if not (classes or reals or o.points) then classes, reals = guess(t, o, image) end
  for _, entry in entries(classes) do
    labels[entry[1]], names[entry[1]] = class(t, entry[1], entry[2])
  end
  for _, entry in entries(reals) do
    labels[entry[1]] = real(t, entry[2] or {entry[1]})
  end
  for _, entry in entries(o.points) do
    labels[entry[1]] = points(t, entry[2] or entry[1], o.origin)
  end
  for _, name in ipairs(check.sorted_keys(labels)) do
    if Dataset.taken[name] then
      fail("%s: '%s' cannot be the name of a label: say what the columns are", t.path, name)
    end
  end
  local all <const> = Dataset{files = paths, labels = labels, classes = names,
    root = o.root or t.path:match("^(.*)/[^/]*$") or "", channels = o.channels,
    boxes = boxes_of(t, o), missing = 0}
  return sets_of(t, all, o.split)
end

--- Data sets from {path =, n = rows, lines = line numbers, names = of the columns, columns
-- = {name = values}}; or nil and a message.
function M.make(t, o)
  return damage.caught(make, t, o)
end

return M
