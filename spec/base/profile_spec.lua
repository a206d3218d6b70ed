-- Profiles: what was called, how often, and that all time is accounted for once.

local braid <const> = require "braid"
local core <const> = require "braid.core"

local function named(profile)
  local rows <const> = {}
  for _, row in ipairs(profile) do rows[row.operator] = row end
  return rows
end

describe("braid.profile", function()
  it("counts the calls of each operator and tells forward from backward", function()
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
    assert.equal(2, rows["(sum of gradients)"].calls) -- the first gradient is not added to any
  end)

  it("accounts for all the time, each part of it once", function()
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

  it("has the costliest operator first, and prints", function()
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

  it("ends when the function fails, with its error", function()
    assert.has_error(function() braid.profile(function() error("mine", 0) end) end, "mine")
    assert.same({}, core.profile_rows())
    assert.equal(0, #braid.profile(function() end))
  end)

  it("wants a function, and only one at a time", function()
    assert.error_matches(function() braid.profile(3) end,
      "profile: wants a function, not a number", 1, true)
    assert.error_matches(function()
      braid.profile(function() braid.profile(function() end) end)
    end, "profile: one is running already", 1, true)
    assert.same({}, core.profile_rows())
  end)
end)
