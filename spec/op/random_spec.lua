--- Random numbers: repeatable, independent of threads, and distributed as they should be.
-- Tolerances of means are about five standard errors of the sample.

local braid <const> = require "braid"
local core <const> = require "braid.core"

local N <const> = 100000

-- Draws from every distribution once, as bytes.
local function everything()
  local parts <const> = {braid.rand(N), braid.randn(N), braid.randint(1, 1000, {N}),
    braid.randperm(N),
    core.ops.bernoulli(braid.zeros(N), 0.3), core.ops.dropout(braid.ones(N), 0.4)}
  for i, t in ipairs(parts) do parts[i] = core.bytes(t) end
  return table.concat(parts)
end

local function moments(t)
  local x <const> = t:to("float64")
  return x:mean():item(), x:var():item()
end

local function near(expected, actual, tolerance)
  assert.is_true(math.abs(expected - actual) <= tolerance,
    ("%g is not within %g of %g"):format(actual, tolerance, expected))
end

describe("a seed", function()
  it("gives the same numbers again", function()
    braid.manual_seed(7)
    local first <const> = everything()
    assert.is_false(everything() == first) -- further draws give other numbers
    braid.manual_seed(7)
    assert.is_true(everything() == first)
    braid.manual_seed(8)
    assert.is_false(everything() == first)
  end)

  it("gives the same numbers on 1, 2 and 3 threads", function()
    local now <const>, results <const> = braid.get_threads(), {}
    for n = 1, 3 do
      braid.set_threads(n)
      braid.manual_seed(7)
      results[n] = everything()
    end
    braid.set_threads(now)
    assert.is_true(results[1] == results[2] and results[1] == results[3])
  end)

  it("gives the same dropout on every instruction set", function()
    local now <const>, first = core.isa(), nil
    for _, name in ipairs {"base", "avx2", "avx512"} do
      if core.isa(name) then
        braid.manual_seed(7)
        local bytes <const> = core.bytes(core.ops.dropout(braid.ones(1001), 0.4))
        first = first or bytes
        assert.is_true(bytes == first, name)
      end
    end
    core.isa(now)
  end)

  it("gives a tensor the same values in any memory layout", function()
    braid.manual_seed(3)
    local plain <const> = braid.rand(2, 3, 4, 5)
    braid.manual_seed(3)
    local turned <const> = core.ops.uniform_(braid.zeros(2, 3, 4, 5):channels_last())
    assert.is_true(turned:eq(plain):all():item())
  end)

  it("gives the same values in float32 and float64", function()
    braid.manual_seed(3)
    local wide <const> = braid.randn({50}, {dtype = "float64"})
    braid.manual_seed(3)
    assert.is_true(braid.randn(50):eq(wide:to("float32")):all():item())
  end)
end)

describe("rand", function()
  it("is uniform over [0, 1)", function()
    braid.manual_seed(1)
    local x <const> = braid.rand({N}, {dtype = "float64"})
    local mean <const>, var <const> = moments(x)
    near(0.5, mean, 5e-3)
    near(1 / 12, var, 2e-3)
    assert.is_true(x:min():item() >= 0 and x:max():item() < 1)
    for i = 0, 9 do -- a tenth of all values in each: deviation sqrt(N 0.09) = 95
      local share <const> = x:ge(i / 10):logical_and(x:lt((i + 1) / 10)):sum():item()
      near(N / 10, share, 475)
    end
  end)

  it("is below 1 in float32 as well", function()
    braid.manual_seed(1)
    local highest = 0
    for _ = 1, 40 do highest = math.max(highest, braid.rand(N):max():item()) end
    assert.is_true(highest < 1)
  end)

  it("is uniform between other bounds, as core.ops.uniform", function()
    braid.manual_seed(1)
    local x <const> = core.ops.uniform(braid.zeros(N), -3, 5)
    local mean <const>, var <const> = moments(x)
    near(1, mean, 0.04)
    near(64 / 12, var, 0.1)
    assert.is_true(x:min():item() >= -3 and x:max():item() < 5)
  end)
end)

describe("randn", function()
  it("has the moments and the shares of a normal distribution", function()
    braid.manual_seed(1)
    local x <const> = braid.randn({N}, {dtype = "float64"})
    local mean <const>, var <const> = moments(x)
    near(0, mean, 0.016)
    near(1, var, 0.023)
    near(0, (x * x * x):mean():item(), 0.07)
    near(3, (x:square():square()):mean():item(), 0.16)
    near(0.6827, x:abs():lt(1):to("float64"):mean():item(), 0.008)
    near(0.9973, x:abs():lt(3):to("float64"):mean():item(), 0.001)
  end)

  it("has no correlation between neighbours", function()
    braid.manual_seed(1)
    local x <const> = braid.randn({N}, {dtype = "float64"})
    near(0, (x[{{1, N - 1}}] * x[{{2, N}}]):mean():item(), 0.016)
  end)
end)

