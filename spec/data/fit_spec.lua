--- Tests the size and colours of a loader's pictures: they are those of the data unless the user
-- chooses others, and pictures are never enlarged silently. Also tests ds:copied, which adds
-- shifted copies of samples, and the readers' options for size and colours.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"
local pictures <const> = require "spec.support.pictures"
local Dataset <const> = require "braid.data.dataset"
local data <const> = braid.data

local function memory(h, w, channels, given)
  local o <const> = {images = braid.zeros({4, channels or 1, h, w}, {dtype = "uint8"}), labels = {}}
  for key, value in pairs(given or {}) do o[key] = value end
  return Dataset(o)
end

-- Writes pictures with these sides as files.
local function files(directory, sides, given)
  local names <const> = {}
  for i, side in ipairs(sides) do
    names[i] = ("p%d.png"):format(i)
    assert(braid.save(directory .. "/" .. names[i],
      braid.zeros({3, side[1], side[2]}, {dtype = "uint8"})))
  end
  local o <const> = {files = names, root = directory, labels = {}}
  for key, value in pairs(given or {}) do o[key] = value end
  return Dataset(o)
end

local function shape(ds, given)
  given = given or {}
  given.batch = 2
  local s <const> = data.loader(ds, given)().image.shape
  return {s[2], s[3], s[4]}
end

local function refused(ds, given, message)
  assert.error_matches(function() return (data.loader(ds, given)) end, message, 1, true)
end

describe("a loader's pictures", function()
  it("have the size and colours of the data", function()
    assert.same({1, 24, 24}, shape(memory(24, 24)))
    assert.same({3, 24, 24}, shape(memory(24, 24, 3)))
    assert.same({1, 20, 28}, shape(memory(20, 28)))
    assert.same({1, 16, 16}, shape(memory(24, 24, 1, {inner = 16.5})))
    assert.same({1, 12, 12}, shape(memory(24, 24, 1, {size = 12})))
    assert.same({3, 64, 64}, shape(data.faces{n = 2, channels = 3}.train))
    shell.in_directory(function(directory)
      assert.same({3, 30, 30}, shape(files(directory, { {30, 20}, {20, 30}, {30, 30} })))
      local mixed <const> = { {30, 20}, {40, 40}, {10, 12} }
      assert.same({1, 32, 32}, shape(files(directory, mixed, {size = 32, channels = 1})))
      refused(files(directory, mixed), {}, "data.loader: size is missing")
      assert.same({3, 30, 30}, shape(files(directory, mixed), {size = 30}))
    end)
  end)

  it("are never enlarged without enlarge = true", function()
    refused(memory(24, 24), {size = 25}, "data.loader: size 25 is more than the 24 pixels that the "
      .. "pictures have: read them with size = 25")
    refused(memory(24, 24, 1, {inner = 16}), {size = 17}, "size 17 is more than the 16 pixels")
    refused(memory(20, 28), {size = 29}, "size 29 is more than most pictures have")
    assert.same({1, 25, 25}, shape(memory(24, 24), {size = 25, enlarge = true}))
    refused(memory(24, 24), {transforms = {data.resize(25)}},
      "transforms make 25 x 25 pixels of pictures that have 24 x 24; enlarge = true allows it")
    refused(memory(24, 24), {transforms = {data.augment{size = 30}, data.whiten()}}, "30 x 30")
    refused(memory(24, 24), {augment = {size = 30}}, "size is an option beside augment, not in it")
    assert.same({1, 25, 25},
      shape(memory(24, 24), {transforms = {data.resize(25)}, enlarge = true}))
    assert.same({1, 20, 24}, shape(memory(24, 24), {transforms = {data.resize(20, 24)}}))
    shell.in_directory(function(directory)
      local set <const> = files(directory, { {20, 20}, {20, 16}, {60, 60} })
      refused(set, {size = 24},
        "size 24 is more than most pictures have: sample 2 has 16 x 20 visible")
      assert.same({3, 24, 24}, shape(set, {size = 24, enlarge = true}))
      local boxes <const> = braid.tensor{ {0, 0, 9, 9}, {0, 0, 8, 8}, {0, 0, 9, 7} }
      local function boxed(crop)
        return files(directory, { {60, 60}, {60, 60}, {60, 60} }, {boxes = boxes, crop = crop})
      end
      refused(boxed(), {size = 24}, "9 x 9 visible pixels")
      assert.same({3, 24, 24}, shape(boxed("whole"), {size = 24}))
    end)
  end)

  it("do not become coloured from gray data without enlarge = true", function()
    refused(memory(8, 8), {channels = 3}, "data.loader: channels = 3, but the pictures are gray")
    assert.same({3, 8, 8}, shape(memory(8, 8), {channels = 3, enlarge = true}))
    assert.same({1, 8, 8}, shape(memory(8, 8, 3), {channels = 1}))
    local mix <const> = data.mix{{memory(8, 8)}, {memory(8, 8, 3)}}
    refused(mix, {}, "one data set is gray and another in colour: give channels = 1, or enlarge")
    assert.same({1, 8, 8}, shape(mix, {channels = 1}))
    assert.same({3, 8, 8}, shape(mix, {enlarge = true}))
    refused(data.mix{{memory(8, 8)}, {memory(9, 9)}}, {}, "it is 8 in one data set, 9 in another")
  end)
end)

