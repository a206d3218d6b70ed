--- The kinds of tasks (losses, metrics, missing labels), tasks:loss and tasks:evaluate, against
-- values worked out by hand; models/tcdcn.lua; and braid.model with a wrong definition.

local braid <const> = require "braid"
local mtl <const>, nn <const> = braid.mtl, braid.nn

-- Two faces with eyes 0.4 apart. The first is predicted exactly; the nose of the second is
-- predicted 0.3 away from its place.
local TRUTH <const> = {
  { {-0.2, -0.2}, {0.2, -0.2}, {0, 0}, {-0.15, 0.3}, {0.15, 0.3} },
  { {-0.2, -0.2}, {0.2, -0.2}, {0, 0}, {-0.15, 0.3}, {0.15, 0.3} },
}

local function prediction(dx)
  local p <const> = braid.tensor(TRUTH)
  p[{2, 3, 1}] = dx
  return p:reshape(2, -1), braid.tensor(TRUTH)
end

describe("mtl.landmarks", function()
  it("has as its loss the mean squared error of known coordinates: reduction = 'mean'", function()
    local task <const> = mtl.landmarks{reduction = "mean"}
    local output <const>, target <const> = prediction(0.3)
    assert.near(0.09 / 20, task:loss(output, target):item(), 1e-7)
    target[{2, {1, 2}}] = 0 / 0 -- two of the ten points are missing
    assert.near(0.09 / 16, task:loss(output, target):item(), 1e-7)
    assert.equal(0, task:loss(output, braid.full({2, 5, 2}, 0 / 0)):item())
  end)

  it("has as its loss half the squared error, summed over coordinates, mean over faces", function()
    local output <const>, target <const> = prediction(0.3)
    assert.near(0.5 * 0.09 / 2, mtl.landmarks{}:loss(output, target):item(), 1e-7)
  end)

  it("measures the mean error relative to the eyes' distance, and failures above 0.10", function()
    local task <const>, sums <const> = mtl.landmarks{}, {}
    local output <const>, target <const> = prediction(0.3)
    local errors <const> = task:errors(output, target):totable()
    assert.near(0, errors[1], 1e-6)
    assert.near(0.3 / 0.4 / 5, errors[2], 1e-6)
    task:observe(sums, output, target)
    local m <const> = task:metrics(sums)
    assert.near(0.075, m.error, 1e-6)
    assert.equal(0.5, m.failure)
    assert.equal("0.0750 (fail 50.0%)", task:show(m))
  end)

  it("does not count an error just below 0.10 as a failure", function()
    local task <const>, sums <const> = mtl.landmarks{}, {}
    task:observe(sums, prediction(0.199))
    assert.equal(0, task:metrics(sums).failure)
  end)
end)

describe("missing landmarks", function()
  local function with_missing()
    local output, target <const> = prediction(0.3)
    target[{1, 3}] = 0 / 0 -- the nose of the first face, and all points of a third face
    local third <const> = braid.full({1, 5, 2}, 0 / 0)
    output = braid.cat({output, output[{ {1, 1} }]}, 1)
    return output:requires_grad_(), braid.cat({target, third}, 1)
  end

  it("count in neither the loss nor its gradient", function()
    local output <const>, target <const> = with_missing()
    local loss <const> = mtl.landmarks{}:loss(output, target)
    assert.near(0.5 * 0.09 / 2, loss:item(), 1e-7)
    loss:backward()
    assert.near(0.15, output.grad[{2, 5}]:item(), 1e-6)
    assert.near(0.15, output.grad:abs():sum():item(), 1e-6)
  end)

  it("are left out of the mean error, and so are faces without eyes", function()
    local output <const>, target <const> = with_missing()
    local task <const>, sums <const> = mtl.landmarks{}, {}
    task:observe(sums, output, target)
    local m <const> = task:metrics(sums)
    assert.near(0.075, m.error, 1e-6)
    assert.equal(0.5, m.failure)
    assert.equal(2, task:labelled(target))
  end)

  it("give loss 0 and gradient 0 if all are missing", function()
    local output <const> = braid.randn(2, 10):requires_grad_()
    local loss <const> = mtl.landmarks{}:loss(output, braid.full({2, 5, 2}, 0 / 0))
    assert.equal(0, loss:item())
    loss:backward()
    assert.equal(0, output.grad:abs():max():item())
  end)
end)

