--- Lesson 12: share. A network in one file: what is in it, what it says about a picture, what
-- changed.
--
-- Notice: the file holds everything that someone needs who has never seen your script.
-- And the points that `predict` gives are in pixels of the picture that you gave it.

local braid <const> = require "braid"
local data <const>, mtl <const>, train <const> = braid.data, braid.mtl, braid.train

local faces <const> = data.faces{n = 800, seed = 1}
local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{points = 5},
  glasses = mtl.classes{2, weight = 0.1}}
braid.manual_seed(1)
local net <const> = braid.model("hard_sharing", {tasks = tasks,
  backbone = {name = "tcdcn", norm = true, activation = "ReLU"}})
os.execute "rm -rf build/lesson_shared"
train.fit{net = net, train = faces.train, val = faces.val, epochs = 5, batch = 50,
  loader = {size = 40}, lr = 2e-3, best = "landmarks.error", dir = "build/lesson_shared", seed = 1,
  progress = false, log = 0}

-- best.safetensors is such a file. Its card knows how pictures were prepared, the names of
-- classes, and what was measured; you add what only you know. `braid inspect FILE` shows it
-- without running anything.

local best <const> = braid.open("build/lesson_shared/best.safetensors")
best.card.text = "Five points of a rendered face, and whether it wears glasses."
best.card.licence, best.card.authors = "MIT", {"A. Reader"}
braid.save("build/lesson_faces.safetensors", best)
local seen <const> = braid.inspect("build/lesson_faces.safetensors")
print(seen.card.text, seen.card.preprocessing.size, table.concat(seen.card.classes.glasses, "/"))

-- Someone else opens it: one line. The definition inside runs in a sandbox.

local received <const> = braid.open("build/lesson_faces.safetensors")

-- A picture of any size, from a file. The answer is in its own terms: pixels, names, shares.

local large <const> = data.faces{n = 1, size = 200, channels = 3, seed = 9}.train
braid.save("build/lesson_photograph.png", large[1].image)
local answer <const> = received:predict("build/lesson_photograph.png")
print(answer.picture.width, answer.glasses.name, ("%.2f"):format(answer.glasses.share))
for i, p in ipairs(answer.landmarks.points) do
  local t <const> = large[1].landmarks[i]:totable()
  print(("point %d at %5.1f, %5.1f; truly %5.1f, %5.1f"):format(i, p[1], p[2], t[1], t[2]))
end

-- `braid predict FILE PICTURE --out DIR` does the same without a script, and draws. In a script:

local function in_view(points) return braid.tensor{points} * 2 / 200 - 1 end
braid.plot.landmarks("build/lesson_answer.png", large[1].image:unsqueeze(1),
  in_view(large[1].landmarks:totable()), in_view(answer.landmarks.points), {side = 200})

-- A part of it for someone who wants the glasses alone, and what differs.

local part <const> = received:extract{"glasses"}
braid.save("build/lesson_glasses.safetensors", part)
print(braid.diff("build/lesson_faces.safetensors", "build/lesson_glasses.safetensors"))

-- A network that a script put together has no definition, so its file would hold numbers only. Put
-- what builds it into a file of its own, a function of tasks and options like those in models/:
-- then it is saved whole, and anyone can build it with other tasks. It runs in the sandbox, which
-- has nn, mtl, braid and class, for layers and mixers of your own.

do
  local file <close> = assert(io.open("build/lesson_mine.lua", "w"))
  file:write [[
-- Two columns of one convolution, mixed.
return function(tasks, o)
  local net = mtl.columns(tasks, nn.backbone({
    {"conv1", function(c) return nn.Conv2d(c, o.width or 8, {kernel = 5, stride = 2}) end}},
    {channels = 1}))
  net:mix("conv1", mtl.cross_stitch{})
  return net:heads(function(task, c)
    return nn.Sequential{nn.GlobalAvgPool(), nn.Linear(c, task.size)}
  end)
end
]]
end
local mine <const> = braid.model("build/lesson_mine.lua", {tasks = tasks, width = 4})
braid.save("build/lesson_mine.safetensors", mine)
print(braid.open("build/lesson_mine.safetensors"):count_parameters() == mine:count_parameters(),
  braid.inspect("build/lesson_mine.safetensors").options.width)

-- Other programs read the numbers: the format is safetensors, and .npy and .npz go both ways.

braid.save("build/lesson_first.npy", large[1].image)
print(table.concat(braid.load("build/lesson_first.npy").shape, " x "))