-- ---- copies ------------------------------------------------------------------------------------

local function batch_of(ds, steps)
  if steps then return data.loader(ds, {batch = #ds, transforms = steps})() end
  return data.loader(ds, {batch = #ds, size = 44, whiten = false})()
end

-- In all samples the points are on their dots, and copies differ from their originals only by a
-- shift to the side.
local function check_copies(ds, steps)
  local more <const> = ds:copied{shift = {0.2, 0}, times = 2, seed = 3}
  assert.equal(3 * #ds, #more)
  local plain <const>, all <const> = batch_of(ds, steps), batch_of(more, steps)
  local h <const>, w <const> = all.image:size(3), all.image:size(4)
  local moved = {}
  for i = 1, #more do
    local from <const> = (i - 1) % #ds + 1
    local by <const> = all.landmarks[i] - plain.landmarks[from]
    assert.near(0, by[{ {}, 2 }]:abs():max():item(), 1e-5)
    assert.near(by[{1, 1}]:item(), by[{5, 1}]:item(), 1e-5)
    moved[i] = by[{1, 1}]:item()
    if i <= #ds then
      assert.equal(0, moved[i])
      assert.same(plain.image[i]:totable(), all.image[i]:totable())
    end
    assert.equal(plain.pose[from]:item(), all.pose[i]:item())
    for k, p in ipairs(all.landmarks[i]:totable()) do
      local miss <const> = pictures.miss(all.image[i], k, (p[1] + 1) * w / 2 - 0.5,
        (p[2] + 1) * h / 2 - 0.5)
      assert.is_true(miss < 0.6, ("sample %d, point %d misses by %.2f"):format(i, k, miss))
    end
  end
  for i = #ds + 1, #more do
    assert.is_true(math.abs(moved[i]) <= 0.4 and moved[i] ~= 0)
    for j = i + 1, #more do assert.not_equal(moved[i], moved[j]) end
  end
  assert.same(all.image:totable(), batch_of(ds:copied{shift = {0.2, 0}, times = 2, seed = 3},
    steps).image:totable())
  local last <const> = more:subset{#more}
  assert.near(all.landmarks[{#more, 1, 1}]:item(),
    batch_of(last, steps).landmarks[{1, 1, 1}]:item(), 1e-6)
end

describe("ds:copied", function()
  local STEPS <const> = {
    none = {}, crop = {data.crop{margin = 1.6}, data.resize(50)}, resize = {data.resize(40)},
    by_points = {data.crop{by = "points", margin = 3}, data.augment{size = 48}},
    augment = {data.augment{size = 40}}, colours = {data.brightness(0.05)},
  }

  it("adds shifted samples, whose points are shifted too, before any transforms", function()
    check_copies(pictures.memory(3))
    for _, steps in pairs(STEPS) do check_copies(pictures.memory(3), steps) end
  end)

  it("adds shifted samples of picture files, with and without a cache", function()
    shell.in_directory(function(directory)
      local set <const> = pictures.files(directory, 3)
      check_copies(set, STEPS.crop)
      local o <const> = {batch = 6, transforms = STEPS.crop, cache = directory .. "/cache"}
      local more <const> = set:copied{}
      local first <const>, again <const> = data.loader(more, o)(), data.loader(more, o)()
      assert.same(first.image:totable(), again.image:totable())
      assert.same(first.image:totable(), batch_of(more, STEPS.crop).image:totable())
    end)
  end)

  it("raises an error for data without pictures, and for a negative shift", function()
    local numbers <const> = Dataset{inputs = braid.zeros(2, 3), labels = {}}
    assert.error_matches(function() numbers:copied{} end, "copied: a table of numbers")
    assert.error_matches(function() pictures.memory(1):copied{shift = -1} end, "copied: shift must")
  end)
end)

-- ---- readers -----------------------------------------------------------------------------------

describe("readers of files", function()
  local function picture(path)
    assert(braid.save(path, braid.zeros({3, 40, 60}, {dtype = "uint8"})))
  end

  -- Each reader, and the file that it reads in a directory with one picture of 60 x 40 pixels.
  local READERS <const> = {
    images = function(dir, o)
      shell.run("mkdir -p " .. dir .. "/class")
      picture(dir .. "/class/a.png")
      return data.images(dir, o)
    end,
    csv = function(dir, o)
      picture(dir .. "/a.png")
      shell.write(dir .. "/t.csv", "image,age,x,y,u,v\na.png,3,10,10,30,30\n")
      o.box, o.reals = {"x", "y", "u", "v"}, {"age"}
      return data.csv(dir .. "/t.csv", o)
    end,
    jsonl = function(dir, o)
      picture(dir .. "/a.png")
      shell.write(dir .. "/t.jsonl", '{"image": "a.png", "age": 3, "box": [10, 10, 30, 30]}\n')
      o.box, o.reals = "box", {"age"}
      return data.jsonl(dir .. "/t.jsonl", o)
    end,
    pts = function(dir, o)
      picture(dir .. "/a.png")
      shell.write(dir .. "/a.pts", "{\n11 21\n31 21\n}")
      return data.pts(dir, o)
    end,
    celeba = function(dir, o)
      shell.run("mkdir -p " .. dir .. "/img_celeba")
      picture(dir .. "/img_celeba/a.png")
      shell.write(dir .. "/list_bbox_celeba.txt",
        "1\nimage_id x_1 y_1 width height\na.png 10 10 20 20\n")
      return data.celeba(dir, o)
    end,
  }
  local BOXED <const> = {csv = true, jsonl = true, celeba = true}

  it("give pictures of the size, the colours and the crop in their options", function()
    for name, read in pairs(READERS) do
      shell.in_directory(function(dir)
        local set <const> = read(dir, {size = 18, channels = 1}).train
        assert.same({1, 18, 18}, shape(set), name)
        refused(set, {size = 19}, "size 19 is more than the 18 pixels that the pictures have")
        refused(set, {channels = 3}, "channels = 3, but the pictures are gray")
        assert.same({3, BOXED[name] and 20 or 60, BOXED[name] and 20 or 60},
          shape(read(dir, {}).train), name)
        assert.same({3, 60, 60}, shape(read(dir, {crop = "whole"}).train), name)
      end)
    end
  end)
end)
