--- Lesson 5: columns and mixers. What tasks share is a choice, and the choice is one word.
--
-- A column is the chain of blocks that a task has for itself. A mixer joins the columns at a
-- block. Notice: four published ideas differ in the word after `mtl.`, and the drawing
-- shows what each of them connects.

local braid <const> = require "braid"
local data <const>, mtl <const>, nn <const> = braid.data, braid.mtl, braid.nn

local faces <const> = data.faces{n = 400, seed = 1}
local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{points = 5},
  smile = mtl.classes{2, weight = 0.1}, glasses = mtl.classes{2, weight = 0.1}}

-- `nn.backbone` is a recipe for blocks with names. `mtl.columns` makes a column of it for each
-- task, `mix` puts a mixer after blocks ("*" is all of them), `heads` ends it.

local function network(mixer)
  braid.manual_seed(1)
  local net <const> = mtl.columns(tasks,
    nn.backbone("tcdcn", {norm = true, activation = "ReLU", width = 0.5}))
  net:mix({"conv1", "conv3"}, mixer)
  return net:heads("linear")
end

local mixers <const> = {
  {"share", mtl.share{}}, -- one column for all
  {"none", mtl.none{}}, -- three networks that do not know of each other
  {"cross_stitch", mtl.cross_stitch{}}, -- weighted sums of the columns' maps
  {"collaborative", mtl.collaborative{}}, -- a block in the middle that all write to and read from
}

-- Columns of the same shape run as one tensor. `stacked` tells; the numbers are the same either
-- way.

for _, row in ipairs(mixers) do
  local net <const> = network(row[2])
  print(("%-14s %7d parameters, stacked: %s"):format(row[1], net:count_parameters(), net:stacked()))
end

-- The same data in the same order for each of them.

local trained <const> = {}
for _, row in ipairs(mixers) do
  local net <const> = network(row[2])
  local opt <const> = braid.optim.Adam(net:parameters(), {lr = 2e-3})
  for epoch = 1, 4 do
    for batch in data.loader(faces.train, {batch = 50, size = 40, shuffle = true, epoch = epoch}) do
      local _ <close> = braid.scope()
      local loss <const> = tasks:loss(net(batch.image), batch)
      opt:zero_grad()
      loss:backward()
      opt:step()
    end
  end
  print(row[1], tasks:evaluate(net, data.loader(faces.val, {batch = 75, size = 40})))
  trained[row[1]] = net
end

-- Short trainings on one seed rank nothing: lesson 11 compares with several seeds and a test. The
-- drawing is made from the network itself; the numbers at a mixer are its weights now.

braid.plot.topology("build/lesson_cross_stitch.svg", trained.cross_stitch)

-- How much does each task use the others' maps? `ablate` hides one column from the others at a
-- block and measures again. A row is the hidden task, a number the change of the landmarks'
-- error.

local lost <const> = trained.collaborative:ablate(data.loader(faces.val, {batch = 75, size = 40}))
braid.plot.ablation("build/lesson_ablation.png", lost, {task = "landmarks", metric = "error"})
