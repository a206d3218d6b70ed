--- data.table: rows of numbers and categories, standardised with statistics of the training rows.
--
-- data.table(from, {...}) -> {train =}, or with parts {train =, val =, test =}. `from` is a file
-- (.csv, .tsv, .txt, .jsonl, .json, or .npz of tensors), a list of rows {age = 30, sex = "f"}, or
-- columns by name, {age = tensor or list}.
--   inputs       the columns that the network sees: {"age", "dose", sex = {"f", "m"}}; by default
--                all that are not labels. A column of words becomes a number for each category: 1
--                if the row has the category, else 0. The categories are those listed, or those in
--                the training rows
--   categories   {"zip"}: inputs whose numbers are names, and are read as categories
--   index        {"city"}: inputs of categories as whole numbers, for nn.Embedding. Each is an
--                input of its own, batch.city, int64 (n): 1 to k, and k + 1 for a missing or
--                unknown one
--   reals        labels of numbers: {"bp"}, or {pose = {"yaw", "pitch"}} for several columns
--   classes      labels of classes: {"risk"}, or {risk = {"low", "high"}} to set the order;
--                from = 0 if they are whole numbers that begin at 0
--   missing      marks of a missing value besides an empty cell, null and nan: {"NA", "-1"}, or
--                {age = "0"} for one column
--   standardise  true: inputs and labels of numbers get mean 0 and deviation 1 over the training
--                rows (divided by n, not n - 1); "inputs" or "labels": only these; false: none
--   indicator    true: an input with gaps in the training rows gets one more number, which is 1 if
--                the input is missing, else 0
--   split        the column with a row's part, train, val or test; or
--   val, test    shares of the rows, drawn at random with `seed` (1)
--   header, separator, decimal   for a file of cells, as in data.csv
--
-- A missing number among the inputs becomes the mean of the training rows; for a missing category
-- the numbers of all categories are 0. A missing label stays missing: NaN, or for classes -100 in a
-- batch. A category that no training row has counts as missing. Means, deviations and categories
-- come from the rows on which networks train, however the table is split (tabular/part.lua). A
-- column in which all training rows have the same number becomes 0.
--
-- A loader gives batch.input, float32 (n,k); ds.input_names has the names of the k numbers. Labels
-- of numbers are standardised in batches; tasks:evaluate measures and net:predict answers in the
-- column's units. net:predict takes rows as they are and prepares them by the recipe on the
-- network's card. ds[i].bp is the label as it was read.
-- @treturn {train: data.dataset, val?: data.dataset, test?: data.dataset}
-- @usage
-- local rows <const> = {}
-- for i = 1, 40 do rows[i] = {age = 20 + i, sex = i % 3 == 0 and "f" or "m", bp = 100 + i} end
-- local sets <const> = data.table(rows, {reals = {"bp"}, val = 0.25})
-- for batch in data.loader(sets.train, {batch = 10}) do print(batch.input.shape, batch.bp) end

local check <const> = require "braid.check"
local columns <const> = require "braid.data.columns"
local damage <const> = require "braid.data.damage"
local Dataset <const> = require "braid.data.dataset"
local given_as <const> = require "braid.data.tabular.given"
local manifest <const> = require "braid.data.manifest"
local Part <const> = require "braid.data.tabular.part"
local schemas <const> = require "braid.data.tabular.schema"

local fail <const> = damage.fail

local COLUMN <const> = check.either(check.text(), check.whole{from = 1})
local function is_plain(v) return type(v) == "table" and not check.is_object(v) end
local NAMES <const> = check.kind("a list of columns, or columns by name", is_plain)
local SHARE <const> = check.number{above = 0, below = 1}
local taken <const> = manifest.options.kinds

local OPTIONS <const> = check.declare("data.table", {
  inputs = NAMES, categories = check.list{of = COLUMN}, index = NAMES, reals = NAMES,
  classes = NAMES, from = taken.from, missing = taken.missing,
  standardise = check.either(check.flag(), check.choice{"inputs", "labels"}),
  indicator = check.flag(false), split = COLUMN, val = SHARE, test = SHARE,
  seed = check.whole{1, from = 0}, header = check.flag(true),
  separator = check.optional(check.choice{",", ";", "\t", "|"}),
  decimal = check.optional(check.choice{".", ","}),
}, function(o)
  if o.split and (o.val or o.test) then return "only one of split, and val and test" end
  if (o.val or 0) + (o.test or 0) >= 1 then return "val and test leave nothing for training" end
end)

-- The labels of classes and the names of the classes.
local function classes_of(t, o)
  local labels <const>, names <const> = {}, {}
  for _, entry in schemas.entries(o.classes) do
    local from = o.from
    if type(from) == "table" then from = from[entry[1]] end
    labels[entry[1]], names[entry[1]] = columns.class(t, entry[1], entry[2], from)
  end
  return labels, names
end

-- Cuts the whole table into its parts by the column `split`.
local function by_column(t, o, all)
  local lists <const>, sets <const> = manifest.parts(t, o.split, t.n), {}
  if not lists.train then fail("%s: column '%s' has no row of train", t.path, o.split) end
  for name, list in pairs(lists) do sets[name] = all:subset(list) end
  sets.train = sets.train:prepared()
  for name, set in pairs(sets) do
    if name ~= "train" then sets[name] = set:prepared(sets.train) end
  end
  return sets
end

-- Draws the parts val and test at random. Their sizes are shares of all rows.
local function by_share(t, o, all)
  local sets <const>, left = {train = all}, t.n
  for _, name in ipairs{"test", "val"} do
    if o[name] then
      local n <const> = math.floor(t.n * o[name] + 0.5)
      if n < 1 or n >= left then
        fail("%s: %s = %g of %d rows leaves a part empty", t.path, name, o[name], t.n)
      end
      sets.train, sets[name] = sets.train:split(n, {seed = o.seed})
      left = left - n
    end
  end
  if sets.test then sets.test = sets.test:prepared(sets.train) end
  return sets
end

local function check_names(t, labels)
  for _, name in ipairs(check.sorted_keys(labels)) do
    if Dataset.taken[name] then
      fail("%s: '%s' cannot be the name of a label: rename the column", t.path, name)
    end
  end
end

return damage.reader("data.table", function(from, given)
  local o <const> = check.options(OPTIONS, given)
  if o.standardise == nil then o.standardise = true end
  if not given_as.fits(from) then
    check.fail("data.table: wants the path of a file, a list of rows or columns by name, not %s",
      check.shown(from))
  end
  local t <const> = given_as.read(from, o)
  if t.n == 0 then fail("%s: there are no rows in it", t.path) end
  t.marks = columns.marks("data.table", o.missing)
  local schema <const>, frame <const> = schemas.of(t, o)
  local labels <const>, names <const> = classes_of(t, o)
  schema.reals = {}
  for name, x in pairs(schemas.reals(t, o.reals)) do
    if labels[name] then fail("%s: '%s' is in reals and in classes", t.path, name) end
    labels[name], schema.reals[name] = x, true
  end
  check_names(t, labels)
  local all <const> = Dataset{table = Part(frame, schema), labels = labels, classes = names,
    missing = 0}
  if o.split then return by_column(t, o, all) end
  return by_share(t, o, all)
end)