describe("mtl.real", function()
  local NAN <const> = 0 / 0

  it("has the mean squared difference of known numbers as its loss, mae as its metric", function()
    local task <const>, sums <const> = mtl.real{2}, {}
    local output <const> = braid.tensor{{1, 2}, {3, 4}, {5, 6}}:requires_grad_()
    local target <const> = braid.tensor{{0, NAN}, {3, 7}, {NAN, NAN}}
    local loss <const> = task:loss(output, target)
    assert.near((1 + 0 + 9) / 3, loss:item(), 1e-6)
    loss:backward()
    assert.same({0, 0}, output.grad[3]:totable())
    assert.near(-2, output.grad[{2, 2}]:item(), 1e-6)
    task:observe(sums, output, target)
    assert.near((1 + 0 + 3) / 3, task:metrics(sums).mae, 1e-6)
    assert.equal("1.333 off", task:show(task:metrics(sums)))
    assert.equal(2, task:labelled(target))
  end)

  it("takes labels (n) if a sample has one number", function()
    assert.near(4, mtl.real{}:loss(braid.tensor{{1}, {2}}, braid.tensor{3, NAN}):item(), 1e-6)
  end)

  it("gives loss 0 for a batch without a label", function()
    local output <const> = braid.randn(3, 1):requires_grad_()
    local loss <const> = mtl.real{}:loss(output, braid.full({3}, NAN))
    assert.equal(0, loss:item())
    loss:backward()
    assert.equal(0, output.grad:abs():max():item())
  end)

  it("names a flip that it cannot use", function()
    assert.has_error(function() mtl.real{3, flip = {-1, 1}} end)
    assert.has_error(function() mtl.real{flip = "mirror"} end,
      "mtl.real: flip must be \"negate\", or a list of values, each a number, not \"mirror\"")
  end)
end)

describe("mtl.classes", function()
  it("leaves missing labels out of loss and accuracy", function()
    local task <const>, sums <const> = mtl.classes{2}, {}
    local output <const> = braid.tensor{{2, 0}, {0, 2}, {2, 0}}
    local target <const> = braid.tensor({1, 1, -100}, {dtype = "int64"})
    task:observe(sums, output, target)
    assert.equal(0.5, task:metrics(sums).accuracy)
    local each <const> = {math.log(1 + math.exp(-2)), math.log(1 + math.exp(2))}
    assert.near((each[1] + each[2]) / 2, task:loss(output, target):item(), 1e-6)
  end)

  it("gives loss 0 and gradient 0 for a batch without a label", function()
    local output <const> = braid.randn(3, 2):requires_grad_()
    local loss <const> = mtl.classes{2}:loss(output, braid.full({3}, -100, {dtype = "int64"}))
    assert.equal(0, loss:item())
    loss:backward()
    assert.same({{0, 0}, {0, 0}, {0, 0}}, output.grad:totable())
  end)
end)

