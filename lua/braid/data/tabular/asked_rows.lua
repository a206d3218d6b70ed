--- Makes a data set of the rows given to net:predict, which the network's recipe (fitted.lua)
-- prepares.

local cells <const> = require "braid.data.tabular.cells"
local check <const> = require "braid.check"
local class <const> = require "braid.class"
local columns <const> = require "braid.data.columns"
local core <const> = require "braid.core"
local damage <const> = require "braid.data.damage"
local Dataset <const> = require "braid.data.dataset"
local given_as <const> = require "braid.data.tabular.given"
local Part <const> = require "braid.data.tabular.part"

local fail <const> = damage.fail

local M <const> = {}

local LISTED <const> = 20

local function listed(names)
  return table.concat(names, ", ", 1, math.min(#names, LISTED))
    .. (#names > LISTED and (" and %d more"):format(#names - LISTED) or "")
end

-- The values of a column as numbers of classes, int64 (n); 0 is missing.
local function labels_of(t, part, unknown)
  local numbers <const>, labels <const> = {}, {}
  for i, name in ipairs(part.classes) do numbers[name] = i end
  for row, value in next, columns.of(t, part.column) do
    if not columns.is_missing(t, value, part.column) then
      labels[row] = numbers[columns.class_name(value)]
      if not labels[row] and unknown ~= "missing" then
        fail("%s: '%s' was in no training row: there was %s; unknown = \"missing\" takes it as "
          .. "missing", columns.place(t, row, part.column), tostring(value):sub(1, 40),
          listed(part.classes))
      end
    end
  end
  for row = 1, t.n do labels[row] = labels[row] or 0 end
  return core.from_table(labels, "int64")
end

-- The frame (schema.lua) of the columns that the recipe takes.
local function frame_of(recipe, t, unknown)
  local frame <const> = {n = t.n, columns = {}, words = {}}
  for _, list in ipairs{recipe.inputs, recipe.index} do
    for _, part in ipairs(list) do
      local name <const> = part.column
      if not t.columns[name] then
        fail("%s: there is no column '%s', which the network takes; there is %s. A value that is "
          .. "missing is \"\" or NaN", t.path, name, columns.list(t))
      end
      if part.classes then
        frame.columns[name], frame.words[name] = labels_of(t, part, unknown), part.classes
      else
        frame.columns[name] = core.from_table((cells.numbers(t, {name})), "float64")
      end
      core.keep(frame.columns[name])
    end
  end
  return frame
end

-- Splits a tensor (k) or (n,k), which has a number for each input of the recipe in their order,
-- into columns by name.
local function of_tensor(recipe, x)
  local names <const> = {}
  for i, part in ipairs(recipe.inputs) do names[i] = not part.classes and part.column or nil end
  if #names ~= #recipe.inputs or #recipe.index > 0 then
    fail("a tensor has no words for the network's categories: give rows by name")
  end
  local rows <const> = x:dim() == 1 and x:unsqueeze(1) or x
  if rows:dim() ~= 2 or rows:size(2) ~= #names then
    fail("the network takes %d numbers a row (%s), not a tensor (%s)", #names, listed(names),
      table.concat(x.shape, ", "))
  end
  local given <const> = {}
  for k, name in ipairs(names) do given[name] = rows:select(2, k) end
  return given
end

-- Whether a table is one row: values by name, and no lists or tensors.
local function is_row(given)
  if type(given) ~= "table" or given[1] ~= nil and type(given[1]) == "table" then return false end
  for _, value in next, given do
    if type(value) == "table" or core.is_tensor(value) then return false end
  end
  return next(given) ~= nil
end

local read <const> = damage.reader("predict", function(recipe, given, unknown)
  if core.is_tensor(given) then given = of_tensor(recipe, given) end
  if not given_as.fits(given) then
    fail("wants rows by name, columns, the path of a table or a data set, not %s",
      check.shown(given))
  end
  local file <const> = recipe.file or {}
  local t <const> = given_as.read(is_row(given) and {given} or given, {separator = file.separator,
    decimal = file.decimal, header = file.header ~= false})
  if t.n == 0 then fail("%s: there are no rows in it", t.path) end
  t.marks = columns.marks("predict", recipe.missing)
  return Part(frame_of(recipe, t, unknown), {reals = {}})
end)

--- The data set of the rows that a user gave, and whether they are a single row.
-- @param unknown "error" or "missing": how to take a category that no training row had
function M.of(recipe, given, unknown)
  if class.is_a(given, Dataset) then
    if not given.table then
      check.fail("predict: the network was trained on a table: this data set has none")
    end
    return given:prepared({table = recipe}), false
  end
  local part <const> = read(recipe, given, unknown)
  part.fit = {recipe = recipe}
  return Dataset{table = part}, is_row(given) or core.is_tensor(given) and given:dim() == 1
end

return M
