--- A number that is stored in a tensor is unchanged, or an error. Integers are exact up to 2^63 in
-- every operator that takes them.

local braid <const> = require "braid"
local core <const> = require "braid.core"

local F <const> = braid.F
local INTEGERS <const> = {"uint8", "int32", "int64"}
local TYPES <const> = {"float32", "float64", "int64", "int32", "uint8", "bool"}
local RANGE <const> = {
  uint8 = {0, 255}, int32 = {-2147483648, 2147483647}, bool = {0, 1},
  int64 = {math.mininteger, math.maxinteger},
}
local NAN <const> = 0 / 0

-- A number as an element of the type, or nil if the type cannot hold it.
local function stored(value, dtype)
  if value == true or value == false then value = value and 1 or 0 end
  if dtype == "float64" then return value + 0.0 end
  if dtype == "float32" then
    local single <const> = string.unpack("<f", string.pack("<f", value))
    if math.abs(value) < math.huge and math.abs(single) == math.huge then return nil end
    return single
  end
  local whole <const> = math.tointeger(value)
  if not whole or whole < RANGE[dtype][1] or whole > RANGE[dtype][2] then return nil end
  if dtype == "bool" then return whole == 1 end
  return whole
end

local VALUES <const> = {0, 1, 2, -1, 255, 256, 300, 3e9, 3000000000, -3000000000, 2147483647,
  2147483648, -2147483648, -2147483649, (1 << 53) + 1, -(1 << 53) - 1, 1 << 62,
  math.maxinteger, math.maxinteger - 1, math.mininteger, 2.0, 2 ^ 53, 2 ^ 62, 2 ^ 63, -2 ^ 63,
  1.5, -0.5, 1e20, -1e20, 1e39, -1e300, math.huge, -math.huge, NAN, true, false}

-- Every way to store a number in a tensor: f(value, dtype) gives a tensor of that type whose first
-- element is the value.
local PLACES <const> = {
  tensor = function(v, dtype) return braid.tensor({v}, {dtype = dtype}) end,
  ["nested tensor"] = function(v, dtype)
    return braid.tensor({{v, 0}, {1, v}}, {dtype = dtype}):reshape(-1)
  end,
  full = function(v, dtype) return braid.full({3}, v, {dtype = dtype}) end,
  full_like = function(v, dtype) return braid.full_like(braid.zeros(2), v, {dtype = dtype}) end,
  fill_ = function(v, dtype) return braid.zeros(20, {dtype = dtype}):fill_(v) end,
  masked_fill = function(v, dtype)
    return braid.zeros(2, {dtype = dtype}):masked_fill(braid.tensor {true, false}, v)
  end,
  masked_fill_ = function(v, dtype)
    return braid.zeros(2, {dtype = dtype}):masked_fill_(braid.tensor {true, false}, v)
  end,
  pad = function(v, dtype) return F.pad(braid.zeros(2, {dtype = dtype}), {1, 1}, {value = v}) end,
  scatter = function(v, dtype)
    return braid.zeros(2, {dtype = dtype}):scatter(1, braid.tensor({1}, {dtype = "int64"}), v)
  end,
  scatter_ = function(v, dtype)
    return braid.zeros(2, {dtype = dtype}):scatter_(1, braid.tensor({1}, {dtype = "int64"}), v)
  end,
}
for name, key in pairs {place = 1, range = {{1, 2}}, mask = braid.tensor {true, false, true},
  indices = braid.tensor({1, 3}, {dtype = "int64"})} do
  PLACES["a write by " .. name] = function(v, dtype)
    local x <const> = braid.zeros(3, {dtype = dtype})
    x[key] = v
    return x
  end
  PLACES["a write of a tensor by " .. name] = function(v, dtype)
    local exact <const> = math.type(v) == "integer" and "int64" or "float64"
    local x <const> = braid.zeros(3, {dtype = dtype})
    x[key] = braid.full({}, v, {dtype = type(v) == "boolean" and "bool" or exact})
    return x
  end
