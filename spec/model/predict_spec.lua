--- net:predict, which gives answers for pictures, and net.card, which describes a network in its
-- file.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local shell <const> = require "spec.support.shell"
local data <const>, mtl <const>, nn <const>, train <const> = braid.data, braid.mtl, braid.nn,
  braid.train

local function fails(f, ...) assert.error_matches(f, ..., 1, true) end

-- A module that returns the given outputs for every batch.
local function answering(outputs)
  local net <const> = nn.Identity()
  function net.forward() return outputs end
  return net
end

local dir
setup(function() dir = shell.run("mktemp -d").out:match("^[^\n]+") end)
teardown(function() shell.run("rm -rf " .. shell.quote(dir)) end)

local function written(name, picture)
  local path <const> = dir .. "/" .. name
  braid.save(path, picture)
  return path
end

local function gray(h, w) return braid.randint(0, 255, {1, h, w}):to("uint8") end

-- ---- each kind of task --------------------------------------------------------------------

local TASKS <const> = mtl.tasks{landmarks = mtl.landmarks{}, place = mtl.landmark_bins{pixels = 8},
  smile = mtl.classes{2, names = {"no", "yes"}}, age = mtl.real{1},
  traits = mtl.attributes{"hat", "glasses"}, pose = mtl.pose_bins{"yaw", bins = 5, width = 30}}

