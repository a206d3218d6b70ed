--- Tests the class of data sets, braid.data.dataset, and the list of paths of their files.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local shell <const> = require "spec.support.shell"
local Dataset <const> = require "braid.data.dataset"
local Paths <const> = require "braid.data.paths"

local NAN <const> = 0 / 0

-- Six pictures of one pixel, valued 1 to 6.
local function small()
  local points <const> = braid.zeros(6, 2, 2)
  for i = 1, 6 do points[i] = i end
  points[3] = NAN
  points[{4, 1}] = NAN
  return Dataset{
    images = braid.tensor({1, 2, 3, 4, 5, 6}, {dtype = "uint8"}):reshape(6, 1, 1, 1),
    labels = {
      kind = braid.tensor({1, 2, 1, 0, 1, 2}, {dtype = "int64"}),
      small = braid.tensor({2, 2, 0, 1, 1, 1}, {dtype = "uint8"}),
      landmarks = points, yaw = braid.tensor{0.5, NAN, 1, 2, 3, 4},
    },
    kinds = {yaw = "yaw"}, classes = {kind = {"cat", "dog"}}, missing = 0,
    boxes = braid.tensor{ {0, 0, 1, 1}, {NAN, NAN, NAN, NAN}, {0, 0, 1, 1}, {0, 0, 1, 1},
      {0, 0, 1, 1}, {0, 0, 1, 1} },
  }
end

local function values(ds)
  local list <const> = {}
  for i = 1, #ds do list[i] = ds:image(i):reshape(-1):totable()[1] end
  return list
end

