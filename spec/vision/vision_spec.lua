--- The face detector: with small networks that find white squares in drawn pictures, with
-- models/mtcnn.lua, and with weights in Caffe's format.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local files <const> = require "braid.io.files"
local file <const> = require "spec.support.file"
local mtcnn_layers <const> = require "spec.support.mtcnn_layers"
local mtl <const>, nn <const>, vision <const> = braid.mtl, braid.nn, braid.vision
local class <const> = require "braid.class"

local function parts(list) return braid.tensor(list, {dtype = "int64"}) end

describe("core.area", function()
  local picture <const> = braid.randint(0, 255, {3, 23, 31}):to("uint8")
  local canvas <const> = picture:permute(2, 3, 1):contiguous()

  -- The part {x1, y1, x2, y2} of a picture by adaptive pooling.
  local function pooled(t, p, h, w)
    local part <const> = t[{ {}, {p[2], p[4]}, {p[1], p[3]} }]
    return part:to("float32"):unsqueeze(1):adaptive_avg_pool2d({h, w})
  end

  it("gives what adaptive pooling of a part gives, to larger and smaller sizes", function()
    local list <const> = {{1, 1, 31, 23}, {4, 2, 20, 23}, {30, 23, 31, 23}, {7, 7, 7, 7}}
    for _, size in ipairs{{5, 7}, {23, 31}, {40, 33}, {1, 1}} do
      local all <const> = core.area(canvas, parts(list), size[1], size[2], 127.5, 0.5)
      assert.same({4, 3, size[1], size[2]}, all.shape)
      for i, p in ipairs(list) do
        local expected <const> = (pooled(picture, p, size[1], size[2])[1] - 127.5) * 0.5
        assert.is_true((all[i] - expected):abs():max():item() < 1e-4)
      end
    end
  end)

  it("takes one channel, and an empty list of parts", function()
    local gray <const> = core.area(canvas[{ {}, {}, {2, 2} }]:contiguous(), parts{{1, 1, 31, 23}},
      3, 2)
    local expected <const> = pooled(picture[{ {2, 2} }], {1, 1, 31, 23}, 3, 2)
    assert.is_true((gray - expected):abs():max():item() < 1e-4)
    assert.same({0, 3, 2, 2}, core.area(canvas, braid.zeros({0, 4}, {dtype = "int64"}), 2, 2).shape)
  end)

  it("refuses parts that leave the picture or are empty", function()
    for _, p in ipairs{{0, 1, 5, 5}, {1, 1, 32, 5}, {1, 1, 5, 24}, {5, 1, 4, 5}, {1, -3, 5, 5}} do
      local ok <const>, message <const> = pcall(core.area, canvas, parts{p}, 4, 4)
      assert.is_false(ok)
      assert.matches("area: part 1, columns", message, 1, true)
    end
    assert.has_error(function() core.area(canvas, braid.zeros(1, 4), 4, 4) end)
    assert.has_error(function() core.area(picture:to("float32"), parts{{1, 1, 2, 2}}, 4, 4) end)
    assert.has_error(function() core.area(canvas, parts{{1, 1, 2, 2}}, 0, 4) end)
  end)
end)

-- ---- networks that see white squares in black frames -------------------------------------

