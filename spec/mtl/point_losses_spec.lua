--- The losses of mtl.landmarks, each against its formula in plain Lua.

local braid <const> = require "braid"
local mtl <const> = braid.mtl

local N <const>, POINTS <const> = 6, 5

-- The loss of one coordinate's difference d, in halves of the image's width.
local COORDINATE <const> = {
  l2 = function(d) return 0.5 * d * d end,
  l1 = math.abs,
  smooth_l1 = function(d)
    d = math.abs(d)
    return d < 0.05 and d * d / 0.1 or d - 0.025
  end,
  wing = function(d)
    d = math.abs(d)
    local w <const>, eps <const> = 10 / 32, 2 / 32
    if d < w then return w * math.log(1 + d / eps) end
    return d - w + w * math.log(1 + w / eps)
  end,
}

local function labels()
  braid.manual_seed(7)
  local target <const> = braid.rand(N, POINTS, 2, {dtype = "float64"}) * 2 - 1
  target[2][4]:fill_(0 / 0) -- a missing point
  target[3]:fill_(0 / 0)    -- a face without points
  target[4][1]:fill_(0 / 0) -- a face without an eye
  target[5][2] = target[5][1] + 0.01 -- a face from the side: its eyes are nearly at one place
  return target, braid.randn(N, 2 * POINTS, {dtype = "float64"}) * 0.3
end

local function by_coordinate(f, output, target)
  local sum, known, faces = 0.0, 0, 0
  for n = 1, N do
    local any = false
    for p = 1, POINTS do
      for c = 1, 2 do
        local true_place <const> = target[n][p][c]:item()
        if true_place == true_place then
          sum, known, any = sum + f(output[n][2 * p - 2 + c]:item() - true_place), known + 1, true
        end
      end
    end
    faces = faces + (any and 1 or 0)
  end
  return sum, known, faces
end

local function relative(output, target)
  local sum, points, faces = 0.0, 0, 0
  for n = 1, N do
    local function at(t, p, c) return t[n][p][c]:item() end
    local eyes <const> = ((at(target, 1, 1) - at(target, 2, 1)) ^ 2
      + (at(target, 1, 2) - at(target, 2, 2)) ^ 2) ^ 0.5
    local any = false
    for p = 1, eyes == eyes and POINTS or 0 do
      local dx <const> = output[n][2 * p - 1]:item() - at(target, p, 1)
      local dy <const> = output[n][2 * p]:item() - at(target, p, 2)
      if dx == dx then
        sum = sum + ((dx * dx + dy * dy + 1e-4) ^ 0.5 - 0.01) / math.max(eyes, 0.15)
        points, any = points + 1, true
      end
    end
    faces = faces + (any and 1 or 0)
  end
  return sum, points, faces
end

describe("the option loss of mtl.landmarks", function()
  for _, name in ipairs{"l2", "l1", "smooth_l1", "wing", "relative"} do
    it("gives the value of the formula: " .. name, function()
      local target <const>, output <const> = labels()
      local f <const> = COORDINATE[name]
      local sum, count, faces
      if f then sum, count, faces = by_coordinate(f, output, target)
      else sum, count, faces = relative(output, target) end
      local function loss(reduction)
        local task <const> = mtl.landmarks{points = POINTS, loss = name, reduction = reduction}
        return task:loss(output, target):item()
      end
      assert.near(sum / faces, loss("sum"), 1e-12)
      assert.near(sum / count * (name == "l2" and 2 or 1), loss("mean"), 1e-12)
    end)

    it("gives the right gradient, and 0 where a point is exactly right: " .. name, function()
      local target <const>, output <const> = labels()
      local exact <const> = target:reshape(N, -1)
      local right <const> = braid.where(exact:eq(exact), exact, output):requires_grad_()
      local task <const> = mtl.landmarks{points = POINTS, loss = name}
      task:loss(right, target):backward()
      assert.equal(0, right.grad:abs():max():item())
      local moved <const> = (output:detach() + 0.02):requires_grad_()
      assert.is_true((braid.gradcheck(function(x) return task:loss(x, target) end, {moved})))
    end)

    it("gives 0 if no face has a label: " .. name, function()
      local output <const> = braid.randn(2, 2 * POINTS):requires_grad_()
      local task <const> = mtl.landmarks{points = POINTS, loss = name}
      local loss <const> = task:loss(output, braid.full({2, POINTS, 2}, 0 / 0))
      loss:backward()
      assert.equal(0, loss:item())
      assert.equal(0, output.grad:abs():max():item())
    end)

    it("is kept in the file of a network: " .. name, function()
      local path <const> = os.tmpname() .. ".safetensors"
      local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{points = POINTS, loss = name}}
      braid.save(path, braid.model("models/tcdcn.lua", {tasks = tasks, width = 0.25}))
      local opened <const> = braid.open(path)
      os.remove(path)
      os.remove((path:gsub("%.safetensors$", "")))
      local target <const>, output <const> = labels()
      assert.equal(tasks.landmarks:loss(output, target):item(),
        opened.tasks.landmarks:loss(output, target):item())
    end)
  end

  it("raises an error with 'relative' and eyes = false", function()
    local ok <const>, message <const> = pcall(mtl.landmarks, {points = 7, eyes = false,
      loss = "relative"})
    assert.is_false(ok)
    assert.matches("relative to the eyes, and eyes is false", message, 1, true)
  end)

  it("is no option of mtl.landmark_bins", function()
    local ok <const>, message <const> = pcall(mtl.landmark_bins, {pixels = 8, loss = "l1"})
    assert.is_false(ok)
    assert.matches("there is no option 'loss'", message, 1, true)
  end)
end)
