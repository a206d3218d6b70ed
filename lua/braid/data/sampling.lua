--- The order of samples in an epoch, which depends on the seed and the epoch only.
--
-- An order can continue after samples that were already taken from it. The size of the batches in
-- which they were taken does not matter.

local check <const> = require "braid.check"
local core <const> = require "braid.core"

local M <const> = {}
local SPREAD <const> = 1000003 -- keeps the random streams of epochs apart
local CYCLE <const>, SALT <const> = 1 << 36, 1 << 52 -- keep the random streams of one epoch apart

M.SPREAD = SPREAD

local MIXED <const> = 2047 -- the salt of the random numbers for mixup and cutmix

-- The number of a random stream. Each purpose has its own `salt`, and counts its streams by `cycle`
-- from 0.
local function stream(o, salt, cycle)
  return o.seed * SPREAD + o.epoch + cycle * CYCLE + salt * SALT
end

--- The number of the random stream that mixes the batch whose first sample has this place.
function M.mixing(o, place) return stream(o, MIXED, place) end

-- A function that returns the members of a list one after the other, endlessly. With o.shuffle the
-- list is shuffled before each pass.
local function cycled(list, o, salt)
  local order, at, cycle = nil, #list, -1
  return function()
    if at == #list then
      at, cycle = 0, cycle + 1
      if o.shuffle then order = core.randperm(#list, stream(o, salt, cycle)):totable() end
    end
    at = at + 1
    return list[order and order[at] or at]
  end
end

local function counted(n)
  return setmetatable({}, {__len = function() return n end, __index = function(_, i) return i end})
end

local function drawn(count, next_one)
  local list <const> = {}
  for i = 1, count do list[i] = next_one() end
  return core.from_table(list, "int64")
end

-- Whether a label has classes.
local function is_class(t) return t:dim() == 1 and not t.dtype:find("float") end

-- Sample numbers by class, and the classes in order. Class 0, a missing label, is included only if
-- `missing` is true.
local function by_class(what, ds, name, missing)
  local labels <const> = ds.labels[name]
  if not labels then check.fail("data.loader: %s: there is no label '%s'", what, name) end
  if not is_class(labels) then
    check.fail("data.loader: %s: '%s' is not a class label", what, name)
  end
  local lists <const>, classes <const> = {}, {}
  for i, label in ipairs(labels:totable()) do
    if label ~= 0 or missing then
      if not lists[label] then
        lists[label] = {}
        classes[#classes + 1] = label
      end
      table.insert(lists[label], i)
    end
  end
  if #classes == 0 then
    check.fail("data.loader: %s: no sample has the label '%s'", what, name)
  end
  table.sort(classes)
  return lists, classes
end

-- Takes the classes in turn, and in each class the samples in turn.
local function balanced(ds, name, o, count, salt)
  local lists <const>, classes <const> = by_class("balanced", ds, name)
  local draw <const>, turn = {}, 0
  for i, label in ipairs(classes) do draw[i] = cycled(lists[label], o, salt + i) end
  return drawn(count, function()
    turn = turn % #classes + 1
    return draw[turn]()
  end)
end

-- Takes in turn the samples that have a label without classes, such as points or angles.
local function labelled(ds, name, o, count, salt)
  local t <const>, list <const> = ds.labels[name], {}
  local rows <const> = t:reshape(#ds, -1)
  local there <const> = rows:eq(rows):to("float32"):sum(2):totable() -- NaN is missing
  for i, n in ipairs(there) do
    if n > 0 then list[#list + 1] = i end
  end
  if #list == 0 then check.fail("data.loader: balanced: no sample has the label '%s'", name) end
  return drawn(count, cycled(list, o, salt))
end

-- Gives every part of the epoch about the class proportions of the whole set. Sample j of the m
-- samples of a class has its place at (j - u) / m of the epoch, with u random.
local function stratified(ds, name, o, salt)
  local lists <const>, classes <const> = by_class("stratify", ds, name, true)
  local keys <const> = {}
  for i, label in ipairs(classes) do
    local m <const>, draw <const> = #lists[label], cycled(lists[label], o, salt + i)
    local u <const> = core.uniforms(o.seed, stream(o, salt + i, 1), m):totable()
    for j = 1, m do keys[draw()] = (j - u[j]) / m end
  end
  local _, order <const> = core.from_table(keys, "float64"):sort()
  return order
end

-- Samples drawn with replacement, with probabilities in proportion to their weights.
local function weighted(weights, o, count, n, salt)
  local list <const> = core.is_tensor(weights) and weights:totable() or weights
  if #list ~= n then
    check.fail("data.loader: weights has %d numbers, but the data set has %d samples", #list, n)
  end
  local sums <const>, total = {}, 0.0
  for i, w in ipairs(list) do
    if type(w) ~= "number" or not (w >= 0 and w < math.huge) then
      check.fail("data.loader: weight %d is %s, not a number from 0", i, tostring(w))
    end
    total = total + w
    sums[i] = total
  end
  if total == 0 then check.fail("data.loader: all weights are 0, so no sample can be drawn") end
  local u <const>, order <const> = core.uniforms(o.seed, stream(o, salt, 0), count):totable(), {}
  for i = 1, count do
    local at <const> = u[i] * total
    local low, high = 1, n
    while low < high do
      local middle <const> = (low + high) // 2
      if sums[middle] > at then high = middle else low = middle + 1 end
    end
    order[i] = low
  end
  return core.from_table(order, "int64")
end

-- An order of `count` samples of one data set.
local function order_of(ds, o, count, salt, balance)
  if balance then return balanced(ds, balance, o, count, salt) end
  if o.weights then return weighted(o.weights, o, count, #ds, salt) end
  if o.stratify and count == #ds then return stratified(ds, o.stratify, o, salt) end
  if count == #ds and o.shuffle then return core.randperm(#ds, stream(o, salt, 0)) end
  return drawn(count, cycled(counted(#ds), o, salt))
end

--- Shares the next `count` turns among several tasks, or sets of a mix -> a list with the number of
-- the task or set that has each turn. At any time each has had its share, to within one turn.
-- @param before the number of turns that each had before; a smaller batch counts as part of a turn
function M.turns(shares, count, before)
  local total, due <const>, turns <const>, had = 0, {}, {}, 0
  before = before or {}
  for i, share in ipairs(shares) do total, had = total + share, had + (before[i] or 0) end
  for i, share in ipairs(shares) do due[i] = had * share / total - (before[i] or 0) end
  for turn = 1, count do
    local best = 1
    for i, share in ipairs(shares) do
      due[i] = due[i] + share / total
      if due[i] > due[best] + 1e-9 then best = i end
    end
    due[best] = due[best] - 1
    turns[turn] = best
  end
  return turns
end

-- The number of batches left in an order of n samples.
local function batches(n, o, taken)
  local left <const> = math.max(0, n - taken)
  return o.drop_last and left // o.batch or (left + o.batch - 1) // o.batch
end

-- Batches of several orders in given shares. `taken` has the number of samples taken from each.
local function alternating(shares, n, o, taken, make)
  local before <const>, had, times <const>, orders <const> = {}, 0, {}, {}
  for who = 1, #shares do
    local own <const> = taken.parts and taken.parts[who] or 0
    before[who], times[who], had = own / o.batch, 0, had + own
  end
  local turns <const> = M.turns(shares, batches(n, o, had), before)
  for _, who in ipairs(turns) do times[who] = times[who] + 1 end
  local at <const>, plan <const> = {}, {}
  for k, who in ipairs(turns) do
    local own <const> = taken.parts and taken.parts[who] or 0
    orders[who] = orders[who] or core.keep(make(who, own + times[who] * o.batch))
    local first <const> = at[who] or own + 1
    plan[k], at[who] = {order = orders[who], first = first, last = first + o.batch - 1,
      who = who}, first + o.batch
  end
  return plan
end

-- The batches of one order after the samples that were taken. The last one may be smaller.
local function divided(order, o, taken)
  local plan <const>, n <const> = {}, order:size(1)
  core.keep(order)
  for first = taken.samples + 1, n, o.batch do
    local last <const> = math.min(first + o.batch - 1, n)
    if last - first + 1 == o.batch or not o.drop_last then
      plan[#plan + 1] = {order = order, first = first, last = last}
    end
  end
  return plan
end

-- The batches of a mix. The numbers of samples go on from each part to the next.
local function mixed(mix, o, taken)
  local offsets <const>, total = {}, 0
  for i, ds in ipairs(mix.parts) do offsets[i], total = total, total + #ds end
  local function make(who, count)
    return order_of(mix.parts[who], o, count, 64 * who, o.balanced) + offsets[who]
  end
  if mix.by == "once" then
    local orders <const> = {}
    for who, ds in ipairs(mix.parts) do orders[who] = make(who, #ds) end
    return divided(core.ops.cat(orders, 1), o, taken)
  end
  if mix.by == "batch" then return alternating(mix.shares, #mix, o, taken, make) end
  local turns <const>, times <const>, lists <const>, at <const> = M.turns(mix.shares, #mix), {},
    {}, {}
  for _, who in ipairs(turns) do times[who] = (times[who] or 0) + 1 end
  local order <const> = {}
  for i, who in ipairs(turns) do
    lists[who] = lists[who] or make(who, times[who]):totable()
    at[who] = (at[who] or 0) + 1
    order[i] = lists[who][at[who]]
  end
  return divided(core.from_table(order, "int64"), o, taken)
end

--- The remaining batches of an epoch: {{order = tensor, first =, last =, task = name or nil, who =
-- number of the task or set whose turn it is, or nil}, ...}. `o` are the loader's options.
-- @param taken {samples = the number of samples taken, parts = the numbers for each task or set if
--   they take turns}
function M.plan(ds, o, taken)
  if ds.parts then return mixed(ds, o, taken) end
  if type(o.balanced) ~= "table" then
    return divided(order_of(ds, o, #ds, 0, o.balanced), o, taken)
  end
  local shares <const> = {}
  for k = 1, #o.balanced do shares[k] = 1 end
  local plan <const> = alternating(shares, #ds, o, taken, function(who, count)
    local name <const> = o.balanced[who]
    local t <const> = ds.labels[name]
    local draw <const> = (not t or is_class(t)) and balanced or labelled
    return draw(ds, name, o, count, 64 * who)
  end)
  for _, batch in ipairs(plan) do batch.task = o.balanced[batch.who] end
  return plan
end

return M
