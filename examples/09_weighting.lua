--- Lesson 9: your own weighting. How much a task counts, found anew in every step.
--
-- Notice: a weighting is a function from losses to coefficients. With the products of
-- the tasks' gradients it can also see where tasks pull against each other.

local braid <const> = require "braid"
local data <const>, mtl <const> = braid.data, braid.mtl

local faces <const> = data.faces{n = 400, seed = 1}

-- `weight` is the plain way: a number, or a function of the epoch. It multiplies the loss before
-- any method sees it.

local tasks <const> = mtl.tasks{
  landmarks = mtl.landmarks{points = 5},
  pose = mtl.classes{5, weight = function(epoch) return 0.05 * epoch end},
  glasses = mtl.classes{2, weight = 0.2},
}

-- One loop for all methods. `tasks:weigh(net, method)` gives an object whose `backward` stands in
-- the place of loss:backward().

local function learn(method)
  braid.manual_seed(1)
  local net <const> = braid.model("tcdcn", {tasks = tasks, norm = true, activation = "ReLU",
    width = 0.5})
  local opt <const> = braid.optim.Adam(net:parameters(), {lr = 2e-3})
  local weighing <const>, seen <const> = tasks:weigh(net, method), {}
  for _, name in ipairs(tasks.names) do seen[name] = {} end
  for epoch = 1, 4 do
    tasks:set_epoch(epoch)
    for batch in data.loader(faces.train, {batch = 50, size = 40, shuffle = true, epoch = epoch}) do
      local _ <close> = braid.scope()
      opt:zero_grad()
      weighing:backward(net(batch.image), batch)
      opt:step()
      for name, list in pairs(seen) do list[#list + 1] = weighing.coefficients[name] end
    end
  end
  local report <const> = tasks:evaluate(net, data.loader(faces.val, {batch = 50, size = 40}))
  return report, seen, weighing
end

-- Two published methods. Names are in `mtl.weighting`; the file of each cites its equations.

print("equal      ", (learn(mtl.weighting.equal{})))
local report, seen = learn(mtl.weighting.uncertainty{})
print("uncertainty", report)
braid.plot.lines("build/lesson_uncertainty.png", seen, {xlabel = "step", ylabel = "coefficient"})

-- Yours, from losses: each task counts as much as its loss is large, so that the worst one is
-- heard. The coefficients of a function are in the order of `names`, which is alphabetic. A batch
-- without labels of a task has one task less, so the function counts them.

local function by_loss(losses)
  local sum, list <const> = 0, {}
  for _, l in ipairs(losses) do sum = sum + l end
  for i, l in ipairs(losses) do list[i] = #losses * l / sum end
  return list
end
report, seen = learn(by_loss)
print("by loss    ", report)
braid.plot.lines("build/lesson_by_loss.png", seen, {xlabel = "step", ylabel = "coefficient"})

-- Yours, from gradients. gram[i][j] is the product of the gradients of tasks i and j at the
-- parameters that they share: its diagonal has squared lengths. Here every task pulls with the
-- same force. Asking for `gram` costs a backward pass for each task; what lasts between steps
-- goes into `state`.

local function same_force(_, gram, state)
  state.steps = (state.steps or 0) + 1
  local list <const>, mean = {}, 0
  for i = 1, #gram do mean = mean + gram[i][i] ^ 0.5 / #gram end
  for i = 1, #gram do list[i] = mean / (gram[i][i] ^ 0.5 + 1e-12) end
  return list
end
local weighing, _
report, _, weighing = learn(same_force)
print("same force ", report)
print("steps", weighing.state and weighing.state.steps)

-- The cosines between the tasks' gradients in the last step: below 0 two tasks are in conflict.

for i, row in ipairs(weighing:cosine()) do
  local words <const> = {}
  for j, c in ipairs(row) do words[j] = ("%5.2f"):format(c) end
  print(tasks.names[i], table.concat(words, " "))
end
