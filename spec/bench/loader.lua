--- Compares the loader's speed with the speed that training needs.
--
--     build/braid spec/bench/loader.lua --mtfl path/to/mtfl --python python3
--
-- Measures: pictures per second that one core decodes, cuts, augments and whitens (rendered faces
-- in memory, MTFL's files, and rendered files of CelebA's size, made JPEG by Python's PIL); the
-- share of a training step of TCDCN in which it waits for the loader; and how long an epoch of
-- 200,000 files takes to begin. Rows without their data are skipped.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local Dataset <const> = require "braid.data.dataset"
local data <const>, mtl <const> = braid.data, braid.mtl

local o <const> = braid.train.arguments(arg, {
  mtfl = "", python = "python3", out = "build/bench-loader", images = 2000, steps = 60,
})
local AUGMENT <const> = {rotate = 15, scale = 0.1, shift = 0.08, flip = 0.5}
local tasks <const> = mtl.tasks{
  landmarks = mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4}},
  pose = mtl.classes{5, flip = {5, 4, 3, 2, 1}},
}

local function quiet(command) return os.execute(command .. " >/dev/null 2>&1") end

quiet(("mkdir -p '%s'"):format(o.out))

-- Labels for the tasks, for data that has none.
local function labels_of(n)
  return {landmarks = braid.rand(n, 5, 2) * 100, pose = braid.randint(1, 5, {n}, {dtype = "int64"})}
end

local function augment(size)
  local given <const> = {size = size}
  for key, value in pairs(AUGMENT) do given[key] = value end
  return data.augment(given)
end

-- ---- data sets ------------------------------------------------------------------------

