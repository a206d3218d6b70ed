--- Lesson 3: one network. Layers, a loop, an accuracy, and a look at what was learned.
--
-- Faces are rendered by seed, so there is nothing to download. The question is whether a face
-- wears glasses. Notice: the loop is five lines, and it is yours; the last picture shows
-- where the network is wrong.

local braid <const> = require "braid"
local data <const>, nn <const>, F <const> = braid.data, braid.nn, braid.F

local faces <const> = data.faces{n = 1000, seed = 1}
print(faces)

-- A layer takes the obvious sizes, then options in a table. With one size, a layer finds out its
-- input at the first call. `summary` runs the network once and counts.

braid.manual_seed(1)
local net <const> = nn.Sequential{
  nn.Conv2d(1, 8, {kernel = 5}), nn.ReLU(), nn.MaxPool2d(2),
  nn.Conv2d(8, 16, {kernel = 3}), nn.ReLU(), nn.MaxPool2d(2),
  nn.Flatten(), nn.Linear(64), nn.ReLU(), nn.Linear(2),
}
print(net:summary{1, 40, 40})

-- A loader gives batches: `batch.image` (n, c, h, w), whitened, and a tensor for each label.
-- Classes count from 1. The order depends on seed and epoch.

local opt <const> = braid.optim.Adam(net:parameters(), {lr = 1e-3})
local losses <const> = {}
for epoch = 1, 5 do
  for batch in data.loader(faces.train, {batch = 50, size = 40, shuffle = true, epoch = epoch}) do
    local _ <close> = braid.scope()
    local loss <const> = F.cross_entropy(net(batch.image), batch.glasses)
    opt:zero_grad()
    loss:backward()
    opt:step()
    losses[#losses + 1] = loss:item()
  end
end
braid.plot.lines("build/lesson_loss.png", {loss = losses},
  {xlabel = "step", ylabel = "cross entropy"})

-- On faces that the network has not seen: the share of right answers, beside what always saying
-- "no" would reach.

net:eval()
local right, without, seen = 0, 0, 0
local wrong <const> = {}
for batch in data.loader(faces.val, {batch = 50, size = 40}) do
  local _ <close> = braid.scope()
  local _ <close> = braid.no_grad()
  local said <const> = net(batch.image):argmax(2)
  right = right + said:eq(batch.glasses):sum():item()
  without = without + batch.glasses:eq(2):sum():item()
  for i, is_wrong in ipairs(said:ne(batch.glasses):totable()) do
    if is_wrong then wrong[#wrong + 1] = seen + i end
  end
  seen = seen + batch.count
end
print(("%.1f%% right; always 'no': %.1f%%"):format(100 * right / seen, 100 * without / seen))

-- The faces that it gets wrong.

if #wrong > 0 then
  data.show(faces.val:subset(wrong), math.min(#wrong, 10), "build/lesson_wrong.png", {columns = 5})
end
