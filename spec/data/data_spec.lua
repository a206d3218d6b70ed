--- Tests data.mtfl on a small copy of the published files, and the loader with its augmentation.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local data <const>, mtl <const> = braid.data, braid.mtl

local function temporary()
  local path <const> = os.tmpname()
  os.remove(path)
  assert(os.execute(("mkdir -p '%s/faces'"):format(path)))
  return path
end

local function write(path, text)
  local file <const> = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

local function remove(dir) os.execute(("rm -rf '%s'"):format(dir)) end

-- A picture with a bright dot of 5x5 pixels at each point (from 0).
local function picture(path, w, h, points)
  local t <const> = braid.zeros({1, h, w}, {dtype = "uint8"})
  for _, p in ipairs(points) do
    t[{1, {p[2] - 1, p[2] + 3}, {p[1] - 1, p[1] + 3}}] = 255
  end
  assert(braid.save(path, t))
end

local POINTS <const> = { {30, 40}, {60, 40}, {45, 55}, {33, 70}, {57, 70} }

-- One row as published: x1..x5 y1..y5 (from 1), then the four attributes.
local function row(path, attributes)
  local words <const> = {path}
  for d = 1, 2 do
    for _, p in ipairs(POINTS) do words[#words + 1] = ("%.6f"):format(p[d] + 1) end
  end
  return table.concat(words, " ") .. " " .. attributes
end

-- A tiny copy of the published files with their quirks: CR LF, a leading space on all lines but the
-- first, backslashes in training.txt, and a last line that holds only a space.
local function mtfl_tree(rows)
  local dir <const> = temporary()
  local train <const>, test <const> = {}, {}
  for i = 1, rows or 4 do
    local name <const> = ("p%d.png"):format(i)
    picture(dir .. "/faces/" .. name, 100, 120, POINTS)
    train[i] = row("faces\\" .. name, "1 2 1 3")
    test[i] = row("faces/" .. name, "2 1 2 5")
  end
  write(dir .. "/training.txt", table.concat(train, "\r\n ") .. "\r\n ")
  write(dir .. "/testing.txt", table.concat(test, "\r\n ") .. "\r\n ")
  write(dir .. "/boxes_training.txt", "faces/p1.png 20 20 80 90\n")
  write(dir .. "/boxes_testing.txt", "faces/p1.png 20 20 80 90\n")
  return dir
end

-- The centre of mass of the pixels within about 4 pixels of (x, y) in an image (h,w).
local function dot_near(image, x, y)
  local sx, sy, s = 0, 0, 0
  local h <const>, w <const> = image:size(1), image:size(2)
  for v = math.max(0, math.floor(y) - 4), math.min(h - 1, math.ceil(y) + 4) do
    for u = math.max(0, math.floor(x) - 4), math.min(w - 1, math.ceil(x) + 4) do
      local value <const> = image[{v + 1, u + 1}]:item()
      sx, sy, s = sx + value * u, sy + value * v, s + value
    end
  end
  return sx / s, sy / s
end

-- The message that data.mtfl raises, without its position in this file.
local function said(dir, given)
  local ok <const>, message <const> = pcall(function() return (data.mtfl(dir, given)) end)
  assert.is_false(ok)
  assert.matches("spec/data/data_spec.lua:%d+: data.mtfl: ", message)
  return (message:gsub("^.-: data%.mtfl: ", ""))
end

describe("data.mtfl", function()
  local dir
  after_each(function() if dir then remove(dir) end end)

  it("reads the published files with their quirks", function()
    dir = mtfl_tree()
    local sets <const> = data.mtfl(dir, {val = 1})
    assert.equal(3, #sets.train)
    assert.equal(1, #sets.val)
    assert.equal(4, #sets.test)
    local sample <const> = sets.test[1]
    assert.same({2, 1, 2, 5}, {sample.gender, sample.smile, sample.glasses, sample.pose})
    assert.same({1, 2, 1, 3}, {sets.train[1].gender, sets.train[1].smile, sets.train[1].glasses,
      sets.train[1].pose})
    assert.same({5, 2}, sample.landmarks.shape)
    assert.is_nil(sets.test[5])
    assert.equal(0, sets.train.unreadable)
  end)

  it("gives landmarks in pixels of the sample's picture, with and without a face box", function()
    dir = mtfl_tree()
    local sets <const> = data.mtfl(dir, {val = 1})
    for _, set in ipairs{sets.train, sets.val, sets.test} do
      for i = 1, #set do
        local sample <const> = set[i]
        for _, p in ipairs(sample.landmarks:totable()) do
          local x <const>, y <const> = dot_near(sample.image[1], p[1], p[2])
          assert.near(p[1], x, 0.75)
          assert.near(p[2], y, 0.75)
        end
      end
    end
  end)

  it("raises an error with file and line for a row with too few numbers", function()
    dir = mtfl_tree()
    local good <const> = row("faces\\p1.png", "1 2 1 3")
    write(dir .. "/training.txt", good .. "\r\n faces\\p2.png 1 2 3\r\n ")
    local message <const> = said(dir)
    assert.equal(dir .. "/training.txt:2: a path and 14 numbers wanted, 4 words found", message)
  end)

  it("raises an error with file and line for a wrong word and an unknown class", function()
    dir = mtfl_tree()
    write(dir .. "/testing.txt", row("faces/p1.png", "1 2 x 3") .. "\r\n ")
    assert.equal(dir .. "/testing.txt:1: 'x' is not a number from -1e6 to 1e6",
      said(dir, {val = 1}))
    write(dir .. "/testing.txt", row("faces/p1.png", "1 2 1 6") .. "\r\n ")
    assert.equal(dir .. "/testing.txt:1: pose is 6, not a class from 1 to 5",
      said(dir, {val = 1}))
    write(dir .. "/testing.txt", row("faces/p1.png", "1 2 1 5") .. "\r\n ")
    write(dir .. "/boxes_testing.txt", "faces/p1.png 1 2 3\n")
    assert.equal(dir .. "/boxes_testing.txt:1: a path and 4 numbers wanted, 4 words found",
      said(dir, {val = 1}))
  end)

  it("raises an error for a directory without MTFL's files or without faces", function()
    dir = temporary()
    assert.equal(dir .. ": not the MTFL data: there is no training.txt in it",
      said(dir))
    write(dir .. "/training.txt", " \r\n ")
    write(dir .. "/testing.txt", "")
    assert.equal(dir .. "/training.txt: no faces in it", said(dir))
  end)

  it("counts unreadable pictures and names the first of them", function()
    dir = mtfl_tree()
    os.remove(dir .. "/faces/p2.png")
    write(dir .. "/faces/p3.png", "not a picture at all")
    local sets <const> = data.mtfl(dir, {val = 1})
    assert.equal(2, #sets.train + #sets.val)
    assert.equal(2, sets.train.unreadable)
    assert.equal(2, sets.test.unreadable)
    assert.matches("faces/p2.png", sets.test.first_unreadable, 1, true)
  end)

  it("raises an error if no picture can be read", function()
    dir = mtfl_tree(1)
    os.remove(dir .. "/faces/p1.png")
    assert.matches("p1.png", said(dir, {val = 0}), 1, true)
  end)

  -- A loader gives the same points and nearly the same pixels for faces in memory and in files.
  local function check_alike(given)
    local function sets(store)
      local o <const> = {val = 1, store = store, size = 72, channels = 1}
      for key, value in pairs(given) do o[key] = value end
      return data.mtfl(dir, o)
    end
    local a <const>, b <const> = sets("memory"), sets("files")
    assert.is_nil(a.train.files)
    assert.is_nil(b.train.images)
    for name in pairs(a) do
      local x <const> = data.loader(a[name], {batch = 9, whiten = false})()
      local y <const> = data.loader(b[name], {batch = 9, whiten = false})()
      assert.same({72, 72}, {x.image:size(3), y.image:size(4)})
      assert.near(0, (x.landmarks - y.landmarks):abs():max():item(), 1e-5)
      assert.near(0, (x.image - y.image):abs():mean():item(), 2)
      assert.same(x.pose:totable(), y.pose:totable())
      for i, width in ipairs(x.box_width:totable()) do
        local other <const> = y.box_width[i]:item()
        assert.is_true(width ~= width and other ~= other or math.abs(width - other) < 1e-5)
      end
      for i, points in ipairs(y.landmarks:totable()) do
        for _, p in ipairs(points) do
          local u <const>, v <const> = (p[1] + 1) * 36 - 0.5, (p[2] + 1) * 36 - 0.5
          local at <const>, down <const> = dot_near(y.image[{i, 1}], u, v)
          assert.near(u, at, 0.75)
          assert.near(v, down, 0.75)
        end
      end
    end
    return a
  end

  it("gives the same faces with store = \"memory\" and store = \"files\"", function()
    dir = mtfl_tree()
    check_alike{}
    local whole <const> = check_alike{crop = "whole"}
    local points <const> = data.loader(whole.test, {batch = 1})().landmarks[1]:totable()
    for k, p in ipairs(POINTS) do -- pictures of 100 x 120 in the middle of 120 x 120
      assert.near((2 * (p[1] + 10) + 1) / 120 - 1, points[k][1], 1e-5)
      assert.near((2 * p[2] + 1) / 120 - 1, points[k][2], 1e-5)
    end
  end)

  it("keeps pictures in memory if they need at most a gigabyte, else in files", function()
    dir = mtfl_tree()
    assert.is_nil(data.mtfl(dir, {val = 0}).train.files)
    assert.is_nil(data.mtfl(dir, {val = 0, size = 2048, channels = 3, surround = 4}).train.images)
    local set <const> = data.mtfl(dir, {val = 0, size = 64}).train
    assert.same({4, 1, 64, 64}, data.loader(set)().image.shape)
    assert.error_matches(function() data.loader(set, {size = 65}) end,
      "size 65 is more than the 64 pixels that the pictures have: read them with size = 65")
  end)

  it("trains on all faces with val = 0, or leaves out faces with wrong boxes", function()
    dir = mtfl_tree()
    write(dir .. "/boxes_training.txt", "faces/p1.png 20 20 80 90\nfaces/p3.png 0 0 30 30\n")
    local all <const> = data.mtfl(dir, {val = 0})
    assert.same({4, 4, 0}, {#all.train, #all.test, all.train.omitted})
    assert.is_nil(all.val)
    local most <const> = data.mtfl(dir, {val = 0, wrong = "omit"})
    assert.same({3, 4, 1}, {#most.train, #most.test, most.train.omitted})
    os.remove(dir .. "/boxes_training.txt") -- pictures without a box are taken whole
    local blind <const> = data.mtfl(dir, {val = 0, wrong = "whole"})
    local whole <const> = data.mtfl(dir, {val = 0, crop = "whole"})
    local function points(set) return data.loader(set, {batch = 4})().landmarks end
    local function apart(a, b) return (points(a) - points(b)):abs():max():item() end
    assert.is_true(apart(blind.train, whole.train) < 1e-5)
    assert.is_true(apart(all.train, whole.train) > 1e-2)
    assert.matches("val must be from 0 to 3, not 4", said(dir, {val = 4}), 1, true)
  end)

  it("with split = \"kth\" splits the data as section 3.1 of the KTH paper says", function()
    dir = temporary()
    local train <const>, test <const> = {}, {}
    local function add(list, name, w, h, channels)
      local gray <const> = braid.zeros({channels, h, w}, {dtype = "uint8"})
      assert(braid.save(dir .. "/faces/" .. name, gray))
      list[#list + 1] = row("faces/" .. name, ("1 1 1 %d"):format(#list % 5 + 1))
    end
    for i = 1, 9 do add(train, ("a%d.png"):format(i), 90, i % 3 == 0 and 120 or 90, 3) end
    add(train, "gray.png", 90, 90, 1)
    for i = 1, 8 do add(test, ("b%d.png"):format(i), 90, 90, i == 1 and 1 or 3) end
    write(dir .. "/training.txt", table.concat(train, "\n"))
    write(dir .. "/testing.txt", table.concat(test, "\n"))
    local sets <const> = data.mtfl(dir, {split = "kth", val = 3, store = "files"})
    assert.same({6, 3, 4}, {#sets.train, #sets.val, #sets.test})
    local seen <const> = {}
    for _, part in ipairs{sets.val, sets.test} do
      for i = 1, #part do seen[part:path(i)] = true end
    end
    local count = 0
    for _ in pairs(seen) do count = count + 1 end
    assert.equal(7, count)
    assert.same({2, 3, 150, 150}, data.loader(sets.train, {batch = 2})().image.shape)
    local small <const> = data.mtfl(dir, {split = "kth", val = 0, size = 30})
    assert.same({6, nil, 7}, {#small.train, small.val, #small.test})
    assert.same({2, 3, 30, 30}, data.loader(small.test, {batch = 2})().image.shape)
  end)
end)

describe("data.loader", function()
  local tasks <const> = mtl.tasks{
    landmarks = mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4}},
    pose = mtl.classes{5, flip = {5, 4, 3, 2, 1}}, gender = mtl.classes{2},
    smile = mtl.classes{2}, glasses = mtl.classes{2},
  }
  local faces <const> = data.faces{n = 50, seed = 3, val = 1, test = 1}.train

  local function all(options)
    local batches <const> = {}
    for batch in data.loader(faces, options) do batches[#batches + 1] = batch end
    return batches
  end

  it("goes through all samples once, in batches", function()
    local batches <const> = all{batch = 16, size = 32}
    assert.equal(4, #batches)
    assert.equal(2, batches[4].count)
    assert.same({16, 1, 32, 32}, batches[1].image.shape)
    assert.same({16, 5, 2}, batches[1].landmarks.shape)
    assert.same({16}, batches[1].pose.shape)
    assert.equal(3, #all{batch = 16, drop_last = true})
  end)

  it("gives images with mean 0 and deviation 1 by default", function()
    local image <const> = all{batch = 8, size = 32}[1].image
    for i = 1, 8 do
      assert.near(0, image[i]:mean():item(), 1e-4)
      assert.near(1, image[i]:std{unbiased = false}:item(), 1e-3)
    end
  end)

  it("gives the same batches for the same seed and epoch, on any number of threads", function()
    local augment <const> = {rotate = 15, scale = 0.1, shift = 0.1, flip = 0.5}
    local options <const> = {batch = 50, shuffle = true, epoch = 3, augment = augment,
      tasks = tasks}
    local threads <const> = braid.get_threads()
    local first <const> = all(options)[1]
    braid.set_threads(1)
    local second <const> = all(options)[1]
    braid.set_threads(threads)
    assert.same(first.image:totable(), second.image:totable())
    assert.same(first.landmarks:totable(), second.landmarks:totable())
    options.epoch = 4
    assert.not_same(first.pose:totable(), all(options)[1].pose:totable())
  end)

  it("changes colours as the options of augment say", function()
    local a <const> = all{batch = 4, seed = 2, tasks = tasks, augment = {rotate = 5,
      brightness = 0.3, contrast = 0.2, cutout = {side = 0.5}}}[1].image
    local b <const> = all{batch = 4, seed = 2, tasks = tasks, transforms = {
      data.augment{rotate = 5}, data.brightness(0.3), data.contrast(0.2),
      data.cutout{side = 0.5}, data.whiten()}}[1].image
    assert.same(b:totable(), a:totable())
    local ok <const>, message <const> = pcall(all, {augment = {brigthness = 0.3}})
    assert.is_false(ok)
    assert.matches("did you mean brightness?", message, 1, true)
  end)

  -- In this data set, bright dots mark the points: augmentation must move dots and points alike.
  local function dots()
    local images <const> = braid.zeros({6, 1, 80, 80}, {dtype = "uint8"})
    local points <const> = braid.tensor{ {28, 30}, {50, 31}, {39, 40}, {30, 51}, {48, 52} }
    for i = 1, 6 do
      for _, p in ipairs(points:to("int64"):totable()) do
        images[{i, 1, {p[2], p[2] + 2}, {p[1], p[1] + 2}}] = 255
      end
    end
    local all_points <const> = braid.stack({points, points, points, points, points, points})
    return require("braid.data.dataset"){images = images, inner = 50, labels = {
      landmarks = all_points, pose = braid.tensor({1, 2, 3, 4, 5, -100}, {dtype = "int64"})}}
  end

  it("moves points with their pixels in rotation, scale, shift and mirroring", function()
    local ds <const> = dots()
    local seen = 0
    for epoch = 1, 6 do
      local batch <const> = data.loader(ds, {batch = 6, size = 40, epoch = epoch, whiten = false,
        augment = {rotate = 15, scale = 0.1, shift = 0.08, flip = 0.5}, tasks = tasks})()
      for i = 1, 6 do
        for _, p in ipairs(batch.landmarks[i]:totable()) do
          local x <const>, y <const> = (p[1] + 1) * 20 - 0.5, (p[2] + 1) * 20 - 0.5
          local u <const>, v <const> = dot_near(batch.image[{i, 1}], x, y)
          assert.near(x, u, 0.4)
          assert.near(y, v, 0.4)
          seen = seen + 1
        end
      end
    end
    assert.equal(180, seen)
  end)

  it("shifts only sideways with augment.shift = {0.1, 0}", function()
    local plain <const> = data.loader(dots(), {batch = 6, size = 40})()
    local batch <const> = data.loader(dots(), {batch = 6, size = 40,
      augment = {shift = {0.1, 0}}})()
    local moved <const> = batch.landmarks - plain.landmarks
    assert.is_true(moved[{ {}, {}, 2 }]:abs():max():item() < 1e-5)
    local across <const> = moved[{ {}, {}, 1 }]
    assert.is_true(across:abs():max():item() > 0.02 and across:abs():max():item() <= 0.2)
    assert.is_true((across - across[{ {}, {1, 1} }]):abs():max():item() < 1e-5)
    assert.error_matches(function() data.augment{shift = {0.1}} end, "augment: shift")
  end)

  it("mirrors labels as tasks say: eyes swapped, poses reversed, missing ones kept", function()
    local batch <const> = data.loader(dots(), {batch = 6, size = 40,
      augment = {flip = 1}, tasks = tasks})()
    assert.same({5, 4, 3, 2, 1, -100}, batch.pose:totable())
    local plain <const> = data.loader(dots(), {batch = 6, size = 40})()
    local p <const>, q <const> = batch.landmarks[1]:totable(), plain.landmarks[1]:totable()
    for i, from in ipairs{2, 1, 3, 5, 4} do
      assert.near(-q[from][1], p[i][1], 1e-5)
      assert.near(q[from][2], p[i][2], 1e-5)
    end
  end)

  it("raises an error if pictures are mirrored and nothing says how labels change", function()
    assert.error_matches(function() data.loader(dots(), {augment = {flip = 0.5}}) end,
      "data.loader: mirroring changes 'landmarks', but nothing says how: give tasks.landmarks")
  end)

  it("mirrors labels as the data set says, unless tasks say otherwise", function()
    local function poses(given)
      return data.loader(faces, {augment = {flip = 1}, tasks = given})()
    end
    local plain <const>, own <const> = poses(), poses(tasks)
    assert.same(own.landmarks:totable(), plain.landmarks:totable())
    assert.same(own.pose:totable(), plain.pose:totable())
    local still <const> = poses(mtl.tasks{pose = mtl.classes{5, flip = {1, 2, 3, 4, 5}}})
    assert.same(faces.labels.pose:totable(), still.pose:totable())
  end)

  it("frees its memory after a loop that ends early", function()
    collectgarbage()
    local before <const> = braid.memory().live
    for _ = 1, 20 do
      for batch in data.loader(faces, {batch = 4}) do
        if batch then break end
      end
    end
    collectgarbage()
    assert.equal(before, core.memory().live)
  end)
end)
