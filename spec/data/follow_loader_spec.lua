--- Tests that a loader raises an error if a transform moves pictures and nothing says how their
-- labels change.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"
local Dataset <const> = require "braid.data.dataset"
local data <const>, mtl <const> = braid.data, braid.mtl

local W <const>, H <const> = 60, 50
local LEVEL <const> = 4 -- of colour for each pixel

-- ---- pictures -----------------------------------------------------------------------------------

local function ramp()
  local t <const> = braid.zeros({3, H, W}, {dtype = "uint8"})
  for x = 0, W - 1 do t[{1, {}, x + 1}] = LEVEL * x end
  for y = 0, H - 1 do t[{2, y + 1}] = LEVEL * y end
  return t
end

-- ---- labels of unknown kind ---------------------------------------------------------------------

local function set_of(labels, kinds)
  local images <const> = braid.zeros({2, 1, 8, 8}, {dtype = "uint8"})
  return Dataset{images = images, labels = labels, kinds = kinds}
end

local function refusal(ds, steps, tasks)
  local ok <const>, message <const> = pcall(function()
    return (data.loader(ds, {transforms = steps, tasks = tasks}))
  end)
  return not ok and tostring(message)
end

describe("data.loader", function()
  local flip <const>, turn <const> = data.augment{flip = 0.5}, data.augment{rotate = 5}
  local two <const> = braid.tensor{10.0, 20.0}

  it("refuses to mirror or turn labels of unknown kind, and says where to give the kind", function()
    local bins <const> = data.pose_bins("heading", {as = "pose"})
    assert.matches("data.loader: mirroring changes 'pose', but nothing says how: give the data set "
      .. "kinds = {heading = \"yaw\"} (or pitch, roll), or for mirroring tasks.pose a flip, "
      .. "or use data.pose_bins(\"heading\", {kind = \"yaw\"})",
      refusal(set_of{heading = two}, {bins, flip}), 1, true)
    assert.matches("turning changes 'pose'", refusal(set_of{heading = two}, {bins, turn}), 1, true)
    assert.matches("turning changes 'pose'",
      refusal(set_of{heading = two}, {bins, data.align{size = 8}}), 1, true)
    assert.matches("mirroring changes 'eyes'", refusal(set_of{eyes = braid.zeros(2, 2, 2)}, {flip}),
      1, true)
    assert.matches("mirroring changes 'eyes'", refusal(set_of{eyes = braid.zeros(2, 2, 2)}, {flip},
      mtl.tasks{eyes = mtl.landmarks{points = 2, eyes = {1, 2}}}), 1, true)
  end)

  it("takes a label's kind from a task, from the data set, from pose_bins or its name", function()
    local bins <const> = data.pose_bins("heading", {as = "pose"})
    local pose <const> = mtl.tasks{pose = mtl.classes{5, flip = {5, 4, 3, 2, 1}}}
    assert.is_false(refusal(set_of{heading = two}, {bins, flip}, pose))
    assert.is_false(refusal(set_of{heading = two}, {bins, flip},
      mtl.tasks{heading = mtl.real{1, flip = "negate"}}))
    assert.is_false(refusal(set_of({heading = two}, {heading = "yaw"}), {bins, flip, turn}))
    assert.is_false(refusal(set_of{heading = two}, {
      data.pose_bins("heading", {as = "pose", kind = "roll"}), flip, turn}))
    assert.is_false(refusal(set_of{yaw = two}, {data.pose_bins("yaw", {as = "pose"}), turn}))
    assert.is_false(refusal(set_of{yaw = two}, {flip, data.pose_bins("yaw")}))
    assert.is_false(refusal(set_of{age = two}, {flip, turn}))
  end)

  -- A data set with the angles of two samples, and a task named pose.
  local ANGLES <const> = braid.tensor{ {5, -20, 30}, {-40, 10, 2} } -- roll, pitch, yaw
  local function taken(task, labels, kinds)
    return set_of(labels or {pose = ANGLES}, kinds), mtl.tasks{pose = task}
  end

  it("takes the kinds of mtl.pose_bins' angles from the task", function()
    for kind, mirrored in pairs{["roll pitch yaw"] = { {-5, -20, -30}, {40, 10, -2} },
      ["yaw pitch real"] = { {-5, -20, 30}, {40, 10, 2} }, yaw = { {-5, 20, -30}, {40, -10, -2} },
      real = { {5, -20, 30}, {-40, 10, 2} }} do
      local ds <const>, tasks <const> = taken(mtl.pose_bins{kind = kind})
      local function seen(step)
        return data.loader(ds, {transforms = {step}, tasks = tasks})().pose
      end
      assert.same(mirrored, seen(data.augment{flip = 1}):totable(), kind)
      local apart <const> = (seen(data.augment{rotate = 20, flip = 0}) - ANGLES):abs():sum(1)
      assert.equal(kind:find("^roll") ~= nil, apart[1]:item() > 0.01)
      assert.same({0, 0}, apart[{ {2, 3} }]:totable())
    end
    -- With several labels, each has its own word of kind.
    local ds, tasks = taken(mtl.pose_bins{"turn", "tilt", bins = 3,
      kind = "yaw"}, {turn = two, tilt = two})
    local batch = data.loader(ds, {transforms = {data.augment{flip = 1}}, tasks = tasks})()
    assert.same({ {-10, -20}, {-10, -20} }, {batch.turn:totable(), batch.tilt:totable()})
    ds, tasks = taken(mtl.pose_bins{"tilt", "turn", bins = {4, 6}, kind = "pitch yaw"},
      {turn = two, tilt = two})
    batch = data.loader(ds, {transforms = {data.augment{flip = 1}}, tasks = tasks})()
    assert.same({ {-10, -20}, {10, 20} }, {batch.turn:totable(), batch.tilt:totable()})
  end)

  it("refuses to mirror or turn the angles of mtl.pose_bins if their kind is unknown", function()
    for _, labels in ipairs{ {pose = ANGLES}, {pose = two}, {pose = two:reshape(2, 1)} } do
      local ds <const>, tasks <const> = taken(mtl.pose_bins{bins = 5}, labels)
      local hint <const> = " changes 'pose', but nothing says how: give tasks.pose a kind = "
        .. "\"yaw\" (or pitch, roll; a word for each of several angles), or the data set kinds = "
        .. "{pose = \"yaw\"}"
      assert.matches("data.loader: mirroring" .. hint, refusal(ds, {flip}, tasks), 1, true)
      assert.matches("data.loader: turning" .. hint, refusal(ds, {turn}, tasks), 1, true)
      assert.is_false(refusal(ds, {}, tasks))
      assert.is_false(refusal(set_of(labels, {pose = "yaw"}), {flip, turn}, tasks))
    end
    local named <const> = mtl.tasks{head = mtl.pose_bins{"roll", "yaw", bins = {4, 6}}}
    assert.is_false(refusal(set_of{roll = two, yaw = two}, {flip, turn}, named))
    assert.is_false(refusal(set_of{heading = two}, {data.pose_bins("heading", {as = "bin"}), flip,
      turn}, mtl.tasks{heading = mtl.pose_bins{bins = 5, kind = "yaw"}}))
  end)

  it("raises an error for angles whose kind differs between data set and task", function()
    local ds, tasks = taken(mtl.pose_bins{kind = "roll pitch yaw"}, nil, {pose = "-roll pitch yaw"})
    assert.matches("data.loader: number 1 of 'pose' is \"-roll\" in the data set but \"roll\" in "
      .. "tasks.pose: leave kind out of the task, or give the data set kinds = {pose = ...}",
      refusal(ds, {}, tasks), 1, true)
    assert.matches("data.loader: kind of tasks.pose, for 'pose': 'roll pitch yaw' has 3 words for "
      .. "1 numbers", refusal(set_of{pose = two}, {}, tasks), 1, true)
    ds, tasks = taken(mtl.pose_bins{kind = "roll pitch -yaw"}, nil, {pose = "real real yaw"})
    assert.is_false(refusal(ds, {flip, turn}, tasks))
    assert.error_matches(function() mtl.pose_bins{kind = "jaw"} end, "mtl.pose_bins: kind: 'jaw' "
      .. "is not a kind of angle; there is yaw, pitch, roll, -yaw, -pitch, -roll, real", 1, true)
    assert.error_matches(function() mtl.pose_bins{kind = "yaw pitch"} end,
      "mtl.pose_bins: kind: 'yaw pitch' has 2 words for 3 numbers", 1, true)
  end)

  it("takes kinds that were given to data.csv", function()
    shell.in_directory(function(directory)
      assert(braid.save(directory .. "/a.png", ramp()))
      shell.write(directory .. "/t.csv", "image,yaw,turn,tilt\na.png,10,20,30\n")
      local function read(kinds)
        return data.csv(directory .. "/t.csv",
          {reals = {yaw = {"yaw"}, both = {"turn", "tilt"}}, kinds = kinds}).train
      end
      local batch <const> = data.loader(read{both = "yaw roll"}, {augment = {flip = 1}})()
      assert.same({-10}, batch.yaw:reshape(-1):totable())
      assert.same({ {-20, -30} }, batch.both:totable())
      assert.error_matches(function() read{both = "yaw"; neither = "yaw"} end,
        "data.csv: kinds: neither: there is no such label")
      assert.error_matches(function() read{both = "jaw"} end,
        "data.csv: kinds: both: 'jaw' is not a kind of number")
    end)
  end)

  it("mirrors a mix of sets with different flips only if a task gives the flip", function()
    local function of(flips) return Dataset{images = braid.zeros({2, 1, 8, 8}, {dtype = "uint8"}),
      labels = {pose = braid.tensor({1, 3}, {dtype = "int64"})}, flips = flips} end
    local mix <const> = data.mix{{of{pose = {3, 2, 1}}}, {of()}}
    local pose <const> = mtl.tasks{pose = mtl.classes{3, flip = {3, 2, 1}}}
    assert.is_false(refusal(mix, {turn}))
    assert.matches("mirroring changes 'pose', but nothing says how: give tasks.pose a flip",
      refusal(mix, {flip}), 1, true)
    assert.is_false(refusal(mix, {flip}, pose))
    assert.is_false(refusal(data.mix{{of{pose = {3, 2, 1}}}, {of{pose = {3, 2, 1}}}}, {flip}))
    assert.matches("label 'yaw' is yaw () in one data set, real () in another", refusal(data.mix{
      {set_of{yaw = two}}, {set_of({yaw = two}, {yaw = "real"})}}, {}), 1, true)
  end)

  it("raises an error for a flip of wrong length, and for a kind that does not fit", function()
    local bins <const> = data.pose_bins("yaw", {as = "pose"})
    assert.matches("flip of task 'pose' must be a list of the 5 bins, not", refusal(
      set_of{yaw = two}, {bins, flip}, mtl.tasks{pose = mtl.classes{3, flip = {3, 2, 1}}}), 1, true)
    assert.error_matches(function() set_of({yaw = two}, {yaw = "jaw"}) end,
      "kinds.yaw: 'jaw' is not a kind of number")
    assert.error_matches(function() set_of({yaw = two}, {yaw = "yaw pitch"}) end,
      "kinds.yaw: 'yaw pitch' has 2 words for 1 numbers")
    assert.error_matches(function() set_of({face = two}, {face = "box"}) end, "a box is %(n, 4%)")
    assert.error_matches(function() set_of({face = two}, {face = "class"}) end,
      "does not fit float32")
  end)

  it("knows which of the 68 points of data.pts change places in a mirror image", function()
    shell.in_directory(function(directory)
      local rows <const> = {}
      for i = 1, 68 do rows[i] = i .. " " .. i end
      shell.write(directory .. "/a.pts", "{\n" .. table.concat(rows, "\n") .. "\n}")
      assert(braid.save(directory .. "/a.png", ramp()))
      local map <const>, pairs_of <const> = data.pts(directory).train.points.landmarks.flip, {
        [1] = 17, [9] = 9, [18] = 27, [22] = 23, [31] = 31, [32] = 36, [37] = 46, [40] = 43,
        [41] = 48, [42] = 47, [49] = 55, [52] = 52, [56] = 60, [58] = 58, [61] = 65, [66] = 68}
      assert.equal(68, #map)
      for i, to in ipairs(map) do assert.equal(i, map[to]) end
      for i, to in pairs(pairs_of) do assert.equal(to, map[i]) end
    end)
  end)

  it("takes a label named yaw or roll as an angle, unless its kind says otherwise", function()
    local both <const> = {yaw = two, roll = two}
    local function seen(kinds)
      local b <const> = data.loader(set_of(both, kinds), {transforms = {data.augment{flip = 1}}})()
      return {b.yaw[1]:item(), b.roll[1]:item()}
    end
    assert.same({-10, -10}, seen())
    assert.same({10, -10}, seen{yaw = "real"})
  end)

  it("swaps the bins of negative and positive angles in mirroring, for 6 bins", function()
    local ds <const> = set_of({yaw = braid.tensor{-91.0, -1.0}}, {yaw = "yaw"})
    local function bins(...) return data.loader(ds, {transforms = {
      data.pose_bins("yaw", {bins = 6}), ...}})().yaw:totable() end
    assert.same({1, 3}, bins())
    assert.same({6, 4}, bins(data.augment{flip = 1}))
  end)
end)