describe("the examples that mtl.classes{hardest = share} chooses", function()
  -- Losses log(1 + e^-margin): the smaller the margin, the higher the loss.
  local MARGINS <const> = {3, -1, 0, 2, 5, 1, 4, -2, 6, 7}
  local function rows(n)
    local values <const> = {}
    for i = 1, n do values[i] = {MARGINS[i], 0} end
    return braid.tensor(values), braid.ones({n}, {dtype = "int64"})
  end
  local function loss_of(margin) return math.log(1 + math.exp(-margin)) end

  it("are those with the highest loss, and only they have a gradient", function()
    local output <const>, target <const> = rows(10)
    output:requires_grad_()
    local loss <const> = mtl.classes{2, hardest = 0.7}:loss(output, target)
    local sum = 0
    for _, margin in ipairs{-2, -1, 0, 1, 2, 3, 4} do sum = sum + loss_of(margin) end
    assert.near(sum / 7, loss:item(), 1e-6)
    loss:backward()
    for i, dy in ipairs(output.grad:totable()) do
      local kept <const> = MARGINS[i] <= 4
      assert.near(kept and -1 / (1 + math.exp(MARGINS[i])) / 7 or 0, dy[1], 1e-7)
    end
  end)

  it("are a share of those with a label, and at least one", function()
    local output <const> = rows(4)
    local task <const> = mtl.classes{2, hardest = 0.5}
    local function loss(labels)
      return task:loss(output, braid.tensor(labels, {dtype = "int64"})):item()
    end
    assert.near((loss_of(0) + loss_of(-1)) / 2, loss{1, 1, 1, 1}, 1e-6)
    assert.near(loss_of(2), loss{-100, -100, -100, 1}, 1e-6)
    assert.near(loss_of(0), loss{1, -100, 1, -100}, 1e-6)
    assert.equal(0, loss{-100, -100, -100, -100})
  end)

  it("cannot be a share of 0", function()
    assert.has_error(function() mtl.classes{2, hardest = 0} end,
      "mtl.classes: hardest must be a number above 0, up to 1, not 0")
  end)
end)

describe("mtl.tasks", function()
  local tasks <const> = mtl.tasks{a = mtl.classes{2, weight = 0.5}, b = mtl.classes{3}}
  local batch <const> = {image = braid.zeros(2, 4), count = 2,
    a = braid.tensor({1, 2}, {dtype = "int64"}), b = braid.tensor({3, 3}, {dtype = "int64"})}

  it("adds up the weighted losses of its tasks", function()
    local total <const>, each <const> = tasks:loss(
      {a = braid.zeros(2, 2), b = braid.zeros(2, 3)}, batch)
    assert.near(math.log(2), each.a:item(), 1e-6)
    assert.near(math.log(3), each.b:item(), 1e-6)
    assert.near(0.5 * math.log(2) + math.log(3), total:item(), 1e-6)
  end)

  it("does not compute the loss of a task of weight 0", function()
    local own <const> = mtl.tasks{a = mtl.real{1}, z = mtl.real{1, weight = 0}}
    for _, wild in ipairs{1e30, math.huge, 0 / 0} do
      local out <const> = {a = braid.tensor{{1}}:requires_grad_(),
        z = braid.tensor{{wild}}:requires_grad_()}
      local total <const>, each <const> = own:loss(out, {a = braid.tensor{0}, z = braid.tensor{0}})
      assert.equal(1, total:item())
      assert.is_nil(each.z)
      total:backward()
      assert.is_nil(out.z.grad)
    end
    own.a.weight = 0
    assert.error_matches(function() own:loss({a = braid.zeros(1, 1)}, {a = braid.zeros(1)}) end,
      "tasks: the weight of every task is 0", 1, true)
  end)

  it("names the output or label that is missing", function()
    assert.has_error(function() tasks:loss({a = braid.zeros(2, 2)}, batch) end,
      "tasks: the network has no output 'b'; it has a. Build it for these tasks, or add the task "
      .. "with net:add_task")
    assert.has_error(function()
      tasks:loss({a = braid.zeros(2, 2), b = braid.zeros(2, 3)}, {a = batch.a})
    end, "tasks: the data has no label 'b', which its loss wants; it has a. Name the task as its "
      .. "label, or leave it out of mtl.tasks")
  end)

  it("evaluates a network over batches, then returns it to training mode", function()
    local net <const> = mtl.shared(tasks, nn.Identity(), function(task)
      return nn.Linear(4, task.size)
    end)
    local given <const> = {batch, batch}
    local i = 0
    local report <const> = tasks:evaluate(net, function() i = i + 1 return given[i] end)
    assert.is_true(report.a.accuracy >= 0 and report.a.accuracy <= 1)
    assert.is_number(report.loss.b)
    assert.matches("^a %d+%.%d%%  b %d+%.%d%%$", tostring(report))
    assert.is_true(net.training)
  end)
end)

