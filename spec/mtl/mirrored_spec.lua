--- mtl.mirrored: the mean of two predictions, one for the image and one for its mirror image. The
-- second is mirrored back before the mean.

local braid <const> = require "braid"
local mtl <const>, nn <const> = braid.mtl, braid.nn

-- For each kind of task: the task, and what the output 1 .. size becomes when it is mirrored back.
-- So the list tells where each number comes from.
local KINDS <const> = {
  classes = {mtl.classes{3, flip = {3, 2, 1}}, {3, 2, 1}},
  attributes = {mtl.attributes{"a", "b"}, {1, 2, 3, 4}},
  real = {mtl.real{3, flip = {-1, 1, -1}}, {-1, 2, -3}},
  landmarks = {mtl.landmarks{points = 3, eyes = {1, 2}, flip = {2, 1, 3}}, {-3, 4, -1, 2, -5, 6}},
  landmark_bins = {
    mtl.landmark_bins{points = 2, pixels = 3, eyes = {1, 2}, flip = {2, 1}},
    {9, 8, 7, 10, 11, 12, 3, 2, 1, 4, 5, 6}},
  pose_bins = {mtl.pose_bins{"yaw", "pitch", "roll", bins = {3, 2, 2}}, {3, 2, 1, 4, 5, 7, 6}},
}

-- A network that gives `outputs` for the image and `mirrored` for its mirror image.
local function network(tasks, outputs, mirrored)
  local net <const> = nn.Identity()
  net.tasks = tasks
  function net:forward(x)
    return x[1][1][1][1]:item() == 1 and outputs or mirrored
  end
  return net
end

describe("mtl.mirrored", function()
  it("is tested for every kind of task", function()
    for file in io.popen("ls lua/braid/mtl/kinds"):lines() do
      assert.is_table(KINDS[file:match("^(.*)%.lua$")], file)
    end
  end)

  for kind, case in pairs(KINDS) do
    it("mirrors the second outputs back before the mean: " .. kind, function()
      local task <const>, back <const> = case[1], case[2]
      local tasks <const> = mtl.tasks{t = task}
      local seen <const> = braid.arange(1, task.size):to("float32"):reshape(1, -1)
      local zero <const> = braid.zeros(1, task.size)
      local image <const> = braid.tensor{{{{1, 2}}}}
      local f <const> = mtl.mirrored(network(tasks, {t = zero}, {t = seen}))
      assert.same(back, (f(image).t * 2):reshape(-1):totable())
    end)

    it("changes nothing if both predictions agree: " .. kind, function()
      local task <const> = case[1]
      local tasks <const> = mtl.tasks{t = task}
      local output <const> = braid.randn(2, task.size)
      local f <const> = mtl.mirrored(network(tasks, {t = output},
        {t = task:mirrored(output, "t")}))
      local image <const> = braid.tensor{{{{1, 2}}}}
      assert.is_true((f(image).t - output):abs():max():item() < 1e-6)
    end)
  end

  it("gives mirrored outputs for the mirror image of a picture", function()
    local faces <const> = braid.data.faces{n = 20, seed = 3}
    local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{of = faces.train},
      pose = mtl.classes{5, flip = {5, 4, 3, 2, 1}}}
    local net <const> = braid.model("models/tcdcn.lua", {tasks = tasks})
    local f <const> = mtl.mirrored(net)
    local image <const> = braid.data.loader(faces.train, {batch = 4, size = 40})().image
    local one <const>, other <const> = f(image), f(image:flip(4))
    for name, task in tasks:each() do
      local back <const> = task:mirrored(other[name], name)
      assert.is_true((one[name] - back):abs():max():item() < 1e-5)
    end
    assert.is_true(net.training)
  end)

  it("names a task that cannot mirror its outputs", function()
    local tasks <const> = mtl.tasks{t = mtl.landmarks{points = 5}}
    local f <const> = mtl.mirrored(network(tasks, {t = braid.zeros(1, 10)},
      {t = braid.zeros(1, 10)}))
    local ok <const>, message <const> = pcall(f, braid.ones(1, 1, 2, 2))
    assert.is_false(ok)
    assert.matches("task 't' does not tell how a mirror image changes its labels: give it flip",
      message, 1, true)
  end)
end)
