--- Lesson 6: transfer. A trained network gets a new task, keeps what it knew, and gives parts
-- away.
--
-- Notice: the old task's numbers before and after are the same to the last digit,
-- because its column is frozen; the new one learns from 100 faces.

local braid <const> = require "braid"
local data <const>, mtl <const>, optim <const> = braid.data, braid.mtl, braid.optim

local faces <const> = data.faces{n = 800, seed = 1}
local few <const> = faces.train:subset(1, 100)
local function val() return data.loader(faces.val, {batch = 100, size = 40}) end -- one pass each

local backbone <const> = {name = "tcdcn", norm = true, activation = "ReLU", width = 0.5}

local function learn(net, tasks, set, epochs)
  local opt <const> = optim.Adam(net:parameters(), {lr = 2e-3})
  for epoch = 1, epochs do
    for batch in data.loader(set, {batch = 25, size = 40, shuffle = true, epoch = epoch}) do
      local _ <close> = braid.scope()
      local loss <const> = tasks:loss(net(batch.image), batch)
      opt:zero_grad()
      loss:backward()
      opt:step()
    end
  end
end

-- First a network of two tasks.

braid.manual_seed(1)
local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{points = 5},
  pose = mtl.classes{5, weight = 0.1}}
local net <const> = braid.model("progressive", {tasks = tasks, backbone = backbone})
learn(net, tasks, faces.train, 5)
print("two tasks  ", tasks:evaluate(net, val()))

-- `add_task` gives it a third column, which reads the maps of the other two. `freeze = "others"`
-- keeps those as they are, their running statistics too.

net:add_task("glasses", mtl.classes{2}, {freeze = "others"})
learn(net, net.tasks, few, 10)
print("and a third ", net.tasks:evaluate(net, val()))

-- The same task alone on the same 100 faces, with nothing to begin from.

local alone <const> = mtl.tasks{glasses = mtl.classes{2}}
braid.manual_seed(1)
local single <const> = braid.model("progressive", {tasks = alone,
  backbone = backbone})
learn(single, alone, few, 10)
print("it alone    ", alone:evaluate(single, val()))

-- How much a column takes from each other one, as the drawing and `transfer` tell.

local batch <const> = data.loader(faces.val, {batch = 50, size = 40})()
braid.plot.transfer("build/lesson_transfer.png", net:transfer(batch), {of = "gradients"})

-- `extract` gives a network of some tasks, with what they need and no more.

local part <const> = net:extract{"landmarks"}
print(net:count_parameters(), part:count_parameters())
net:eval()
part:eval()
print(net(batch.image).landmarks:eq(part(batch.image).landmarks):all():item())

-- Weights can come from a file, too. `pretrained` takes the path of a network, or tensors by
-- name; every column begins with them, and `net.pretrained` says what fitted.

braid.save("build/lesson_part.safetensors", part)
local other <const> = braid.model("cross_stitch", {tasks = tasks,
  backbone = backbone, pretrained = "build/lesson_part.safetensors"})
print(other.pretrained)
