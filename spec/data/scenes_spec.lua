--- Tests data.scenes, which draws pictures with several faces, their boxes, points and labels.

local braid <const> = require "braid"
local data <const> = braid.data

local OPTIONS <const> = {n = 24, size = {120, 160}, val = 2, test = 2, seed = 3}

local function scenes(more)
  local o <const> = {}
  for _, list in ipairs{OPTIONS, more or {}} do
    for key, value in pairs(list) do o[key] = value end
  end
  return data.scenes(o)
end

-- The faces of each picture, {picture = {sample, ...}}.
local function by_picture(set)
  local lists <const> = {}
  for i, row in ipairs(set.index:totable()) do
    lists[row] = lists[row] or {}
    table.insert(lists[row], i)
  end
  return lists
end

describe("data.scenes", function()
  local set <const> = scenes().train

  it("draws the same pictures for the same seed, for any n and any number of threads", function()
    local threads <const> = braid.get_threads()
    braid.set_threads(1)
    local few <const> = scenes{n = 8}.train
    braid.set_threads(threads)
    local count <const> = #few
    assert.same(few.images:totable(), set.images[{ {1, 8} }]:totable())
    assert.same(few.labels.landmarks:totable(), set:subset(1, count).labels.landmarks:totable())
    assert.same(few.boxes:totable(), set:subset(1, count).boxes:totable())
    assert.not_same(few.images:totable(), scenes{n = 8, seed = 4}.train.images:totable())
    assert.not_same(scenes().val.images:totable(), scenes().test.images:totable())
  end)

  it("does not change the random numbers that braid.rand gives", function()
    braid.manual_seed(7)
    local expected <const> = braid.rand(3):totable()
    braid.manual_seed(7)
    scenes{n = 2}
    assert.same(expected, braid.rand(3):totable())
  end)

  it("puts boxes and points inside the picture, and faces without overlap", function()
    assert.same({24, 3, 120, 160}, set.images.shape)
    local boxes <const> = set.boxes:totable()
    for _, b in ipairs(boxes) do
      assert.is_true(b[1] >= -0.5 and b[2] >= -0.5 and b[3] <= 159.5 and b[4] <= 119.5)
      assert.near(b[3] - b[1], b[4] - b[2], 1e-3)
    end
    for _, list in pairs(by_picture(set)) do
      assert.is_true(#list <= 4)
      for i = 2, #list do
        local a <const>, b <const> = boxes[list[i - 1]], boxes[list[i]]
        assert.is_true(a[3] <= b[1] or b[3] <= a[1] or a[4] <= b[2] or b[4] <= a[2])
      end
    end
    local middle <const> = set.labels.landmarks:mean(2)
    for i, b in ipairs(boxes) do
      local x <const>, y <const> = middle[i][1]:item(), middle[i][2]:item()
      assert.is_true(x > b[1] and x < b[3] and y > b[2] and y < b[4])
    end
  end)

  it("makes faces with sides from least to most", function()
    local small <const> = scenes{least = 30, most = 40, faces = 2}.train
    for _, b in ipairs(small.boxes:totable()) do
      assert.is_true(b[3] - b[1] > 29 and b[3] - b[1] < 41)
    end
  end)

  it("makes a data set from which a loader cuts out faces with points and labels", function()
    local batch <const> = data.loader(set, {batch = 8, size = 40})()
    assert.same({8, 3, 40, 40}, batch.image.shape)
    assert.same({8, 5, 2}, batch.landmarks.shape)
    assert.is_true(batch.landmarks:abs():max():item() < 1.3)
    -- The eyes are above the mouth, and the left eye is on the left.
    local p <const> = batch.landmarks:mean(1):totable()
    assert.is_true(p[1][2] < p[4][2] and p[1][1] < p[2][1])
    for _, name in ipairs{"gender", "smile", "glasses", "pose"} do
      assert.is_true(batch[name]:ge(1):all():item())
    end
    local other <const> = set:subset(1, 4)
    assert.same(set.labels.pose[{ {1, 4} }]:totable(), other.labels.pose:totable())
  end)

  it("has the colour of skin at the nose's point", function()
    -- This picture has skin colour at the nose only if the face was drawn where its points say.
    local at <const> = set.labels.landmarks[1][3]:totable() -- the nose
    local row <const> = set.index[1]:item()
    local x <const>, y <const> = math.floor(at[1] + 0.5) + 1, math.floor(at[2] + 0.5) + 1
    local patch <const> = set.images[row][{ {}, {y - 2, y + 2}, {x - 2, x + 2} }]:to("float32")
    local skin <const> = patch:mean({2, 3})
    assert.is_true(skin[1]:item() > 20) -- skin is more red than blue
    assert.is_true(skin[1]:item() > skin[3]:item())
  end)

  it("raises an error if least is above most", function()
    assert.has_error(function() scenes{least = 50, most = 40} end)
  end)
end)
