--- Writes what a run logs as TensorBoard's event files.
--
-- train.events(dir) begins a file events.out.tfevents.* in the directory. Each of these calls
-- writes one record:
--   events:scalar("loss/smile", 0.31, step)
--   events:histogram("weights/conv1", tensor, step)     values that are not finite are left out
--   events:image("faces", picture, step)                uint8 (c,h,w) of 1 or 3 channels
--   events:hparams({lr = 1e-3, mixer = "ttc"}, {"val/landmarks/error"})   options, and the names of
--     the scalars that show how good they are
-- events:event(e) writes an event of a history (step, epoch, test). events:parameters(net, step)
-- writes a histogram of each parameter. events:close() or <close> closes the file. A failure to
-- write is reported once, and the run continues. A resumed run calls train.events(dir, {step =
-- 300}), which begins another file in the directory. TensorBoard then ignores the records from step
-- 300 on in older files.
-- @usage
-- local events <close> = train.events(".")
-- for step = 1, 3 do events:scalar("loss/total", 1 / step, step) end

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local format <const> = require "braid.format"
local messages <const> = require "braid.train.reporting.event_messages"
local notice <const> = require "braid.notice"

local Events <const> = class("events")

local STEP <const> = check.whole{from = 0}
local OPTIONS <const> = check.declare("train.events", {
  dir = check.argument(check.text()), step = check.whole{from = 0},
})
local SCALAR <const> = check.declare("train.events: scalar", {
  tag = check.argument(check.text()), step = check.argument(STEP),
  value = check.argument(check.number{infinite = true, nan = true}),
})
local HISTOGRAM <const> = check.declare("train.events: histogram", {
  tag = check.argument(check.text()), step = check.argument(STEP),
  values = check.argument(check.either(check.tensor(), check.list{of = check.number{nan = true,
    infinite = true}})),
  bins = check.whole{64, from = 1, to = 10000},
})
local IMAGE <const> = check.declare("train.events: image", {
  tag = check.argument(check.text()), step = check.argument(STEP),
  picture = check.argument(check.kind("a uint8 tensor (c,h,w) of 1 or 3 channels", function(v)
    return core.is_tensor(v) and v.dtype == "uint8" and v:dim() == 3 and v:numel() > 0
      and (v:size(1) == 1 or v:size(1) == 3)
  end)),
})
local HPARAMS <const> = check.declare("train.events: hparams", {
  options = check.argument(check.kind("a table of options by name", function(v)
    return type(v) == "table" and not check.is_object(v)
  end)),
  metrics = check.argument(check.list{{}, of = check.text()}),
})

-- The time of day is read once. The seconds since then come from a clock that never goes back.
local began <const>, clock <const> = os.time(), core.clock()
function Events.time() return began + core.clock() - clock end

local count = 0 -- the number of files that this process has begun

function Events:init(dir, given)
  local o <const> = check.options(OPTIONS, given, {dir = dir})
  count = count + 1
  self.path = ("%s/events.out.tfevents.%d.braid.%s.%d"):format(dir, os.time(),
    tostring({}):match("0x(%x+)"), count)
  local file <const>, why <const> = io.open(self.path, "wb")
  if not file then check.fail("train.events: cannot write %s", why) end
  self.file = file
  self:put(messages.version())
  if o.step then self:put(messages.start(o.step)) end
end

-- Appends a record: the event's fields in `body`, after the time.
function Events:put(body)
  if not self.file then check.fail("train.events: %s is closed", self.path) end
  local ok, why = self.file:write(messages.record(messages.timed(Events.time(), body)))
  if ok then ok, why = self.file:flush() end
  if not ok and not self.failed then
    self.failed = true
    notice.say(("%s cannot be written: %s; training continues without it"):format(self.path, why))
  end
end

function Events:scalar(tag, value, step)
  local o <const> = check.options(SCALAR, nil, {tag = tag, value = value, step = step})
  self:put(messages.scalars({ {o.tag, o.value} }, o.step))
end

function Events:histogram(tag, values, step, given)
  local o <const> = check.options(HISTOGRAM, given, {tag = tag, values = values, step = step})
  local list <const> = core.is_tensor(values)
    and core.ops.reshape(core.detach(values), -1):to("float64"):totable() or values
  self:put(messages.histogram(o.tag, list, o.step, o.bins))
end

function Events:image(tag, picture, step)
  local o <const> = check.options(IMAGE, nil, {tag = tag, picture = picture, step = step})
  self:put(messages.image(o.tag, picture, o.step))
end

function Events:hparams(options, metrics)
  local o <const> = check.options(HPARAMS, nil, {options = options, metrics = metrics})
  for _, body in ipairs(messages.hparams(options, o.metrics, Events.time())) do self:put(body) end
end

--- A histogram of each of a network's parameters.
function Events:parameters(net, step)
  for name, p in net:named_parameters() do
    self:histogram("parameters/" .. name:gsub("%.", "/"), p, step)
  end
end

-- Adds the numbers of a table to `list` as {tag, value}.
local function numbers(list, prefix, value)
  for _, key in ipairs(check.sorted_keys(value)) do
    local v <const> = value[key]
    if type(v) == "number" then
      list[#list + 1] = {prefix .. key, v}
    elseif type(v) == "table" and #v == 0 then
      numbers(list, prefix .. key .. "/", v)
    end
  end
end

--- Writes the numbers of an event of train.history. Their tags are loss/TASK, weights/TASK and lr
-- for a step; train/loss/TASK and val/TASK/METRIC for an epoch; test/TASK/METRIC for a test.
function Events:event(event)
  if type(event) ~= "table" or type(event.event) ~= "string" then
    check.fail("train.events: event wants an event of a history, not %s", check.shown(event))
  end
  local list <const>, step <const> = {}, event.step or self.last or 0
  if event.event == "step" or event.event == "epoch" then
    for _, key in ipairs{"loss", "weights", "train", "val"} do
      if type(event[key]) == "table" then numbers(list, key .. "/", event[key]) end
    end
    for _, key in ipairs{"lr", "seconds"} do
      if type(event[key]) == "number" then
        list[#list + 1] = {event.event == "epoch" and key == "lr" and "epoch/lr" or key, event[key]}
      end
    end
  elseif event.event == "test" and type(event.metrics) == "table" then
    numbers(list, "test/", event.metrics)
  end
  self.last = step
  if #list > 0 then self:put(messages.scalars(list, step)) end
end

function Events:close()
  if self.file then self.file:close() end
  self.file = nil
end

Events.__close = Events.close
Events.__tostring = function(self) return format("train.events: %s", self.path) end

return Events
