--- data.tensors: named tensors with a row for each sample, as a data set.
--
-- data.tensors({x = x, y = y}, {...}) -> a data set. ds:split, loaders, tasks and net:predict work
-- as with pictures.
--   inputs   the names that the network sees: "x" or {"x", "z"} (default: x, or else input). A
--            loader's batch has them by name, and batch.inputs lists them; a network takes the one
--            tensor, or a table {name = tensor} of several
--   labels   the names that the network learns (default: all others). Whole numbers (n) are classes
--            from 1, with -100, or `missing`, for a missing one; other numbers are (n) or (n,k),
--            with NaN for a missing one
--   kinds, points, flips, classes, missing   as in data.dataset
-- Inputs of a float type become float32 in batches; whole numbers and bytes stay as they are.
-- @treturn data.dataset
-- @usage
-- local x, y = braid.randn(100, 4), braid.randint(1, 3, {100})
-- local train <const>, val <const> = data.tensors{x = x, y = y}:split(0.2, {seed = 1})
-- for batch in data.loader(train, {batch = 20, shuffle = true}) do print(batch.x, batch.y) end

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local Dataset <const> = require "braid.data.dataset"

local function is_plain(v) return type(v) == "table" and not check.is_object(v) end
local TABLE <const> = check.kind("a table by label", is_plain)

local OPTIONS <const> = check.declare("data.tensors", {
  tensors = check.argument(check.map(check.tensor())),
  inputs = check.either(check.text(), check.list{of = check.text(), least = 1}),
  labels = check.list{of = check.text()}, missing = check.whole(core.missing_class),
  kinds = check.map(check.text()), flips = TABLE, classes = TABLE, points = TABLE,
})

-- The names that the option `inputs` lists, or the usual one.
local function inputs_of(o)
  if type(o.inputs) == "table" then return o.inputs end
  local name <const> = o.inputs or o.tensors.x and "x" or "input"
  if not o.inputs and not o.tensors[name] then
    check.fail("data.tensors: inputs is missing: which of %s does the network see?",
      table.concat(check.sorted_keys(o.tensors), ", "))
  end
  return {name}
end

local function pick(o, names)
  local list <const> = {}
  for _, name in ipairs(names) do
    list[name] = o.tensors[name] or check.fail("data.tensors: there is no tensor '%s'; there is %s",
      name, table.concat(check.sorted_keys(o.tensors), ", "))
  end
  return list
end

-- All names that are not inputs.
local function others(o, inputs)
  local names <const> = {}
  for _, name in ipairs(check.sorted_keys(o.tensors)) do
    if not inputs[name] then names[#names + 1] = name end
  end
  return names
end

return function(tensors, given)
  local o <const> = check.options(OPTIONS, given, {tensors = tensors})
  local inputs <const> = pick(o, inputs_of(o))
  local labels <const> = pick(o, o.labels or others(o, inputs))
  local first <const> = check.sorted_keys(o.tensors)[1]
  for _, name in ipairs(check.sorted_keys(o.tensors)) do
    local a <const>, b <const> = o.tensors[first], o.tensors[name]
    if b:dim() == 0 or a:dim() == 0 then
      check.fail("data.tensors: %s must have a row for each sample", b:dim() == 0 and name or first)
    end
    if a:size(1) ~= b:size(1) then
      check.fail("data.tensors: '%s' has %d rows, but '%s' has %d", first, a:size(1), name,
        b:size(1))
    end
  end
  return Dataset{inputs = inputs, labels = labels, kinds = o.kinds, flips = o.flips,
    classes = o.classes, points = o.points, missing = o.missing}
end
