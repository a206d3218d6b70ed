--- Trains a separation network in its two stages. The first trains a stream that all tasks share;
-- alone it is hard sharing, the baseline. The second trains a stream for each task, which takes
-- the shared stream's maps.
--
-- On rendered faces, some seconds:   build/braid examples/separation.lua
-- On the MTFL data:                  build/braid examples/separation.lua --data path/to/mtfl
-- The published settings (days):     ... --width 1 --size 128 --batch 32 --epochs 100
--                                        --optimizer SGD --lr 1e-4
-- With --share 0.2 a fifth of the faces trains, so that the published size ends in an hour.
-- (The published data are CelebA, whose 40 attributes data.celeba reads.) Decisions: each stage
-- has `epochs` epochs; the baseline is the network after the first stage; pictures are whitened
-- one by one, and not augmented.
--
-- variant is "plain", "channelwise" or "fine_tuned". branch is the block where streams divide
-- ("conv1_2", "conv2_2", "conv3_3"; the image unless given). fc is "shared" or "task".
local braid <const> = require "braid"
local data <const>, mtl <const>, optim <const> = braid.data, braid.mtl, braid.optim
local plot <const>, train <const> = braid.plot, braid.train

local o <const> = train.arguments(arg, {
  data = "", faces = {1000, from = 10}, size = {32, from = 1}, width = {0.125, above = 0},
  variant = {"plain", "channelwise", "fine_tuned"}, branch = "", epochs = {3, from = 1},
  fc = {"shared", "task"}, batch = {32, from = 1}, optimizer = "Adam", lr = {1e-3, above = 0},
  share = {1.0, above = 0, to = 1}, seed = 1, block = "conv1_2", out = "build/demo",
})
braid.manual_seed(o.seed)

local tasks <const> = mtl.tasks{
  landmarks = mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4}, reduction = "mean"},
  attributes = mtl.attributes{"gender", "smile", "glasses"}, -- weights 1: equation 1 is a sum
}
local faces <const> = o.data == ""
  and data.faces{n = o.faces, seed = o.seed, channels = 3, size = math.max(64, o.size)}
  or data.mtfl(o.data, {size = o.size, channels = 3})
local used <const> = faces.train:subset(1, math.max(1, math.floor(o.share * #faces.train)))
local sample <const> = data.loader(faces.test, {batch = 8, size = o.size})()
local net <const> = braid.model("models/smtn.lua", {tasks = tasks, variant = o.variant,
  branch = o.branch ~= "" and o.branch or nil, fc = o.fc, width = o.width, input = o.size,
  channels = sample.image:size(2)})

net:features(sample.image, o.block) -- raises an error for an unknown block, before the training

local function report(what)
  local r <const> = tasks:evaluate(net, data.loader(faces.test, {batch = o.batch, size = o.size}))
  local points <const> = {}
  for i, share in ipairs(r.landmarks.points) do points[i] = ("%.1f"):format(100 * share) end
  print(("%s  %s  points %s%%  AUC %.3f"):format(what, r, table.concat(points, " "),
    r.landmarks.auc))
end

local settings <const> = {lr = o.lr, momentum = o.optimizer == "SGD" and 0.9 or nil}
for stage = 1, 2 do
  net:stage(stage)
  local opt <const> = optim[o.optimizer](net:parameters(), settings)
  local begun <const> = os.time()
  for epoch = 1, o.epochs do
    net:train()
    for batch in data.loader(used, {batch = o.batch, size = o.size, shuffle = true,
                                           epoch = epoch, seed = o.seed, tasks = tasks}) do
      local _ <close> = braid.scope()
      local loss <const>, losses <const> = tasks:loss(net(batch.image), batch)
      opt:zero_grad()
      train.finite(loss, losses, opt.steps + 1):backward()
      opt:step()
    end
    report(("stage %d  epoch %d/%d"):format(stage, epoch, o.epochs))
  end
  print(("stage %d took %d s"):format(stage, os.time() - begun))
end

-- Figure 4: true points are green and predicted ones red (in the paper the other way round).
-- Figure 6: the maps that the streams see at a block, pooled if the block ends with pooling.
os.execute(("mkdir -p '%s'"):format(o.out))
net:eval()
local shown <const> = data.loader(faces.test, {batch = 8, size = o.size, whiten = false})()
local _ <close> = braid.no_grad()
plot.landmarks(o.out .. "/separation.png", shown.image, shown.landmarks,
  net(sample.image).landmarks:reshape(-1, 5, 2))
local maps <const>, rows <const> = net:features(sample.image, {o.block})[o.block], {}
for _, name in ipairs{"shared", "attributes", "landmarks"} do
  if maps[name] then rows[#rows + 1] = maps[name][1] end
end
plot.maps(o.out .. "/separation_maps.png", rows)
print(("wrote %s/separation.png and separation_maps.png: %s, shared, attributes, landmarks"):format(
  o.out, o.block))
