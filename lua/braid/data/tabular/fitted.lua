--- Fitted: what is done to the columns of a table before a network sees them, with statistics of
-- the training rows.
--
-- A recipe is plain, so that a file can hold it:
--   inputs    {{column =, mean =, deviation = nil if numbers stay as they are, indicator = true if
--             one more number says that the value is missing}, or {column =, classes = names,
--             indicator =}, ...}: the parts of the input, in order
--   index     {{column =, classes =}, ...}: categories as whole numbers, inputs of their own
--   labels    {name = {mean = list, deviation = list}}: labels that are standardised
--   missing   the user's marks of missing values
--   file      {header =, separator =, decimal =}, as the user gave them for a file of cells
-- A deviation is that of the training rows themselves (divided by n, not n - 1); if they all have
-- the same value, it is 1. A missing number becomes the mean. For a missing or unknown category the
-- numbers of all classes are 0; as an index it is the number of classes plus 1.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local ops <const> = core.ops

local M <const> = {}

local EPSILON <const> = 2 ^ -52

-- The mean and the deviation of the values that are not missing in x, float64 (n); nil if all are
-- missing.
local function moments(x)
  local there <const> = x:eq(x)
  local n <const> = there:sum():item()
  if n == 0 then return nil end
  local low <const> = x:masked_fill(there:logical_not(), math.huge):min():item()
  local high <const> = x:masked_fill(there:logical_not(), -math.huge):max():item()
  if low == high then return low, 1.0 end -- exact, which a mean from a rounded sum may not be
  local mean <const> = x:masked_fill(there:logical_not(), 0):sum():item() / n
  local off <const> = (x - mean):masked_fill(there:logical_not(), 0)
  local deviation <const> = math.sqrt(off:square():sum():item() / n)
  local least <const> = 10 * EPSILON * math.max(math.abs(low), math.abs(high))
  return mean, deviation > least and deviation or 1.0
end

local function standardises(schema, what)
  return schema.standardise == true or schema.standardise == what
end

local function fail_empty(what, name, n)
  check.fail("data.table: %s '%s' is missing in all %d training rows: leave it out, or train on "
    .. "other rows", what, name, n)
end

-- The class names whose numbers occur in the labels, in the order of `names`.
local function occurring(labels, names)
  local seen <const>, list <const> = {}, {}
  for _, label in ipairs(labels:totable()) do seen[label] = true end
  for k, name in ipairs(names) do
    if seen[k] then list[#list + 1] = name end
  end
  return list
end

-- The classes of an input that a network knows: the classes that the user listed, or those in the
-- training rows.
local function classes_of(input, frame)
  local names <const> = frame.words[input.column]
  local list <const> = input.fixed and names or occurring(frame.columns[input.column], names)
  if #list == 0 then fail_empty("input", input.column, frame.n) end
  return table.move(list, 1, #list, 1, {})
end

local function input_of(schema, input, frame)
  local x <const> = frame.columns[input.column]
  local gaps <const> = input.kind == "numbers" and x:ne(x) or x:eq(0)
  local part <const> = {column = input.column,
    indicator = schema.indicator and gaps:any():item() or nil}
  if input.kind == "words" then
    part.classes = classes_of(input, frame)
    return part
  end
  part.mean, part.deviation = moments(x)
  if not part.mean then fail_empty("input", input.column, frame.n) end
  if not standardises(schema, "inputs") then part.deviation = nil end
  return part
end

local function label_of(name, x, n)
  local rows <const>, own <const> = x:reshape(n, -1), {mean = {}, deviation = {}}
  for k = 1, rows:size(2) do
    own.mean[k], own.deviation[k] = moments(rows:select(2, k))
    if not own.mean[k] then fail_empty("label", name, n) end
  end
  return own
end

--- Makes the recipe from the training rows.
-- @param labels {name = float64 (n) or (n,k)}: the labels of numbers
function M.fit(schema, frame, labels)
  local _ <close> = core.scope()
  local recipe <const> = {inputs = {}, index = {}, labels = {}, missing = schema.missing,
    file = schema.file}
  for i, input in ipairs(schema.inputs) do recipe.inputs[i] = input_of(schema, input, frame) end
  for i, input in ipairs(schema.index) do
    recipe.index[i] = {column = input.column, classes = classes_of(input, frame)}
  end
  for _, name in ipairs(standardises(schema, "labels") and check.sorted_keys(labels) or {}) do
    recipe.labels[name] = label_of(name, labels[name], frame.n)
  end
  return recipe
end

-- ---- use ----------------------------------------------------------------------------------

-- The classes of a column as numbers in the recipe's list, int64 (n); 0 is missing or unknown.
local function placed(part, frame)
  local numbers <const>, map <const> = {}, {0}
  for i, name in ipairs(part.classes) do numbers[name] = i end
  for k, name in ipairs(frame.words[part.column]) do map[k + 1] = numbers[name] or 0 end
  return core.from_table(map, "int64"):index_select(1, frame.columns[part.column] + 1)
end

-- Adds the numbers of a part of the input to the list, each float32 (n,k).
local function add_part(list, part, frame)
  local gaps
  if part.classes then
    local at <const> = placed(part, frame)
    local all <const> = {}
    for k = 1, #part.classes do all[k] = k end
    list[#list + 1] = at:unsqueeze(2):eq(core.from_table(all, "int64")):to("float32")
    gaps = at:eq(0)
  else
    local x <const> = frame.columns[part.column]
    gaps = x:ne(x)
    local filled <const> = x:masked_fill(gaps, part.mean)
    list[#list + 1] = (part.deviation and (filled - part.mean) / part.deviation or filled)
      :to("float32"):unsqueeze(2)
  end
  if part.indicator then list[#list + 1] = gaps:to("float32"):unsqueeze(2) end
end

--- The inputs of a network, {input = float32 (n,k), COLUMN = int64 (n)}.
function M.apply(recipe, frame)
  local inputs <const> = {}
  local _ <close> = core.scope()
  if #recipe.inputs > 0 then
    local list <const> = {}
    for _, part in ipairs(recipe.inputs) do add_part(list, part, frame) end
    inputs.input = core.keep(ops.cat(list, 2))
  end
  for _, part in ipairs(recipe.index) do
    local at <const> = placed(part, frame)
    inputs[part.column] = core.keep(at:masked_fill(at:eq(0), #part.classes + 1))
  end
  return inputs
end

--- A label of numbers as a network learns it, float32.
function M.label(recipe, name, x)
  local own <const> = recipe.labels[name]
  if not own then return x:to("float32") end
  local shape <const> = x.shape
  local rows <const> = x:to("float64"):reshape(x:size(1), -1)
  local moved <const> = (rows - core.from_table(own.mean, "float64"))
    / core.from_table(own.deviation, "float64")
  return moved:reshape(shape):to("float32")
end

--- The names of the numbers of the input: "age", "sex=f", and "age?" for the indicator of age.
function M.names(recipe)
  local names <const> = {}
  for _, part in ipairs(recipe.inputs) do
    for _, class in ipairs(part.classes or {}) do
      names[#names + 1] = part.column .. "=" .. class
    end
    if not part.classes then names[#names + 1] = part.column end
    if part.indicator then names[#names + 1] = part.column .. "?" end
  end
  return names
end

return M
