--- Writes a loader's preprocessing (data/recipe.lua) as nodes before a network. The picture has a
-- fixed size: {c, h, w} with 1 or 3 channels of bytes.
--
-- A recipe's steps of geometry only scale and shift along the axes, so each is a matrix for the
-- rows of the picture and another for its columns, with the numbers that csrc/load/recipe.c and
-- csrc/image/warp.c compute. The graph rounds to bytes wherever the loader does; only a value
-- halfway between two bytes may be rounded to the other byte.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local recipe <const> = require "braid.data.recipe"
local ops <const> = core.ops

local M <const> = {}

local MOST_SAMPLES <const>, MOST_FACTOR <const>, BEYOND <const> = 16, 64, 2

-- ---- one axis ---------------------------------------------------------------------------

-- An axis is {size = of the picture, in pixels, a =, b = pixel u of the result reads at a * u + b,
-- frame = the length of the result}.
local function axis(size) return {size = size, a = 1, b = 0, frame = size} end

local function compose(x, a, b, frame) x.b, x.a, x.frame = x.a * b + x.b, x.a * a, frame end

local function whole(v) return v >= 1 and math.floor(v + 0.5) or 1 end

local function within(v, n) return v > 0 and (v < n and math.floor(v) or n) or 0 end

local function zeros(n)
  local row <const> = {}
  for k = 1, n do row[k] = 0.0 end
  return row
end

