--- Writes files of every kind with the version of Braid that runs this. Later versions must open
-- them (spec/io/upgrade_spec.lua). Run it in a checkout of the old version; HERE is this checkout:
--   build/braid HERE/spec/support/golden_files.lua HERE/spec/golden/files_VERSION

local braid <const> = require "braid"
local mtl <const>, train <const> = braid.mtl, braid.train

local dir <const> = arg[1]
assert(os.execute(("mkdir -p '%s' && rm -rf '%s/run'"):format(dir, dir)))

braid.manual_seed(1)
local tasks <const> = mtl.tasks{
  smile = mtl.classes{2, weight = 0.5},
  age = mtl.real{1},
  looks = mtl.attributes{3},
  points = mtl.landmarks{points = 5},
  place = mtl.landmark_bins{pixels = 8},
}
local net <const> = braid.model("models/cross_stitch.lua", {tasks = tasks, width = 0.1})
net:add_task("hat", mtl.classes{3})

local images <const> = braid.rand(4, 1, 40, 40)
local batch <const> = {image = images, smile = braid.tensor({1, 2, -100, 1}, {dtype = "int64"}),
  age = braid.randn(4, 1), looks = braid.randint(1, 2, {4, 3}), points = braid.rand(4, 5, 2),
  place = braid.rand(4, 5, 2), hat = braid.tensor({3, 1, 2, 3}, {dtype = "int64"})}
local opt <const> = braid.optim.Adam(net:parameters(), {lr = 1e-3})
local schedule <const> = braid.optim.schedule(opt, braid.optim.cosine(10))

local function step()
  local loss <const> = net.tasks:loss(net(images), batch)
  opt:zero_grad()
  loss:backward()
  opt:step()
  schedule:step()
  return loss:item()
end

local log <close> = train.log(dir .. "/run")
for epoch = 1, 2 do
  log:epoch{epoch = epoch, step = epoch, train = {loss = {total = step()}}, seconds = 1}
end

local parts <const> = {net = net, opt = opt, schedule = schedule, log = log,
  at = {epoch = 2, best = 0.5, note = "half"}}
braid.checkpoint(dir .. "/checkpoint.safetensors", parts)
braid.save(dir .. "/net.safetensors", net)

-- What a later version must compute from the files: inputs, labels, outputs, and the losses of the
-- next two steps.
net:eval()
local kept <const> = {losses = braid.zeros(2)}
do
  local _ <close> = braid.no_grad()
  for name, y in pairs(net(images)) do kept["output/" .. name] = y:clone() end
end
net:train()
for name, t in pairs(batch) do kept["batch/" .. name] = t end
for i = 1, 2 do kept.losses[i] = step() end
braid.save(dir .. "/expected.safetensors", kept)