-- How much brighter the inner two thirds of a window are than its frame, 0 to 2.
local function contrast(x, size, stride)
  local inner <const>, edge <const> = (size * 2 // 3) ^ 2, size // 6
  local weight <const> = braid.full({1, 3, size, size}, -1 / (size * size - inner) / 3)
  local middle <const> = {edge + 1, size - edge}
  weight[{ {}, {}, middle, middle }] = 1 / inner / 3
  return x:conv2d(weight, {stride = stride})
end

local function answers(c, moves)
  local n <const>, h <const>, w <const> = c:size(1), c:size(3), c:size(4)
  return {face = braid.cat({c * 0, (c - 1) * 20}, 2),
    box = braid.tensor(moves):reshape(1, 4, 1, 1):expand(n, 4, h, w)}
end

local Window <const> = class("Window", nn.Module)
function Window:slide(x) return answers(contrast(x, 12, 2), self.moves) end

local Square <const> = class("Square", nn.Module)
function Square:forward(x)
  local y <const> = answers(contrast(x, x:size(3), 1), self.moves)
  return {face = y.face:flatten(2), box = y.box:flatten(2),
    landmarks = braid.tensor(self.points):reshape(1, 10):expand(x:size(1), 10)}
end

local function made(kind, moves)
  local net <const> = kind()
  net.moves, net.points = moves or {0, 0, 0, 0}, {-1, -1, 1, -1, 0, 0, -1, 1, 1, 1}
  return net
end

local function seeing(o_moves, options)
  return vision.detector({P = made(Window), R = made(Square), O = made(Square, o_moves)}, options)
end

-- A black picture with white squares {x, y, side}: x, y is the first pixel, from 1.
local function planted(h, w, squares, channels)
  local t <const> = braid.zeros({channels or 3, h, w}, {dtype = "uint8"})
  for _, s in ipairs(squares) do
    t[{ {}, {s[2], s[2] + s[3] - 1}, {s[1], s[1] + s[3] - 1} }] = 255
  end
  return t
end

local function near(box, expected, tolerance)
  for i = 1, 4 do assert.near(expected[i], box[i], tolerance) end
end

describe("the detector", function()
  it("finds squares of two sizes at their places", function()
    local found <const> = seeing()(planted(120, 200, {{31, 21, 24}, {111, 41, 44}}))
    local boxes <const> = found.boxes:totable()
    table.sort(boxes, function(a, b) return a[1] < b[1] end)
    assert.equal(2, #boxes)
    near(boxes[1], {25, 15, 60, 50}, 36 / 5) -- scales are a third apart, so this is near
    near(boxes[2], {100, 30, 165, 95}, 66 / 5)
    assert.same({2, 5, 2}, found.points.shape)
    assert.is_true(found.scores:min():item() > 0.7)
    assert.is_true(found.scores[1]:item() >= found.scores[2]:item())
  end)

  it("moves boxes as network O says, and places the points in the box before it moves", function()
    local picture <const> = planted(100, 100, {{31, 41, 40}})
    local plain <const>, moved <const> = seeing()(picture), seeing{0.25, 0, 0.25, 0.5}(picture)
    local a <const>, b <const> = plain.boxes[1]:totable(), moved.boxes[1]:totable()
    local w <const>, h <const> = a[3] - a[1] + 1, a[4] - a[2] + 1
    near(b, {a[1] + w / 4, a[2], a[3] + w / 4, a[4] + h / 2}, 1e-3)
    local points <const> = moved.points[1]:totable()
    near({points[1][1], points[1][2], points[5][1], points[5][2]},
      {a[1] - 1, a[2] - 1, a[3], a[4]}, 1e-3)
    near({points[3][1], points[3][2], 0, 0}, {a[1] - 1 + w / 2, a[2] - 1 + h / 2, 0, 0}, 1e-3)
  end)

  it("finds nothing in an empty picture or one smaller than a face", function()
    for _, picture in ipairs{planted(60, 60, {}), planted(19, 100, {{1, 1, 19}}),
      planted(1, 1, {{1, 1, 1}})} do
      local found <const> = seeing()(picture)
      assert.same({0, 4}, found.boxes.shape)
      assert.same({0}, found.scores.shape)
      assert.same({0, 5, 2}, found.points.shape)
    end
  end)

  it("looks for no faces smaller than min_face", function()
    local picture <const> = planted(120, 120, {{41, 41, 24}})
    assert.equal(1, seeing()(picture).boxes:size(1))
    assert.equal(0, seeing(nil, {min_face = 60})(picture).boxes:size(1))
  end)

  it("finds the same in a gray picture, and with batch = 1", function()
    local expected <const> = seeing()(planted(80, 80, {{21, 31, 30}}))
    assert.equal(1, expected.boxes:size(1))
    for _, found in ipairs{seeing()(planted(80, 80, {{21, 31, 30}}, 1)),
      seeing(nil, {batch = 1})(planted(80, 80, {{21, 31, 30}}))} do
      assert.same(expected.boxes:totable(), found.boxes:totable())
    end
  end)

  it("leaves out boxes that are outside the picture", function()
    local away <const> = made(Window, {9, 0, 9, 0}) -- nine widths to the right
    local detect <const> = vision.detector{P = away, R = made(Square), O = made(Square)}
    local picture <const> = planted(80, 80, {{21, 31, 30}})
    assert.equal(1, seeing()(picture).boxes:size(1))
    assert.equal(0, detect(picture).boxes:size(1))
  end)

  it("keeps no memory except its result", function()
    local detect <const>, picture <const> = seeing(), planted(80, 80, {{21, 31, 30}})
    detect(picture)
    collectgarbage()
    collectgarbage()
    local live <const> = braid.memory().live
    collectgarbage("stop")
    local found <const> = detect(picture)
    collectgarbage("restart")
    local left <const> = braid.memory().live - live
    assert.is_true(left < 4096, left .. " bytes are left")
    assert.is_false(found.boxes.requires_grad)
  end)

  it("names what is wrong with options, networks and pictures", function()
    local nets <const> = {P = made(Window), R = made(Square), O = made(Square)}
    for message, f in pairs{
      ["vision.detector: there is no option 'minface'; there is batch, factor, last, "
        .. "min_face, thresholds"] = function() vision.detector(nets, {minface = 3}) end,
      ["vision.detector: min_face must be a number from 1, not 0"] =
        function() vision.detector(nets, {min_face = 0}) end,
      ["vision.detector: factor must be a number from 0.1 to 0.99, not 1"] =
        function() vision.detector(nets, {factor = 1}) end,
      ["vision.detector: thresholds must be a list of 3 values, each a number from 0 and below 1, "
        .. "not {0.5, 7, 0.5}: entry 2 is 7"] =
        function() vision.detector(nets, {thresholds = {0.5, 7, 0.5}}) end,
      ["vision.detector: there is no network O"] =
        function() vision.detector{P = nets.P, R = nets.R} end,
      ["vision.detector: P cannot slide over an image"] =
        function() vision.detector{P = nets.R, R = nets.R, O = nets.O} end,
      ["vision.detector: wants a picture, uint8 (3, h, w) or (1, h, w), not float32 (3, 8, 8)"] =
        function() vision.detector(nets)(braid.zeros(3, 8, 8)) end,
    } do
      local ok <const>, text <const> = pcall(f)
      assert.is_false(ok)
      assert.matches(message, text, 1, true)
    end
  end)

  it("has results that braid.plot.detections draws on the picture", function()
    local picture <const> = planted(60, 80, {{21, 11, 30}})
    file.with("d.png", function(path)
      local boxes <const>, points <const> = braid.tensor{{21, 11, 50, 40}}, braid.tensor{{{10, 50}}}
      assert(braid.plot.detections(path, picture, boxes, points))
      local drawn <const> = assert(braid.load(path))
      assert.same({3, 60, 80}, drawn.shape)
      assert.same({40, 220, 90}, drawn[{ {}, 11, 30 }]:totable()) -- an edge of the box
      assert.same({255, 60, 60}, drawn[{ {}, 50, 10 }]:totable()) -- the point
      assert.same({255, 255, 255}, drawn[{ {}, 25, 35 }]:totable())
    end)
  end)
end)

-- ---- the networks, and weights in Caffe's format ----------------------------------------

local SIZE <const> = {P = 12, R = 24, O = 48}

describe("models/mtcnn.lua", function()
  local function network(stage, options)
    options = options or {}
    options.stage = stage
    return braid.model("models/mtcnn.lua", options)
  end

  it("has the published numbers of parameters", function()
    local two <const> = mtl.tasks{face = mtl.classes{2}, box = mtl.real{4}}
    for stage, counts in pairs{P = {6632, 6962}, R = {100178, 101468}, O = {386470, 389040}} do
      assert.equal(counts[1], network(stage, {tasks = two}):count_parameters())
      assert.equal(counts[2], network(stage):count_parameters())
    end
  end)

  it("gives each task's numbers for an image of each stage's size", function()
    for stage, size in pairs(SIZE) do
      local out <const> = network(stage)(braid.randn(2, 3, size, size))
      assert.same({2, 2}, out.face.shape)
      assert.same({2, 4}, out.box.shape)
      assert.same({2, 10}, out.landmarks.shape)
    end
    assert.has_error(function() network("P")(braid.randn(1, 3, 13, 12)) end)
    assert.has_error(function() network("Q") end)
  end)

  for what, mixer in pairs{plain = false, ["with a mixer"] = mtl.collaborative{kernel = 1}} do
    it("slides: the map of P has the result of each window, " .. what, function()
      local p <const>, x <const> = network("P", {mixer = mixer or nil}), braid.randn(4, 3, 18, 22)
      p:train()
      p:slide(x) -- statistics that are not those of a fresh network
      p:eval()
      local map <const> = p:slide(x)
      assert.same({4, 4, 4, 6}, map.box.shape)
      for i = 1, 4 do
        for j = 1, 6 do
          local rows <const>, columns <const> = {2 * i - 1, 2 * i + 10}, {2 * j - 1, 2 * j + 10}
          local alone <const> = p(x[{ {}, {}, rows, columns }]).box
          assert.is_true((map.box[{ {}, {}, i, j }] - alone):abs():max():item() < 1e-5)
        end
      end
    end)
  end

  it("has a column for each task if it has a mixer, also as network P", function()
    local x <const> = braid.randn(2, 3, 12, 12)
    local alone <const> = network("P")
    local p <const> = network("P", {mixer = mtl.collaborative{}})
    local heads <const> = 33 * (2 + 4 + 10)
    local expected = 3 * (alone:count_parameters() - heads) + heads
    for _, c in ipairs{10, 16, 32} do -- a collaborative mixer over three columns of c channels
      local m <const> = 3 * c // 4
      expected = expected + (3 * c * m + 9 * m * m + 4 * m) + 3 * ((c + m) * c + 9 * c * c + 4 * c)
    end
    assert.equal(expected, p:count_parameters())
    for name, y in pairs(p(x)) do assert.same({2, p.tasks[name].size}, y.shape) end
    assert.same({2, 4, 4, 6}, p:slide(braid.randn(2, 3, 18, 22)).box.shape)
    local out <const> = network("O", {mixer = mtl.collaborative{}, at = {"conv2"}, width = 0.25})(
      braid.randn(2, 3, 48, 48))
    assert.same({2, 10}, out.landmarks.shape)
  end)

  it("learns from samples that have only some labels", function()
    braid.manual_seed(3)
    local nan <const> = 0 / 0
    local tasks <const> = mtl.tasks{face = mtl.classes{2, hardest = 0.7},
      box = mtl.real{4}, landmarks = mtl.landmarks{weight = 0.5}}
    local net <const> = network("R", {tasks = tasks, width = 0.25})
    local opt <const> = braid.optim.Adam(net:parameters(), {lr = 3e-3})
    local batch <const> = {image = braid.randn(6, 3, 24, 24), count = 6,
      face = braid.tensor({1, 1, 2, 2, -100, -100}, {dtype = "int64"}),
      box = braid.randn(6, 4) * 0.1, landmarks = braid.rand(6, 5, 2)}
    batch.box[{ {1, 2} }] = nan       -- no face, no box
    batch.landmarks[{ {1, 4} }] = nan -- only the last two have points
    local first, last
    for _ = 1, 40 do
      local loss <const> = tasks:loss(net(batch.image), batch)
      opt:zero_grad()
      loss:backward()
      opt:step()
      last = loss:item()
      first = first or last
    end
    assert.is_true(last < first / 4, ("%g to %g"):format(first, last))
  end)
end)

describe("published weights", function()
  it("give for a picture what they give in Caffe for the transposed picture", function()
    braid.manual_seed(4)
    local layers <const>, w <const> = mtcnn_layers("O")
    local x <const> = braid.randn(2, 3, 48, 48)
    local y, pools <const> = x:transpose(3, 4):contiguous(), {3, 3, 2}
    for i = 1, 4 do
      y = y:conv2d(w["conv" .. i][1], w["conv" .. i][2]):prelu(w["prelu" .. i][1])
      if pools[i] then y = y:max_pool2d(pools[i], {stride = 2, ceil_mode = true}) end
    end
    y = y:flatten(2):matmul(w.conv5[1]:t()) + w.conv5[2]
    y = y:prelu(w.prelu5[1])
    local points <const> = (y:matmul(w["conv6-3"][1]:t()) + w["conv6-3"][2]):totable()
    local box <const> = (y:matmul(w["conv6-2"][1]:t()) + w["conv6-2"][2]):totable()

    local bytes <const> = file.caffemodel(layers)
    local net <const> = braid.model("models/mtcnn.lua", {stage = "O"})
    local read <const> = assert(file.load("det3.caffemodel", bytes))
    net:load_state_dict(assert(vision.mtcnn.state("O", read, net)))
    local out <const> = net(x)
    for n = 1, 2 do
      near(out.box[n]:totable(), box[n], 1e-4)
      for k = 1, 5 do -- from 0..1, all x first, to -1..1
        assert.near(2 * points[n][k] - 1, out.landmarks[{n, 2 * k - 1}]:item(), 1e-4)
        assert.near(2 * points[n][k + 5] - 1, out.landmarks[{n, 2 * k}]:item(), 1e-4)
      end
    end
  end)

  local function in_directory(f)
    local dir <const> = os.tmpname()
    os.remove(dir)
    assert(os.execute(("mkdir -p '%s'"):format(dir)))
    local ok <const>, message <const> = pcall(f, dir)
    os.execute(("rm -rf '%s'"):format(dir))
    assert(ok, message)
  end

  it("are read from a directory, and make a detector", function()
    in_directory(function(dir)
      for i, stage in ipairs{"P", "R", "O"} do
        assert(files.write(("%s/det%d.caffemodel"):format(dir, i),
          {file.caffemodel((mtcnn_layers(stage)))}))
      end
      local detect <const> = assert(vision.mtcnn.detector(dir, {thresholds = {0, 0, 0}}))
      assert.is_false(detect.O.training)
      assert.same({5, 2}, {table.unpack(detect(planted(40, 50, {})).points.shape, 2)})
    end)
  end)

  it("that are missing or belong to another network are reported", function()
    in_directory(function(dir)
      local none <const>, message <const> = vision.mtcnn.detector(dir)
      assert.is_nil(none)
      assert.matches(dir .. "/det1.caffemodel", message, 1, true)
      assert(files.write(dir .. "/det1.caffemodel",
        {file.caffemodel((mtcnn_layers "R"))}))
      local wrong <const>, what <const> = vision.mtcnn.network(dir, "P")
      assert.is_nil(wrong)
      assert.matches("not the weights of P: layer 'conv1' has (28, 3, 3, 3) where the network "
        .. "has (10, 3, 3, 3)", what, 1, true)
    end)
  end)
end)

describe("max pooling without a gradient", function()
  it("gives what it gives with a gradient, for 1 to 40 channels, also NaN", function()
    local isa <const> = core.isa()
    for _, name in ipairs{"base", "avx2", "avx512"} do
      if core.isa(name) then
        for _, float in ipairs{"float32", "float64"} do
          for c = 1, 40 do
            local x <const> = braid.randn({1, c, 5, 6}, {dtype = float})
            x[{1, c, 3, 3}] = 0 / 0
            local kept <const> = x:clone():requires_grad_():max_pool2d(3, {stride = 2, padding = 1})
            local plain <const> = x:max_pool2d(3, {stride = 2, padding = 1})
            assert.is_true(plain:isnan():eq(kept:isnan()):all():item())
            local same <const> = plain:eq(kept):logical_or(plain:isnan()):all():item()
            assert.is_true(same, ("%d channels, %s, %s"):format(c, name, float))
          end
        end
      end
    end
    core.isa(isa)
  end)
end)