local function mtfl_files()
  local file <const> = io.open(o.mtfl .. "/boxes_training.txt")
  if not file then return nil end
  local files <const>, boxes <const> = {}, {}
  for line in file:lines() do
    local words <const> = {}
    for word in line:gmatch("%S+") do words[#words + 1] = word end
    if #words == 5 and #files < o.images then
      files[#files + 1] = words[1]:gsub("\\", "/")
      boxes[#files] = {tonumber(words[2]), tonumber(words[3]), tonumber(words[4]),
        tonumber(words[5])}
    end
  end
  file:close()
  return Dataset{files = files, root = o.mtfl, channels = 1, labels = labels_of(#files),
    boxes = braid.tensor(boxes)}
end

-- Makes JPEGs of 178 x 218 with rendered faces.
local CONVERT <const> = [[
import sys
from PIL import Image
for i in range(1, int(sys.argv[2]) + 1):
    with Image.open("%s/%06d.png" % (sys.argv[1], i)) as im:
        im.convert("RGB").save("%s/%06d.jpg" % (sys.argv[1], i), quality=90)
]]

local function celeba_files()
  local n <const>, dir <const> = math.min(o.images, 1000), o.out .. "/celeba"
  local files <const> = {}
  for i = 1, n do files[i] = ("%06d.jpg"):format(i) end
  local last <const> = io.open(dir .. "/" .. files[n])
  if last then
    last:close()
  else
    quiet(("mkdir -p '%s'"):format(dir))
    local faces <const> = data.faces{n = n, size = 218, channels = 3, val = 1, test = 1}.train
    for i = 1, n do
      assert(braid.save(("%s/%06d.png"):format(dir, i), faces.images[i][{ {}, {}, {21, 198} }]))
    end
    local script <const> = assert(io.open(dir .. "/convert.py", "w"))
    script:write(CONVERT)
    script:close()
    if not quiet(("%s '%s/convert.py' '%s' %d"):format(o.python, dir, dir, n)) then return nil end
  end
  return Dataset{files = files, root = dir, channels = 3, labels = labels_of(n)}
end

-- ---- pictures per second --------------------------------------------------------------

local function throughput(ds, options)
  local best = 0
  options.batch, options.shuffle, options.tasks = 64, true, tasks
  for epoch = 1, 4 do
    local count = 0
    options.epoch = epoch
    local begun <const> = os.clock() -- CPU time of the one thread that works
    for batch in data.loader(ds, options) do count = count + batch.count end
    best = math.max(best, count / (os.clock() - begun))
  end
  return best
end

local function row(name, ds, options)
  if not ds then return end
  print(("%-58s %8.0f"):format(name, throughput(ds, options)))
end

local function with_cache(steps)
  return {transforms = steps, cache = o.out .. "/cache"}
end

-- ---- training -------------------------------------------------------------------------

-- The seconds of a step after a few steps, and the share of it spent in the loader.
local function training(ds, options)
  braid.manual_seed(1)
  local net <const> = braid.model("models/tcdcn.lua", {tasks = tasks, activation = "ReLU",
    norm = true})
  local opt <const> = braid.optim.Adam(net:parameters(), {lr = 1e-3})
  local steps, waited, epoch, begun = -5, 0, 0, core.clock()
  options.batch, options.shuffle, options.tasks, options.drop_last = 64, true, tasks, true
  while steps < o.steps do
    epoch = epoch + 1
    options.epoch = epoch
    local asked = core.clock()
    for batch in data.loader(ds, options) do
      local _ <close> = braid.scope()
      waited = waited + core.clock() - asked
      local loss <const> = tasks:loss(net(batch.image), batch)
      opt:zero_grad()
      loss:backward()
      opt:step()
      steps = steps + 1
      if steps == 0 then waited, begun = 0, core.clock() end
      if steps >= o.steps then break end
      asked = core.clock()
    end
  end
  local all <const> = core.clock() - begun
  return all / o.steps, waited / all
end

local function waiting(name, ds, options)
  if not ds then return end
  options.workers = 1
  local seconds, share = math.huge, 1
  for _ = 1, 3 do -- the best counts, as the machine may have other work
    local a <const>, b <const> = training(ds, options)
    seconds, share = math.min(seconds, a), math.min(share, b)
  end
  print(("%-48s %6.2f ms %7.2f%%"):format(name, 1000 * seconds, 100 * share))
  return seconds
end

local function start(n)
  local names <const>, attribute <const> = {}, {}
  for i = 1, n do names[i], attribute[i] = ("%06d.jpg"):format(i), i % 2 + 1 end
  local labels <const> = {male = braid.tensor(attribute, {dtype = "uint8"}),
    landmarks = braid.rand(n, 5, 2)}
  local ds <const> = Dataset{files = names, root = "nowhere", labels = labels}
  local function seconds(options)
    local begun <const> = core.clock()
    options.transforms, options.seed = {data.resize(64)}, 3
    local loader <const> = data.loader(ds, options)
    local passed <const> = core.clock() - begun
    loader:close()
    return passed
  end
  print(("%d files: an epoch begins in %.3f s, balanced in %.3f s, stratified in %.3f s"):format(n,
    seconds{shuffle = true}, seconds{shuffle = true, balanced = "male"},
    seconds{shuffle = true, stratify = "male"}))
end

-- ---- all measurements ------------------------------------------------------------------------

braid.set_threads(1)
local faces <const> = data.faces{n = o.images, val = 1, test = 1}.train
local mtfl <const>, celeba <const> = mtfl_files(), celeba_files()
local cut <const> = {data.crop{margin = 1.1}, augment(40), data.whiten()}
local packed <const> = {data.crop{margin = 1.76}, data.resize(80),
  data.augment{rotate = 15, scale = 0.1, shift = 0.08, flip = 0.5, size = 40, inner = 50},
  data.whiten()}
local colour <const> = {data.crop{by = "middle"}, augment(64), data.brightness(0.2),
  data.contrast(0.2), data.saturation(0.2), data.normalize{}}

print("on one core                                             pictures/s")
row("rendered faces in memory, augmented, 40 x 40 gray", faces, {size = 40, augment = AUGMENT})
row("MTFL, decoded, cut and augmented, 40 x 40 gray", mtfl, {transforms = cut})
row("MTFL from the cache (80 x 80), augmented, 40 x 40", mtfl, with_cache(packed))
row("178 x 218 JPEG, decoded, augmented, 64 x 64 in colour", celeba, {transforms = colour})
row("178 x 218 JPEG, decoded alone", celeba, {transforms = {data.resize(2, {filter = "bilinear"})}})

print("\nTCDCN, 64 pictures 40 x 40, 1 thread and 1 worker    step     waiting")
local step <const> = waiting("rendered faces in memory", faces, {size = 40, augment = AUGMENT})
waiting("MTFL from the cache", mtfl, with_cache(packed))
waiting("MTFL, decoded each time", mtfl, {transforms = cut})
print(("the trainer needs %.0f pictures/s\n"):format(64 / step))
start(200000)