-- Sums over runs of f pixels, in the part that the map reads, and how many pixels each sum has. The
-- map then reads from the means of these runs.
local function blocks(x, f, out)
  local ends <const> = {x.b - x.a, x.b + x.a * out}
  local first <const> = within(math.min(ends[1], ends[2]) - BEYOND, x.size - 1)
  local last <const> = math.max(within(math.max(ends[1], ends[2]) + BEYOND, x.size), first + 1)
  local matrix <const>, counts <const> = {}, {}
  for at = first, last - 1, f do
    local row <const>, count <const> = zeros(x.size), math.min(f, last - at)
    for k = at, at + count - 1 do row[k + 1] = 1.0 end
    matrix[#matrix + 1], counts[#counts + 1] = row, count
  end
  x.size, x.a = #matrix, x.a / f
  x.b = x.b / f - (first + 0.5 * (f - 1)) / f
  return {matrix = matrix, counts = counts}
end

-- The map as a matrix of bilinear readings. With `area`, each output is the mean of several.
local function readings(x, area, out)
  local count <const> = area and math.max(1, math.min(math.ceil(x.a - 0.25), MOST_SAMPLES)) or 1
  local matrix <const> = {}
  for i = 0, out - 1 do
    local row <const> = zeros(x.size)
    for k = 0, count - 1 do
      local at <const> = x.a * (i + (k + 0.5) / count - 0.5) + x.b
      local place <const> = math.max(0, math.min(at, x.size - 1))
      local low <const> = math.floor(place)
      row[low + 1] = row[low + 1] + (1 - (place - low)) / count
      if low + 2 <= x.size then row[low + 2] = row[low + 2] + (place - low) / count end
    end
    matrix[i + 1] = row
  end
  return matrix
end

-- The map as a filter: a pixel is the mean of the interval that it covers. If the picture grows, it
-- is read between two pixels.
local function filter(x, out)
  local from <const>, last <const> = x.b - 0.5 * x.a, x.size - 1
  local matrix <const> = {}
  for j = 0, out - 1 do
    local row <const>, a <const>, b <const> = zeros(x.size), from + j * x.a, from + (j + 1) * x.a
    if x.a > 1 then
      for i = 0, last do
        local low <const> = i == 0 and a or math.max(a, i - 0.5)
        local high <const> = i == last and b or math.min(b, i + 0.5)
        row[i + 1] = high > low and (high - low) / (b - a) or 0.0
      end
    else
      local at <const> = math.max(0, math.min(from + (j + 0.5) * x.a, last))
      local low <const> = math.floor(at)
      row[low + 1] = 1 - (at - low)
      if low < last then row[low + 2] = at - low end
    end
    matrix[j + 1] = row
  end
  return matrix
end

-- ---- steps ------------------------------------------------------------------------------

local STEPS <const> = {}

function STEPS.crop(run, margin, square)
  local x <const>, y <const> = run.x, run.y
  local w, h = math.max(x.frame, 1) * margin, math.max(y.frame, 1) * margin
  if square ~= 0 then w = math.max(w, h) end
  if square ~= 0 then h = w end
  compose(x, 1, (x.frame - w) / 2, w)
  compose(y, 1, (y.frame - h) / 2, h)
end

local function resize(run, w, h)
  for key, size in pairs{x = w, y = h} do
    local each <const> = run[key]
    local step <const> = each.frame / size
    compose(each, step, 0.5 * step - 0.5, size)
  end
end

function STEPS.resize(run, w, h, area)
  run.area = area ~= 0
  resize(run, w, h)
end

-- A graph does not get the places of the eyes, so align only resizes the picture.
function STEPS.align(run, _, _, _, side) STEPS.resize(run, side, side, 1) end

-- A graph does nothing at random, so augment only resizes the picture.
function STEPS.augment(run, ...)
  local w <const>, h <const>, area <const> = select(6, ...), select(7, ...), select(9, ...)
  run.area = area ~= 0
  resize(run, w > 0 and w or run.x.frame, h > 0 and h or run.y.frame)
end

local FIXED <const> = {crop = true, resize = true, align = true}

-- Adds a stage: the picture becomes rows * picture * columns^T, rounded to bytes or not.
local function stage(run, over_rows, over_columns, rounded)
  run.stages[#run.stages + 1] = {rows = over_rows, columns = over_columns, rounded = rounded}
end

-- The factors that turn the sums of `blocks` into means. Sums are whole numbers, so their means are
-- rounded as the loader rounds them.
local function shares_of(rows, columns)
  local shares <const> = {}
  for i, n in ipairs(rows) do
    shares[i] = {}
    for j, m in ipairs(columns) do shares[i][j] = 1 / (n * m) end
  end
  return shares
end

-- Adds the stages that carry out the maps so far.
local function settle(run, rounded)
  local x <const>, y <const> = run.x, run.y
  local w <const>, h <const> = whole(x.frame), whole(y.frame)
  local least <const> = math.min(x.a, y.a)
  local f <const> = least < MOST_FACTOR and math.floor(least + 0.01) or MOST_FACTOR
  if run.area and f >= 2 then
    local over_rows <const>, over_columns <const> = blocks(y, f, h), blocks(x, f, w)
    stage(run, over_rows.matrix, over_columns.matrix, true)
    run.stages[#run.stages].shares = shares_of(over_rows.counts, over_columns.counts)
  end
  stage(run, readings(y, run.area, h), readings(x, run.area, w), rounded)
  run.x, run.y = axis(w), axis(h)
end

-- Adds the stages for the steps whose result the loader keeps as bytes.
local function settle_fixed(run)
  local w <const>, h <const> = whole(run.x.frame), whole(run.y.frame)
  if not run.area then return settle(run, true) end
  stage(run, filter(run.y, h), filter(run.x, w), true)
  run.x, run.y = axis(w), axis(h)
end

-- ---- plans ------------------------------------------------------------------------------

-- The steps of a recipe, each {name, numbers ...}.
local function steps_of(given)
  local o <const>, why <const> = recipe.options(given, "middle")
  if not o then check.fail("export: card.preprocessing: %s", why) end
  if not o.transforms then
    check.fail("export: preprocess: card.preprocessing does not say how large pictures are; size "
      .. "is the side that the network sees")
  end
  if given.functions then
    check.fail("export: preprocess: after the other steps pictures went through functions of Lua "
      .. "(%s), which a graph cannot hold: export without preprocess, and prepare pictures outside",
      table.concat(given.functions, ", "))
  end
  local steps <const> = {}
  for i, t in ipairs(o.transforms) do steps[i] = t.step end
  return steps, o.channels
end

--- The shape that a recipe gives every picture, {c, h, w}; or nil.
function M.shape(given)
  local h, w = given.size, given.size
  for _, t in ipairs(given.transforms or {}) do
    if t[1] == "crop" then h, w = nil, nil end
    if t[1] == "resize" then h, w = t[2], type(t[3]) == "number" and t[3] or t[2] end
    if t[1] == "align" then h, w = t[2].size, t[2].size end
  end
  return h and {given.channels, h, w} or nil
end

--- The plan of a recipe for pictures of a shape {c, h, w} -> {shape = of the result, stages =
-- matrices, last = the step whiten or normalize, or nil, channels = of the picture}.
function M.plan(given, shape)
  local c <const>, h <const>, w <const> = table.unpack(shape)
  if #shape ~= 3 or c ~= 1 and c ~= 3 then
    check.fail("export: input: a picture is {1 or 3, h, w}, not {%s}", table.concat(shape, ", "))
  end
  local steps <const>, channels <const> = steps_of(given)
  local run <const> = {x = axis(w), y = axis(h), area = true, stages = {}}
  local fixed, last = 0, nil
  for i, step in ipairs(steps) do
    if not FIXED[step[1]] then break end
    if step[1] ~= "crop" then fixed = i end
  end
  for i, step in ipairs(steps) do
    if STEPS[step[1]] then STEPS[step[1]](run, table.unpack(step, 2)) else last = step end
    if i == fixed then
      settle_fixed(run)
      run.area = true
    end
  end
  if #steps > fixed + (last and 1 or 0) then settle(run, false) end
  return {shape = {channels, run.y.size, run.x.size}, stages = run.stages, last = last,
    channels = c}
end

-- ---- nodes ------------------------------------------------------------------------------

local function matrix(t) return core.from_table(t, "float32") end

-- Whether a matrix changes nothing.
local function is_plain(t)
  if #t ~= #t[1] then return false end
  for i = 1, #t do
    if t[i][i] ~= 1 then return false end
  end
  return true
end

-- The picture in gray or colour, as the network wants it.
local function coloured(g, name, from, to)
  if from == to then return name end
  if from == 1 then return g:node("Concat", {name, name, name}, {axis = 1}) end
  -- All numbers are whole and below 2^24, so float32 holds them exactly.
  local shares <const> = core.from_table({19595, 38470, 7471}, "float32"):reshape(1, 3, 1, 1)
  local sum <const> = g:node("Conv", {name, g:tensor(shares)}, {kernel_shape = {1, 1}})
  local shifted <const> = g:node("Add", {sum, g:number(32768, "float32")})
  return g:node("Floor", {g:node("Mul", {shifted, g:number(1 / 65536, "float32")})})
end

local function transformed(g, name, s)
  if not is_plain(s.columns) then
    local turned <const> = ops.contiguous_copy(ops.t(matrix(s.columns)))
    name = g:node("MatMul", {name, g:tensor(turned)})
  end
  if not is_plain(s.rows) then name = g:node("MatMul", {g:tensor(matrix(s.rows)), name}) end
  if s.shares then name = g:node("Mul", {name, g:tensor(matrix(s.shares))}) end
  if not s.rounded then return name end
  return g:node("Floor", {g:node("Add", {name, g:number(0.5, "float32")})})
end

-- Mean 0 and deviation 1 for each picture; a picture of one colour becomes zeros.
local function whitened(g, name)
  local all <const> = {axes = {1, 2, 3}, keepdims = true}
  local away <const> = g:node("Sub", {name, g:node("ReduceMean", {name}, all)})
  local deviation <const> = g:node("Sqrt",
    {g:node("ReduceMean", {g:node("Mul", {away, away})}, all)})
  local flat <const> = g:node("Equal", {g:node("ReduceMax", {name}, all),
    g:node("ReduceMin", {name}, all)})
  local zero <const>, one <const> = g:number(0, "float32"), g:number(1, "float32")
  local safe <const> = g:node("Where", {flat, one, deviation})
  return g:node("Where", {flat, zero, g:node("Div", {away, safe})})
end

local function normalized(g, name, step, channels)
  local shift <const>, scale <const> = {}, {}
  for i = 1, channels do
    local mean <const>, std <const> = step[1 + i], step[5 + i]
    shift[i], scale[i] = -mean / std, 1 / (255 * std)
  end
  local function each(list) return g:tensor(matrix(list):reshape(1, channels, 1, 1)) end
  return g:node("Add", {g:node("Mul", {name, each(scale)}), each(shift)})
end

--- Adds a plan's nodes. Returns the name of what the network sees, in its type.
function M.write(g, name, plan, dtype)
  g.at, g.operator = "preprocessing", "preprocess"
  local channels <const> = plan.shape[1]
  name = coloured(g, g:cast(name, "float32"), plan.channels, channels)
  for _, s in ipairs(plan.stages) do name = transformed(g, name, s) end
  local last <const> = plan.last
  if last and last[1] == "whiten" then name = whitened(g, name) end
  if last and last[1] == "normalize" then name = normalized(g, name, last, channels) end
  return dtype == "float32" and name or g:cast(name, dtype)
end

return M
