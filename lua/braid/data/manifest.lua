--- Manifests: tables of pictures and labels. The user says what each column is.
--
-- The options of data.csv and data.jsonl:
--   image     the column of the paths (default: image, path, file, filename or a similar name)
--   root      the directory that the paths are relative to (default: the manifest's directory)
--   classes   {"gender", ...}, or {gender = {"male", "female"}} to set the order; otherwise
--             classes are sorted, as numbers if all are numbers
--   from      n: classes are whole numbers from n (usually 0); {column = n} says so for one column
--   reals     {"age", ...}, or {pose = {"yaw", "pitch"}} for a label of several columns
--   kinds     {pose = "yaw pitch"}: what the numbers of a label mean, and so how they change with
--             the picture (follow.lua). Columns yaw, pitch, roll are angles in degrees
--   points    {landmarks = {"x1", "y1", "x2", "y2", ...}}; origin = 1: the pixels count from 1
--   box       {"x0", "y0", "x1", "y1"}; box_is = "size": the last two are width and height. The
--             label box_width is its width
--   split     the column with a row's part: train, val or test
--   missing   {"-1", "NA", ...}: marks of a missing value, besides an empty cell and nan;
--             {age = "0"} for one column
--   channels  1, 3 or nil for the channels of each file
--   size      the side of a loader's pictures
--   crop      "whole": a loader shows the whole of each picture and ignores its box
--   orientation  false: pictures stay as they are stored; otherwise they are turned as their EXIF
--             data say, and points and boxes belong to the turned picture
--   check     true: pictures that cannot be read are left out and counted (train.unreadable)
--   inputs    {"age", "weight", sex = {"f", "m"}}: the table has numbers and no pictures. Batches
--             have batch.input (n,k); train.input_names has the names. A column of words gives one
--             number for each word, 1 for the word in the cell, else 0. fill = 0 or "mean" replaces
--             missing numbers; without fill they are an error
-- If none of classes, reals and points is given, every other column with a name is a label. It is
-- real if all its values are numbers, otherwise classes. In JSONL a column may have lists, as in
-- points = {landmarks = "points"}, box = "box".

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local columns <const> = require "braid.data.columns"
local damage <const> = require "braid.data.damage"
local Dataset <const> = require "braid.data.dataset"
local follow <const> = require "braid.data.follow"
local inputs_of <const> = require "braid.data.inputs"
local pictures <const> = require "braid.data.pictures"

local fail <const> = damage.fail

local M <const> = {}

local PATHS <const> = {"image", "path", "file", "filename", "image_path", "img_path", "file_path",
  "filepath", "file_name", "image_name", "image_file", "image_id", "img", "picture", "photo"}
local SETS <const> = {train = "train", training = "train", val = "val", valid = "val",
  validation = "val", test = "test", testing = "test"}

-- A column is given by its name, or by its number if there is no header.
local COLUMN <const> = check.either(check.text(), check.whole{from = 1})
local COLUMNS <const> = check.either(COLUMN, check.list{of = COLUMN})
local FROM <const> = check.whole()
local function is_plain(v) return type(v) == "table" and not check.is_object(v) end
local LABELS <const> = check.kind("a list of columns, or labels by name", is_plain)

M.options = check.declare("data.jsonl", pictures.options{
  image = COLUMN, root = check.text(), classes = LABELS, reals = LABELS, points = LABELS,
  origin = check.number(0), box = COLUMNS, box_is = check.choice{"corners", "size"},
  split = COLUMN, check = check.flag(false), kinds = check.map(check.text()),
  missing = check.either(check.text(), check.number(), check.kind("a list of these", is_plain)),
  inputs = LABELS, fill = check.either(check.number(), check.choice{"mean"}),
  from = check.either(check.whole(), check.kind("a table of these by column", is_plain)),
})

-- Iterates over a list of column names, or over a table {name of a label = its columns or classes}.
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

-- A table with almost no filled cells cannot be a table of labels.
local SPARSE <const>, FEW <const> = 64, 1000000

--- The marks of missing values that the options name.
function M.marks(what, o) return columns.marks(what, o.missing) end

--- Guesses which columns are labels if no option names any -> classes, reals. A column that has no
-- name or is called Unnamed is left out: programs write such a column to count the rows.
function M.guess(t, o, image)
  local taken <const> = {[tostring(image)] = true, [tostring(o.split)] = true}
  for key, name in pairs(o.inputs or {}) do
    taken[type(name) == "table" and key or tostring(name)] = true
  end
  for _, name in ipairs(type(o.box) == "table" and o.box or {o.box}) do
    taken[tostring(name)] = true
  end
  if t.values and t.n * #t.names > SPARSE * t.values + FEW then
    fail("%s: %d columns, and most of their %d cells are missing: say which are labels (classes = "
      .. "{...}, reals = {...})", t.path, #t.names, t.n * #t.names)
  end
  local classes <const>, reals <const> = {}, {}
  for _, name in ipairs(t.names) do
    if not taken[name] and name:find("%S") and not name:find("^Unnamed: %d+$") then
      local kind <const> = columns.kind(t, name)
      if kind ~= "lists" then table.insert(kind == "numbers" and reals or classes, name) end
    end
  end
  return classes, reals
end

local function boxes_of(t, o)
  if not o.box then return nil end
  local values <const>, width <const> = columns.numbers(t, o.box)
  if width ~= 4 then fail("%s: a box is 4 numbers, not %d", t.path, width) end
  local shift <const> = o.box_is == "size"
  for row = 1, t.n do
    local at <const> = 4 * row - 3
    if shift then
      values[at + 2], values[at + 3] = values[at] + values[at + 2], values[at + 1] + values[at + 3]
    end
    if values[at + 2] <= values[at] or values[at + 3] <= values[at + 1] then
      fail("%s:%d: the box has no area", t.path, t.lines[row])
    end
  end
  return core.from_table(values, "float32"):reshape(-1, 4) - o.origin
end

--- The numbers of the samples in each part, {train = list, ...}, by the column `split`.
-- @param rows the rows of the samples; nil: all n
function M.parts(t, split, n, rows)
  local lists <const> = {}
  local column <const> = columns.of(t, split)
  for i = 1, n do
    local row <const> = rows and rows[i] or i
    local word <const> = column[row]
    local name <const> = type(word) == "string" and SETS[word:lower()]
    if not name then
      fail("%s: '%s' is not train, val or test", columns.place(t, row, split), tostring(word))
    end
    lists[name] = lists[name] or {}
    table.insert(lists[name], i)
  end
  return lists
end

local function sets_of(t, all, split, rows)
  if not split then return {train = all} end
  local sets <const> = {}
  for name, list in pairs(M.parts(t, split, #all, rows)) do sets[name] = all:subset(list) end
  return sets
end

local function image_column(t, o)
  if o.image then return tostring(o.image) end
  local lower <const> = {}
  for _, name in ipairs(t.names) do lower[name:lower()] = lower[name:lower()] or name end
  for _, name in ipairs(PATHS) do
    if lower[name] then return lower[name] end
  end
  local first <const> = t.names[1] or ""
  fail("%s: which column is the picture? There is %s: say image = ...%s", t.path,
    columns.list(t), first:lower():find("%.png$") and
    " (if the first line names no columns: header = false, image = 1)" or
    first:lower():find("%.jpe?g$") and
    " (if the first line names no columns: header = false, image = 1)" or "")
end

local function check_kinds(what, kinds, labels)
  for _, name in ipairs(check.sorted_keys(kinds or {})) do
    local wrong <const> = not labels[name] and "there is no such label"
      or follow.wrong(kinds[name], labels[name])
    if wrong then check.fail("%s: kinds: %s: %s", what, name, wrong) end
  end
end

-- The labels, and the names of their classes.
local function labels_of(what, t, o, image)
  local labels <const>, names <const> = {}, {}
  local classes, reals = o.classes, o.reals
  if not (classes or reals or o.points) then classes, reals = M.guess(t, o, image) end
  for _, entry in entries(classes) do
    local from = o.from
    if type(from) == "table" then from = from[entry[1]] end
    if from ~= nil then check.value(what, "from of " .. entry[1], from, FROM) end
    labels[entry[1]], names[entry[1]] = columns.class(t, entry[1], entry[2], from)
  end
  for _, entry in entries(reals) do
    labels[entry[1]] = columns.real(t, entry[2] or {entry[1]})
  end
  for _, entry in entries(o.points) do
    labels[entry[1]] = columns.points(t, entry[2] or entry[1], o.origin)
  end
  for _, name in ipairs(check.sorted_keys(labels)) do
    if Dataset.taken[name] then
      fail("%s: '%s' cannot be the name of a label: say what the columns are", t.path, name)
    end
  end
  check_kinds(what, o.kinds, labels)
  return labels, names
end

-- Makes data sets from a table without pictures.
local function make_inputs(what, t, o)
  for _, name in ipairs{"image", "root", "points", "box", "channels", "size", "crop"} do
    if o[name] ~= nil then
      check.fail("%s: with inputs there are no pictures: leave out %s", what, name)
    end
  end
  local inputs <const>, names <const> = inputs_of(t, o.inputs, o.fill)
  local labels <const>, classes <const> = labels_of(what, t, o)
  local sets <const> = sets_of(t, Dataset{inputs = inputs, labels = labels, classes = classes,
    kinds = o.kinds, missing = 0}, o.split)
  for _, set in pairs(sets) do set.input_names = names end
  return sets
end

--- Makes data sets from a table of columns.lua.
-- @param files the pictures, {paths =, root =}, if no column names them
function M.make(what, t, o, files)
  if t.n == 0 then fail("%s: there are no rows in it", t.path) end
  t.marks = columns.marks(what, o.missing)
  if o.inputs then return make_inputs(what, t, o) end
  local image <const> = not files and image_column(t, o) or nil
  local labels <const>, names <const> = labels_of(what, t, o, image)
  local boxes <const> = boxes_of(t, o)
  files = files or pictures.of(t, image, o.root or t.path:match("^(.*)/") or "")
  local all = pictures.dataset(o, {files = files.paths, labels = labels, classes = names,
    root = files.root, kinds = o.kinds, boxes = boxes, missing = 0})
  if not o.check then return sets_of(t, all, o.split) end
  local rows <const>, absent <const>, first <const> = pictures.readable(all)
  if #rows == 0 then fail("%s: none of its pictures can be read: %s", t.path, first) end
  if absent > 0 then all = all:subset(rows) end
  local sets <const> = sets_of(t, all, o.split, rows)
  for _, set in pairs(sets) do set.unreadable, set.first_unreadable = absent, first end
  return sets
end

return M
