--- What the papers measure, with values worked out by hand.

local braid <const> = require "braid"
local mtl <const> = braid.mtl

local NAN <const> = 0 / 0

local function int(values) return braid.tensor(values, {dtype = "int64"}) end

-- Faces with eyes 0.4 apart and a nose, whose predictions are off by `off[face][point]` along x.
local function faces(off)
  local truth <const>, predicted <const> = {}, {}
  for i, row in ipairs(off) do
    truth[i] = {{-0.2, 0}, {0.2, 0}, {0, 0.3}}
    predicted[i] = {{-0.2 + row[1], 0}, {0.2 + row[2], 0}, {0, 0.3}}
    predicted[i][3][1] = row[3]
  end
  return braid.tensor(predicted):reshape(#off, -1), braid.tensor(truth)
end

local function measured(task, output, target)
  local sums <const> = {}
  local n <const> = target:size(1)
  for i = 1, n do -- in two batches or more, as it comes
    task:observe(sums, output[{ {i, i} }], target[{ {i, i} }])
  end
  return task:metrics(sums)
end

-- Relative to the eyes: 0, 0.05, 0.15; 0.1 (just), 0, 0.35; all 0.03.
local OFF <const> = {{0, 0.02, 0.06}, {0.0399, 0, 0.14}, {0.012, 0.012, 0.012}}

describe("the landmark task's metrics", function()
  it("are the share of faces within alpha, point by point, and their mean", function()
    local m <const> = measured(mtl.landmarks{points = 3}, faces(OFF))
    assert.same({1, 1, 1 / 3}, m.points)
    assert.near((1 + 1 + 1 / 3) / 3, m.point_accuracy, 1e-9)
    local wide <const> = measured(mtl.landmarks{points = 3, alpha = 0.2}, faces(OFF))
    assert.same({1, 1, 2 / 3}, wide.points)
  end)

  it("leave a missing point out of its own share", function()
    local output <const>, target <const> = faces(OFF)
    target[{2, 3}] = NAN
    local m <const> = measured(mtl.landmarks{points = 3}, output, target)
    assert.same({1, 1, 0.5}, m.points)
  end)

  it("are the area under the curve of errors up to 0.10", function()
    local m <const> = measured(mtl.landmarks{points = 3}, faces(OFF))
    local e <const> = {0.2 / 3, (0.1 + 0.35) / 3, 0.03}
    for i, v in ipairs(m.errors) do assert.near(e[i], v, 2e-4) end
    assert.near((1 - e[1] / 0.1 + 0 + 1 - e[3] / 0.1) / 3, m.auc, 1e-3)
    assert.near(1 / 3, m.failure, 1e-9)
  end)

  it("are relative to the box where the image's width in boxes is told", function()
    local task <const> = mtl.landmarks{points = 3, box = 1.1}
    local m <const> = measured(task, faces(OFF)) -- a box is 2 / 1.1 wide
    local e <const> = {0.08 / 3 * 0.55, 0.1799 / 3 * 0.55, 0.012 * 0.55}
    assert.near((e[1] + e[2] + e[3]) / 3, m.box_error, 1e-6)
    assert.equal(0, m.box_failure)
    assert.near(1 / 3, measured(mtl.landmarks{points = 3, box = 2}, faces(OFF)).box_failure, 1e-9)
    assert.is_nil(measured(mtl.landmarks{points = 3}, faces(OFF)).box_error)
  end)
end)

describe("balanced accuracy", function()
  it("is the mean of the accuracies on positives and on negatives", function()
    local output <const> = braid.tensor{{1, 0}, {1, 0}, {1, 0}, {0, 1}, {1, 0}, {0, 1}, {0, 1}}
    local m <const> = measured(mtl.classes{2}, output, int{1, 1, 1, 1, 2, 2, -100})
    assert.near(4 / 6, m.accuracy, 1e-9)
    assert.near((3 / 4 + 1 / 2) / 2, m.balanced, 1e-9)
  end)

  it("is over the classes that there are", function()
    local m <const> = measured(mtl.classes{3}, braid.tensor{{1, 0, 0}, {1, 0, 0}}, int{1, 2})
    assert.equal(0.5, m.balanced)
  end)
end)

describe("attributes of one head", function()
  local OUTPUT <const> = {{2, 0, 0, 3}, {0, 1, 0, 1}, {1, 0, 4, 0}}
  local LABELS <const> = {{1, 2}, {2, -100}, {2, 2}}

  it("are measured one by one, missing ones left out", function()
    local m <const> = measured(mtl.attributes{2}, braid.tensor(OUTPUT), int(LABELS))
    assert.same({2 / 3, 1 / 2}, m.each)
    assert.near((2 / 3 + 1 / 2) / 2, m.accuracy, 1e-9)
    assert.near(((1 + 1 / 2) / 2 + 1 / 2) / 2, m.balanced, 1e-9)
  end)

  it("have the mean cross-entropy over labels as loss", function()
    local function ce(margin) return math.log(1 + math.exp(-margin)) end
    local loss <const> = mtl.attributes{2}:loss(braid.tensor(OUTPUT), int(LABELS))
    assert.near((ce(2) + ce(3) + ce(1) + ce(-1) + ce(-4)) / 5, loss:item(), 1e-6)
  end)

  it("are put together from labels of their own names", function()
    local task <const> = mtl.attributes{"smile", "hat", weight = 2}
    local batch <const> = {smile = int{1, 2, 2},
      hat = braid.tensor({2, -100, 2}, {dtype = "int32"})}
    local tasks <const> = mtl.tasks{faces = task}
    assert.same(LABELS, task:target(batch):totable())
    local whole <const> = mtl.attributes{2}:loss(braid.tensor(OUTPUT), int(LABELS)):item()
    local loss <const> = tasks:loss({faces = braid.tensor(OUTPUT)}, batch)
    assert.near(2 * whole, loss:item(), 1e-6)
    assert.error_matches(function()
      tasks:loss({faces = braid.tensor(OUTPUT)}, {smile = batch.smile})
    end, "tasks: the data has no label 'faces', which its loss wants; it has smile.", 1, true)
  end)

  it("name what they cannot use", function()
    assert.error_matches(function() mtl.attributes{} end, "wants names of labels")
    assert.error_matches(function() mtl.attributes{"a", true} end,
      "label 2 must be a name, not true")
    assert.error_matches(function() mtl.attributes{2, wieght = 1} end, "no option 'wieght'")
  end)
end)

describe("mtl.ced", function()
  it("says which share of faces is within each error", function()
    local curve <const> = mtl.ced({0.02, 0.05, 0.3, NAN, 0.08}, {steps = 4})
    assert.same({0, 0.25, 0.5, 0.5, 0.75}, curve.share)
    assert.near(0.075, curve.error[4], 1e-12)
    assert.near((0.08 + 0.05 + 0 + 0.02) / (4 * 0.1), curve.auc, 1e-12)
    assert.equal(0.25, curve.failure)
    assert.has_error(function() mtl.ced{NAN} end, "mtl.ced: there is no error that is a number")
  end)
end)

describe("mtl.delta_m", function()
  local SINGLE <const> = {landmarks = {error = 0.10, failure = 0.4}, smile = {accuracy = 0.8}}

  it("is the mean relative gain, where less error is a gain", function()
    local report <const> = {landmarks = {error = 0.08, failure = 0.5}, smile = {accuracy = 0.76},
      more = {accuracy = 1}, loss = {smile = 1}}
    local mean <const>, each <const> = mtl.delta_m(report, SINGLE)
    assert.near(0.2, each.landmarks, 1e-9)
    assert.near(-0.05, each.smile, 1e-9)
    assert.near(0.075, mean, 1e-9)
    local other <const> = mtl.delta_m(report, SINGLE, {landmarks = "failure"})
    assert.near((-0.25 - 0.05) / 2, other, 1e-9)
  end)

  it("says what it misses", function()
    assert.error_matches(function() mtl.delta_m({}, SINGLE) end, "no task in common")
    assert.error_matches(function()
      mtl.delta_m({smile = {accuracy = 1}}, SINGLE, {smile = "speed"})
    end, "there is no metric 'speed'")
    assert.error_matches(function()
      mtl.delta_m({landmarks = {error = 1}}, SINGLE, {landmarks = "failure"})
    end, "report has no failure of 'landmarks'")
    assert.error_matches(function()
      mtl.delta_m({smile = {accuracy = 1}}, {smile = {accuracy = 0}})
    end, "is 0 alone")
  end)
end)