describe("randint", function()
  it("draws all integers from low to high, both included, evenly", function()
    braid.manual_seed(1)
    local x <const> = braid.randint(-2, 3, {6000})
    assert.equal("int64", x.dtype)
    for v = -2, 3 do near(1000, x:eq(v):sum():item(), 145) end
    assert.equal(6000, x:ge(-2):logical_and(x:le(3)):sum():item())
  end)

  it("says when the range holds no integer", function()
    assert.has_error(function() braid.randint(3, 2, {1}) end,
      "randint: no integer lies between 3 and 2")
  end)
end)

describe("randperm", function()
  it("is a permutation", function()
    braid.manual_seed(1)
    for _, n in ipairs {0, 1, 2, 10, 1000} do
      local seen <const>, list <const> = {}, braid.randperm(n):totable()
      assert.equal(n, #list)
      for _, v in ipairs(list) do
        assert.is_nil(seen[v])
        assert.is_true(v >= 1 and v <= n)
        seen[v] = true
      end
    end
  end)

  it("gives all orders about equally often", function()
    braid.manual_seed(1)
    local count <const> = {}
    for _ = 1, 6000 do
      local key <const> = table.concat(braid.randperm(3):totable())
      count[key] = (count[key] or 0) + 1
    end
    for _, key in ipairs {"123", "132", "213", "231", "312", "321"} do near(1000,
      count[key], 145) end
  end)

  it("with its own seed does not change the numbers of braid.manual_seed", function()
    local first <const> = core.randperm(20, 5):totable()
    braid.manual_seed(1)
    assert.same(first, core.randperm(20, 5):totable())
    local x <const> = braid.rand(3):totable()
    braid.manual_seed(1)
    assert.same(x, braid.rand(3):totable())
  end)
end)

describe("core.uniforms", function()
  it("depends only on its seed and its stream", function()
    local first <const> = core.uniforms(1, 2, 5):totable()
    braid.rand(3)
    assert.same(first, core.uniforms(1, 2, 5):totable())
    assert.same({table.unpack(first, 1, 3)}, core.uniforms(1, 2, 3):totable())
    assert.is_false(first[1] == core.uniforms(1, 3, 1):item())
    assert.is_false(first[1] == core.uniforms(2, 2, 1):item())
  end)
end)

describe("bernoulli", function()
  it("is 1 with the given probability", function()
    braid.manual_seed(1)
    local x <const> = core.ops.bernoulli(braid.zeros(N), 0.3)
    near(0.3, x:mean():item(), 0.0075)
    assert.equal(N, x:eq(0):logical_or(x:eq(1)):sum():item())
    assert.equal(0, core.ops.bernoulli(braid.zeros(1000), 0):sum():item())
    assert.equal(1000, core.ops.bernoulli(braid.zeros(1000), 1):sum():item())
  end)
end)

describe("dropout", function()
  it("keeps 1 - p of the elements and scales them by 1 / (1 - p)", function()
    braid.manual_seed(1)
    for _, float in ipairs {"float32", "float64"} do
      local x <const> = braid.ones(N, {dtype = float})
      local y <const> = x:dropout(0.25)
      near(0.75, y:ne(0):to("float64"):mean():item(), 0.007)
      local kept <const> = y[y:ne(0)]
      near(1 / 0.75, kept:max():item(), 1e-7)
      near(1 / 0.75, kept:min():item(), 1e-7)
    end
  end)

  it("gives a gradient to exactly the elements that it kept, in any memory layout", function()
    for _, lay in ipairs {function(t) return t end,
      function(t) return t:channels_last() end,
        function(t) return t:transpose(3, 4) end} do
      local x <const> = lay(braid.ones(3, 5, 40, 40)):detach():requires_grad_()
      local y <const> = x:dropout(0.4)
      y:backward {gradient = braid.ones(y.shape)}
      assert.is_true(x.grad:eq(y):all():item())
      assert.is_true(y:eq(0):any():item())
    end
  end)

  it("drops other elements at the next call", function()
    local x <const> = braid.ones(100)
    assert.is_false(x:dropout(0.5):eq(x:dropout(0.5)):all():item())
  end)

  it("changes nothing without training, or with p = 0", function()
    local x <const> = braid.randn(50):requires_grad_()
    for _, y in ipairs {x:dropout(0.5, false), x:dropout {p = 0.5, training = false},
      x:dropout(0)} do
      assert.is_true(y:eq(x):all():item())
      x.grad = nil
      y:sum():backward()
      assert.equal(50, x.grad:sum():item())
    end
  end)

  it("with p = 1 gives zeros and zero gradients, not NaN", function()
    local x <const> = braid.ones(9):requires_grad_()
    local y <const> = x:dropout(1)
    y:sum():backward()
    assert.same({0, 0}, {y:abs():sum():item(), x.grad:abs():sum():item()})
  end)

  it("takes empty tensors and tensors without dimensions", function()
    assert.same({0}, braid.zeros(0):dropout(0.5).shape)
    assert.same({}, braid.ones({}):dropout(0.5).shape)
  end)

  it("refuses p above 1, and says what p may be", function()
    assert.has_error(function() braid.ones(2):dropout(1.5) end,
      "dropout: p must be a number from 0 to 1, not 1.5")
  end)
end)
