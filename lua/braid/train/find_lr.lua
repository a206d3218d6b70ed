--- train.find_lr(net, {tasks =, train =, ...}): finds a good learning rate by the range test
-- (Smith 2017).
--
-- The rate grows from `low` to `high` by the same factor at each of `steps` steps. The loss,
-- smoothed over about ten steps, first falls and later grows; the test ends when the loss is far
-- above its lowest value. The suggestion is the rate at which the loss falls fastest over
-- log(rate). Afterwards weights, statistics and random numbers are as before. Options: tasks,
-- train, batch, loader, optimizer as in train.fit; low = 1e-6, high = 1, steps = 100, seed.
-- @treturn table {suggestion =, lr = {...}, loss = {...} (smoothed), raw = {...}}; printing it
--   shows the suggestion, :plot() or :plot("rates.svg") draws the curve
-- @usage
-- local found <const> = train.find_lr(net, {tasks = tasks, train = faces.train,
--   steps = 20})
-- print(found)      --> about 2.1e-03, of rates from 1e-06 to 0.32

local asked <const> = require "braid.data.asked"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local format <const> = require "braid.format"
local grad <const> = require "braid.grad"
local options <const> = require "braid.train.fitting.options"
local parts <const> = require "braid.train.fitting.parts"
local plot <const> = require "braid.plot"
local Source <const> = require "braid.train.fitting.source"
local walk <const> = require "braid.nn.walk"

-- KEEP is the share of the old value in the smoothed loss. The test ends at BEYOND times the lowest
-- loss.
local KEEP <const>, BEYOND <const> = 0.9, 4

local OPTIONS <const> = check.declare("train.find_lr", {
  net = check.argument(check.kind("a network", walk.is_module)), tasks = options.TASKS,
  train = check.needed(options.SET), batch = check.whole{from = 1},
  loader = check.kind("options of data.loader", function(v)
    return type(v) == "table" and not check.is_object(v)
  end),
  optimizer = options.OPTIMIZER, low = check.number{1e-6, above = 0},
  high = check.number{1, above = 0}, steps = check.whole{100, from = 10},
  seed = check.whole{from = 0},
}, function(o)
  if o.low >= o.high then return "low must be below high" end
end)

local function copies_of(state)
  local copies <const> = {}
  for name, t in pairs(state) do copies[name] = core.keep(core.ops.clone(t)) end
  return copies
end

-- Returns a value that, when it is closed, restores what the test changes: values, modes, gradients
-- and random numbers.
local function restoring(net)
  local values <const>, seed <const>, stream <const> = copies_of(net:state_dict()),
    core.random_state()
  local modes <const> = {}
  net:apply(function(m) modes[#modes + 1] = {m, rawget(m, "training")} end)
  return setmetatable({}, {__close = function()
    net:load_state_dict(values)
    for _, entry in ipairs(modes) do entry[1].training = entry[2] end
    core.clear_grads(net:parameters())
    core.set_random_state(seed, stream)
  end})
end

-- Returns a function that gives batches without end, epoch after epoch, and one that closes the
-- loader.
local function endless(source)
  local epoch, batches = 0, nil
  return function()
    local batch = batches and batches()
    if not batch then
      epoch = epoch + 1
      batches = source:batches(epoch)
      batch = batches() or source:fail_empty()
    end
    return batch
  end, function() Source.close(batches) end
end

-- The loss at each rate, until it is far above its lowest value.
local function run(net, o, tasks)
  local opt <const> = parts.optimizer(net, {optimizer = o.optimizer, lr = o.low}, {})
  local next_batch <const>, close <const> = endless(Source("train", o.train, o))
  local found <const>, average, least = {lr = {}, loss = {}, raw = {}}, 0.0, math.huge
  net:train()
  for step = 1, o.steps do
    local lr <const> = o.low * (o.high / o.low) ^ ((step - 1) / (o.steps - 1))
    for _, group in ipairs(opt.groups) do group.lr = lr end
    local _ <close> = grad.scope()
    local batch <const> = next_batch()
    local loss <const> = tasks:loss(net(asked(batch)), batch)
    local value <const> = loss:item()
    average = KEEP * average + (1 - KEEP) * value
    local smooth <const> = average / (1 - KEEP ^ step)
    if smooth - smooth ~= 0 or step > 10 and smooth > BEYOND * least then break end
    found.lr[step], found.loss[step], found.raw[step] = lr, smooth, value
    least = math.min(least, smooth)
    opt:zero_grad()
    loss:backward()
    opt:step()
  end
  close()
  return found
end

-- The rate at which the smoothed loss falls fastest. The slope at a rate is taken over a twentieth
-- of all rates on each side of it.
local function steepest(found)
  local n <const>, best, at = #found.loss, 0, nil
  local lowest = 1
  for i = 1, n do
    if found.loss[i] < found.loss[lowest] then lowest = i end
  end
  local reach <const> = math.max(1, n // 20)
  for i = 1 + reach, math.min(lowest, n - reach) do
    local slope <const> = found.loss[i + reach] - found.loss[i - reach]
    if slope < best then best, at = slope, i end
  end
  return at and found.lr[at] or nil
end

local Found <const> = {__name = "rates", __index = {}}

--- Plots the smoothed loss over the rates: as a figure, or with a path as a picture in a file.
function Found.__index:plot(path)
  local curve <const> = {loss = {x = self.lr, y = self.loss}}
  local o <const> = {log = "x", xlabel = "learning rate",
    rules = self.suggestion and {{x = self.suggestion, label = "suggested"}} or nil}
  if path then return plot.lines(path, curve, o) end
  return plot.lines(curve, o)
end

function Found.__tostring(found)
  local last <const> = found.lr[#found.lr] or 0
  if not found.suggestion then
    return format("no suggestion: the loss did not fall at any rate from %.3g to %.3g",
      found.lr[1] or 0, last)
  end
  return format("about %.2g, of rates from %.3g to %.3g", found.suggestion, found.lr[1], last)
end

return function(net, given)
  local o <const> = check.options(OPTIONS, given, {net = net})
  local tasks <const> = o.tasks or rawget(net, "tasks")
  if not tasks then check.fail("train.find_lr: tasks is missing") end
  o.tasks, o.loader = tasks, o.loader or {}
  if type(o.optimizer) == "table" and o.optimizer.groups then
    check.fail("train.find_lr: optimizer must be a name or {name, ...}, because the test makes an "
      .. "optimizer of its own")
  end
  do -- layers get their sizes from a first batch
    local _ <close> = grad.no_grad()
    local _ <close> = net:evaluating()
    local sample <const> = Source("train", o.train, o):sample()
    net(asked(sample))
  end
  local _ <close> = restoring(net)
  if o.seed then core.manual_seed(o.seed) end
  local found <const> = run(net, o, tasks)
  found.suggestion = steepest(found)
  return setmetatable(found, Found)
end
