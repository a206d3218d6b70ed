--- The metrics that papers use, against values worked out by hand.

local braid <const> = require "braid"
local mtl <const> = braid.mtl

local NAN <const>, EYES <const> = 0 / 0, {1, 2}

local function int(values) return braid.tensor(values, {dtype = "int64"}) end

-- Faces with two eyes, 0.4 apart, and a nose. Predictions are off by `off[face][point]` along x.
local function faces(off)
  local truth <const>, predicted <const> = {}, {}
  for i, row in ipairs(off) do
    truth[i] = {{-0.2, 0}, {0.2, 0}, {0, 0.3}}
    predicted[i] = {{-0.2 + row[1], 0}, {0.2 + row[2], 0}, {0, 0.3}}
    predicted[i][3][1] = row[3]
  end
  return braid.tensor(predicted):reshape(#off, -1), braid.tensor(truth)
end

local function measured(task, output, target, widths)
  local sums <const> = {}
  local n <const> = target:size(1)
  for i = 1, n do -- one face in each batch
    task:observe(sums, output[{ {i, i} }], target[{ {i, i} }],
      widths and {box_width = braid.tensor{widths[i]}})
  end
  return task:metrics(sums)
end

-- Relative to the distance between the eyes: 0, 0.05, 0.15; just under 0.1, 0, 0.35; all 0.03.
local OFF <const> = {{0, 0.02, 0.06}, {0.0399, 0, 0.14}, {0.012, 0.012, 0.012}}

describe("the landmark task's metrics", function()
  it("are, for each point, the share of faces with an error within alpha, and the mean", function()
    local m <const> = measured(mtl.landmarks{points = 3, eyes = EYES}, faces(OFF))
    assert.same({1, 1, 1 / 3}, m.points)
    assert.near((1 + 1 + 1 / 3) / 3, m.point_accuracy, 1e-9)
    local wide <const> = measured(mtl.landmarks{points = 3, eyes = EYES, alpha = 0.2}, faces(OFF))
    assert.same({1, 1, 2 / 3}, wide.points)
  end)

  it("leave a missing point out of its own share", function()
    local output <const>, target <const> = faces(OFF)
    target[{2, 3}] = NAN
    local m <const> = measured(mtl.landmarks{points = 3, eyes = EYES}, output, target)
    assert.same({1, 1, 0.5}, m.points)
  end)

  it("include the area under the curve of errors up to 0.10", function()
    local m <const> = measured(mtl.landmarks{points = 3, eyes = EYES}, faces(OFF))
    local e <const> = {0.2 / 3, (0.1 + 0.35) / 3, 0.03}
    for i, v in ipairs(m.errors) do assert.near(e[i], v, 2e-4) end
    assert.near((1 - e[1] / 0.1 + 0 + 1 - e[3] / 0.1) / 3, m.auc, 1e-3)
    assert.near(1 / 3, m.failure, 1e-9)
  end)

  it("are relative to the width of each face's box if the batch has box_width", function()
    local task <const> = mtl.landmarks{points = 3, eyes = EYES}
    local m <const> = measured(task, faces(OFF), select(2, faces(OFF)), {0.5, 1.2, 2})
    local e <const> = {0.08 / 3 / 0.5, 0.1799 / 3 / 1.2, 0.012 / 2}
    assert.near((e[1] + e[2] + e[3]) / 3, m.box_error, 1e-6)
    assert.near(1 / 3, m.box_failure, 1e-9)
    assert.equal(0, m.without_box)
    assert.is_nil(measured(task, faces(OFF)).box_error)
  end)

  it("count the faces that cannot be measured", function()
    local output <const>, target <const> = faces{{0, 0, 0.08}, {0, 0, 1}, {0, 0, 1}, {0, 0, 0.08}}
    target[{1, 2}] = NAN                                     -- an eye is missing,
    target[{2, 2}] = target[{2, 1}]                          -- both eyes are at one place,
    target[3] = NAN                                          -- there are no points at all
    local m <const> = measured(mtl.landmarks{points = 3, eyes = EYES}, output, target,
      {1, NAN, 1, 0})
    assert.same({2, 1, 2}, {m.without_eyes, m.without_points, m.without_box})
    assert.near(0.08 / 3 / 0.4, m.error, 1e-6)
    assert.near(0.08 / 2 / 1, m.box_error, 1e-6)             -- over the two points with labels
    assert.equal("0.0667 (fail  0.0%, 2 without eyes), of the box 0.0400 (fail  0.0%, 2 without "
      .. "a box)", mtl.landmarks{points = 3, eyes = EYES}:show(m))
    for _, value in pairs(m) do assert.is_true(type(value) ~= "number" or value < math.huge) end
  end)

  it("are nil, with a reason, if no face can be measured", function()
    for _, points in ipairs{1, 3} do
      local task <const> = mtl.landmarks{points = points, eyes = points == 3 and EYES}
      local m <const> = measured(task, braid.zeros(2, 2 * points), braid.full({2, points, 2}, NAN),
        {NAN, 1})
      assert.equal(2, m.without_points)
      assert.same({}, {m.box_error, m.error, m.distance})
      assert.equal("no face has points", m.undefined.box_error)
      assert.equal(points == 3 and "no face has points" or nil, m.undefined.error)
      assert.equal((points == 3 and "no error (0 without eyes), " or "")
        .. "of the box no error (0 without a box)", task:show(m))
    end
  end)

  it("measure from the mean of several points if `eyes` names several for an eye", function()
    -- The middles of the eyes differ by 0.3 and 0.4.
    local truth <const> = braid.tensor{{{0, 0}, {0.2, 0}, {0.3, 0.5}, {0.5, 0.3}, {0.4, 0.4}}}
    local output <const> = truth:reshape(1, -1) + 0.03
    local m <const> = measured(mtl.landmarks{eyes = {{1, 2}, {3, 4, 5}}}, output, truth)
    assert.near(0.03 * math.sqrt(2) / 0.5, m.error, 1e-6)
    truth[{1, 4}] = NAN
    assert.equal(1, measured(mtl.landmarks{eyes = {{1, 2}, {3, 4, 5}}}, output, truth).without_eyes)
  end)

  it("without eyes are relative to the box's width, or else a plain distance", function()
    local task <const> = mtl.landmarks{points = 1, eyes = false}
    local truth <const>, output <const> = braid.zeros(1, 1, 2), braid.tensor{{0.3, 0.4}}
    local m <const> = measured(task, output, truth)
    assert.near(0.5, m.distance, 1e-6)
    assert.equal("0.5000 off", task:show(m))
    assert.same({}, {m.error, m.failure, m.points})
    assert.equal("of the box 0.2500 (fail 100.0%)", task:show(measured(task, output, truth, {2})))
    assert.error_matches(function() task:errors(output, truth) end, "and eyes is false")
  end)
end)

describe("the eyes of a landmark task", function()
  local function said(o)
    local ok <const>, message <const> = pcall(mtl.landmarks, o)
    assert.is_false(ok)
    return message:gsub("^.-: mtl.landmarks: ", "")
  end

  it("are the first two points if there are five, and must be given otherwise", function()
    assert.same({1, 2}, mtl.landmarks{}.eyes)
    for _, points in ipairs{1, 2, 3, 4, 6, 19, 21, 68, 98, 106} do
      assert.matches(("no eyes are known for %d points?: give eyes = {i, j}"):format(points),
        said{points = points})
      assert.is_false(mtl.landmarks{points = points, eyes = false}.eyes)
    end
  end)

  it("must be two different points, or lists of points, within the number of points", function()
    for _, eyes in ipairs{{1, 7}, {7, 1}, {{1, 7}, {2}}, {1, {2, 7}}} do
      assert.matches("eyes must be numbers from 1 to 6", said{points = 6, eyes = eyes})
    end
    for _, eyes in ipairs{{1, 1}, {{1, 2}, 2}, {{1, 2}, {3, 1}}, {{1, 1}, 2}} do
      assert.matches("eyes must be of different points", said{points = 6, eyes = eyes})
    end
    for _, eyes in ipairs{{1}, {1, 2, 3}, {0, 1}, {1.0, 2}, {{}, 1}, {1, "2"}, true, 3, "eyes"} do
      assert.matches("eyes must be a list of 2 values", said{points = 6, eyes = eyes})
    end
  end)

  it("stay the same when the user's lists change later", function()
    local given <const> = {{1, 2}, {3, 4}}
    local task <const> = mtl.landmarks{eyes = given}
    given[1][1] = 5
    assert.same({{1, 2}, {3, 4}}, task.eyes)
  end)
end)

describe("balanced accuracy", function()
  it("is the mean of the accuracies on positives and on negatives", function()
    local output <const> = braid.tensor{{1, 0}, {1, 0}, {1, 0}, {0, 1}, {1, 0}, {0, 1}, {0, 1}}
    local m <const> = measured(mtl.classes{2}, output, int{1, 1, 1, 1, 2, 2, -100})
    assert.near(4 / 6, m.accuracy, 1e-9)
    assert.near((3 / 4 + 1 / 2) / 2, m.balanced, 1e-9)
  end)

  it("leaves out classes without samples", function()
    local m <const> = measured(mtl.classes{3}, braid.tensor{{1, 0, 0}, {1, 0, 0}}, int{1, 2})
    assert.equal(0.5, m.balanced)
  end)
end)

describe("mtl.attributes", function()
  local OUTPUT <const> = {{2, 0, 0, 3}, {0, 1, 0, 1}, {1, 0, 4, 0}}
  local LABELS <const> = {{1, 2}, {2, -100}, {2, 2}}

  it("measures each attribute by itself, and leaves missing labels out", function()
    local m <const> = measured(mtl.attributes{2}, braid.tensor(OUTPUT), int(LABELS))
    assert.same({2 / 3, 1 / 2}, m.each)
    assert.near((2 / 3 + 1 / 2) / 2, m.accuracy, 1e-9)
    assert.near(((1 + 1 / 2) / 2 + 1 / 2) / 2, m.balanced, 1e-9)
  end)

  it("has as its loss the mean cross-entropy over labels that are not missing", function()
    local function ce(margin) return math.log(1 + math.exp(-margin)) end
    local loss <const> = mtl.attributes{2}:loss(braid.tensor(OUTPUT), int(LABELS))
    assert.near((ce(2) + ce(3) + ce(1) + ce(-1) + ce(-4)) / 5, loss:item(), 1e-6)
  end)

  it("takes its target from the batch's labels of the attributes' names", function()
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

  it("names options and labels that it cannot use", function()
    assert.error_matches(function() mtl.attributes{} end, "wants names of labels")
    assert.error_matches(function() mtl.attributes{"a", true} end,
      "label 2 must be a name, not true")
    assert.error_matches(function() mtl.attributes{2, wieght = 1} end, "no option 'wieght'")
  end)
end)

describe("mtl.ced", function()
  it("gives the share of faces whose error is at most each value", function()
    local curve <const> = mtl.ced({0.02, 0.05, 0.3, NAN, 0.08}, {steps = 4})
    assert.same({0, 0.25, 0.5, 0.5, 0.75}, curve.share)
    assert.near(0.075, curve.error[4], 1e-12)
    assert.near((0.08 + 0.05 + 0 + 0.02) / (4 * 0.1), curve.auc, 1e-12)
    assert.equal(0.25, curve.failure)
    assert.equal(1, curve.left_out)
    assert.error_matches(function() mtl.ced{NAN} end, "mtl.ced: all errors are NaN")
  end)
end)

describe("mtl.delta_m", function()
  local SINGLE <const> = {landmarks = {error = 0.10, failure = 0.4}, smile = {accuracy = 0.8}}

  it("is the mean relative gain of all tasks, and a lower error is a gain", function()
    local report <const> = {landmarks = {error = 0.08, failure = 0.5}, smile = {accuracy = 0.76},
      more = {accuracy = 1}, loss = {smile = 1}}
    local mean <const>, each <const> = mtl.delta_m(report, SINGLE)
    assert.near(0.2, each.landmarks, 1e-9)
    assert.near(-0.05, each.smile, 1e-9)
    assert.near(0.075, mean, 1e-9)
    local other <const> = mtl.delta_m(report, SINGLE, {landmarks = "failure"})
    assert.near((-0.25 - 0.05) / 2, other, 1e-9)
  end)

  it("compares distances if points have no eyes", function()
    local mean <const> = mtl.delta_m({hand = {distance = 0.3}}, {hand = {distance = 0.4}})
    assert.near(0.25, mean, 1e-9)
  end)

  it("names what is missing", function()
    assert.error_matches(function() mtl.delta_m({}, SINGLE) end, "no task in common")
    assert.error_matches(function()
      mtl.delta_m({smile = {accuracy = 1}}, SINGLE, {smile = "speed"})
    end, "there is no metric 'speed'")
    assert.error_matches(function()
      mtl.delta_m({landmarks = {error = 1}}, SINGLE, {landmarks = "failure"})
    end, "report has no failure of 'landmarks'")
    assert.error_matches(function()
      mtl.delta_m({smile = {accuracy = 1}}, {smile = {accuracy = 0}})
    end, "is 0 in the single%-task report")
  end)
end)

-- Bins of 30 degrees, as in table 1: 4 bins from -60 to 60, 5 bins from -75 to 75.
describe("mtl.pose_bins", function()
  local task <const> = mtl.pose_bins{"roll", "yaw", bins = {4, 5}, weight = 2}
  local ANGLES <const> = { {-1, 14}, {0, 16}, {59, -200}, {61, NAN}, {-31, 46} }
  local BINS <const> = { {2, 3}, {3, 4}, {4, 1}, {4, -100}, {1, 5} }

  it("has two bins that meet at 0 if their number is even, one around 0 if odd", function()
    local angles <const> = braid.tensor(ANGLES)
    for a = 1, 2 do
      local wanted <const> = {}
      for i, row in ipairs(BINS) do wanted[i] = row[a] end
      assert.same(wanted, task:bin(a, angles[{ {}, a }]):totable())
    end
    assert.equal(14, mtl.pose_bins{"roll", "pitch", "yaw"}.size)
  end)

  local function scores(bins) -- 1 where the bin is, 0 elsewhere
    local out <const> = {}
    for i, row in ipairs(bins) do
      out[i] = {}
      for k = 1, 9 do out[i][k] = (k == row[1] or k == 4 + row[2]) and 1 or 0 end
    end
    return braid.tensor(out)
  end

  it("has as its loss the mean cross-entropy over angles that are not missing", function()
    local batch <const> = {roll = braid.tensor{-1, 61}, yaw = braid.tensor{14, NAN}}
    local loss <const> = mtl.tasks{head = task}:loss({head = scores{{2, 3}, {1, 1}}}, batch)
    local e <const> = math.exp(1)
    local wanted <const> = (math.log(3 + e) - 1 + math.log(4 + e) - 1 + math.log(3 + e)) / 3
    assert.near(2 * wanted, loss:item(), 1e-5)
  end)

  it("measures the share of right bins, and the error in degrees", function()
    local m <const> = measured(task, scores{{2, 3}, {2, 4}, {4, 1}, {4, 1}, {1, 4}},
      braid.tensor(ANGLES))
    assert.same({4 / 5, 3 / 4}, m.each)
    assert.near(7 / 9, m.accuracy, 1e-9)
    assert.near((14 + 14 + 15 + 14 + 14 + 140 + 16 + 14 + 16) / 9, m.mae, 1e-4)
  end)

  it("names options and labels that it cannot use", function()
    assert.error_matches(function() mtl.pose_bins{"roll", "yaw", bins = {1, 2, 3}} end,
      "mtl.pose_bins: bins must be one number, or one for each of 2 labels")
    assert.error_matches(function() mtl.pose_bins{bins = 0} end, "mtl.pose_bins: bins")
    assert.error_matches(function() task:target({roll = braid.zeros(1), yaw = braid.zeros(1, 2)},
      "head") end, "bins are given for 2 angles, but the labels of 'head' have 3")
  end)
end)
