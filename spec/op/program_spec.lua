--- Small optimization programs that find weights: compared with scipy
-- (spec/support/golden_programs.py), and checked by the conditions that hold at a minimum.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local ops <const> = core.ops

local golden <const> = assert(braid.load("spec/golden/programs.safetensors"))

local function each(f)
  local k = 0
  while golden["x." .. k] do
    f(k, golden["x." .. k], golden["u." .. k], ops.gram(golden["x." .. k]))
    k = k + 1
  end
  assert.is_true(k > 5)
end

local function times(m, v) return ops.reshape(ops.matmul(m, ops.reshape(v, -1, 1)), -1) end
local function mixed(x, w) return times(x:t(), w) end

-- The largest difference, relative to the norm of the largest row of x.
local function apart(got, wanted, x)
  return (got - wanted):abs():max():item() / x:square():sum(2):sqrt():max():item()
end

describe("nonnegative_program", function()
  it("agrees with scipy to 1e-10, up to 64 weights", function()
    each(function(k, x, u, h)
      local y <const> = ops.nonnegative_program(h, times(h, u))
      assert.is_true(y:min():item() >= 0)
      assert.is_true(apart(mixed(x, u + y), golden["nonnegative." .. k], x) < 1e-10, k)
    end)
  end)

  it("solves a program for each row of q", function()
    local h <const> = braid.tensor({{2, -1}, {-1, 2}}, {dtype = "float64"})
    local q <const> = braid.tensor({{-1, 0}, {1, 1}, {0, -3}}, {dtype = "float64"})
    local x <const> = ops.nonnegative_program(h, q)
    for i, wanted in ipairs{{2 / 3, 1 / 3}, {0, 0}, {1, 2}} do
      for j = 1, 2 do assert.near(wanted[j], x[i][j]:item(), 1e-15) end
    end
  end)
end)

describe("simplex_program", function()
  it("agrees with scipy to 1e-10, up to 64 weights", function()
    each(function(k, x, _, h)
      local w <const> = ops.simplex_program(h)
      assert.is_true(w:min():item() >= 0)
      assert.near(1, w:sum():item(), 1e-12)
      assert.is_true(apart(mixed(x, w), golden["simplex." .. k], x) < 1e-10, k)
    end)
  end)

  it("meets the conditions of a minimum with a linear part q, also for a singular h", function()
    each(function(k, _, u, h)
      local q <const> = (u - 0.5) * h:max():item()
      local w <const> = ops.simplex_program(h, q)
      local slope <const> = times(h, w) + q
      local level <const> = (w * slope):sum():item()
      local scale <const> = times(h:abs(), w):max():item() + q:abs():max():item()
      assert.is_true(slope:min():item() >= level - 1e-12 * scale, k)
      assert.is_true(((slope - level) * w):abs():max():item() <= 1e-12 * scale, k)
    end)
  end)

  it("gives 1 where there is only one weight", function()
    assert.same({1}, ops.simplex_program(braid.zeros({1, 1}, {dtype = "float64"})):totable())
  end)
end)

describe("fair_program", function()
  it("solves h w = w^-power for many powers and rows of very different norms", function()
    braid.manual_seed(2)
    for _, t in ipairs{1, 2, 5, 20, 64} do
      local x <const> = braid.randn({t, t + 20}, {dtype = "float64"})
      x:mul_(10 ^ (braid.rand({t, 1}, {dtype = "float64"}) * 4 - 2))
      local h <const> = ops.gram(x)
      for _, power in ipairs{0.1, 0.5, 1, 2} do
        local w <const> = ops.fair_program(h, power)
        local left <const> = times(h, w) * w ^ power - 1
        assert.is_true(left:abs():max():item() < 1e-9, ("T = %d, power %g"):format(t, power))
      end
    end
  end)

  it("gives rows of zeros the weight 0, and stays finite where there is no solution", function()
    local h <const> = braid.tensor({{4, 0, 0}, {0, 0, 0}, {0, 0, 1}}, {dtype = "float64"})
    for i, wanted in ipairs{0.5, 0, 1} do
      assert.near(wanted, ops.fair_program(h, 1)[i]:item(), 1e-14)
    end
    local w <const> = ops.fair_program(braid.tensor({{1, -1}, {-1, 1}}, {dtype = "float64"}), 1)
    assert.is_true(w:abs():lt(math.huge):all():item())
    assert.near(0, (w[1] - w[2]):item() / w[1]:item(), 1e-6)
  end)
end)

describe("all programs", function()
  it("refuse an h that is not float64 (n, n), and a q of another length", function()
    local q <const> = braid.zeros({2}, {dtype = "float64"})
    for _, name in ipairs{"nonnegative_program", "simplex_program", "fair_program"} do
      for _, h in ipairs{braid.ones(2, 2), braid.ones({2, 3}, {dtype = "float64"})} do
        assert.error_matches(function()
          return ops[name](h, name == "fair_program" and 1 or q)
        end, name .. ": h must be float64 %(n, n%)")
      end
    end
    assert.error_matches(function()
      return ops.simplex_program(braid.ones({3, 3}, {dtype = "float64"}), q)
    end, "q must be float64 %(..., 3%)")
  end)
end)