describe("tasks:evaluate", function()
  -- A network with one layer in evaluation mode and the others in training mode.
  local function mixed()
    local tasks <const> = mtl.tasks{a = mtl.classes{2}}
    local net <const> = mtl.shared(tasks, nn.Sequential{nn.Dropout(0.5), nn.BatchNorm1d(2)},
      function() return nn.Linear(2, 2) end)
    net:find(nn.BatchNorm1d)[1].training = false
    return tasks, net
  end
  local function modes(net)
    local list <const> = {}
    net:apply(function(m) list[#list + 1] = m.training end)
    return list
  end

  it("returns each layer to the mode it had, also after an error", function()
    local tasks <const>, net <const> = mixed()
    local before <const> = modes(net)
    assert.is_false(pcall(tasks.evaluate, tasks, net, function() error("no batch") end))
    assert.same(before, modes(net))
    assert.is_true(braid.ones(1):requires_grad_():mul(2).requires_grad)
    local done = false
    tasks:evaluate(net, function()
      if done then return nil end
      done = true
      return {image = braid.zeros(2, 2), count = 2, a = braid.tensor({1, 2}, {dtype = "int64"})}
    end)
    assert.same(before, modes(net))
    assert.is_false(pcall(net.summary, net, {3}))
    assert.same(before, modes(net))
  end)

  it("counts an output that is NaN as wrong, for several kinds of tasks", function()
    local NAN <const> = 0 / 0
    local function measured(task, output, target)
      local sums <const> = {}
      task:observe(sums, braid.tensor(output), target)
      return task:metrics(sums)
    end
    local function int(list) return braid.tensor(list, {dtype = "int64"}) end
    local truth <const> = braid.tensor{{{-0.5, 0}, {0.5, 0}}, {{-0.5, 0}, {0.5, 0}}}
    for _, lost in ipairs{{NAN, NAN, NAN, NAN}, {-0.5, 0, NAN, 0}} do
      local m <const> = measured(mtl.landmarks{points = 2, eyes = {1, 2}},
        {lost, {-0.5, 0, 0.5, 0}}, truth)
      assert.same({0.5, 0.5, math.huge}, {m.failure, m.auc, m.error})
      assert.equal(2, #m.errors)
      assert.equal(0.5, m.points[2])
    end
    local bins <const> = mtl.landmark_bins{points = 2, eyes = {1, 2}, pixels = 4}
    local sure <const> = {0, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 9, 0, 0, 9, 0}
    local lost <const> = {table.unpack(sure)}
    lost[1] = NAN
    local at <const> = bins:places(braid.tensor{sure})
    local m <const> = measured(bins, {lost, sure}, braid.cat({at, at}, 1))
    assert.same({0.5, math.huge}, {m.failure, m.error})
    local right <const> = measured(mtl.classes{2}, {{NAN, 0}, {0, NAN}, {3, 0}}, int{1, 2, 1})
    assert.near(1 / 3, right.accuracy, 1e-12)
    local each <const> = measured(mtl.attributes{2}, {{NAN, 0, 0, 1}, {1, 0, 0, NAN}},
      int{{1, 2}, {1, 2}})
    assert.same({0.5, 0.5}, each.each)
    assert.equal(math.huge, measured(mtl.real{1}, {{NAN}, {1}}, braid.tensor{1, 1}).mae)
  end)

  it("refuses labels that are not the number of a class, and names the sample", function()
    local output <const> = braid.zeros(2, 3)
    for _, label in ipairs{0, 4, -1} do
      local target <const> = braid.tensor({1, label}, {dtype = "int64"})
      assert.error_matches(function() mtl.classes{3}:observe({}, output, target) end,
        ("mtl.classes: label %d of sample 2 is not one of the classes 1 to 3"):format(label), 1,
        true)
      assert.equal(1, mtl.classes{3, ignore = label}:labelled(target))
    end
  end)

  it("weighs each task's loss by the samples that have its label", function()
    local tasks <const> = mtl.tasks{a = mtl.classes{2}}
    local function batch(labels)
      return {image = braid.zeros(#labels, 2), count = #labels,
        a = braid.tensor(labels, {dtype = "int64"})}
    end
    local net <const> = mtl.shared(tasks, nn.Identity(), function()
      return nn.Linear(2, 2)
    end)
    net.heads.a.bias:detach():copy_(braid.tensor{1, 0})
    local given <const>, i = {batch{1, -100, -100, -100}, batch{2, 2, 2, 2}}, 0
    local report <const> = tasks:evaluate(net, function() i = i + 1 return given[i] end)
    local right <const> = math.log(1 + math.exp(-1))
    assert.near((right + 4 * (right + 1)) / 5, report.loss.a, 1e-6)
    assert.near(0.2, report.a.accuracy, 1e-6)
  end)
end)

describe("models/tcdcn.lua", function()
  local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{}, gender = mtl.classes{2},
    smile = mtl.classes{2}, glasses = mtl.classes{2}, pose = mtl.classes{5}}

  it("has the parameters that its header states", function()
    assert.equal(79357, braid.model("models/tcdcn.lua", {tasks = tasks}):count_parameters())
    local normed <const> = braid.model("models/tcdcn.lua", {tasks = tasks, norm = true})
    assert.equal(79741, normed:count_parameters())
  end)

  it("gives one output for each task, and every parameter a gradient", function()
    local net <const> = braid.model("models/tcdcn.lua", {tasks = tasks})
    local out <const> = net(braid.randn(2, 1, 40, 40))
    assert.same({2, 10}, out.landmarks.shape)
    assert.same({2, 5}, out.pose.shape)
    local total
    for _, y in pairs(out) do total = total and total + y:sum() or y:sum() end
    total:backward()
    for name, p in net:named_parameters() do assert.is_truthy(p.grad, name) end
  end)

  it("halves its loss in 15 steps", function()
    braid.manual_seed(2)
    local net <const> = braid.model("models/tcdcn.lua",
      {tasks = tasks, activation = "ReLU", norm = true})
    local opt <const> = braid.optim.Adam(net:parameters(), {lr = 3e-3})
    local faces <const> = braid.data.faces{n = 64, val = 1, test = 1}.train
    local batch <const> = braid.data.loader(faces, {size = 40})()
    local first, last
    for step = 1, 15 do
      local loss <const> = tasks:loss(net(batch.image), batch)
      opt:zero_grad()
      loss:backward()
      opt:step()
      first, last = first or loss:item(), step and loss:item()
    end
    assert.is_true(last < 0.5 * first, ("%g -> %g"):format(first, last))
  end)
end)

describe("braid.model", function()
  local tasks <const> = mtl.tasks{a = mtl.classes{2}}
  local function define(text)
    local path <const> = os.tmpname()
    local file <const> = assert(io.open(path, "w"))
    file:write(text)
    file:close()
    local ok <const>, result <const> = pcall(braid.model, path, {tasks = tasks})
    os.remove(path)
    return ok, result
  end

  it("runs a definition, in which nn, mtl and braid are known", function()
    local ok <const>, net <const> = define("return function(t) return nn.Linear(2, t.a.size) end")
    assert.is_true(ok)
    assert.same({2, 2}, net.weight.shape)
  end)

  it("runs a definition without io, os, require, load, debug and package", function()
    for _, word in ipairs{"io", "os", "require", "load", "debug", "package"} do
      local ok <const>, message <const> = define(
        ("local x = %s.anything; return function() end"):format(word))
      assert.is_false(ok)
      assert.matches(word, message, 1, true)
    end
  end)

  it("names the file, option or result that is wrong", function()
    assert.has_error(function() braid.model("models/none.lua", {tasks = tasks}) end,
      "model: there is no file models/none.lua")
    assert.has_error(function() braid.model("models/tcdcn.lua", 5) end,
      "model: options must be a table, not number")
    assert.has_error(function() braid.model("models/tcdcn.lua") end)
    local _, message <const> = define("return 1")
    assert.matches("returns a number, not a function of the tasks", message, 1, true)
  end)
end)
