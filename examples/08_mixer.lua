--- Lesson 8: your own mixer. How columns meet is a class of ten lines.
--
-- Notice: `list` is the whole idea. The network, its heads, its summary and its drawing
-- take the new mixer as they take a published one.

local braid <const> = require "braid"
local class <const> = require "braid.class"
local data <const>, mtl <const>, nn <const> = braid.data, braid.mtl, braid.nn

-- A mixer is at a block. `init` gets its place: at.names are the columns' names, and at.channels is
-- one number, because columns that are mixed have equally many channels. `list` gets the maps of
-- the T columns, xs[i] (n,c,h,w), and returns as many. In this one a column takes a learned share
-- of the others' mean: y_i = (1 - s_i) x_i + s_i mean of x_j, j other than i, with s_i =
-- sigmoid(a_i).

local Neighbours <const> = class("neighbours", mtl.mixer)

function Neighbours:init(at, o)
  self.names = at.names
  self.shares = nn.Module.parameter(braid.full({#at.names}, o.start))
end

function Neighbours:list(xs)
  local s <const>, ys <const> = self.shares:sigmoid(), {}
  local total <const> = braid.stack(xs, 1):sum(1)
  for i, x in ipairs(xs) do
    local others <const> = (total - x) / (#xs - 1)
    ys[i] = x + (others - x) * s[i]
  end
  return ys
end

-- `weights` is not needed; drawings and tables show it where it is there: row i is what column i
-- takes.

function Neighbours:weights()
  local s <const>, rows <const> = self.shares:sigmoid():totable(), {}
  for i = 1, #s do
    rows[i] = {}
    for j = 1, #s do rows[i][j] = i == j and 1 - s[i] or s[i] / (#s - 1) end
  end
  return rows
end

-- `define` makes the function that users call. Options are declared: a kind, a default, a range. A
-- third argument, relation(o), says what is wrong with the options together; here is only one.

local check <const> = require "braid.check"
local neighbours <const> = mtl.mixer.define(Neighbours,
  {start = check.number{-2, from = -10, to = 10}})

local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{points = 5},
  smile = mtl.classes{2, weight = 0.1}, glasses = mtl.classes{2, weight = 0.1}}

local function network(mixer)
  braid.manual_seed(1)
  local net <const> = mtl.columns(tasks,
    nn.backbone("tcdcn", {norm = true, activation = "ReLU", width = 0.5}))
  net:mix({"conv1", "conv3"}, mixer)
  return net:heads("linear")
end

-- Without a stacked form its columns run as a list: the same numbers, more calls. A method
-- `braid(x)` for one tensor (n, T * c, h, w) would be that form. Some operations need further
-- methods, and say so; `braid help mtl.mixer` lists all that a mixer may have, with an example of
-- `resize`, and says how a column gets a module of its own in a mixer.

print(network(neighbours{}):stacked())
local function said(...) return (select(2, pcall(...)):gsub("^.-:%d+: ", "")) end
print(said(neighbours, {start = 11}))
local whole <const> = network(neighbours{})
print(said(whole.remove_task, whole, "glasses"))
print("extract keeps all columns:", table.concat(whole:extract{"smile"}.names, ", "))

-- Beside cross-stitch units and beside no mixing at all, on the same faces.

local faces <const> = data.faces{n = 400, seed = 1}
local trained = network(neighbours{})
for _, row in ipairs{{"none", mtl.none{}}, {"cross_stitch", mtl.cross_stitch{}},
                     {"neighbours", neighbours{}}} do
  local net <const> = network(row[2])
  local opt <const> = braid.optim.Adam(net:parameters(), {lr = 2e-3})
  for epoch = 1, 3 do
    for batch in data.loader(faces.train, {batch = 25, size = 40, shuffle = true, epoch = epoch}) do
      local _ <close> = braid.scope()
      local loss <const> = tasks:loss(net(batch.image), batch)
      opt:zero_grad()
      loss:backward()
      opt:step()
    end
  end
  local report <const> = tasks:evaluate(net, data.loader(faces.val, {batch = 50, size = 40}))
  print(("%-13s"):format(row[1]), report)
  trained = net
end

-- The shares that it learned, in the drawing and as a matrix of each block.

braid.plot.topology("build/lesson_neighbours.svg", trained)
for _, block in ipairs{"conv1", "conv3"} do
  for i, r in ipairs(trained:transfer().weights[block]) do
    print(block, tasks.names[i], ("%.3f %.3f %.3f"):format(r[1], r[2], r[3]))
  end
end
