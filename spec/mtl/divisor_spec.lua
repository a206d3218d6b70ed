--- task:divisor counts the values that a task's loss averages. The losses of parts, weighted by
-- these counts, give the loss of the whole, whatever labels are missing.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local mtl <const> = braid.mtl

local N <const> = 24

local function classes(count)
  local t <const> = braid.randint(1, count, {N})
  for i = 1, N, 3 do t[i] = core.missing_class end
  return t
end

local function points(numbers)
  local t <const> = braid.rand(N, numbers // 2, 2) * 2.4 - 1.2 -- some are outside the image
  for i = 1, N, 4 do t[i][1 + i % (numbers // 2)]:fill_(0 / 0) end
  t[5]:fill_(0 / 0)
  return t
end

-- A task, its outputs and its labels.
local CASES <const> = {
  classes = function() return mtl.classes{3}, braid.randn(N, 3), classes(3) end,
  attributes = function()
    local t <const> = braid.stack({classes(2), classes(2)}, 2)
    t[3]:fill_(core.missing_class)
    t[4][1] = core.missing_class
    return mtl.attributes{"a", "b"}, braid.randn(N, 4), t
  end,
  landmarks = function() return mtl.landmarks{points = 5}, braid.randn(N, 10), points(10) end,
  ["landmarks, mean"] = function()
    return mtl.landmarks{points = 5, reduction = "mean"}, braid.randn(N, 10), points(10)
  end,
  ["landmarks, relative"] = function()
    return mtl.landmarks{points = 5, loss = "relative"}, braid.randn(N, 10), points(10)
  end,
  ["landmarks, relative mean"] = function()
    return mtl.landmarks{points = 5, loss = "relative", reduction = "mean"}, braid.randn(N, 10),
      points(10)
  end,
  ["landmarks, wing"] = function()
    return mtl.landmarks{points = 5, loss = "wing"}, braid.randn(N, 10), points(10)
  end,
  landmark_bins = function()
    return mtl.landmark_bins{points = 5, pixels = 8}, braid.randn(N, 80), points(10)
  end,
  ["landmark_bins, sum"] = function()
    return mtl.landmark_bins{points = 5, pixels = 8, reduction = "sum"}, braid.randn(N, 80),
      points(10)
  end,
  real = function() return mtl.real{4}, braid.randn(N, 4), points(4):reshape(N, 4) end,
  pose_bins = function()
    local task <const> = mtl.pose_bins{kind = "roll pitch yaw"}
    return task, braid.randn(N, task.size), points(6):reshape(N, -1)[{ {}, {1, 3} }] * 40
  end,
}

describe("task:divisor", function()
  for name, make in pairs(CASES) do
    it("gives the number of values that the task's loss averages: " .. name, function()
      braid.manual_seed(4)
      local task <const>, output <const>, target <const> = make()
      local whole <const> = task:divisor(target)
      local sum, count = 0.0, 0
      for from = 1, N, 7 do
        local to <const> = math.min(from + 6, N)
        local part <const> = target[{ {from, to} }]
        local n <const> = task:divisor(part)
        count = count + n
        if n > 0 then sum = sum + task:loss(output[{ {from, to} }], part):item() * n / whole end
      end
      assert.equal(whole, count)
      assert.is_true(whole > 0 and whole < target:numel())
      local wanted <const> = task:loss(output, target):item()
      assert.is_true(math.abs(sum - wanted) < 1e-5 * math.abs(wanted))
    end)
  end

  it("is tested for every kind of task", function()
    local seen <const> = {}
    for name in pairs(CASES) do seen[name:match("^[%w_]+")] = true end
    for path in io.popen("ls lua/braid/mtl/kinds/*.lua"):lines() do
      local kind <const> = path:match("([%w_]+)%.lua$")
      assert.is_true(seen[kind], kind)
    end
  end)
end)
