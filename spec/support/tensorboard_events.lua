--- Writes event files with every kind of record to a directory, like a run that is killed and
-- resumed. Writes their contents to wanted.json, for tensorboard_events.py.
--   build/braid spec/support/tensorboard_events.lua DIR

local braid <const> = require "braid"
local json <const> = require "braid.io.json"

local dir <const> = arg[1]
os.execute(("mkdir -p '%s' && rm -f '%s'/events.out.*"):format(dir, dir))
braid.manual_seed(1)

local wanted <const> = {scalars = {}, histograms = {}, images = {}, hparams = {lr = 1e-3,
  mixer = "ttc", norm = true, [("a long name "):rep(20)] = "größe"}}

local function note(tag, step, value)
  wanted.scalars[tag] = wanted.scalars[tag] or {}
  table.insert(wanted.scalars[tag], {step, value})
end

do -- killed at step 400; steps after 300 are invalid then
  local events <close> = braid.train.events(dir)
  for step = 1, 400 do
    events:event{event = "step", step = step, epoch = 1, lr = 1 / step,
      loss = {total = math.sin(step), smile = step * 1e-8}}
    if step < 301 then
      note("loss/total", step, math.sin(step))
      note("loss/smile", step, step * 1e-8)
      note("lr", step, 1 / step)
    end
  end
end

os.execute("sleep 1") -- TensorBoard reads files in the order of their names
do
  local events <close> = braid.train.events(dir, {step = 301})
  for step = 301, 305 do
    events:event{event = "step", step = step, loss = {total = -step}}
    note("loss/total", step, -step)
  end
  events:event{event = "epoch", epoch = 2, step = 305, lr = 0.25, seconds = 2.5,
    train = {loss = {total = 3e38}}, val = {landmarks = {error = 0.125, ["f.0.08"] = 0.5}}}
  note("train/loss/total", 305, 3e38)
  note("val/landmarks/error", 305, 0.125)
  note("val/landmarks/f.0.08", 305, 0.5)
  note("epoch/lr", 305, 0.25)
  note("seconds", 305, 2.5)
  events:event{event = "test", metrics = {smile = {accuracy = 0.75}}}
  note("test/smile/accuracy", 305, 0.75)
  local values <const> = braid.randn(1000):to("float64")
  events:histogram("values", values, 305)
  wanted.histograms.values = {min = values:min():item(), max = values:max():item(), num = 1000,
    sum = values:sum():item(), sum_squares = values:square():sum():item()}
  events:histogram("one", {2.5, 2.5, 0 / 0}, 305)
  wanted.histograms.one = {min = 2.5, max = 2.5, num = 2, sum = 5, sum_squares = 12.5}
  for name, channels in pairs{gray = 1, colour = 3} do
    events:image(name, braid.randint(0, 255, {channels, 20, 30}, {dtype = "uint8"}), 305)
    wanted.images[name] = {width = 30, height = 20, channels = channels}
  end
  events:hparams(wanted.hparams, {"val/landmarks/error"})
end

local file <close> = io.open(dir .. "/wanted.json", "w")
file:write(json.encode(wanted))
