--- Metrics of tasks: chosen by name, or a user's own; computed over batches of any size; and the
-- report that tasks:evaluate makes of them.

local braid <const> = require "braid"
local folder <const> = require "braid.folder"
local notice <const> = require "braid.notice"
local mtl <const> = braid.mtl

local NAN <const> = 0 / 0

local function int(values) return braid.tensor(values, {dtype = "int64"}) end

local function fails(f, message) assert.error_matches(f, message, 1, true) end

-- A task's metrics over batches of a given size.
local function measured(task, output, target, size, more)
  local sums <const>, n <const> = {}, target:size(1)
  for first = 1, n, size or n do
    local rows <const> = {first, math.min(first + (size or n) - 1, n)}
    local batch <const> = {}
    for key, t in pairs(more or {}) do batch[key] = t[{rows}] end
    task:observe(sums, output[{rows}], target[{rows}], batch)
  end
  return task:metrics(sums)
end

local function report_of(tasks, outputs, batch)
  local given = batch
  return tasks:evaluate(function() return outputs end, function()
    local b <const> = given
    given = nil
    return b
  end)
end

-- ---- all metrics --------------------------------------------------------------------------

-- A task for each form of outputs, with outputs and labels. Some labels are missing.
local function cases()
  braid.manual_seed(5)
  local labels <const> = braid.randint(1, 3, {23}):to("int64")
  labels[{ {1, 4} }] = -100
  local two <const> = braid.randint(1, 2, {23, 4}):to("int64")
  two[{ 1, {} }], two[{ 5, 2 }] = -100, -100
  local numbers <const>, points <const> = braid.randn(23, 2), braid.rand(23, 68, 2)
  numbers[{3, 1}] = NAN
  points[2] = NAN
  points[{4, 37}] = NAN
  local angles <const> = braid.randn(23, 3) * 50
  angles[{7, 2}] = NAN
  local at <const> = {eyes = {37, 46}, points = 68}
  return {
    classes = {{mtl.classes, {3}, braid.randn(23, 3), labels},
      {mtl.attributes, {4}, braid.randn(23, 8), two},
      {mtl.pose_bins, {}, braid.randn(23, 14), angles}},
    numbers = {{mtl.real, {2}, braid.randn(23, 2), numbers},
      {mtl.pose_bins, {}, braid.randn(23, 14), angles}},
    points = {{mtl.landmarks, at, braid.rand(23, 136), points, {box_width = braid.rand(23)}}},
  }
end

local function with_metrics(case, metrics)
  local o <const> = {metrics = metrics}
  for key, value in pairs(case[2]) do o[key] = value end
  return case[1](o)
end

local function near(a, b, what)
  if type(a) == "number" then
    assert.near(a, b, 1e-12 * (1 + math.abs(a)), what)
  elseif type(a) == "table" and #a > 0 then -- a value for each attribute or angle
    for i in ipairs(a) do near(a[i], b[i], what) end
  elseif type(a) == "table" and a.share then
    assert.same(a.share, b.share)
  else
    assert.equal(tostring(a), tostring(b), what)
  end
end