describe("a data set", function()
  it("gives samples with plain numbers as labels, and nil for a missing label", function()
    local ds <const> = small()
    assert.equal(6, #ds)
    local first <const> = ds[1]
    assert.same({1, 2, 0.5}, {first.kind, first.small, first.yaw})
    assert.equal("integer", math.type(first.small))
    assert.same({ {1, 1}, {1, 1} }, first.landmarks:totable())
    assert.same({0, 0, 1, 1}, first.box:totable())
    assert.same({1, 1, 1}, first.image.shape)
    assert.same({nil, nil}, {ds[2].yaw, ds[2].box})
    assert.same({nil, nil}, {ds[3].small, ds[3].landmarks})
    assert.is_nil(ds[4].kind)
    assert.equal(4, ds[4].landmarks[{2, 1}]:item()) -- of two points, only the second is given
    assert.same({nil, nil}, {ds[0], ds[7]})
  end)

  it("finds the kind of each label in its name, its dtype or the options", function()
    assert.same({kind = "class", small = "class", landmarks = "points", yaw = "yaw",
      box_width = "width"}, small().kinds)
  end)

  it("shares its pictures with its subsets, from a range, a list or a tensor", function()
    local ds <const> = small()
    local range <const>, list <const> = ds:subset(2, 4), ds:subset{6, 1, 1}
    assert.same({2, 3, 4}, values(range))
    assert.same({6, 1, 1}, values(list))
    assert.same({2, 1, 1}, list.labels.kind:totable())
    assert.same({1, 6}, values(list:subset{2, 1}))
    assert.same({1, 1}, values(list:subset(2, 3)))
    assert.same({3}, values(range:subset(braid.tensor({2}, {dtype = "int64"}))))
    assert.same({6, 1}, list:rows(braid.tensor({1, 2}, {dtype = "int64"})):totable())
    ds.images[1] = 99
    assert.same({6, 99, 99}, values(list))
    assert.same("cat", list.classes.kind[list[2].kind])
    assert.equal(0, #ds:subset{})
  end)

  it("keeps with :filter the samples for which a function returns true", function()
    local seen <const> = {}
    local cats <const> = small():filter(function(s, i)
      seen[i] = s.image:item()
      return s.kind == 1 and s.box and s.landmarks ~= nil
    end)
    assert.same({1, 5}, values(cats))
    assert.same({1, 2, 3, 4, 5, 6}, seen)
  end)

  it("is divided by :split at its end, at random, or with each class in proportion", function()
    local ds <const> = small()
    local a <const>, b <const> = ds:split(0.34)
    assert.same({ {1, 2, 3, 4}, {5, 6} }, {values(a), values(b)})
    local c <const>, d <const> = ds:split(2, {seed = 3})
    assert.same({4, 2}, {#c, #d})
    assert.same(values(d), values(select(2, ds:split(2, {seed = 3}))))
    local different = false
    for seed = 4, 9 do
      different = different or values(select(2, ds:split(2, {seed = seed})))[1] ~= values(d)[1]
    end
    assert.is_true(different)
    local labels <const> = {}
    for i = 1, 120 do labels[i] = i <= 90 and 1 or i <= 110 and 2 or 0 end
    local many <const> = Dataset{images = core.new({120, 1, 1, 1}, "uint8", 0),
      missing = 0,
      labels = {kind = braid.tensor(labels, {dtype = "int64"})}}
    local rest <const>, tenth <const> = many:split(0.1, {stratify = "kind"})
    local counts <const> = {[0] = 0, 0, 0}
    for _, label in ipairs(tenth.labels.kind:totable()) do counts[label] = counts[label] + 1 end
    assert.same({[0] = 1, 9, 2}, counts)
    assert.equal(108, #rest)
  end)

  it("raises an error for a range, a sample or a part that does not exist", function()
    local ds <const> = small()
    assert.has_error(function() ds:subset(3, 2) end,
      "subset: there is no range 3 to 2 in 6 samples")
    assert.has_error(function() ds:subset{1, 7} end, "subset: there is no sample 7 of 6")
    assert.has_error(function() ds:split(6) end,
      "split: 6 of 6 samples leaves one part empty: give a share between 0 and 1, or a number of "
        .. "samples from 1 to 5")
    assert.has_error(function() ds:split(0.5, {stratify = "yaw"}) end,
      "split: stratify wants the name of a class label; 'yaw' is yaw")
    assert.has_error(function() ds:image(7) end, "Dataset: there is no sample 7 of 6")
  end)

  it("raises an error for too many labels, a reserved name, or no images and no files", function()
    local images <const> = core.new({2, 1, 1, 1}, "uint8", 0)
    local two <const>, three <const> = braid.zeros{2}, braid.zeros{3}
    assert.has_error(function() return Dataset{images = images, labels = {age = three}} end,
      "Dataset: 2 images, but 3 of age")
    assert.has_error(function() return Dataset{images = images, labels = {box = two}} end,
      "Dataset: 'box' cannot be the name of a label")
    assert.has_error(function() return Dataset{labels = {}} end,
      "Dataset: wants images or files, or inputs")
    assert.has_error(function() return Dataset{images = images, labels = {}, sides = 1} end)
    assert.has_error(function() return Dataset{images = images, boxes = three} end)
  end)

  it("takes classes from 1 and the mark of missing labels; any other 0 is an error", function()
    local images <const> = core.new({3, 1, 1, 1}, "uint8", 0)
    local function kinds(labels, missing, dtype)
      local ds <const> = Dataset{images = images, missing = missing,
        labels = {kind = braid.tensor(labels, {dtype = dtype or "int64"})}}
      return {ds[1].kind or "none", ds[2].kind or "none", ds[3].kind or "none"}
    end
    assert.same({1, "none", 2}, kinds{1, -100, 2})
    assert.same({1, "none", 2}, kinds({1, 0, 2}, 0))
    assert.same({1, "none", 2}, kinds({1, -1, 2}, -1))
    assert.same({1, "none", 2}, kinds({1, 255, 2}, 255, "uint8"))
    for _, dtype in ipairs{"int64", "int32", "uint8"} do
      assert.error_matches(function() kinds({1, 0, 2}, nil, dtype) end,
        "Dataset: labels.kind holds 0; labels count from 1 %(counted from 0%? add 1; if 0 marks "
        .. "a missing label, say missing = 0%)")
    end
    assert.error_matches(function() kinds{1, -1, 2} end,
      "labels.kind holds %-1; labels count from 1")
  end)

  it("reads a picture from its file only when a sample asks for it", function()
    shell.in_directory(function(dir)
      assert(braid.save(dir .. "/a.png", core.new({3, 2, 4}, "uint8", 7)))
      assert(braid.save(dir .. "/c.png", core.new({1, 2, 2}, "uint8", 9)))
      local ds <const> = Dataset{files = {"a.png", "b.png", dir .. "/c.png"}, root = dir,
        labels = {kind = braid.tensor({1, 2, 1}, {dtype = "int64"})}}
      assert.equal(dir .. "/a.png", ds:path(1))
      assert.equal(dir .. "/c.png", ds:path(3))
      assert.same({3, 2, 4}, ds:image(1).shape)
      local image <const>, message <const> = ds:image(2)
      assert.is_nil(image)
      assert.matches(dir .. "/b.png", message, 1, true)
      assert.is_nil(ds[2].image)
      assert.equal(2, ds[2].kind)
      assert.equal(ds:path(3), ds:subset(2, 3):path(2))
      assert.equal(ds:path(1), ds:subset{3, 1}:path(2))
      local gray <const> = Dataset{files = {"a.png"}, root = dir, channels = 1}
      assert.same({1, 2, 4}, gray:image(1).shape)
    end)
  end)
end)

describe("a data set from :labelled", function()
  it("has the same pictures, and the new labels beside the old", function()
    local ds <const> = small():subset{6, 2, 1}
    local more <const> = ds:labelled{pair = braid.tensor({0, 1, 2}, {dtype = "int64"})}
    assert.same({6, 2, 1}, values(more))
    assert.same({nil, 1, 2}, {more[1].pair, more[2].pair, more[3].pair})
    assert.equal(2, more[1].kind)
    assert.is_nil(ds.labels.pair)
    assert.error_matches(function() ds:labelled{pair = braid.ones(2)} end,
      "labelled: 'pair' must be 3 rows of a label")
  end)
end)

describe("the list of paths", function()
  it("gives back the paths as they were given, by number and in a loop", function()
    local list <const> = {}
    for i = 1, 5000 do list[i] = i % 7 == 0 and "" or ("dir/%d.jpg"):format(i * i) end
    local paths <const> = Paths(list)
    assert.equal(5000, #paths)
    assert.same({list[1], list[7], list[5000]}, {paths:at(1), paths:at(7), paths:at(5000)})
    local seen <const> = {}
    for i, path in paths:each() do seen[i] = path end
    assert.same(list, seen)
  end)
end)