end
PLACES.copy_ = function(v, dtype)
  local exact <const> = type(v) == "boolean" and "bool" or math.type(v) == "integer" and "int64"
    or "float64"
  return braid.zeros(2, {dtype = dtype}):copy_(braid.full({2}, v, {dtype = exact}))
end

-- These convert float64 to float32, which rounds to infinity.
local function is_conversion(name) return name == "copy_" or name:find("of a tensor", 1, true) end

local function same(a, b) return a == b or a ~= a and b ~= b end

describe("a number", function()
  for name, put in pairs(PLACES) do
    it("that is stored by " .. name .. " is unchanged, or an error", function()
      for _, dtype in ipairs(TYPES) do
        for _, value in ipairs(VALUES) do
          local wants = stored(value, dtype)
          local what <const> = ("%s into %s"):format(tostring(value), dtype)
          local ok <const>, got <const> = pcall(put, value, dtype)
          if wants == nil and dtype == "float32" and is_conversion(name) then
            wants = value > 0 and math.huge or -math.huge
          end
          if wants == nil then
            assert.is_false(ok, what)
            assert.matches("lies outside the range of " .. dtype, got:gsub("is not an integer, and "
              .. dtype .. " holds only integers", "lies outside the range of " .. dtype)
              :gsub("is neither true.*$", "lies outside the range of " .. dtype), 1, true)
            assert.matches("numbers_spec.lua:%d+:", got)
          else
            assert.is_true(ok, what .. ": " .. tostring(got))
            assert.equal(dtype, got.dtype)
            assert.is_true(same(wants, got[1]:item()), what .. " gives " ..
              tostring(got[1]:item()))
          end
        end
      end
    end)
  end

  it("in arange and linspace is unchanged, or an error", function()
    for _, dtype in ipairs(TYPES) do
      for _, value in ipairs(VALUES) do
        if type(value) == "number" and value == value and math.abs(value) < math.huge then
          local wants <const> = stored(value, dtype)
          for name, make in pairs {
            linspace = function(o) return braid.linspace(value, value, 3, o) end,
            arange = function(o) return braid.arange(value, value, 1, o) end,
          } do
            local ok <const>, got <const> = pcall(make, {dtype = dtype})
            assert.equal(wants ~= nil, ok, ("%s of %s as %s"):format(name, value, dtype))
            if ok then assert.is_true(same(wants, got[#got]:item())) end
          end
        end
      end
    end
    for n = 2, 40 do
      for step = -3, 3 do
        local last <const> = 7 + step * (n - 1)
        local line <const> = braid.linspace(7, last, n, {dtype = "int64"})
        assert.same(n == 1 and {7} or step == 0 and braid.full({n}, 7):totable() or
          braid.arange(7, last, step):totable(), line:totable())
      end
    end
    assert.error_matches(function() braid.linspace(0, 1, 3, {dtype = "int32"}) end,
      "not all integers")
    assert.error_matches(function() braid.arange(0, 2, 0.5, {dtype = "int32"}) end,
      "does not give integers")
  end)

  it("that is stored does not change the elements beside it", function()
    local x <const> = braid.tensor({16777217, (1 << 53) + 1}, {dtype = "int64"})
    local none <const>, all <const> = braid.tensor {false, false}, braid.tensor {true, true}
    x[none] = braid.tensor(3)
    x:where_(all, 2.0):where_(all, braid.tensor {1, 2}):masked_fill_(none, 4.0)
    assert.same({16777217, (1 << 53) + 1}, x:totable())
    x:where_(braid.tensor {false, true}, 2.0)
    assert.same({2, (1 << 53) + 1}, x:totable())
    assert.error_matches(function() x:where_(all, 2.5) end, "2.5 is not an integer")
  end)

  it("that does not fit does not change the tensor", function()
    local x <const> = braid.tensor({1, 2}, {dtype = "uint8"})
    for _, write in ipairs {function() x:fill_(300) end, function() x[1] = 1.5 end,
      function() x:copy_(braid.tensor {1, 2.5}) end, function() x:add_(300) end,
      function() x:add_(braid.tensor({1, 300}, {dtype = "int64"})) end} do
      assert.is_false(pcall(write))
      assert.same({1, 2}, x:totable())
    end
  end)
end)

describe("to", function()
  it("cuts fractions off, and refuses values out of range and NaN", function()
    for _, dtype in ipairs(INTEGERS) do
      for _, from in ipairs {"float32", "float64"} do
        for _, value in ipairs {0, 1.9, -0.9, 200.5, 254.99, 255, 255.5, 256, -1, 2147483520,
          2147483648, -2147483648, 2 ^ 62, 2 ^ 63, -2 ^ 63, 1e20, math.huge, -math.huge, NAN} do
          local x <const> = braid.tensor({0, value}, {dtype = from})
          local held <const> = x[2]:item()
          local cut <const> = held == held and math.abs(held) < math.huge and
            (held < 0 and math.ceil(held) or math.floor(held)) or held
          local wants <const> = stored(cut, dtype)
          local ok <const>, got <const> = pcall(x.to, x, dtype)
          assert.equal(wants ~= nil, ok, tostring(held) .. " to " .. dtype)
          if ok then assert.equal(wants, got[2]:item()) end
        end
      end
    end
  end)

  it("refuses integers that the type does not hold", function()
    for _, from in ipairs(INTEGERS) do
      for _, to in ipairs(INTEGERS) do
        for _, value in ipairs(VALUES) do
          if stored(value, from) then
            local x <const> = braid.tensor({0, value}, {dtype = from})
            local ok <const>, got <const> = pcall(x.to, x, to)
            assert.equal(stored(value, to) ~= nil, ok)
            if ok then assert.equal(stored(value, to), got[2]:item()) end
          end
        end
      end
    end
  end)

  it("checks every value, in any memory layout", function()
    for _, n in ipairs {1, 511, 512, 513, 5000} do
      for _, at in ipairs {1, n // 2 + 1, n} do
        local x <const> = braid.zeros(n)
        x[at] = 1e20
        assert.error_matches(function() x:to("int64") end, "outside the range of int64")
        assert.error_matches(function() x:reshape(-1, 1):expand(n, 3):t():to("int32") end,
          "outside the range of int32")
      end
    end
  end)

  it("gives true in bool for every value but 0", function()
    assert.same({false, true, true, true, true},
      braid.tensor {0, 0.5, -3, NAN, math.huge}:to("bool"):totable())
  end)
end)

-- ---- exactness ------------------------------------------------------------------------

local BIG <const> = {(1 << 53) + 1, -(1 << 53) - 1, (1 << 62) + 1, math.maxinteger - 1,
  math.maxinteger, math.mininteger + 1, math.mininteger}

local function int(values) return braid.tensor(values, {dtype = "int64"}) end

-- Operators of integers by name, in Lua.
local BINARY <const> = {
  add = function(a, b) return a + b end, sub = function(a, b) return a - b end,
  mul = function(a, b) return a * b end,
  floordiv = function(a, b) if b ~= 0 then return a // b end end,
  mod = function(a, b) if b ~= 0 then return a % b end end,
  minimum = math.min, maximum = math.max,
  lt = function(a, b) return a < b end, le = function(a, b) return a <= b end,
  gt = function(a, b) return a > b end, ge = function(a, b) return a >= b end,
  eq = function(a, b) return a == b end, ne = function(a, b) return a ~= b end,
}

describe("integers beyond 2^53", function()
  for name, f in pairs(BINARY) do
    it("are exact in " .. name .. ", as tensors and as numbers", function()
      for _, a in ipairs(BIG) do
        for _, b in ipairs {1, 2, -1, 3, a, a ~ 1, table.unpack(BIG)} do
          local wants <const> = f(a, b)
          assert.equal(wants, core.ops[name](int {a}, int {b}):item())
          assert.equal(wants, core.ops[name](int {a}, b):item())
          assert.equal(wants, core.ops[name](a, int {b}):item())
        end
      end
    end)
  end

  it("are exact as options and as values to write", function()
    for _, v in ipairs(BIG) do
      local one <const>, mask <const> = int {1}, braid.tensor {true}
      assert.equal(v, int({v}):clamp(v, v):item())
      assert.equal(v, int({math.mininteger}):clamp {min = v}:item())
      assert.equal(v, int({math.maxinteger}):clamp {max = v}:item())
      assert.equal(v, one:masked_fill(mask, v):item())
      assert.equal(1 + v, one:add(one, {alpha = v}):item())
      assert.equal(1 - v, one:sub(one, {alpha = v}):item())
      assert.equal(v, F.pad(one, {1, 0}, {value = v})[1]:item())
      assert.equal(v, one:scatter(1, one, v):item())
      assert.equal(1 + v, one:scatter_add(1, one, v):item())
      assert.equal(1 + v, one:index_add(1, one, one, {alpha = v}):item())
      assert.equal(v, braid.where(mask, v, one):item())
      assert.equal(v, braid.full({1}, v, {dtype = "int64"}):item())
      assert.equal(v, one:clone():fill_(v):item())
    end
  end)

  it("are exact in reductions, sorts, indices and rearrangements", function()
    for _, v in ipairs(BIG) do
      local x <const> = int {v, v}
      for _, name in ipairs {"max", "min", "median"} do
        assert.equal(v, x[name](x):item(), name)
        assert.equal(v, (x[name](x, 1)):item(), name)
      end
      assert.equal(v, int({v}):sum():item())
      assert.equal(v, int({v}):prod():item())
      assert.equal(v, int({v, 1}):cumsum(1)[1]:item())
      assert.equal(v + 1, int({v, 1}):cumsum(1)[2]:item())
      assert.equal(v, (x:sort(1))[1]:item())
      assert.equal(v, (x:topk(1))[1]:item())
      for name, y in pairs {flip = x:flip(1), roll = x:roll(1), repeat_ = x:repeat_(2),
        cat = braid.cat {x, x}, gather = x:gather(1, int {1}), index = x[int {2}],
        select = x:index_select(1, int {1}), masked = x[braid.tensor {true, false}],
        relu = v > 0 and x:relu() or x, floor = x:floor(), round = x:round(),
        abs = v > 0 and x:abs() or x, take = x:take(int {1}), unfold = x:unfold(1, 1, 1)} do
        assert.equal(v, y:reshape(-1)[1]:item(), name)
      end
    end
    assert.equal(2, int({math.maxinteger - 1, math.maxinteger}):argmax():item())
    assert.equal(2, int({math.mininteger + 1, math.mininteger}):argmin():item())
  end)

  it("compare with floats as Lua does", function()
    local floats <const> = {0.5, -0.5, 2.0 ^ 53, -2.0 ^ 53, 2.0 ^ 62, 2.0 ^ 63, -2.0 ^ 63, 1e300,
      -1e300, math.huge, -math.huge, NAN, 3.0}
    for _, name in ipairs {"lt", "le", "gt", "ge", "eq", "ne"} do
      for _, a in ipairs {3, 0, -1, (1 << 53) + 1, 1 << 53, table.unpack(BIG)} do
        for _, b in ipairs(floats) do
          assert.equal(BINARY[name](a, b), core.ops[name](int {a}, b):item(),
            ("%s(%d, %s)"):format(name, a, b))
          assert.equal(BINARY[name](b, a), core.ops[name](b, int {a}):item())
        end
      end
    end
    assert.is_false(braid.tensor({16777217}, {dtype = "int32"}):eq(braid.tensor {16777216}):item())
  end)
end)

-- Operators of one or two int64 tensors: by name, in Lua. Operators that are not listed must return
-- floats, or nothing.
local UNARY <const> = {
  neg = function(a) return -a end, abs = function(a) return a < 0 and -a or a end,
  sign = function(a) return a > 0 and 1 or a < 0 and -1 or 0 end,
  square = function(a) return a * a end, relu = function(a) return math.max(a, 0) end,
  logical_not = function(a) return a == 0 end, isnan = function() return false end,
  isfinite = function() return true end, any = function(a) return a ~= 0 end,
  all = function(a) return a ~= 0 end, count_nonzero = function(a) return a ~= 0 and 1 or 0 end,
  argmax = function() return 1 end, argmin = function() return 1 end,
}
UNARY.bernoulli = function() return nil end -- drawn
for _, name in ipairs {"floor", "ceil", "round", "trunc", "clone", "contiguous_copy", "sum", "prod",
  "max", "min", "median", "squeeze", "t", "flatten", "sort"} do
  UNARY[name] = function(a) return a end
end
local MORE <const> = {
  pow = function(a, b) if b == 2 then return a * a end end,
  logical_and = function(a, b) return a ~= 0 and b ~= 0 end,
  logical_or = function(a, b) return a ~= 0 or b ~= 0 end,
  logical_xor = function(a, b) return (a ~= 0) ~= (b ~= 0) end,
  copy = function(_, b) return b end,
}

describe("an operator of integers", function()
  for _, row in ipairs(core.rows) do
    local f <const> = core.ops[row.name]
    it("is exact, or does not give integers: " .. row.name, function()
      for _, a in ipairs(BIG) do
        local ok <const>, y = pcall(f, int {a})
        if ok and core.is_tensor(y) and y.dtype ~= "float32" and y.dtype ~= "float64" then
          assert.is_function(UNARY[row.name], "has no row here")
          local wants <const> = UNARY[row.name](a)
          if wants ~= nil then assert.equal(wants, y:reshape(-1)[1]:item()) end
        end
        for _, b in ipairs {2, 3, -1, a, table.unpack(BIG)} do
          local wants <const> = BINARY[row.name] or MORE[row.name]
          local fits <const>, z = pcall(f, int {a}, int {b})
          if fits and core.is_tensor(z) and z.dtype ~= "float32" and z.dtype ~= "float64" then
            assert.is_function(wants, "has no row here")
            local w <const> = wants(a, b)
            if w ~= nil then assert.equal(w, z:item()) end
          end
        end
      end
    end)
  end
end)

describe("a number beside a narrower integer tensor", function()
  it("is compared with its exact value", function()
    for _, v in ipairs {-1, 256, 300, 1 << 40, -3.0, 300.0} do
      local x <const> = braid.tensor({44, 255, 0}, {dtype = "uint8"})
      for _, name in ipairs {"lt", "le", "gt", "ge", "eq", "ne"} do
        for i, a in ipairs {44, 255, 0} do
          assert.equal(BINARY[name](a, v), core.ops[name](x, v)[i]:item())
        end
      end
      assert.same({true, true, false}, x:logical_and(v):totable())
    end
  end)

  it("is an error in arithmetic if the tensor's type cannot hold it", function()
    local x <const> = braid.tensor({1, 2}, {dtype = "uint8"})
    for _, name in ipairs {"add", "sub", "mul", "floordiv", "mod", "pow", "minimum", "maximum"} do
      for _, v in ipairs {300, -1, 1 << 40} do
        assert.error_matches(function() return core.ops[name](x, v) end,
          name .. ": .*outside the range of uint8")
      end
    end
    assert.error_matches(function() x:add(x, {alpha = 300}) end, "add: alpha: 300 lies outside")
    assert.error_matches(function() braid.where(braid.tensor {true, false}, 300, x) end, "where:")
    assert.error_matches(function() return x + int({300}):squeeze() end, "add: 300 lies outside")
    assert.same({true, true}, x:lt(int({300}):squeeze()):totable())
  end)

  it("is exact in place, as is a wider tensor: only the result must fit", function()
    local wide <const> = int {30, 200}
    assert.same({30, 200}, braid.tensor({1, 2}, {dtype = "uint8"}):maximum_(wide):totable())
    assert.same({3, 1}, braid.tensor({100, 255}, {dtype = "uint8"}):floordiv_(wide):totable())
    assert.error_matches(function()
      braid.tensor({1, 100}, {dtype = "uint8"}):add_(wide)
    end, "add_: 300 lies outside the range of uint8, 0 to 255")
    assert.same({1, 2}, braid.tensor({1, 2}, {dtype = "uint8"}):mod_(int {256, 512}):totable())
  end)
end)
