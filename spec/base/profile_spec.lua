--- Tests braid.profile: it counts every call, and counts all time exactly once.

local braid <const> = require "braid"
local core <const> = require "braid.core"

local function named(profile)
  local rows <const> = {}
  for _, row in ipairs(profile) do rows[row.operator] = row end
  return rows
end

describe("braid.profile", function()
  it("counts the calls of each operator, and times forward and backward apart", function()
    local x <const> = braid.randn(200, 200):requires_grad_()
    local rows <const> = named(braid.profile(function()
      for _ = 1, 3 do x:exp():sum():backward() end
      braid.no_grad(function() return x:tanh() end)
    end))
    assert.equal(3, rows.exp.calls)
    assert.equal(3, rows.sum.calls)
    assert.equal(1, rows.tanh.calls)
    assert.is_true(rows.exp.forward_ms > 0 and rows.exp.backward_ms > 0)
    assert.equal(0, rows.tanh.backward_ms)
    assert.equal(2, rows["(sum of gradients)"].calls) -- a sum of three needs two additions
  end)

  it("counts all the time, each part of it once", function()
    local double <const> = braid.Function{
      forward = function(_, x) return x * 2 end,
      backward = function(_, dy)
        for _ = 1, 50 do dy:exp() end
        return dy * 2
      end,
    }
    local x <const> = braid.randn(100, 100):requires_grad_()
    local profile <const> = braid.profile(function() double(x):sum():backward() end)
    local sum = profile.outside_ms
    for _, row in ipairs(profile) do
      assert.is_true(row.forward_ms >= 0 and row.backward_ms >= 0, row.operator)
      sum = sum + row.forward_ms + row.backward_ms
    end
    assert.is_true(math.abs(sum - profile.ms) < 1e-6 * profile.ms)
    assert.is_true(profile.outside_ms > 0)
    assert.equal(50, named(profile).exp.calls)
  end)

  it("sorts the operators by time, and prints a table", function()
    local x <const> = braid.randn(300, 300)
    local profile <const> = braid.profile(function()
      local _ = x:matmul(x):relu()
    end)
    assert.equal(2, #profile)
    assert.is_true(profile[1].share >= profile[2].share)
    local text <const> = tostring(profile)
    assert.matches("operator +calls +forward ms +backward ms +share\n", text)
    assert.matches("matmul +1 ", text)
    assert.matches("[%d.]+ ms in all$", text)
  end)

  it("ends when the function fails, and raises its error", function()
    assert.has_error(function() braid.profile(function() error("mine", 0) end) end, "mine")
    assert.same({}, core.profile_rows())
    assert.equal(0, #braid.profile(function() end))
  end)

  it("raises an error without a function, and inside another profile", function()
    assert.error_matches(function() braid.profile(3) end,
      "profile: wants a function, not a number", 1, true)
    assert.error_matches(function()
      braid.profile(function() braid.profile(function() end) end)
    end, "profile: one is running already", 1, true)
    assert.same({}, core.profile_rows())
  end)
end)

describe("braid.profile with a network", function()
  local mtl <const>, nn <const> = braid.mtl, braid.nn
  local tasks <const> = mtl.tasks{a = mtl.classes{2}, b = mtl.classes{3}}
  local batch <const> = {image = braid.randn(4, 1, 40, 40), count = 4,
    a = braid.ones({4}, {dtype = "int64"}), b = braid.ones({4}, {dtype = "int64"})}

  local function profile_of(net)
    tasks:loss(net(batch.image), batch):backward()
    return braid.profile(function()
      for _ = 1, 2 do tasks:loss(net(batch.image), batch):backward() end
    end, {net = net})
  end

  local function by(list, key)
    local rows <const> = {}
    for _, row in ipairs(list) do rows[row[key]] = row end
    return rows
  end

  it("gives the time of each block and of each task, forward and backward", function()
    for _, stacked in ipairs{true, false} do
      local net <const> = mtl.network{tasks = tasks, blocks = nn.backbone("tcdcn"),
        mixer = mtl.cross_stitch{}, at = {"conv2"}}
      if not stacked then net:unstack() end
      local profile <const> = profile_of(net)
      local blocks <const>, parts <const> = by(profile.blocks, "block"), by(profile.tasks, "task")
      for _, name in ipairs{"conv1", "conv2", "conv2, mixer", "conv3", "conv4", "fc", "head"} do
        local row <const> = blocks[name]
        assert.is_true(row.calls > 0 and row.forward_ms > 0 and row.backward_ms > 0, name)
      end
      assert.equal(7, #profile.blocks)
      local names <const> = {}
      for name in pairs(parts) do names[#names + 1] = name end
      table.sort(names)
      assert.same({"(all columns)", "a", "b"}, names)
      assert.equal(stacked, parts.a.calls == 2) -- only its head, twice
      local sum, of_tasks, all = 0, 0, 0
      for _, row in ipairs(profile.blocks) do sum = sum + row.share end
      for _, row in ipairs(profile.tasks) do of_tasks = of_tasks + row.share end
      for _, row in ipairs(profile) do all = all + row.share end
      assert.near(sum, of_tasks, 1e-9)
      assert.is_true(sum <= all + 1e-9 and sum > 0)
      assert.is_truthy(tostring(profile):find("conv2, mixer", 1, true))
    end
  end)

  it("leaves fused calls fused, and stops watching the network afterwards", function()
    local net <const> = nn.Sequential{nn.Conv2d(1, 4, {kernel = 3}), nn.ReLU()}
    local x <const> = braid.randn(2, 1, 8, 8)
    local plain <const> = braid.profile(function() net(x) end)
    local watched <const> = braid.profile(function() net(x) end, {net = net})
    assert.equal(plain[1].operator, watched[1].operator)
    assert.equal(#plain, #watched)
    pcall(braid.profile, function() error("x") end, {net = net})
    assert.is_nil(require("braid.nn.watching").f)
    assert.equal(0, core.profile_place(0))
    assert.error_matches(function() braid.profile(print, {net = 3}) end, "net must be a network", 1,
      true)
  end)
end)