describe("every metric", function()
  local names <const> = folder.names(mtl.metric)

  it("has a direction, a unit and the name of what it counts", function()
    assert.is_true(#names >= 20)
    for _, name in ipairs(names) do
      local m <const> = mtl.metric[name]()
      assert.is_true(({max = true, min = true, [false] = name == "confusion" or name == "ced"})
        [m.direction], name)
      assert.is_true(#m.unit > 0 and #m.counts > 0, name)
      assert.equal(name, m.name)
      local value <const>, reason <const> = m:result()
      assert.same({nil, "nothing was observed"}, {value, reason})
    end
  end)

  it("ignores a batch without samples", function()
    local all <const>, none <const> = cases(), braid.zeros(23):to("bool")
    for _, name in ipairs(names) do
      for _, case in ipairs(all[mtl.metric[name].FORM]) do
        local whole <const> = measured(with_metrics(case, {name}), case[3], case[4], nil, case[5])
        local task <const>, sums <const> = with_metrics(case, {name}), {}
        task:observe(sums, case[3][none], case[4][none], {box_width = braid.zeros(0)})
        task:observe(sums, case[3], case[4], case[5])
        near(whole[name], task:metrics(sums)[name], name)
      end
    end
  end)

  it("is the same over batches of any size, for every kind of task", function()
    local all <const>, tried = cases(), 0
    for _, name in ipairs(names) do
      for _, case in ipairs(all[mtl.metric[name].FORM]) do
        local whole <const> = measured(with_metrics(case, {name}), case[3], case[4], nil, case[5])
        assert.is_truthy(whole[name], name)
        for _, size in ipairs{1, 5, 22} do
          local m <const> = measured(with_metrics(case, {name}), case[3], case[4], size, case[5])
          near(whole[name], m[name], name)
        end
        tried = tried + 1
      end
    end
    assert.is_true(tried > #names)
  end)

  it("is nil with a reason if no sample has a label, for every kind of task", function()
    local all <const> = cases()
    for _, name in ipairs(names) do
      for _, case in ipairs(all[mtl.metric[name].FORM]) do
        local target <const> = case[4]:clone()
        target:fill_(target.dtype == "int64" and -100 or NAN)
        local task <const> = with_metrics(case, {name})
        local m <const> = measured(task, case[3], target, 7, case[5])
        assert.is_nil(m[name], name)
        assert.is_string(m.undefined[name], name)
        assert.is_string(task:show(m))
      end
    end
  end)

  it("merges the samples of another metric of the same kind only", function()
    for _, name in ipairs(names) do
      local other <const> = mtl.metric[name == "auc" and "ap" or "auc"]()
      fails(function() mtl.metric[name]():merge(other) end,
        ("mtl.metric.%s: merge wants another of the same kind and options"):format(name))
    end
    local a <const>, b <const> = mtl.metric.accuracy(), mtl.metric.accuracy()
    a:observe(braid.zeros(2, 3), int{1, 2})
    b:observe(braid.zeros(2, 4), int{1, 2})
    fails(function() a:merge(b) end, "mtl.metric.accuracy: merge: the two have seen different")
    a:reset()
    assert.equal(0.5, (a:merge(b):result()))
    assert.same({samples = 2, missing = 0}, a:counted())
  end)

  it("counts an output that is NaN as wrong", function()
    local labels <const> = int{1, 2, 2, 1}
    local scores <const> = braid.tensor{{2, 0}, {0, 2}, {0, 2}, {2, 0}}
    local function of(name) return (mtl.metric[name]():observe(scores, labels):result()) end
    for _, name in ipairs{"accuracy", "auc", "ap", "f1", "kappa", "mcc", "balanced"} do
      assert.equal(1, of(name), name)
    end
    scores[{2, 1}] = NAN
    for _, name in ipairs{"accuracy", "auc", "ap", "f1", "kappa", "mcc", "balanced"} do
      assert.is_true(of(name) < 1, name)
    end
    -- The positive with NaN counts as below both negatives, so 2 of 4 comparisons are right.
    assert.equal(0.5, of("auc"))
    local function numbers(name)
      return (mtl.metric[name]():observe(braid.tensor{1, NAN, 2}, braid.tensor{1, 2, 3}):result())
    end
    assert.same({math.huge, math.huge, -math.huge}, {numbers "mae", numbers "rmse", numbers "r2"})
    assert.is_nil(numbers "pearson")
  end)
end)

describe("a metric without a task", function()
  it("takes scores of the positive class, scores of all classes, or predictions", function()
    local labels <const> = int{1, 1, 2, 2}
    local s <const> = braid.tensor{0.1, 0.4, 0.35, 0.8}
    assert.equal(0.75, (mtl.metric.auc():observe(s, labels):result()))
    local both <const> = braid.stack({1 - s, s}, 2)
    assert.equal(0.75, (mtl.metric.auc():observe(both, labels):result()))
    assert.equal(0.75, (mtl.metric.accuracy():observe(int{1, 1, 1, 2}, labels):result()))
    fails(function() mtl.metric.accuracy():observe(s, labels) end,
      "mtl.metric.accuracy: outputs must be scores (n, classes) or the predicted classes")
    fails(function() mtl.metric.auc():observe(int{1, 1, 1, 2}, labels) end,
      "mtl.metric.auc: outputs must be scores (n, classes), or (n) of the positive class")
    fails(function() mtl.metric.auc():observe(s, braid.ones(4)) end,
      "mtl.metric.auc: labels must be whole numbers from 1 (int64), not float32")
    fails(function() mtl.metric.auc():observe(s, int{1, 2, 3, 1}) end,
      "mtl.metric.auc: label 3 is not one of the classes 1 to 2; a missing one is -100")
    local column <const> = mtl.metric.auc():observe(s:reshape(4, 1), labels)
    assert.equal(0.75, (column:result()))
    fails(function() column:observe(s, int{1, 2, 3, 1}) end, "label 3 is not one of the classes")
    assert.equal(0.75, (column:result()))           -- the refused labels were not counted
    for _, name in ipairs{"auc", "mae", "error"} do
      local m <const> = mtl.metric[name]()
      fails(function() m:observe(3, labels) end,
        ("mtl.metric.%s: outputs must be a tensor, not 3"):format(name))
      fails(function() m:observe(s) end,
        ("mtl.metric.%s: targets must be a tensor, not nil"):format(name))
      fails(function() m:observe(s, labels, 3) end,
        ("mtl.metric.%s: the batch must be a batch, or left out, not 3"):format(name))
    end
    fails(function() mtl.metric.mae():observe(s, braid.ones(3)) end,
      "mtl.metric.mae: outputs {4} and targets {3} must be 1 number a sample each")
  end)

  it("takes probabilities as they are, and applies softmax to logits", function()
    local labels <const> = int{1, 2, 3, 1, 2, 3}
    braid.manual_seed(2)
    local logits <const> = braid.randn({6, 3}, {dtype = "float64"}) * 3
    for _, name in ipairs{"auc", "ap", "ece"} do
      local a <const> = mtl.metric[name]():observe(logits, labels):result()
      local b <const> = mtl.metric[name]():observe(logits:softmax(2), labels):result()
      local c <const> = mtl.metric[name]{scores = "logits"}:observe(logits:softmax(2), labels)
      assert.near(a, b, 1e-12, name)
      assert.is_string(tostring(c))
      if name == "ece" then assert.is_true(math.abs(c:result() - a) > 1e-3) end
    end
  end)

  it("has one value for each class, and nil for an undefined one", function()
    local said <const>, labels <const> = int{1, 1, 3, 3}, int{1, 2, 3, 1}
    local function of(o) return mtl.metric.precision(o):observe(said, labels):result() end
    assert.same({0.5, nil, 0.5}, (of{average = "each"}))
    local value <const>, reason <const> = of{class = 2}
    assert.is_nil(value)
    assert.equal("no sample is predicted as class 2", reason)
    local _, _, notes <const> = of{}
    assert.near(1 / 3, (of{}), 1e-12)     -- class 2 is never predicted and counts as 0
    assert.same({undefined = 1}, notes)
    assert.equal(0.5, (of{undefined = "out"}))
  end)

  it("is relative to the face's length that `by` names", function()
    -- The points are the corners of a square of side 1. All predictions are off by 0.1.
    local truth <const> = braid.tensor{{{0, 0}, {1, 0}, {0, 1}, {1, 1}}}
    local said <const> = truth + braid.tensor{0.1, 0}
    local function of(o)
      return mtl.metric.error(o):observe(said, truth, {box_width = braid.tensor{2}}):result()
    end
    assert.near(0.1, (of{eyes = {1, 2}}), 1e-6)
    assert.near(0.1, (of{by = "corners", corners = {2, 4}}), 1e-6)
    assert.near(0.05, (of{by = "box"}), 1e-6)
    assert.near(0.1 / math.sqrt(2), (of{by = "diagonal"}), 1e-6)
    assert.near(0.1, (of{by = "none"}), 1e-6)
    fails(function() of{} end, "mtl.metric.error: errors are divided by the eyes' distance, but no")
    fails(function() of{by = "corners"} end, "give corners = {i, j}")
    local many <const> = braid.rand(2, 68, 2)
    local e <const> = mtl.metric.error{by = "corners"}:observe(many + 0.1, many)
    local span <const> = (many[{ {}, 37 }] - many[{ {}, 46 }]):square():sum(2):sqrt()
    assert.near((0.1 * math.sqrt(2) / span):mean():item(), e:result(), 1e-5)
    local _, reason <const> = mtl.metric.failure{by = "box"}:observe(said, truth):result()
    assert.equal("the batches have no box_width", reason)
  end)
end)

describe("the metrics of a task", function()
  it("are those in its option metrics, in that order, with options after a name", function()
    local task <const> = mtl.classes{2, names = {"no", "yes"},
      metrics = {"f1.macro", "recall.yes", "auc.pr", mtl.metric.ece{bins = 5}, strict = "ap.no"}}
    local tasks <const> = mtl.tasks{smile = task, points = mtl.landmarks{}}
    local names <const> = {}
    for i, m in ipairs(tasks:metrics().smile) do names[i] = m.name end
    assert.same({"f1.macro", "recall.yes", "auc.pr", "ece.5", "strict"}, names)
    local m <const> = measured(task, braid.tensor{{1, 0}, {0, 1}, {1, 0}}, int{1, 2, 2})
    assert.near((2 / 3 + 2 / 3) / 2, m["f1.macro"], 1e-12)
    assert.equal(0.5, m["recall.yes"])
    assert.equal("f1.macro", m.metric)
    assert.matches("^f1.macro 0.6667, recall.yes 0.5000, auc.pr ", task:show(m))
  end)

  it("have thresholds and lengths in their names", function()
    local truth <const> = braid.tensor{{{0, 0}, {1, 0}}, {{0, 0}, {1, 0}}}
    local said <const> = (truth + braid.tensor{{{0.07, 0}}, {{0.2, 0}}}):reshape(2, 4)
    local task <const> = mtl.landmarks{points = 2, eyes = {1, 2}, metrics = {"failure.0.05",
      "failure.0.08", "failure", "failure.diagonal.0.3", "auc.0.1", "point_accuracy.0.15"}}
    local m <const> = measured(task, said, truth, 1)
    assert.same({1, 0.5, 0.5, 0}, {m["failure.0.05"], m["failure.0.08"], m.failure,
      m["failure.diagonal.0.3"]})
    assert.near(0.15, m["auc.0.1"], 1e-6)
    assert.equal(0.5, m["point_accuracy.0.15"])
  end)

  it("begin with the task's option `metric`, by which the task is judged", function()
    local task <const> = mtl.real{1, metric = "r2"}
    local tasks <const> = mtl.tasks{yaw = task}
    assert.same({"yaw", "r2", "max"}, (function(m) return {m.task, m.name, m.direction} end)(
      tasks:metric("yaw")))
    local m <const> = measured(task, braid.tensor{{1}, {2}}, braid.tensor{1, 3})
    assert.equal("r2 0.5000, mae 0.5000", task:show(m))
  end)

  it("cannot have unknown names, or names of metrics for other outputs", function()
    local function classes(metrics) return function() mtl.classes{2, metrics = metrics} end end
    fails(classes{"acuracy"}, "mtl.classes: there is no metric 'acuracy'; did you mean accuracy?")
    fails(classes{"mae"}, "mtl.classes: the metric 'mae' measures numbers; this task can use acc")
    fails(classes{"f1.mcro"}, "mtl.classes: the metric 'f1.mcro': 'mcro' is neither an average")
    fails(classes{"f1.3"}, "mtl.classes: the metric 'f1.3': there is no class 3 of 2")
    fails(classes{"ece.x"}, "mtl.classes: the metric 'ece.x': 'x' cannot follow ece; these "
      .. "can: bins (a whole number from 1 to 100000)")
    fails(classes{"accuracy.x"}, "nothing can follow accuracy")
    fails(classes{print}, "a metric of your own wants a name")
    fails(classes{mine = 3}, "metrics: 'mine' is 3; it must be the name of a metric")
    fails(classes{}, "mtl.classes: metrics is empty")
    fails(classes{"auc", "auc"}, "metrics has 'auc' twice")
    fails(classes{undefined = print}, "'undefined' cannot be the name of a metric")
    fails(function() mtl.landmark_bins{pixels = 4, metrics = {"f1"}} end,
      "mtl.landmark_bins: the metric 'f1' measures classes; this task can use auc, ced")
    fails(function() mtl.metric.acu() end, "braid.mtl.metric has no 'acu'; did you mean auc?")
    fails(function() mtl.tasks{table = mtl.real{}} end, "'table' cannot be the name of a task")
  end)

  it("are in the file of a network, except a user's own functions", function()
    local said <const>, write <const> = {}, notice.write
    notice.write = function(text) said[#said + 1] = text end
    local tasks <const> = mtl.tasks{a = mtl.classes{2, metric = "auc", metrics = {"f1.macro", "auc",
      fine = mtl.metric.ece{bins = 50, scores = "logits"}}},
      b = mtl.real{1, metrics = {mine = function() return 1 end}}}
    local net <const> = braid.model("models/tcdcn.lua", {tasks = tasks, width = 0.25})
    local path <const> = os.tmpname() .. ".safetensors"
    braid.save(path, net)
    braid.save(path, net)
    local _, again <const> = braid.open(path)
    os.remove(path)
    notice.write = write
    assert.same(tasks:metrics().a, again:metrics().a)
    assert.equal("mae", again:metrics().b[1].name)
    assert.equal(1, #said)
    assert.matches("does not hold the metric mine of the task b", said[1])
  end)
end)

describe("a user's own metric", function()
  local function task_with(metrics) return mtl.classes{2, metrics = metrics} end
  local OUTPUT <const> = braid.tensor{{1, 0}, {0, 1}, {1, 0}, {1, 0}}
  local LABELS <const> = int{1, 2, -100, 2}

  it("can be a function, called once with all outputs and labels that are not missing", function()
    local calls = 0
    local task <const> = task_with{"accuracy", hits = function(outputs, targets)
      calls = calls + 1
      return outputs:argmax(2):eq(targets):sum() -- a tensor of one number is accepted
    end}
    local m <const> = measured(task, OUTPUT, LABELS, 2)
    assert.same({2, 1, 2 / 3}, {m.hits, calls, m.accuracy})
    assert.equal("accuracy 66.7%, hits 2.0000", task:show(m))
    local none <const> = measured(task, OUTPUT, int{-100, -100, -100, -100})
    assert.is_nil(none.hits)
    assert.equal("no sample has a label", none.undefined.hits)
    assert.equal(1, calls)
  end)

  it("can be a table, which is copied for each evaluation", function()
    local task <const> = task_with{mine = {direction = "min", unit = "apples", seen = {},
      observe = function(self, outputs, targets, batch)
        table.insert(self.seen, targets:size(1))
        self.last, self.outputs = batch, outputs
      end,
      result = function(self)
        if #self.seen == 2 then return nil, "two are too few" end
        return #self.seen
      end}}
    assert.equal(1, measured(task, OUTPUT, LABELS).mine)
    assert.equal(1, measured(task, OUTPUT, LABELS).mine)
    local m <const> = measured(task, OUTPUT, LABELS, 2)
    assert.equal("two are too few", m.undefined.mine)
    local tasks <const> = mtl.tasks{a = task}
    assert.same({{name = "mine", direction = "min", unit = "apples",
      counts = "samples with a label"}}, tasks:metrics().a)
    assert.equal("min", tasks:direction("a.mine"))
    fails(function() task_with{mine = {result = print, direction = "up"}} end,
      "mtl.classes: the metric 'mine': direction must be \"max\" or \"min\", not \"up\"")
  end)

  it("is undefined if it returns no number", function()
    local m <const> = measured(task_with{a = function() return NAN end, b = function() end},
      OUTPUT, LABELS)
    assert.same({a = "its result is NaN", b = "it gave no result"}, m.undefined)
  end)
end)

describe("the report of tasks:evaluate", function()
  local tasks <const> = mtl.tasks{smile = mtl.classes{2, metrics = {"accuracy", "auc",
    free = function() return 3 end}}, yaw = mtl.real{1}}
  local report <const> = report_of(tasks, {smile = braid.tensor{{1, 0}, {0, 1}, {0, 1}},
    yaw = braid.tensor{{1}, {2}, {3}}}, {image = braid.ones(3, 1), count = 3,
    smile = int{2, 2, -100}, yaw = braid.full({3}, NAN)})

  it("prints as a line, and as a table with directions and reasons", function()
    assert.equal("smile accuracy 50.0%, auc undefined, free 3.0000  yaw no label", tostring(report))
    local loss <const> = (math.log(1 + math.exp(1)) + math.log(1 + math.exp(-1))) / 2
    assert.same({
      "task   metric        value  better  samples",
      "smile  accuracy      50.0%  higher  2 (1 without a label)",
      "       auc       undefined  higher                         all samples are of class 2",
      "       free         3.0000",
      ("       loss         %.4f  lower"):format(loss),
      "yaw    mae       undefined  lower   0 (3 without a label)  no sample has a label",
      "       loss      undefined  lower",
    }, (function()
      local lines <const> = {}
      for line in report:table():gmatch("[^\n]+") do lines[#lines + 1] = line end
      return lines
    end)())
  end)

  it("counts samples, and has nil for an undefined metric", function()
    assert.same({samples = 3, missing = 1}, report.smile.counted)
    assert.same({samples = 3, missing = 3}, report.yaw.counted)
    assert.same({nil, nil, "no sample has a label"},
      {report.yaw.mae, report.loss.yaw, report.yaw.undefined.mae})
  end)

  it("has metrics that tasks:metric and tasks:direction find as 'task.metric'", function()
    for path, wanted in pairs{["smile.auc"] = "max", ["smile"] = "max", ["yaw"] = "min",
      ["loss.yaw"] = "min", ["yaw.loss"] = "min"} do
      assert.equal(wanted, tasks:direction(path), path)
      assert.equal(path:match("yaw") or "smile", tasks:metric(path).task)
    end
    assert.is_nil(tasks:metric("smile.free").direction)
    fails(function() tasks:direction("smile.free") end, "tasks: direction: the metric 'free' of "
      .. "'smile' has none: give it as {result = f, direction = \"max\" or \"min\"}")
    fails(function() tasks:metric("smile.acu") end, "tasks: metric: there is no metric 'smile.acu'"
      .. "; did you mean smile.auc")
    for _, path in ipairs{"names", "names.1", "", ".", "smile.", "each.x", "loss", "loss.x"} do
      assert.is_false(pcall(tasks.metric, tasks, path) and path ~= "smile.", path)
    end
    fails(function() tasks:metric(3) end, "the name must be the name of a task's metric")
  end)
end)
