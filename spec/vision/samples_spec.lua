--- vision.samples cuts squares out of pictures and labels them by their overlap with faces.
-- vision.measure tells how well a detector finds faces. The pictures are rendered scenes.

local braid <const> = require "braid"
local class <const> = require "braid.class"
local mtl <const>, nn <const>, vision <const> = braid.mtl, braid.nn, braid.vision
local overlap <const> = vision.samples.overlap

local scenes <const> = braid.data.scenes{n = 6, size = 120, seed = 2, val = 1, test = 1}.train

-- The faces of each picture, {picture = {{box, points}, ...}}, with pixels counted from 1 as
-- detectors do.
local function truth()
  local of <const> = {}
  for i, row in ipairs(scenes.index:totable()) do
    local b <const> = scenes.boxes[i]:totable()
    of[row] = of[row] or {}
    table.insert(of[row], {{b[1] + 1.5, b[2] + 1.5, b[3] + 0.5, b[4] + 0.5},
      (scenes.labels.landmarks[i] + 0.5):totable()})
  end
  return of
end

-- A detector. For the next picture it finds what answer(faces) returns for the picture's faces.
local function detecting(answer)
  local of <const>, i = truth(), 0
  return function()
    i = i + 1
    local boxes <const>, points <const> = {}, {}
    for _, face in ipairs(of[i] or {}) do answer(face, boxes, points) end
    local n <const> = #boxes
    return {boxes = n > 0 and braid.tensor(boxes) or braid.zeros({0, 4}),
      points = n > 0 and braid.tensor(points) or braid.zeros({0, 5, 2})}
  end
end

describe("the overlap of boxes", function()
  it("is their common area divided by the area of their union, in whole pixels", function()
    assert.equal(1, overlap({1, 1, 4, 4}, {1, 1, 4, 4}))
    assert.near(2 * 4 / (16 + 16 - 8), overlap({1, 1, 4, 4}, {3, 1, 6, 4}), 1e-12)
    assert.equal(0, overlap({1, 1, 4, 4}, {5, 1, 8, 4}))
    assert.near(1 / 9, overlap({1, 1, 3, 3}, {2, 2, 2, 2}), 1e-12)
  end)
end)

