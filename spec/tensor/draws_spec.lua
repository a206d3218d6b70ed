--- Random draws of every element type: their bounds are exact, and wrong bounds are refused.

local braid <const> = require "braid"

local NAN <const> = 0 / 0

describe("random draws", function()
  local M <const> = math.maxinteger

  it("of integers cover all of int64", function()
    braid.manual_seed(3)
    for _, ends in ipairs {{M - 3, M}, {math.mininteger, math.mininteger + 3}, {-2, 1},
      {9007199254740993, 9007199254740993}, {9007199254740991, 9007199254740994}} do
      local seen <const> = {}
      for _, v in ipairs(braid.randint(ends[1], ends[2], {400}):totable()) do
        assert.is_true(v >= ends[1] and v <= ends[2], tostring(v))
        seen[v] = true
      end
      for v = 0, ends[2] - ends[1] do assert.is_true(seen[ends[1] + v]) end
    end
    local x <const> = braid.randint(math.mininteger, M, {4000})
    assert.near(2000, x:lt(0):sum():item(), 200)
    assert.near(1000, x:gt(1 << 62):sum():item(), 150)
    assert.near(2000, x:mod(2):sum():item(), 200)
    assert.near(2000, x:floordiv(1 << 40):mod(2):sum():item(), 200)
  end)

  it("of integers are equally likely", function()
    braid.manual_seed(5)
    local x <const> = braid.randint(1, 6, {60000})
    for v = 1, 6 do assert.near(10000, x:eq(v):sum():item(), 400) end
  end)

  it("of integers that the type cannot hold are refused", function()
    assert.error_matches(function() braid.randint(0, 300, {4}, {dtype = "uint8"}) end,
      "high: 300 lies outside the range of uint8")
    assert.error_matches(function() braid.randint(0, 1 << 30, {4}, {dtype = "float32"}) end,
      "float32 does not hold every integer to")
    assert.error_matches(function() braid.randint(2, 1, {4}) end, "no integer lies between 2 and 1")
  end)

  it("of floats are in [low, high) also after rounding", function()
    braid.manual_seed(1)
    for _, dtype in ipairs {"float32", "float64"} do
      for _, ends in ipairs {{0, 1}, {1, 1 + 2 ^ -20}, {16777215, 16777217}, {-1, -1 + 2 ^ -22},
        {-1e-45, 1e-45}, {0.1, 0.1 + 1e-7}, {-3e38, 3e38}, {5, 5}} do
        local x <const> = braid.zeros(20000, {dtype = dtype}):uniform_(ends[1], ends[2])
        local least <const>, most <const> = x:min():item(), x:max():item()
        assert.is_true(least >= ends[1], ("%s: %.17g"):format(dtype, least))
        assert.is_true(most < ends[2] or ends[1] == ends[2], ("%s: %.17g"):format(dtype, most))
      end
    end
    local x <const> = braid.zeros(2000, {dtype = "float64"}):uniform_(-1.7e308, 1.7e308)
    assert.is_true(x:isfinite():all():item())
  end)

  it("with invalid bounds or probabilities are refused, and change nothing", function()
    local x <const> = braid.zeros(3)
    for _, f in ipairs {function() x:uniform_(3, 2) end, function() x:uniform_(0, NAN) end,
      function() x:uniform_(0, math.huge) end, function() x:normal_(0, -1) end,
      function() x:normal_(NAN) end, function() x:normal_(0, NAN) end,
      function() x:bernoulli_(2) end, function() x:bernoulli_(-0.1) end,
      function() x:bernoulli_(NAN) end,
      function() x:uniform_(1 + 2 ^ -40, 1 + 2 ^ -39) end} do
      assert.is_false(pcall(f))
    end
    assert.same({0, 0, 0}, x:totable())
  end)
end)
