--- Landmarks, gender, smile, glasses and pose of a face from one network: TCDCN with hard
-- sharing.
--
-- On rendered faces, which come with Braid:      build/braid examples/tcdcn.lua
-- On photographs, the MTFL data as published:    build/braid examples/tcdcn.lua --data
-- path/to/mtfl
--
-- The recipe: landmarks are in [-1, 1] of the face; loss = landmarks + lambda * each attribute's
-- loss; Adam, with a cosine schedule for each step; rotation, scale, shift (in sides) and
-- mirroring. All photographs of the training set train, except those with a wrong box. --val 1000
-- keeps 1000 of them for validation, and prints the results on them after each epoch. A wrong
-- option prints the list of options.
local braid <const> = require "braid"
local data <const>, mtl <const>, optim <const> = braid.data, braid.mtl, braid.optim
local plot <const>, train <const> = braid.plot, braid.train

local o <const> = train.arguments(arg, {
  data = "", faces = {16000, from = 10}, epochs = {30, from = 1}, batch = {64, from = 1},
  lr = {1e-3, above = 0}, lambda = {0.02, from = 0}, seed = 1, val = {0, from = 0},
  activation = "ReLU", norm = true, out = "build/demo",
})
braid.manual_seed(o.seed)

local started = os.time()
local faces <const> = o.data == "" and data.faces{n = o.faces, seed = o.seed}
  or data.mtfl(o.data, {val = o.val, wrong = "omit"})
print(("%d faces to train on, %d to validate, %d to test, ready in %d s"):format(#faces.train,
  faces.val and #faces.val or 0, #faces.test, os.time() - started))
if faces.train.unreadable + faces.test.unreadable > 0 then
  print("pictures left out:", faces.train.unreadable + faces.test.unreadable,
    faces.train.first_unreadable or faces.test.first_unreadable)
end

local tasks <const> = mtl.tasks{
  landmarks = mtl.landmarks{of = faces.train}, -- knows the eyes, and what mirroring does
  gender = mtl.classes{2, weight = o.lambda},
  smile = mtl.classes{2, weight = o.lambda},
  glasses = mtl.classes{2, weight = o.lambda},
  pose = mtl.classes{5, weight = o.lambda, flip = {5, 4, 3, 2, 1}},
}

local net <const> = braid.model("models/tcdcn.lua",
  {tasks = tasks, activation = o.activation, norm = o.norm})
local opt <const> = optim.Adam(net:parameters(), {lr = o.lr})
local augment <const> = {rotate = 15, scale = 0.10, shift = 0.04, flip = 0.5}
print(("%d parameters"):format(net:count_parameters()))

local steps <const> = (#faces.train + o.batch - 1) // o.batch
local bar <const> = train.progress(o.epochs * steps)
for epoch = 1, o.epochs do
  local label <const>, sums <const> = ("epoch %2d/%d"):format(epoch, o.epochs), {}
  local begun <const> = bar.clock()
  net:train()
  for batch in data.loader(faces.train, {batch = o.batch, size = 40, shuffle = true,
                                         epoch = epoch, seed = o.seed, augment = augment,
                                         tasks = tasks}) do
    local _ <close> = braid.scope() -- frees this step's tensors
    local loss <const>, losses <const> = tasks:loss(net(batch.image), batch)
    opt.factor = optim.cosine(opt.steps, o.epochs * steps)
    opt:zero_grad()
    train.finite(loss, losses, opt.steps + 1):backward()
    opt:step()
    for name, l in pairs(losses) do sums[name] = (sums[name] or 0) + l:item() end
    bar:advance(label, batch.count)
  end
  local words <const> = {}
  for name in tasks:each() do words[#words + 1] = ("%s %.3f"):format(name, sums[name] / steps) end
  bar:print(("%s  %.1f s  loss: %s"):format(label, bar.clock() - begun, table.concat(words, " ")))
  if faces.val then
    bar:print("   validation:  " .. tostring(tasks:evaluate(net, data.loader(faces.val,
      {batch = 256, size = 40}))))
  end
end

net:eval() -- from here on, pictures and the file show the trained network
print("test:  " .. tostring(tasks:evaluate(net, data.loader(faces.test, {batch = 256, size = 40}))))
os.execute(("mkdir -p '%s'"):format(o.out))
local sample <const> = data.loader(faces.test, {batch = 40, size = 40, shuffle = true,
  whiten = false})()
local seen <const> = data.loader(faces.test, {batch = 40, size = 40, shuffle = true})()
local predicted <const> = braid.no_grad(function() return net(seen.image).landmarks end)
plot.landmarks(o.out .. "/landmarks.png", sample.image, sample.landmarks,
  predicted:reshape(-1, 5, 2))
braid.save(o.out .. "/tcdcn.safetensors", net) -- the whole network: braid.open reads it
print(("wrote %s/landmarks.png (true green, predicted red) and %s/tcdcn.safetensors"):format(o.out,
  o.out))