describe("net:predict", function()
  local faces <const> = data.faces{n = 60, size = 40, seed = 2}
  local loader <const> = data.loader(faces.test, {batch = 7})

  local function network()
    braid.manual_seed(1)
    local net <const> = braid.model("tcdcn", {tasks = TASKS})
    net.card = {preprocessing = loader:recipe()}
    return net
  end

  it("gives the network's outputs to the bit, in the terms of each kind of task", function()
    local net <const> = network():eval()
    local said <const>, i = net:predict(faces.test, {batch = 5}), 0
    for batch in data.loader(faces.test, {batch = 5}) do
      local _ <close> = braid.no_grad()
      local y <const> = net(batch.image)
      for k = 1, batch.count do
        i = i + 1
        local a <const> = said[i]
        assert.same(braid.F.softmax(y.smile[k], 1):totable(), a.smile.shares)
        assert.equal(y.smile[k]:argmax():item(), a.smile.class)
        assert.equal(a.smile.class == 1 and "no" or "yes", a.smile.name)
        assert.same(y.age[k]:totable(), a.age.values)
        assert.equal((y.pose[k]:argmax():item() - 3) * 30, a.pose.angles[1])
        assert.same({"hat", "glasses"}, {a.traits.each[1].label, a.traits.each[2].label})
        local points <const> = TASKS.landmarks:places(y.landmarks)[k]:totable()
        for p, point in ipairs(points) do
          assert.near(faces.test.inner / 2 * point[1], a.landmarks.points[p][1]
            - (faces.test.images:size(4) - 1) / 2, 1e-3)
          assert.near(faces.test.inner / 2 * point[2], a.landmarks.points[p][2]
            - (faces.test.images:size(3) - 1) / 2, 1e-3)
        end
        assert.equal(5, #a.place.points)
      end
    end
    assert.equal(#faces.test, i)
  end)

  it("takes files, directories, tensors and lists of them", function()
    local net <const>, picture <const> = network(), gray(50, 40)
    local a <const>, b <const> = written("a.png", picture), written("b.png", gray(40, 40))
    local one <const> = net:predict(a)
    assert.same({path = a, number = 1, height = 50, width = 40}, one.picture)
    assert.matches("a.png: age .*; landmarks .*; smile", tostring(one))
    local all <const> = net:predict{a, b, picture, picture[1], picture:unsqueeze(1)}
    assert.equal(5, #all)
    assert.same(one.landmarks, all[1].landmarks)
    for i = 4, 5 do assert.same(all[3].landmarks, all[i].landmarks) end
    assert.equal(2, #net:predict(dir))
    assert.equal(1, #net:predict{a})
    local colours <const> = braid.cat({picture, picture, picture}, 1)
    assert.same(all[3].smile, net:predict(colours).smile)
  end)

  it("leaves a network in training mode, and works in float64", function()
    local net <const> = network():train()
    net:predict(gray(40, 40))
    assert.is_true(net.training)
    local single <const> = net:predict(gray(40, 40))
    assert.is_truthy(single.smile.name)
    assert.is_truthy(net:to("float64"):predict(gray(40, 40)).smile.name)
  end)

  it("changes nothing in the network, with and without a card", function()
    braid.manual_seed(1)
    local net <const> = braid.model("tcdcn", {tasks = TASKS, norm = true})
    for _, card in ipairs{false, {preprocessing = loader:recipe()}} do
      net.card = card or nil
      local before <const> = net:clone()
      net:predict(gray(40, 40), {size = 40})
      assert.is_true(braid.diff(before, net).same)
    end
  end)

  it("names the picture, box or option that is wrong", function()
    local net <const> = network()
    for _, case in ipairs{
      {5, "is the path of a file or a tensor of bytes, not 5"}, {{}, "there is no picture"},
      {"/nowhere.png", "/nowhere.png"}, {braid.zeros(1, 40, 40), "x:to(\"uint8\") makes bytes"},
      {braid.zeros(2, 40, 40):to("uint8"), "not (2, 40, 40)"},
      {braid.zeros(5):to("uint8"), "not (5)"}, {{{}}, "is the path of a file"},
    } do
      fails(function() net:predict(case[1]) end, case[2])
    end
    local picture <const> = gray(40, 40)
    for _, case in ipairs{
      {{boxes = {1, 2, 3}}, "a box is {x0, y0, x1, y1}"}, {{boxes = {5, 5, 5, 9}}, "x0 < x1"},
      {{boxes = {{0, 0, 9, 0 / 0}}}, "in pixels"}, {{boxes = {"x"}}, "boxes"},
      {{size = 0}, "size must be"}, {{sizes = 3}, "no option 'sizes'"},
    } do
      fails(function() net:predict(picture, case[1]) end, case[2])
    end
    fails(function() net:predict({picture, picture}, {boxes = {{0, 0, 9, 9}}}) end,
      "a list for each of the 2 pictures")
    net.card = nil
    fails(function() net:predict(picture) end, "size is missing")
    assert.is_truthy(net:predict(picture, {size = 40}).smile)
    net.card = {preprocessing = {channels = 7, size = 40}}
    fails(function() net:predict(picture) end, "card.preprocessing: ")
    fails(function() nn.Linear(2, 2):predict(picture) end, "no tasks")
    fails(function() network():predict(data.dataset{inputs = braid.ones(2, 2)}) end, "no pictures")
  end)
end)

-- ---- places in the picture ----------------------------------------------------------------

describe("the points in an answer of net:predict", function()
  -- Two corners of the image that the network sees, and its middle.
  local SEEN <const> = {-1, -1, 1, 1, 0, 0}
  local tasks <const> = mtl.tasks{points = mtl.landmarks{points = 3, eyes = false}}

  local function points_for(options, boxes)
    local net <const> = answering{points = braid.tensor{SEEN}}
    local set <const> = data.dataset{images = gray(80, 100):unsqueeze(1)}
    options.enlarge = true
    net.card = {preprocessing = data.loader(set, options):recipe()}
    local said <const> = net:predict(gray(80, 100), {tasks = tasks, boxes = boxes})
    return (boxes and said[1] or said).points.points
  end

  -- By hand: pixel centres are at whole numbers from 0, so that 100 pixels reach from -0.5 to 99.5.
  local CASES <const> = {
    ["the middle square, padded"] = {{size = 20}, nil, {-0.5, -10.5, 99.5, 89.5, 49.5, 39.5}},
    ["a box as a square about its middle"] = {{size = 20}, {10, 20, 40, 60},
      {5, 20, 45, 60, 25, 40}},
    ["a crop with a margin"] = {{transforms = {data.crop{margin = 2}, data.resize(20)}},
      {10, 20, 40, 60}, {-15, 0, 65, 80, 25, 40}},
    ["a crop that is no square"] = {{transforms = {data.crop{square = false},
      data.resize(20, 30)}}, {10, 20, 40, 60}, {10, 20, 40, 60, 25, 40}},
    ["the picture resized"] = {{transforms = {data.resize(40, 50), data.whiten()}}, nil,
      {-0.5, -0.5, 99.5, 79.5, 49.5, 39.5}},
  }
  for what, case in pairs(CASES) do
    it("are pixels of the picture: " .. what, function()
      local said <const> = points_for(case[1], case[2])
      for k, p in ipairs(said) do
        assert.near(case[3][2 * k - 1], p[1], 1e-4)
        assert.near(case[3][2 * k], p[2], 1e-4)
      end
    end)
  end

  it("are given for each box and each face of a detector, both enlarged by `margin`", function()
    local net <const> = answering{points = braid.tensor{SEEN, SEEN}}
    net.card = {preprocessing = {size = 20, channels = 1}}
    local picture <const> = gray(80, 100)
    local said <const> = net:predict(picture, {tasks = tasks, boxes = {{10, 20, 30, 40},
      {50, 20, 70, 40}}})
    assert.near(40, said[2].points.points[1][1] - said[1].points.points[1][1], 1e-3)
    assert.same({50, 20, 70, 40}, said[2].picture.box)
    local detector <const> = {detect = function(_, image)
      assert.same({1, 80, 100}, image.shape)
      return {boxes = braid.tensor{{11, 21, 31, 41}, {51, 21, 71, 41}}}
    end}
    local found <const> = net:predict(picture, {tasks = tasks, detector = detector, margin = 2})
    assert.same({0, 10, 40, 50}, found[1].picture.box)
    local none <const> = {detect = function() return {boxes = core.new({0, 4}, "float32")} end}
    assert.same({}, net:predict({picture, picture}, {tasks = tasks, detector = none}))
  end)
end)

-- ---- recipes and cards --------------------------------------------------------------------

describe("loader:recipe", function()
  local set <const> = data.dataset{images = braid.randint(0, 255, {3, 1, 30, 30}):to("uint8"),
    labels = {points = braid.rand(3, 5, 2)}}

  it("gives a table that can be JSON, from which the same pictures follow to the bit", function()
    for _, options in ipairs{{size = 20}, {size = 20, whiten = false},
      {transforms = {data.resize(20), data.normalize{mean = 0.4, std = {0.2}}}},
      {transforms = {data.crop(1.3), data.resize(16, 24, {filter = "bilinear"}), data.whiten()}},
      {transforms = {data.align{eyes = {1, 2}, size = 16}, data.landmark_bins("points")}},
    } do
      local made <const> = data.loader(set, options):recipe()
      local again <const> = require "braid.io.json".decode(require "braid.io.json".encode(made))
      local own <const> = assert(require "braid.data.recipe".options(again))
      assert.same(data.loader(set, options)().image:totable(),
        data.loader(set, own)().image:totable())
    end
  end)

  it("gives nil, and why, if a transform is random", function()
    for _, options in ipairs{{size = 20, augment = {rotate = 5}},
      {transforms = {data.augment{rotate = 5, size = 20}}},
      {transforms = {data.resize(20), data.noise(0.1)}}} do
      local made <const>, why <const> = data.loader(set, options):recipe()
      assert.is_nil(made)
      assert.matches("random", why)
    end
    assert.same({tensors = {input = {2}}},
      data.loader(data.dataset{inputs = braid.ones(2, 2)}, {}):recipe())
  end)
end)

describe("net.card", function()
  local tasks <const> = mtl.tasks{smile = mtl.classes{2}, pose = mtl.classes{5}}
  local CARD <const> = {text = "for faces", licence = "CC-BY 4.0", authors = {"A", "B"},
    metrics = {part = "test", values = {smile = {accuracy = 0.9}, pose = {accuracy = 0.5}}}}

  it("is kept in a file, a clone and an extracted network", function()
    local net <const> = braid.model("tcdcn", {tasks = tasks})
    net.card = CARD
    local path <const> = dir .. "/card.safetensors"
    braid.save(path, net, {card = {licence = "MIT", seed = 3}, note = "x"})
    local other <const> = braid.open(path)
    assert.same({"MIT", 3, "for faces"}, {other.card.licence, other.card.seed, other.card.text})
    assert.equal("CC-BY 4.0", net.card.licence)
    assert.same(other.card, braid.inspect(path).card)
    assert.same(other.card, other:clone().card)
    braid.save(path, other:extract{"smile"})
    assert.same({smile = {accuracy = 0.9}}, braid.open(path).card.metrics.values)
    assert.matches("CC%-BY", (tostring(braid.inspect(path)):gsub("MIT", "CC-BY")))
  end)

  it("is refused by braid.save if a file cannot hold it", function()
    local net <const> = braid.model("tcdcn", {tasks = tasks})
    local path <const> = dir .. "/no.safetensors"
    for _, case in ipairs{
      {{x = 1}, "there is no option 'x'"}, {5, "is not a table"}, {{licence = 5}, "licence"},
      {{text = ("x"):rep(100001)}, "100000 bytes"}, {{text = "\xff"}, "not UTF-8"},
      {{seed = 1.5}, "seed"}, {{metrics = {values = {smile = {accuracy = 0 / 0}}}},
        "values must be"},
      {{preprocessing = {channels = 1, transforms = {{"noise", 1}}}}, "transforms"},
    } do
      net.card = case[1]
      fails(function() braid.save(path, net) end, case[2])
      assert.is_nil(core.path_kind(path))
    end
  end)

  it("is filled in by train.fit, with the metrics of the best network", function()
    local faces <const> = data.faces{n = 60, size = 40, seed = 2}
    local own <const> = mtl.tasks{smile = mtl.classes{2}}
    local run <const> = dir .. "/run"
    local net <const> = braid.model("tcdcn", {tasks = own})
    local mine <const> = {text = "mine", preprocessing = {channels = 1, size = 13},
      metrics = {values = {smile = {accuracy = 0}}}}
    net.card = mine
    local history <const> = train.fit{net = net, tasks = own, train = faces.train,
      val = faces.val, epochs = 2, dir = run, seed = 4, progress = false, best = "smile.accuracy"}
    local best <const> = braid.open(run .. "/best.safetensors")
    local card <const> = best.card
    assert.same({size = 40, channels = 1, whiten = true, filter = "bilinear"}, card.preprocessing)
    assert.equal(13, mine.preprocessing.size) -- the user's table stays as it was
    assert.same({40, nil}, {net.card.preprocessing.size, net.card.metrics})
    assert.same({"mine", 4, faces.train.classes.smile}, {card.text, card.seed, card.classes.smile})
    local epochs <const> = {}
    for _, event in ipairs(history) do
      if event.event == "epoch" then epochs[event.epoch] = event end
    end
    assert.equal("validation", card.metrics.part)
    assert.equal(epochs[card.history.epoch].val.smile.accuracy, card.metrics.values.smile.accuracy)
    local right = 0
    for i, answer in ipairs(best:predict(faces.val)) do
      right = right + (answer.smile.class == faces.val[i].smile and 1 or 0)
      assert.equal(faces.train.classes.smile[answer.smile.class], answer.smile.name)
    end
    assert.near(card.metrics.values.smile.accuracy, right / #faces.val, 1e-6)
  end)
end)
