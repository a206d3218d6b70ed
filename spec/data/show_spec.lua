--- Tests how data are shown to users: the letters that are drawn, data.show, and ds:stats.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local shell <const> = require "spec.support.shell"
local Dataset <const> = require "braid.data.dataset"
local data <const> = braid.data

local NAN <const> = 0 / 0

local function int(list) return braid.tensor(list, {dtype = "int64"}) end

describe("drawn letters", function()
  -- The drawing as rows of dots.
  local function drawn(text, w, h, x, y, scale)
    local canvas <const>, lines <const> = core.new({h, w, 1}, "uint8", 255), {}
    core.draw_text(canvas, x, y, text, scale, {0, 0, 0})
    for v, row in ipairs(canvas:reshape(h, w):totable()) do
      for u, value in ipairs(row) do row[u] = value == 255 and "." or "#" end
      lines[v] = table.concat(row)
    end
    return lines
  end

  it("are 6 by 9 dots large, with their margin", function()
    assert.same({
      "..#...#...#.......",
      ".##...#...#.......",
      "..#...##..#..####.",
      "..#...#.#.#.#...#.",
      "..#...#..##.#...#.",
      "..#...#...#..####.",
      ".###..#...#.....#.",
      ".............###..",
      "..................",
    }, drawn("1Ng", 18, 9, 0, 0, 1))
  end)

  it("are enlarged by a whole factor, and cut at the borders of the picture", function()
    local small <const>, large <const> = drawn("g", 6, 9, 0, 0, 1), drawn("g", 12, 18, 0, 0, 2)
    for v = 1, 18 do assert.equal((small[(v + 1) // 2]:gsub(".", "%0%0")), large[v]) end
    local cut <const> = drawn("1Ng", 7, 3, -6, -2, 1)
    assert.same({"##..#..", "#.#.#.#", "#..##.#"}, cut)
    assert.same({"..."}, drawn("N", 3, 1, 9223372036854775807, 0, 1))
    assert.same({"..."}, drawn("N", 3, 1, math.mininteger, 0, 1))
  end)

  it("are all different, and an unknown character is drawn as a box", function()
    local seen <const> = {}
    for c = 32, 126 do
      local letter <const> = table.concat(drawn(string.char(c), 6, 9, 0, 0, 1), "\n")
      assert.is_nil(seen[letter], string.char(c))
      seen[letter] = c
    end
    assert.same(drawn("\1", 12, 9, 0, 0, 1), drawn("\u{20AC}", 12, 9, 0, 0, 1))
  end)
end)

-- Two pictures, red and blue, with every kind of label.
local function sample_set()
  local images <const> = core.new({2, 3, 20, 40}, "uint8", 0):channels_last()
  images[{1, 1}] = 255
  images[{2, 3}] = 255
  return Dataset{images = images, inner = 20,
    labels = {landmarks = braid.tensor{ { {10, 5}, {30, 15} }, { {NAN, NAN}, {NAN, NAN} } },
      mood = int{2, -100}, Young = int{2, 1}, yaw = braid.tensor{0.5, NAN},
      pair = braid.tensor{ {1, 2}, {3, 4} }},
    classes = {mood = {"sad", "glad"}, Young = {"no", "yes"}},
    boxes = braid.tensor{ {4.5, 3.5, 24.5, 16.5}, {NAN, NAN, NAN, NAN} }}
end

describe("data.show", function()
  local function shown(ds, n, o)
    local image
    shell.in_directory(function(dir)
      assert(data.show(ds, n, dir .. "/show.png", o))
      image = assert(braid.load(dir .. "/show.png"))
    end)
    return image
  end

  -- The colour at (x, y), counted from 0.
  local function at(image, x, y) return image[{ {}, y + 1, x + 1 }]:totable() end

  it("draws pictures in their proportions, with boxes and points in their place", function()
    local image <const> = shown(sample_set(), 2, {side = 80, columns = 2})
    -- Two cells of 80 with gaps of 6; a picture of 80x40 begins 20 below the top.
    assert.equal(3 * 6 + 2 * 80, image:size(3))
    assert.same({255, 255, 255}, at(image, 50, 6 + 10))
    assert.same({255, 0, 0}, at(image, 75, 6 + 50))
    assert.same({0, 0, 255}, at(image, 100, 6 + 30))
    for _, place in ipairs{ {6 + 20, 26 + 10}, {6 + 60, 26 + 30} } do -- (10, 5), (30, 15) of 40x20
      local dot <const> = at(image, place[1] + 1, place[2] + 1)
      assert.is_true(dot[1] < 80 and dot[2] > 180, table.concat(dot, " "))
    end
    -- The left line of the box is at x = 4.5 of the picture, so it is between columns 9 and 10 of
    -- the drawing: both show it.
    local edge <const> = at(image, 6 + 9, 26 + 20)
    assert.is_true(edge[1] > 200 and edge[2] > 100 and edge[3] < 20, table.concat(edge, " "))
    local other <const> = at(image, 86 + 6 + 9, 26 + 20)
    assert.same({0, 0, 255}, other) -- no box there
  end)

  it("writes labels below the picture: classes by name, missing labels as ?", function()
    local words <const>, draw_text <const> = {}, core.draw_text
    core.draw_text = function(_, _, _, text) words[#words + 1] = text end
    local ok <const>, message <const> = pcall(shown, sample_set(), 2, {side = 400})
    core.draw_text = draw_text
    assert(ok, message)
    assert.same({"1", "2", "Young  mood=glad  pair=1,2  yaw=0.5",
      "landmarks=?  mood=?  pair=3,4  yaw=?"}, words)
  end)

  it("wraps long labels, and cuts labels that do not fit", function()
    local words <const>, draw_text <const> = {}, core.draw_text
    core.draw_text = function(_, _, _, text) words[#words + 1] = text end
    local ok <const>, message <const> = pcall(shown, sample_set():subset{2}, 1,
      {side = 66, lines = 3})
    core.draw_text = draw_text
    assert(ok, message)
    assert.same({"landmarks=?", "mood=?", "pair=3,4..."}, words)
  end)

  it("takes samples evenly, at random or by their numbers", function()
    local images <const> = core.new({9, 1, 1, 1}, "uint8", 0)
    for i = 1, 9 do images[i] = 10 * i end
    local ds <const> = Dataset{images = images}
    local function grays(n, o)
      local image <const>, list <const> = shown(ds, n, o), {}
      for x = 6 + 8, image:size(3) - 1, 22 do list[#list + 1] = at(image, x, 14)[1] // 10 end
      return list
    end
    assert.same({1, 4, 7}, grays(3, {side = 16, columns = 3}))
    assert.same({9, 2}, grays({9, 2}, {side = 16, columns = 2}))
    local drawn <const> = grays(9, {side = 16, columns = 9, seed = 4})
    assert.not_same({1, 2, 3, 4, 5, 6, 7, 8, 9}, drawn)
    table.sort(drawn)
    assert.same({1, 2, 3, 4, 5, 6, 7, 8, 9}, drawn)
  end)

  it("writes an error in place of a picture that cannot be read", function()
    local said <const>, draw_text <const> = {}, core.draw_text
    core.draw_text = function(_, _, _, text) said[#said + 1] = text end
    local ok <const>, message <const> = pcall(shown, Dataset{files = {"/no/such.png"}}, 1)
    core.draw_text = draw_text
    assert(ok, message)
    assert.matches("/no/such.png", table.concat(said), 1, true)
  end)

  it("raises an error for invalid arguments and for a file that it cannot write", function()
    local ds <const> = sample_set()
    assert.has_error(function() data.show(ds, 0, "x.png") end,
      "data.show: n must be a whole number from 1, not 0")
    assert.has_error(function() data.show(ds, {3}, "x.png") end,
      "data.show: there is no sample 3 of 2")
    assert.has_error(function() data.show(ds, 2, "x.png", {side = 100000}) end,
      "data.show: 2 samples of side 100000 are too much for one picture: show fewer, or with a "
        .. "smaller side")
    assert.error_matches(function() data.show(ds, 2, "/no/such/dir/x.png") end,
      "data.show: cannot write .*: there is no folder /no/such/dir$")
  end)
end)

describe("ds:stats", function()
  it("counts classes and missing labels, and the accuracy of always the largest class", function()
    local s <const> = Dataset{images = core.new({8, 1, 2, 2}, "uint8", 0),
      labels = {kind = int{1, 1, 1, 1, 2, 2, -100, -100}},
      classes = {kind = {"a", "b", "c"}}}:stats()
    local kind <const> = s.labels.kind
    assert.same({4, 2, 0}, kind.counts)
    assert.equal(0.25, kind.missing)
    assert.near(4 / 6, kind.baseline, 1e-12)
    assert.equal(2, kind.imbalance)
    assert.matches("kind  class   missing  25.0%  a 66.7%, b 33.3%, c 0.0%; majority 66.7%, " ..
      "imbalance 2.0", tostring(s), 1, true)
  end)

  it("measures points and numbers, without the missing ones", function()
    local points <const> = braid.tensor{ { {0, 0}, {10, 20} }, { {2, 0}, {NAN, NAN} },
      { {NAN, NAN}, {NAN, NAN} }, { {NAN, 1}, {10, 24} } }
    local pairs_of <const> = braid.tensor{ {1, 10}, {3, 10}, {NAN, NAN}, {5, NAN} }
    local s <const> = Dataset{images = core.new({4, 1, 2, 2}, "uint8", 0), kinds = {yaw = "yaw"},
      labels = {landmarks = points, yaw = braid.tensor{1, 3, NAN, NAN}, pair = pairs_of}}:stats()
    local p <const>, yaw <const>, pair <const> = s.labels.landmarks, s.labels.yaw, s.labels.pair
    assert.same({0.25, 0.5}, {p.missing, p.missing_points})
    assert.same({ {0, 0}, {10, 24} }, {p.low, p.high})
    assert.same({"yaw", 0.5, 1, 3, 2, 1, 1}, {yaw.kind, yaw.missing, yaw.low, yaw.high, yaw.mean,
      yaw.deviation, yaw.baseline})
    assert.equal(0.25, pair.missing)
    assert.near(math.sqrt(8 / 5), pair.baseline, 1e-6)
  end)

  it("reports sizes, channels, mean and deviation of pictures", function()
    shell.in_directory(function(dir)
      assert(braid.save(dir .. "/a.png", core.new({3, 2, 4}, "uint8", 100)))
      assert(braid.save(dir .. "/b.png", core.new({1, 2, 2}, "uint8", 40)))
      local ds <const> = Dataset{files = {"a.png", "b.png", "c.png"}, root = dir}
      local p <const> = ds:stats{pictures = "all"}.pictures
      assert.same({["4x2"] = 1, ["2x2"] = 1}, p.sizes)
      assert.same({1, 1}, {p.channels[3], p.channels[1]})
      assert.same({3, 1}, {p.looked_at, p.unreadable})
      assert.matches("c.png", p.first_unreadable, 1, true)
      assert.near(80, p.mean[2], 1e-9)
      assert.near(math.sqrt((8 * 20 ^ 2 + 4 * 40 ^ 2) / 12), p.deviation[3], 1e-9)
      assert.equal(1, ds:stats{pictures = 1}.pictures.looked_at)
    end)
  end)

  it("prints one line for each label, for any number of classes", function()
    local labels <const> = {}
    for i = 1, 60 do labels[i] = i % 20 + 1 end
    labels[1] = 1
    local text <const> = tostring(Dataset{images = core.new({60, 1, 2, 2}, "uint8", 0),
      labels = {identity = int(labels), age = braid.zeros{60} + NAN}}:stats())
    assert.equal("60 samples\npictures  60 looked at\n  size 2x2; channels 1\n" ..
      "  mean 0.0, deviation 0.0 (of 255)\nage       real    missing 100.0%\n" ..
      "identity  class   missing   0.0%  20 classes, from 4 (1) to 2 (2); majority 6.7%, " ..
      "imbalance 2.0", (text:gsub(" +$", "")))
    assert.equal("0 samples", tostring(Dataset{images = core.new({0, 1, 2, 2}, "uint8"),
      labels = {}}:stats()))
  end)
end)
