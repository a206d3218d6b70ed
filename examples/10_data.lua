--- Lesson 10: your own data. From files and tables to batches, with the holes that real data
-- have.
--
-- Notice: a reader is told what the columns are, and everything else follows: names of
-- classes, missing labels, points that move with their picture.

local braid <const> = require "braid"
local data <const>, mtl <const>, nn <const> = braid.data, braid.mtl, braid.nn

-- Let us make some files first: twenty pictures and a table of what is in them. Two ages are not
-- known, and one smile.

local FOLDER <const> = "build/own"
os.execute("mkdir -p " .. FOLDER)
local rendered <const> = data.faces{n = 20, size = 64, channels = 3, seed = 4}.train
local lines <const> = {"file,smile,age,left_x,left_y,right_x,right_y,part"}
for i = 1, 20 do
  local face <const> = rendered[i]
  braid.save(("%s/face%02d.png"):format(FOLDER, i), face.image)
  local eyes <const> = face.landmarks:totable()
  lines[#lines + 1] = ("face%02d.png,%s,%s,%.1f,%.1f,%.1f,%.1f,%s"):format(i,
    i == 3 and "?" or face.smile == 1 and "yes" or "no", i % 9 == 0 and "?" or 20 + i,
    eyes[1][1], eyes[1][2], eyes[2][1], eyes[2][2], i <= 15 and "train" or "val")
end
do
  local file <close> = assert(io.open(FOLDER .. "/faces.csv", "w"))
  file:write(table.concat(lines, "\n"), "\n")
end

-- The reader. Paths are relative to the table; `missing` names the mark of a hole.

local own <const> = data.csv(FOLDER .. "/faces.csv", {image = "file", classes = {"smile"},
  reals = {"age"}, points = {eyes = {"left_x", "left_y", "right_x", "right_y"}}, split = "part",
  missing = {"?"}})
print(own)
print(own.train:stats())

-- A sample has a field for each label; what is missing is nil. Always look at some.

print(own.train[1].smile, own.train.classes.smile[own.train[1].smile], own.train[9].age)
data.show(own.train, 6, "build/lesson_own.png", {columns = 3})

-- A batch: classes count from 1 and a missing one is -100; a missing number is NaN. Tasks know
-- both. Turned pictures have their points turned with them.

local tasks <const> = mtl.tasks{smile = mtl.classes{2}, age = mtl.real{1, weight = 0.01},
  eyes = mtl.landmarks{points = 2, eyes = {1, 2}, flip = {2, 1}}}
local batch <const> = data.loader(own.train, {batch = 15, size = 48, tasks = tasks,
  augment = {rotate = 20, flip = 0.5}})()
print(batch.smile)
print(batch.age)

-- data.table reads tables without pictures. `inputs` are columns of numbers, and columns of words
-- that become one number for each word. Here the answer is whether a point lies in a circle.

lines[1] = "x,y,colour,inside"
braid.manual_seed(2)
for i, p in ipairs(braid.rand(400, 2):totable()) do
  local x <const>, y <const> = 2 * p[1] - 1, 2 * p[2] - 1
  lines[i + 1] = ("%.3f,%.3f,%s,%s"):format(x, y, i % 2 == 0 and "red" or "blue",
    x * x + y * y < 0.5 and "yes" or "no")
end
do
  local file <close> = assert(io.open(FOLDER .. "/points.csv", "w"))
  file:write(table.concat(lines, "\n"), "\n")
end
local points <const> = data.table(FOLDER .. "/points.csv",
  {inputs = {"x", "y", "colour"}, classes = {"inside"}}).train

-- Numbers are standardised: each column has mean 0 and deviation 1 over the rows that a network
-- trains on. The rows that are held back are prepared with the same means and deviations.

local seen <const>, held_back <const> = points:split(0.25, {stratify = "inside", seed = 1})
print(table.concat(seen.input_names, " "), #seen, #held_back)
print(seen.inputs:mean(1), held_back.inputs:mean(1))

local question <const> = mtl.tasks{inside = mtl.classes{2}}
local net <const> = nn.Sequential{nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2)}
local opt <const> = braid.optim.Adam(net:parameters(), {lr = 0.02})
for epoch = 1, 30 do
  for b in data.loader(seen, {batch = 50, shuffle = true, epoch = epoch}) do
    local _ <close> = braid.scope()
    local loss <const> = question:loss({inside = net(b.input)}, b)
    opt:zero_grad()
    loss:backward()
    opt:step()
  end
end
local all <const> = data.loader(held_back, {batch = #held_back})()
print(("%.0f%% of points that it has not seen"):format(
  100 * net(all.input):argmax(2):eq(all.inside):to("float32"):mean():item()))

-- Tensors that you made yourself are a data set, too, and so is a folder for each class
-- (data.images). All have the same methods.

local mine <const> = data.dataset{inputs = braid.randn(10, 3),
  labels = {class = braid.ones({10}, {dtype = "int64"})}}
print(#mine:subset(1, 4), #mine:filter(function(s) return s.class == 2 end))
