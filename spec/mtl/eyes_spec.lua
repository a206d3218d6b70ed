--- Landmark errors relative to the distance between the eyes and to the width of the box, from the
-- files to the report. Expected values are computed here from the raw numbers.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"
local trees <const> = require "spec.support.reader_trees"
local Dataset <const> = require "braid.data.dataset"
local data <const>, mtl <const> = braid.data, braid.mtl
local eye_faces <const> = require "spec.support.eye_faces"

local W <const>, H <const> = eye_faces.W, eye_faces.H
local faces_of <const> = eye_faces.faces_of
local READERS <const> = eye_faces.READERS
local middle <const> = eye_faces.middle

-- What row.frame gives, for a whole picture that is not square; and half of its height.
local function whole_of(row)
  return function(face)
    local _, _, _, width <const> = row.frame(face)
    return (W - 1) / 2, (H - 1) / 2, W / 2, width, H / 2
  end
end

-- ---- the report in plain Lua --------------------------------------------------------------

local PIXELS <const> = 40
-- The network's answer for coordinate k: the bin and the middle of the bin.
local function bin(k) return 12 + (7 * k) % 17 end
local function said(k) return (bin(k) - 0.5) * 2 / PIXELS - 1 end

-- The count, sum and list of numbers, and how many are above a limit.
local function tally(limit)
  local t <const> = {n = 0, sum = 0, above = 0, list = {}}
  function t.add(v)
    t.n, t.sum, t.above = t.n + 1, t.sum + v, t.above + (v > limit and 1 or 0)
    t.list[t.n] = v
  end
  return t
end

local function expected(row, faces, frame)
  local eyed <const>, boxed <const> = tally(0.10), tally(0.05)
  local near <const>, told <const> = {}, {}
  for _, face in ipairs(faces) do
    local cx <const>, cy <const>, half <const>, width <const>, tall <const> = frame(face)
    local x1 <const>, y1 <const> = middle(face.points, row.eyes[1])
    local x2 <const>, y2 <const> = middle(face.points, row.eyes[2])
    local eyes <const> = math.sqrt((x1 - x2) ^ 2 + (y1 - y2) ^ 2)
    local sum, n = 0, 0
    for p, at in ipairs(face.points) do
      local d <const> = math.sqrt((cx + half * said(2 * p - 1) - at[1]) ^ 2
        + (cy + (tall or half) * said(2 * p) - at[2]) ^ 2)
      if d == d then
        sum, n = sum + d, n + 1
        if eyes > 0 then
          told[p] = (told[p] or 0) + 1
          near[p] = (near[p] or 0) + (d / eyes <= 0.10 and 1 or 0)
        end
      end
    end
    if eyes > 0 then eyed.add(sum / n / eyes) end
    if width then boxed.add(sum / n / width) end
  end
  local shares <const> = {}
  for p = 1, row.n do shares[p] = near[p] / told[p] end
  return eyed, boxed, shares
end

