--- net:predict for networks whose inputs are rows of a table or tensors.
--
-- A network of a table (data.table) takes a row {age = 30, sex = "f"}, a list of rows, columns by
-- name, the path of a file of these columns, a tensor (k) or (n,k) if all its columns are numbers,
-- or a data set of such a table. NaN, "" and the table's own marks are missing values. Each row is
-- prepared by the statistics of the training rows, which are on the network's card. The outputs are
-- the same to the bit as for the loader's batches. Numbers come back in the units of their column.
--
-- A network of tensors (data.tensors) takes a tensor of one sample or of several, several inputs by
-- name, or a data set.

local answers <const> = require "braid.model.answers"
local Asking <const> = require "braid.model.asking"
local asked <const> = require "braid.data.asked"
local asked_rows <const> = require "braid.data.tabular.asked_rows"
local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local data <const> = require "braid.data"
local Dataset <const> = require "braid.data.dataset"
local grad <const> = require "braid.grad"
local recipes <const> = require "braid.data.recipe"

local M <const> = {}

-- Options of net:predict that only pictures have.
local OF_PICTURES <const> = {"boxes", "detector", "size"}

-- ---- what was asked -----------------------------------------------------------------------

local function shape_text(shape) return "(" .. table.concat(shape, ", ") .. ")" end

-- An input as a tensor of several samples, and whether it was one sample.
local function several(name, x, shape)
  if not core.is_tensor(x) then
    check.fail("predict: the network takes a tensor %s a sample as '%s', not %s", shape_text(shape),
      name, check.shown(x))
  end
  local own <const> = x.shape
  local alone <const> = #own == #shape
  if not alone then table.remove(own, 1) end
  if shape_text(own) ~= shape_text(shape) or x:dim() > #shape + 1 then
    check.fail("predict: the network takes %s a sample as '%s', not %s", shape_text(shape), name,
      shape_text(x.shape))
  end
  return alone and x:unsqueeze(1) or x, alone
end

-- The data set of tensors that a user gave, and whether it is one sample.
local function of_tensors(shapes, given)
  if class.is_a(given, Dataset) then return given, false end
  local names <const>, inputs <const>, alone = check.sorted_keys(shapes), {}, nil
  if core.is_tensor(given) and #names == 1 then given = {[names[1]] = given} end
  if type(given) ~= "table" then
    check.fail("predict: the network takes tensors by name: %s", table.concat(names, ", "))
  end
  for _, name in ipairs(names) do
    local x <const>, one <const> = several(name, given[name], shapes[name])
    if alone ~= nil and one ~= alone then
      check.fail("predict: some of the inputs have one sample, some several")
    end
    inputs[name], alone = x, one
  end
  return Dataset{inputs = inputs}, alone
end

-- ---- answers ------------------------------------------------------------------------------

-- Numbers in the units of their column.
local function restore(answer, unit)
  for k, value in ipairs(answer.values or {}) do
    if unit.mean[k] then answer.values[k] = value * unit.deviation[k] + unit.mean[k] end
  end
end

-- A network of doubles takes doubles.
local function as(dtype, x)
  if core.is_tensor(x) then
    return dtype == "float64" and x.dtype == "float32" and x:to(dtype) or x
  end
  local own <const> = {}
  for name, t in pairs(x) do own[name] = as(dtype, t) end
  return own
end

--- The answers about rows; `known` is the card's preprocessing and `o` the options of net:predict.
function M.ask(net, tasks, given, known, o)
  for _, name in ipairs(OF_PICTURES) do
    if o[name] ~= nil then
      check.fail("predict: %s is an option for pictures, and the network takes rows", name)
    end
  end
  local _, wrong <const> = recipes.options(known)
  if wrong then check.fail("predict: card.preprocessing: %s", wrong) end
  local ds, alone
  if known.table then
    ds, alone = asked_rows.of(known.table, given, o.unknown)
  else
    ds, alone = of_tensors(known.tensors, given)
  end
  local classes <const>, list <const> = rawget(net, "card").classes or {}, {}
  local dtype <const> = Asking.dtype_of(net)
  local _ <close> = net:evaluating()
  local _ <close> = grad.no_grad()
  for batch in data.loader(ds, {batch = o.batch, transforms = o.transforms}) do
    local _ <close> = core.scope()
    local outputs <const> = net(as(dtype, asked(batch)))
    local own <const> = answers.all(tasks, outputs, {count = batch.count, classes = classes})
    for _, answer in ipairs(own) do
      for name, unit in pairs(known.table and known.table.labels or {}) do
        if answer[name] then restore(answer[name], unit) end
      end
      list[#list + 1], answer.row = answer, {number = #list + 1}
    end
  end
  return alone and list[1] or list
end

return M
