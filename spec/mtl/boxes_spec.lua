--- batch.box_width, the width of each sample's box after all transforms, and data.align, which
-- moves a face until its eyes are at given places.

local braid <const> = require "braid"
local pictures <const> = require "spec.support.pictures"
local shell <const> = require "spec.support.shell"
local trees <const> = require "spec.support.reader_trees"
local Dataset <const> = require "braid.data.dataset"
local data <const>, mtl <const> = braid.data, braid.mtl
local eye_faces <const> = require "spec.support.eye_faces"

local NAN <const> = 0 / 0
local faces_of <const> = eye_faces.faces_of
local READERS <const> = eye_faces.READERS
local middle <const> = eye_faces.middle

-- ---- widths of boxes ----------------------------------------------------------------------

describe("batch.box_width", function()
  local CUTS <const> = {
    none = {}, crop = {data.crop{margin = 1.2}}, wide = {data.crop{margin = 1.3, square = false}},
    by_points = {data.crop{margin = 2, by = "points"}}, middle = {data.crop{by = "middle"}},
  }
  local SIZES <const> = {
    resize = {data.resize(56)}, unequal = {data.resize(44, 60)},
    aligned = {data.align{height = 0.35, distance = 0.35, size = 64}},
  }
  local WARPS <const> = {
    none = {}, flip = {data.augment{flip = 1}}, rotate = {data.augment{rotate = 90}},
    scale = {data.augment{scale = 0.5}}, shift = {data.augment{shift = {0.3, 0.1}}},
    shear = {data.augment{shear = 20}}, inner = {data.augment{inner = 30, size = 41}},
    all = {data.augment{rotate = 40, scale = 0.3, shift = 0.1, flip = 0.5, shear = 15}},
    twice = {data.augment{rotate = 10, scale = 0.2}, data.augment{flip = 0.5, shear = 5}},
  }

  -- Makes landmarks of the two upper corners of each box. Their distance after the transforms is
  -- the width that is wanted.
  local function check_all(ds)
    for i = 1, #ds do
      local box <const> = ds:box(i)
      ds.labels.corners[i] = braid.tensor{{box[1]:item(), box[2]:item()},
        {box[3]:item(), box[2]:item()}}
    end
    local tasks <const> = mtl.tasks{
      corners = mtl.landmarks{points = 2, flip = {1, 2}, eyes = {1, 2}},
      landmarks = mtl.landmarks{flip = pictures.FLIP}}
    for cut, a in pairs(CUTS) do
      for size, b in pairs(SIZES) do
        for warp, c in pairs(WARPS) do
          local steps <const> = {}
          for _, list in ipairs{a, b, c} do
            for _, s in ipairs(list) do steps[#steps + 1] = s end
          end
          local batch <const> = data.loader(ds, {batch = #ds, transforms = steps, tasks = tasks})()
          local p <const> = batch.corners
          local high <const>, wide <const> = batch.image:size(3), batch.image:size(4)
          local edge <const> = ((p[{ {}, 1 }] - p[{ {}, 2 }]) * braid.tensor{1, high / wide})
            :square():sum(2):sqrt()
          assert.is_true(edge:min():item() > 0.1)
          assert.near(0, (batch.box_width / edge - 1):abs():max():item(), 2e-5,
            table.concat({cut, size, warp}, " "))
        end
      end
    end
  end

  it("is the box's width after every transform, in memory and from files", function()
    shell.in_directory(function(dir)
      local from_files <const> = pictures.files(dir, 3)
      local images <const> = {}
      for i = 1, 3 do images[i] = from_files:image(i) end
      local in_memory <const> = Dataset{images = braid.stack(images), boxes = from_files.boxes,
        labels = {landmarks = from_files.labels.landmarks}}
      for _, ds in ipairs{from_files, in_memory} do
        check_all(ds:labelled{corners = braid.zeros(3, 2, 2)})
      end
    end)
  end)

  it("stays with its sample in subsets and mixes, and is NaN for a sample with no box", function()
    local images <const> = braid.zeros({4, 1, 20, 30}, {dtype = "uint8"})
    local boxes <const> = braid.tensor{{0, 0, 3, 9}, {0, 0, 15, 9}, {NAN, NAN, NAN, NAN},
      {5, 2, 14, 3}}
    local with <const> = Dataset{images = images, boxes = boxes, labels = {}}
    local without <const> = Dataset{images = images, labels = {}}
    local function widths(ds, o)
      o.transforms = {data.resize(20, 30)}
      local list <const> = {}
      for batch in data.loader(ds, o) do
        for _, w in ipairs(batch.box_width and batch.box_width:totable() or {}) do
          list[#list + 1] = w == w and math.floor(w * 15 + 0.5) or "none"
        end
      end
      return list
    end
    assert.same({3, 15, "none", 9}, widths(with, {batch = 3}))
    assert.same({9, 3}, widths(with:subset{4, 1}, {batch = 2}))
    assert.same({}, widths(without, {batch = 4}))
    local both <const> = widths(data.mix{{with}, {without}}, {batch = 4})
    assert.same(8, #both)
    table.sort(both, function(a, b) return tostring(a) < tostring(b) end)
    assert.same({15, 3, 9, "none", "none", "none", "none", "none"}, both)
    assert.equal("width", with.kinds.box_width)
    assert.error_matches(function()
      Dataset{images = images, labels = {box_width = braid.zeros(4, 2)}}
    end, "Dataset: labels.box_width, the widths of boxes, must be float32 (n)", 1, true)
  end)
end)

-- ---- align --------------------------------------------------------------------------------

describe("data.align", function()
  -- The places of the eyes of a batch's first face: x and y of each eye.
  local function seen(set, eyes, ...)
    local p <const> = data.loader(set, {batch = 2, transforms = {...}})().landmarks[1]:totable()
    local x1 <const>, y1 <const> = middle(p, eyes[1])
    local x2 <const>, y2 <const> = middle(p, eyes[2])
    return {x1, y1, x2, y2}
  end
  local function near(wanted, found)
    for k, v in ipairs(wanted) do assert.near(v, found[k], 1e-5) end
  end
  local STEP <const> = {size = 40, height = 0.4, distance = 0.5}
  local function step(eyes)
    return data.align{size = 40, height = 0.4, distance = 0.5, eyes = eyes}
  end

  for name, row in pairs(READERS) do
    it("moves the eyes of " .. name .. " to the given places", function()
      shell.in_directory(function(dir)
        trees.put(dir, row.files(faces_of(row.n, row.eyes, row.holes)))
        local set <const> = row.read(dir)
        near({-0.5, -0.2, 0.5, -0.2}, seen(set, row.eyes, step(row.eyes)))
        if row.knows then
          near({-0.5, -0.2, 0.5, -0.2}, seen(set, row.eyes, data.align(STEP)))
          -- A face that was mirrored before has the other eye on the left.
          near({-0.5, -0.2, 0.5, -0.2}, seen(set, row.eyes, data.augment{flip = 1}, step()))
          near({-0.5, -0.2, 0.5, -0.2}, seen(set, row.eyes, step({3, 4}), step()))
        else
          assert.error_matches(function() seen(set, row.eyes, step()) end,
            "the eyes are not known among the %d+ points of 'landmarks': give data.align{eyes")
        end
        assert.error_matches(function() seen(set, row.eyes, step({1, row.n + 1})) end,
          "data.align: 'landmarks': eyes must be numbers from 1 to " .. row.n, 1, true)
      end)
    end)
  end

  it("never takes from a cache a face that was aligned with other `eyes`", function()
    shell.in_directory(function(dir)
      local row <const> = READERS["aflw, 21 points"]
      trees.put(dir, row.files(faces_of(row.n, row.eyes)))
      local set <const> = row.read(dir)
      local function points(eyes)
        return data.loader(set, {batch = 1, cache = dir, transforms = {step(eyes)}})().landmarks
      end
      local one <const>, other <const> = points({8, 11}), points({3, 4})
      assert.same(one:totable(), points():totable())
      assert.is_true((one - other):abs():max():item() > 0.01)
      assert.same(other:totable(), points({3, 4}):totable())
    end)
  end)
end)
