--- Lesson 4: tasks. One network that learns several things, and what a task knows.
--
-- In lesson 3 the loss, the accuracy and the meaning of the label stood in the loop. Here they
-- stand in the task. Notice: the loop no longer knows what is learned, and a label that
-- is missing costs nothing.

local braid <const> = require "braid"
local data <const>, mtl <const>, nn <const> = braid.data, braid.mtl, braid.nn

local faces <const> = data.faces{n = 1000, seed = 1}

-- A task says what its labels are, how much it counts, and what a mirror does to it: a left
-- profile becomes a right one, and the left eye the right one.

local tasks <const> = mtl.tasks{
  landmarks = mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4}},
  pose = mtl.classes{5, weight = 0.1, flip = {5, 4, 3, 2, 1}},
  glasses = mtl.classes{2, weight = 0.1},
}
print(tasks)

-- One trunk for all tasks, one head for each. `task.size` is how many numbers a task wants. The
-- outputs come as a table by name.

braid.manual_seed(1)
local net <const> = mtl.network{tasks = tasks, columns = "shared",
  blocks = nn.backbone("tcdcn", {norm = true, activation = "ReLU"})}
net:train()
for name, out in pairs(net(braid.rand(4, 1, 40, 40))) do
  print(name, table.concat(out.shape, " x "))
end

-- `tasks:loss` gives the weighted sum, and each loss by name. Labels follow a picture that is
-- turned or mirrored, because the loader knows the tasks.

local opt <const> = braid.optim.Adam(net:parameters(), {lr = 2e-3})
for epoch = 1, 4 do
  local sums <const> = {}
  for batch in data.loader(faces.train, {batch = 50, size = 40, shuffle = true, epoch = epoch,
                                         tasks = tasks, augment = {rotate = 10, flip = 0.5}}) do
    local _ <close> = braid.scope()
    local loss <const>, each <const> = tasks:loss(net(batch.image), batch)
    opt:zero_grad()
    loss:backward()
    opt:step()
    for name, l in pairs(each) do sums[name] = (sums[name] or 0) + l:item() end
  end
  print(("epoch %d  landmarks %.3f  pose %.3f  glasses %.3f"):format(epoch, sums.landmarks,
    sums.pose, sums.glasses))
end

-- `tasks:evaluate` measures each task in its own terms: landmark errors in shares of the distance
-- of the eyes ("fail" is above a tenth), classes in per cent. `table` shows all metrics.

local report <const> = tasks:evaluate(net, data.loader(faces.val, {batch = 100, size = 40}))
print(report)
print(report:table())

-- A label may be missing. Here three of four faces have no pose; the loss divides by those that
-- have one, and a batch without any adds exactly nothing.

local batch <const> = data.loader(faces.val, {batch = 8, size = 40})()
batch.pose[{{1, 6}}] = -100
local _, each <const> = tasks:loss(net(batch.image), batch)
print(("%.3f"):format(each.pose:item()))
batch.pose:fill_(-100)
print((select(2, tasks:loss(net(batch.image), batch)).pose))