local function check_report(row, faces, m, frame)
  local eyed <const>, boxed <const>, shares <const> = expected(row, faces, frame)
  assert.equal(6, eyed.n + m.without_eyes)
  assert.equal(row.holes and 2 or 1, m.without_eyes)
  assert.equal(eyed.n, #m.errors)
  for i, e in ipairs(eyed.list) do assert.near(e, m.errors[i], 1e-4 * e) end
  assert.near(eyed.sum / eyed.n, m.error, 1e-4 * m.error)
  assert.near(eyed.above / eyed.n, m.failure, 1e-12)
  assert.same(shares, m.points)
  if not row.boxes then
    assert.is_nil(m.box_error)
    return
  end
  local n <const> = row.all_boxed and 6 or 5
  assert.same({n, 6 - n}, {boxed.n, m.without_box})
  assert.near(boxed.sum / n, m.box_error, 1e-4 * m.box_error)
  assert.near(boxed.above / n, m.box_failure, 1e-12)
end

-- The answers of a network that ignores its input, as coordinates or as scores of bins.
local function blind(task, n)
  local row <const> = {}
  for k = 1, 2 * n do
    if task.pixels then
      for b = 1, PIXELS do row[#row + 1] = b == bin(k) and 1.0 or 0.0 end
    else
      row[k] = said(k)
    end
  end
  local output <const> = braid.tensor{row}
  return function(image) return {landmarks = output:expand(image:size(1), -1)} end
end

describe("landmark metrics of", function()
  for name, row in pairs(READERS) do
    it(name .. " equal those computed from the raw files", function()
      shell.in_directory(function(dir)
        local faces <const> = faces_of(row.n, row.eyes, row.holes)
        trees.put(dir, row.files(faces))
        local set <const> = row.read(dir)
        local eyes <const> = not row.knows and row.eyes or nil
        local options <const> = {of = set, eyes = eyes}
        if eyes and row.n ~= 5 then
          assert.error_matches(function() mtl.landmarks{of = set} end,
            ("for %d points: give eyes"):format(row.n))
        end
        local bins <const> = {of = set, eyes = eyes, pixels = PIXELS}
        for _, task in ipairs{mtl.landmarks(options), mtl.landmark_bins(bins)} do
          assert.same({row.n, row.eyes}, {task.points, task.eyes})
          local tasks <const> = mtl.tasks{landmarks = task}
          local function check_all(frame, o)
            check_report(row, faces, tasks:evaluate(blind(task, row.n), data.loader(set, o))
              .landmarks, frame)
          end
          check_all(row.frame, {batch = 6, size = 40})
          check_all(row.frame, {batch = 4, size = 40})
          if set.files then -- also whole pictures, which are not square
            check_all(whole_of(row), {batch = 6, transforms = {data.resize(2 * H, 2 * W)}})
          end
        end
      end)
    end)
  end

  it("rendered faces are relative to the distance between each face's eyes", function()
    local set <const> = data.faces{n = 8, seed = 3}.train
    local task <const> = mtl.landmarks{of = set}
    local m <const> = mtl.tasks{landmarks = task}:evaluate(blind(task, 5),
      data.loader(set, {batch = 8})).landmarks
    for i = 1, 8 do
      local p <const>, sum = set[i].landmarks:totable(), 0
      for k, at in ipairs(p) do
        sum = sum + math.sqrt((31.5 + 32 * said(2 * k - 1) - at[1]) ^ 2
          + (31.5 + 32 * said(2 * k) - at[2]) ^ 2) / 5
      end
      local e <const> = sum / math.sqrt((p[1][1] - p[2][1]) ^ 2 + (p[1][2] - p[2][2]) ^ 2)
      assert.near(e, m.errors[i], 1e-4 * e)
    end
  end)
end)

describe("what a data set says about its points", function()
  it("sets the options of mtl.landmarks, from the whole set and from its parts", function()
    local set <const> = data.faces{n = 8, seed = 3}.train
    local rest <const>, last <const> = set:split(0.5)
    for _, ds in ipairs{set, rest, last, set:subset{2, 1}, set:filter(function() return true end),
      set:labelled{more = braid.ones(8)}, data.mix{{rest}, {last, 2}}} do
      local task <const> = mtl.landmarks{of = ds, weight = 0.5}
      assert.same({5, {1, 2}, {2, 1, 3, 5, 4}, 0.5},
        {task.points, task.eyes, task.flip, task.weight})
    end
    assert.same({points = 5, eyes = {1, 2}, flip = {2, 1, 3, 5, 4}}, set.points.landmarks)
    assert.same({{3, 4}, 1}, mtl.landmarks{of = set, eyes = {{3, 4}, 1}}.eyes)
    assert.same(mtl.landmarks{of = set}, mtl.landmarks(set.points.landmarks))
  end)

  it("has a list `flip` that exchanges points, and the left eye with the right one", function()
    for _, row in pairs(READERS) do
      if row.knows then
        shell.in_directory(function(dir)
          trees.put(dir, row.files(faces_of(row.n, row.eyes)))
          local flip <const> = row.read(dir).points.landmarks.flip
          assert.equal(row.n, #flip)
          for p, q in ipairs(flip) do assert.equal(p, flip[q]) end
          local function sorted(eye)
            local list <const> = {}
            for i, p in ipairs(type(eye) == "table" and eye or {eye}) do list[i] = flip[p] end
            table.sort(list)
            return #list == 1 and list[1] or list
          end
          assert.same({row.eyes[2], row.eyes[1]}, {sorted(row.eyes[1]), sorted(row.eyes[2])})
        end)
      end
    end
  end)

  it("makes mtl.landmarks raise an error if it is missing, ambiguous or contradicted", function()
    local five <const> = data.faces{n = 4}.train
    local two <const> = Dataset{images = five.images,
      labels = {a = five.labels.landmarks, b = five.labels.landmarks}}
    local other <const> = Dataset{images = five.images, labels = {landmarks = braid.rand(4, 6, 2)}}
    for message, o in pairs{
      ["mtl.landmarks: the data set `of` has points called a and b: give"] = {of = two},
      ["mtl.landmarks: the parts of the mix `of` differ in the points of their landmarks"] =
        {of = data.mix{{five}, {other}}},
      ["mtl.landmarks: points is 21, but the data set has 5"] = {of = five, points = 21},
      ["mtl.landmarks: the data set `of` has no label of points"] =
        {of = Dataset{images = five.images, labels = {}}},
      ["mtl.landmarks: of must be a data set, such as a reader's train, not "] =
        {of = data.faces{n = 4}},
    } do
      assert.error_matches(function() mtl.landmarks(o) end, message, 1, true)
    end
  end)
end)