describe("vision.samples", function()
  local samples <const> = vision.samples(scenes, {size = 24, near = 12})

  it("gives negative, part and positive squares, each kind with its labels", function()
    local kinds <const> = {negative = 0, part = 0, positive = 0}
    for i, face in ipairs(samples.face:totable()) do
      local box <const> = samples.box[i]
      local moved <const>, points <const> = box:eq(box):all():item(),
        samples.landmarks[i]:eq(samples.landmarks[i]):all():item()
      local kind <const> = face == 2 and "positive" or face == 1 and "negative" or "part"
      kinds[kind] = kinds[kind] + 1
      assert.equal(kind ~= "negative", moved)
      assert.equal(kind == "positive", points)
    end
    assert.same(samples.counts, kinds)
    assert.same({#samples, 3, 24, 24}, samples.images.shape)
    assert.is_true(kinds.positive > 10 and kinds.part > 10)
    assert.is_true(kinds.negative <= 3 * kinds.positive and kinds.part <= kinds.positive)
  end)

  it("labels a square with the distances from its sides to the face's sides", function()
    -- For a square of side s at x, the face begins at x + s * box[1] and ends s * box[3] from the
    -- end of the square. The points of the face are in their order: eyes above the mouth.
    local positives = 0
    for i, face in ipairs(samples.face:totable()) do
      local b <const> = samples.box[i]:totable()
      if face == 2 then
        positives = positives + 1
        local w <const>, h <const> = 1 + b[3] - b[1], 1 + b[4] - b[2]
        assert.near(w, h, 0.05) -- the faces' boxes are square, and so are the drawn ones
        -- overlap of the square and the face, both of them inside the unit square's frame
        local iw <const> = math.min(1, 1 + b[3]) - math.max(0, b[1])
        local ih <const> = math.min(1, 1 + b[4]) - math.max(0, b[2])
        assert.is_true(iw * ih / (1 + w * h - iw * ih) > 0.6)
        local p <const> = samples.landmarks[i]:totable()
        assert.is_true(p[1][2] + p[2][2] < p[4][2] + p[5][2])
      end
    end
    assert.equal(samples.counts.positive, positives)
  end)

  it("depends only on its seed", function()
    braid.manual_seed(3)
    local again <const> = vision.samples(scenes, {size = 24, near = 12})
    assert.same(samples.images:totable(), again.images:totable())
    local other <const> = vision.samples(scenes, {size = 24, near = 12, seed = 2})
    assert.not_same(samples.images:totable(), other.images:totable())
  end)

  it("has a loader whose order depends on the epoch", function()
    local loader <const> = samples:loader{batch = 50, epoch = 1}
    local batches, count = 0, 0
    for batch in loader do
      batches, count = batches + 1, count + batch.count
      assert.same({batch.count, 3, 24, 24}, batch.image.shape)
      assert.is_true(batch.image:abs():max():item() <= 1)
    end
    assert.equal(#samples:loader{batch = 50}, batches)
    assert.equal(#samples, count)
    local function first(epoch)
      return samples:loader{batch = 8, epoch = epoch}().image:totable()
    end
    assert.same(first(1), first(1))
    assert.not_same(first(1), first(2))
  end)

  it("has a loader that mirrors pictures, boxes and points together", function()
    local straight <const> = samples:loader{batch = #samples, shuffle = false, flip = false}()
    local mixed <const> = samples:loader{batch = #samples, shuffle = false, epoch = 1}()
    -- In epoch 1 samples 1, 3, 5 ... are mirrored, and come after the others.
    local at <const> = #samples // 2 + 1
    assert.same(straight.face[1]:item(), mixed.face[at]:item())
    assert.is_true((straight.image[1]:flip{3} - mixed.image[at]):abs():max():item() == 0)
    for i, face in ipairs(straight.face:totable()) do
      if i % 2 == 1 and face == 2 then
        local k <const> = #samples // 2 + (i + 1) // 2
        local a <const>, b <const> = straight.box[i]:totable(), mixed.box[k]:totable()
        assert.same({-a[3], a[2], -a[1], a[4]}, b)
        local p <const>, q <const> = straight.landmarks[i]:totable(), mixed.landmarks[k]:totable()
        assert.same({{-p[2][1], p[2][2]}, {-p[1][1], p[1][2]}, {-p[3][1], p[3][2]}},
          {q[1], q[2], q[3]})
        return
      end
    end
    error("no positive was mirrored")
  end)

  it("takes the false alarms of a detector as hard negatives", function()
    local P <const> = class("P that finds faces everywhere", nn.Module)
    function P:slide(x)
      local h <const>, w <const> = (x:size(3) - 12) // 2 + 1, (x:size(4) - 12) // 2 + 1
      local face <const> = braid.zeros({1, 2, h, w})
      face[{ {}, 2 }] = 5
      return {face = face, box = braid.zeros({1, 4, h, w})}
    end
    local detector <const> = vision.detector({P = P()}, {last = "P", min_face = 30})
    local parts <const>, squares <const> = detector:proposals(scenes.images[1])
    assert.is_true(parts:size(1) > 10)
    assert.same(parts.shape, squares.shape)
    assert.is_true(parts[{ {}, {1, 2} }]:min():item() >= 1 and parts:max():item() <= 120)
    local function count(given)
      local found <const> = vision.samples(scenes, given)
      return found.counts.negative + found.counts.part + found.counts.positive
    end
    local few <const> = {size = 24, random = 0, near = 2, ratio = 1000}
    local alone <const> = count(few)
    few.detector = detector
    assert.is_true(count(few) > alone + 10)
    assert.has_error(function() detector(scenes.images[1]) end,
      "vision.detector: with last = \"P\" it only proposes")
  end)

  it("can train MTCNN's network R: the loss of faces falls", function()
    local many <const> = vision.samples(scenes, {size = 24, near = 60, random = 20})
    braid.manual_seed(1)
    local net <const> = braid.model("models/mtcnn.lua", {stage = "R"})
    local opt <const>, sums <const> = braid.optim.Adam(net:parameters(), {lr = 2e-3}), {}
    for epoch = 1, 8 do
      sums[epoch] = 0.0
      for batch in many:loader{batch = 32, epoch = epoch} do
        local _ <close> = braid.scope()
        local loss <const>, parts <const> = net.tasks:loss(net(batch.image), batch)
        opt:zero_grad()
        loss:backward()
        opt:step()
        sums[epoch] = sums[epoch] + parts.face:item()
      end
    end
    assert.is_true(sums[8] < 0.8 * sums[1], ("%g, %g"):format(sums[1], sums[8]))
  end)

  it("needs a data set with boxes", function()
    assert.has_error(function() vision.samples(braid.data.faces{n = 2, size = 16}.train) end)
  end)
end)

describe("vision.measure", function()
  it("finds no error in the true boxes", function()
    local m <const> = vision.measure(detecting(function(face, boxes, points)
      table.insert(boxes, face[1])
      table.insert(points, face[2])
    end), scenes)
    assert.same({#scenes, #scenes, 0, 0, 6}, {m.faces, m.found, m.missed, m.false_alarms,
      m.pictures})
    assert.near(0, m.error, 1e-5)
    assert.equal(0, m.failure)
  end)

  it("counts missed faces, false alarms, and errors of points", function()
    local n = 0
    local m <const> = vision.measure(detecting(function(face, boxes, points)
      n = n + 1
      if n == 1 then return end -- missed
      table.insert(boxes, face[1])
      local p <const>, moved <const> = face[2], {}
      local unit <const> = math.sqrt((p[1][1] - p[2][1]) ^ 2 + (p[1][2] - p[2][2]) ^ 2)
      for k, at in ipairs(p) do moved[k] = {at[1] + (n == 2 and 0.2 or 0.05) * unit, at[2]} end
      table.insert(points, moved)
      if n == 3 then -- a second box of the same face
        table.insert(boxes, face[1])
        table.insert(points, moved)
      end
    end), scenes)
    local found <const> = #scenes - 1
    assert.same({found, 1, 1}, {m.found, m.missed, m.false_alarms})
    assert.near((0.2 + 0.05 * (found - 1)) / found, m.error, 1e-4)
    assert.near(1 / found, m.failure, 1e-9)
    assert.equal(#scenes, #m.errors)
  end)

  it("does not count a box that overlaps a face too little", function()
    local function far(face, boxes, points)
      table.insert(boxes, {1, 1, 120, 120})
      table.insert(points, face[2])
    end
    local m <const> = vision.measure(detecting(far), scenes, {overlap = 0.9})
    assert.equal(0, m.found)
    assert.is_true(m.error ~= m.error and m.failure ~= m.failure)
  end)
end)

describe("MTCNN on scenes", function()
  it("without a mixer can be widened to the parameters that it has with one", function()
    local function make(width, mixer)
      return braid.model("models/mtcnn.lua", {stage = "R", width = width, mixer = mixer})
    end
    local count <const> = make(1, mtl.collaborative{}):count_parameters()
    local wide <const> = mtl.widen(make, count)
    assert.near(1, wide:count_parameters() / count, 0.03)
  end)
end)
