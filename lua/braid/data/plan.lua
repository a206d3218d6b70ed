--- The plan that core.loader takes: the kinds of labels, and for each data set its pictures, labels
-- and steps.

local check <const> = require "braid.check"
local eyes <const> = require "braid.data.eyes"
local fit <const> = require "braid.data.fit"
local follow <const> = require "braid.data.follow"

local M <const> = {}

local function fail(format, ...) check.fail("data.loader: " .. format, ...) end

local function is_float(t) return t.dtype == "float32" or t.dtype == "float64" end

local function kind_of(ds, name, t)
  if not is_float(t) then return "class" end
  local kind <const> = ds.kinds[name]
  return (kind == "points" or kind == "box") and kind or "real"
end

-- The tensor in a type that C reads, with its numbers multiplied by `unit`.
local function label_of(t, kind, unit)
  if unit then t = t * unit end
  local wanted <const> = kind == "class" and (t.dtype == "uint8" and "uint8" or "int64")
    or "float32"
  return (t.dtype == wanted and t or t:to(wanted)):contiguous()
end

-- The bins that any set's steps ask for. They apply to all sets.
local function bins_of(recipes)
  local found <const>, names <const> = {}, {}
  for _, steps in ipairs(recipes) do
    for _, s in ipairs(steps) do
      if s.label and not found[s.as or s.label] then
        found[s.as or s.label] = s
        names[#names + 1] = s.as or s.label
      end
    end
  end
  table.sort(names)
  return found, names
end

local function shape_text(shape) return "(" .. table.concat(shape, ", ") .. ")" end

-- The order of classes by label, if tasks name the classes, and the task that names them.
local function orders_of(tasks)
  local orders <const> = {}
  for _, name in ipairs(tasks and tasks.names or {}) do
    local task <const> = tasks[name]
    for _, label in ipairs(task.names and (task.labels or {name}) or {}) do
      orders[label] = {table.concat(task.names, ", "), "its task"}
    end
  end
  return orders
end

--- Raises an error unless all sets and tasks that name the classes of a label use one order,
-- because labels are numbers of classes.
function M.check_orders(sets, tasks)
  local orders <const> = orders_of(tasks)
  for _, ds in ipairs(sets) do
    for _, label in ipairs(check.sorted_keys(ds.classes)) do
      local own <const>, known <const> = table.concat(ds.classes[label], ", "), orders[label]
      if known and known[1] ~= own then
        fail("the classes of '%s' are %s in the data set, but %s in %s: label 1 would be another "
          .. "class", label, own, known[1], known[2])
      end
      orders[label] = known or {own, "another"}
    end
  end
end

-- A field for each label that any set has, sorted by name; `from` is the label.
local function fields_of(sets, recipes, tasks)
  local fields <const>, by_name <const> = {}, {}
  local bins <const>, binned <const> = bins_of(recipes)
  local function add(name, from, ds)
    local t <const> = ds.labels[from]
    local kind <const>, shape <const> = kind_of(ds, from, t), t.shape
    table.remove(shape, 1)
    local known <const>, bin <const> = by_name[name], bins[name]
    if bin and bin.kind ~= kind then
      fail("bins of '%s' want %s, but it is %s", from, bin.kind == "real" and "real numbers"
        or bin.kind, kind)
    end
    local width = 1
    for _, n in ipairs(shape) do width = width * n end
    local field <const> = follow.complete({name = name, from = from, kind = kind, shape = shape,
      width = width, bin = bin and bin.bin, bins = bin and bin.bins, angle = bin and bin.angle,
      unit = bin and bin.unit}, ds, tasks)
    if known and (known.said ~= field.said or shape_text(known.shape) ~= shape_text(shape)) then
      fail("label '%s' is %s %s in one data set, %s %s in another", name, known.said,
        shape_text(known.shape), field.said, shape_text(shape))
    end
    if known then return follow.compare(known, field) end
    by_name[name], fields[#fields + 1] = field, field
  end
  for _, ds in ipairs(sets) do
    for name in pairs(ds.labels) do add(name, name, ds) end
    for _, name in ipairs(binned) do
      if ds.labels[bins[name].label] then add(name, bins[name].label, ds) end
    end
  end
  for _, name in ipairs(binned) do
    if not by_name[name] then fail("bins: there is no label '%s'", bins[name].label) end
  end
  table.sort(fields, function(a, b) return a.name < b.name end)
  return fields
end

-- The steps as numbers for C. An augment without `inner` shows the part of the picture that the set
-- names. Each align gets the place of its eyes in source.eyes.
local function steps_of(steps, ds)
  local out <const>, pairs_of_eyes = {}, 0
  for _, s in ipairs(steps) do
    if s.step then
      local copy <const> = table.move(s.step, 1, #s.step, 1, {})
      if copy[1] == "augment" and copy[9] < 0 then
        local apart <const> = ds.images and ds.inner and ds.inner ~= ds.images:size(3)
        copy[9] = #out == 0 and apart and ds.inner or 0
      elseif copy[1] == "align" then
        copy[2], pairs_of_eyes = pairs_of_eyes, pairs_of_eyes + 1
      end
      out[#out + 1] = copy
    elseif not s.label and not s.blend then
      fail("transforms: item %d is not a transform", #out + 1)
    end
  end
  return out
end

-- The label of points for an align (the first one, or the first with known eyes), and its eyes.
local function eyes_of(step, ds, names)
  for _, name in ipairs(names) do
    local facts <const> = ds.points[name]
    local own <const> = step.eyes or eyes.known(facts)
    local wrong <const> = own and eyes.wrong(own, facts.points)
    if wrong then check.fail("data.align: '%s': %s", name, wrong) end
    if own then return name, own end
  end
  check.fail("data.align: the eyes are not known among the %d points of '%s': give "
    .. "data.align{eyes = {i, j}}", ds.points[names[1]].points, names[1])
end

-- Stores in a source the eyes for each align.
local function add_eyes(source, steps, ds)
  local names <const>, list <const> = check.sorted_keys(ds.points), {}
  for _, s in ipairs(#names > 0 and steps or {}) do
    if s.step and s.step[1] == "align" then
      local name <const>, own <const> = eyes_of(s, ds, names)
      list[#list + 1] = eyes.places(ds.labels[name], own)
    end
  end
  if #list > 0 then source.eyes, source.pairs = label_of(eyes.joined(list), "real"), #list end
end

local function source_of(ds, fields, steps, o)
  local source <const> = {n = #ds, labels = {}, rows = ds.index and ds.index:contiguous(),
    boxes = ds.boxes and label_of(ds.boxes, "real"), shifts = ds.shifts,
    steps = steps_of(steps, ds), cache = o.cache}
  for i, field in ipairs(fields) do
    local t <const> = ds.labels[field.from]
    source.labels[i] = t and label_of(t, field.kind, field.unit)
    if t and field.kind == "points" and not source.points then source.points = i end
  end
  add_eyes(source, steps, ds)
  if ds.images then
    source.images = ds.images
  else
    source.text, source.ends, source.root = ds.files.text, ds.files.ends, ds.root or ""
    source.as_stored, source.encoded = not ds.orientation, ds.encoded
  end
  return source
end

--- Whether a data set or a mix has pictures.
function M.has_pictures(ds) return (ds.parts and ds.parts[1] or ds):has_pictures() end

--- The table for core.loader, from data sets and a list of steps for each.
function M.make(sets, recipes, o)
  M.check_orders(sets, o.tasks)
  local fields <const> = fields_of(sets, recipes, o.tasks)
  local plan <const> = {workers = o.workers, skip = o.skip, seed = o.seed, fields = fields,
    sources = {}, channels = fit.channels(sets, o)}
  for i, ds in ipairs(sets) do
    follow.check(fields, recipes[i])
    plan.sources[i] = source_of(ds, fields, recipes[i], o)
  end
  return plan
end

return M
