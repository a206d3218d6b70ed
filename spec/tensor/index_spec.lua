--- Tensors as indices: masks of fewer dimensions, indices of any shape, several at once, read and
-- written. Expected values are PyTorch's.

local braid <const> = require "braid"

local INTEGERS <const> = {dtype = "int64"}
local function int(v) return braid.tensor(v, INTEGERS) end

describe("reading by tensors as indices", function()
  local x <const> = braid.arange(12):reshape(3, 4)
  local y <const> = braid.arange(24):reshape(2, 3, 4)

  it("takes rows by a mask of the first dimensions", function()
    assert.same({{1, 2, 3, 4}, {9, 10, 11, 12}}, x[braid.tensor {true, false, true}]:totable())
    assert.same({3, 4}, y[braid.tensor {{true, false, false}, {false, true, true}}].shape)
    assert.same({0, 4}, x[braid.zeros(3, {dtype = "bool"})].shape)
  end)

  it("gives a result that begins with the shape of the index tensor", function()
    assert.same({2, 2, 4}, x[int {{1, 3}, {2, -1}}].shape)
    assert.same({9, 10, 11, 12}, x[int(-1)]:totable())
    assert.same({0, 2, 4}, x[braid.zeros(0, 2, INTEGERS)].shape)
  end)

  it("replaces the indexed dimension by the dimensions of the index tensor", function()
    assert.same({{4, 1, 1}, {8, 5, 5}, {12, 9, 9}}, x[{{}, int {4, 1, 1}}]:totable())
    assert.same({2, 3, 2, 2}, y[{{}, {}, int {{4, 1}, {1, 1}}}].shape)
    assert.same({5, 8}, x[{2, braid.tensor {true, false, false, true}}]:totable())
    assert.same({{5, 8}, {9, 12}},
      x[{{2, 3}, braid.tensor {true, false, false, true}}]:totable())
  end)

  it("uses several index tensors element by element, after they broadcast", function()
    assert.same({4, 5, 9}, x[{int {1, 2, 3}, int {4, 1, 1}}]:totable())
    assert.same({{4, 1}, {12, 9}}, x[{int {{1}, {3}}, int {4, 1}}]:totable())
    assert.same({{12, 1}, {24, 13}}, y[{{}, int {3, 1}, int {4, 1}}]:totable())
  end)

  it("puts the dimension of the indices first where index tensors are not neighbours", function()
    assert.same({{16, 20, 24}, {1, 5, 9}}, y[{int {2, 1}, {}, int {4, 1}}]:totable())
  end)

  it("adds up the gradients of an element that is read twice", function()
    local v <const> = braid.rand(3, 4, {dtype = "float64"}):requires_grad_()
    for _, key in ipairs {int {1, 1, 3}, {{}, int {2, 4, 2}}, {int {{1, 3}}, int {{4}, {4}}},
      braid.tensor {true, false, true}, {{1, 3, 2}, int {2, 2}}} do
      assert.is_true(braid.gradcheck(function() return v[key] end, {v}))
    end
  end)
end)

describe("writing by tensors as indices", function()
  local function written(key, value, base)
    local x <const> = base or braid.arange(6):reshape(2, 3)
    x[key] = value
    return x:totable()
  end

  it("changes rows by a mask of the first dimensions", function()
    assert.same({{1, 2, 3}, {0, 0, 0}}, written(braid.tensor {false, true}, 0))
    assert.same({{7, 8, 9}, {4, 5, 6}}, written(braid.tensor {true, false}, braid.tensor {7, 8, 9}))
  end)

  it("puts a tensor's values, one after the other, where a mask is true", function()
    local mask <const> = braid.tensor {{true, false, true}, {false, true, false}}
    assert.same({{7, 2, 8}, {4, 9, 6}}, written(mask, braid.tensor {7, 8, 9}))
    assert.same({{7, 2, 7}, {4, 7, 6}}, written(mask, braid.tensor {7}))
    assert.same({{1, 2, 3}, {4, 5, 6}}, written(mask:logical_and(false), 7))
  end)

  it("changes rows and columns by indices", function()
    assert.same({{0, 0, 0}, {4, 5, 6}}, written(int {1}, 0))
    assert.same({{8, 2, 7}, {10, 5, 9}},
      written({{}, int {3, 1}}, braid.tensor {{7, 8}, {9, 10}}))
  end)

  it("changes single elements by several index tensors", function()
    assert.same({{0, 2, 3}, {4, 0, 6}}, written({int {1, 2}, int {1, 2}}, 0))
    assert.same({{7, 2, 3}, {4, 8, 6}}, written({int {1, 2}, int {1, 2}}, braid.tensor {7, 8}))
  end)

  it("keeps the last value where an index occurs twice", function()
    assert.same({{7, 8, 9}, {4, 5, 6}},
      written(int {1, 1}, braid.tensor {{1, 1, 1}, {7, 8, 9}}))
  end)

  it("treats a tensor without dimensions as its number", function()
    local x <const> = braid.arange(24):reshape(2, 3, 4)
    local two <const> = braid.tensor(2, {dtype = "int64"})
    local mask <const> = braid.tensor {true, false, true, false}
    assert.same(x[2]:totable(), x[two]:totable())
    assert.same(x[{2, {}, mask}]:totable(), x[{two, {}, mask}]:totable())
    assert.same({3, 2}, x[{two, {}, mask}].shape)
    x[{two, 1}] = 0
    assert.same({0, 0, 0, 0}, x[{2, 1}]:totable())
    assert.error_matches(function() return x[braid.tensor(3, {dtype = "int64"})] end, "no index 3")
  end)

  it("takes a value with additional dimensions of size 1 in front", function()
    local x <const> = braid.zeros(2, 3)
    x[{1, 2}] = braid.tensor {5}
    x[2] = braid.ones(1, 1, 3)
    assert.same({{0, 5, 0}, {1, 1, 1}}, x:totable())
    assert.error_matches(function() x[1] = braid.ones(2, 3) end, "does not broadcast")
  end)

  it("by a mask without dimensions adds a dimension of size 1 or 0, in reading too", function()
    local x <const>, yes <const> = braid.ones(2, 3), braid.tensor(true)
    local no <const> = braid.tensor(false)
    assert.same({1, 2, 3}, x[yes].shape)
    assert.same({0, 2, 3}, x[no].shape)
    assert.same({2, 1, 3}, x[{{}, yes}].shape)
    assert.same({1, 3}, x[{1, yes}].shape)
  end)

  it("works through a view in another memory layout", function()
    local x <const> = braid.arange(6):reshape(2, 3)
    x:t()[int {3, 1}] = braid.tensor {{7, 8}, {9, 10}}
    assert.same({{9, 2, 7}, {10, 5, 8}}, x:totable())
  end)

  it("refuses what the type cannot hold, and copies a value that overlaps its target", function()
    local x <const> = braid.arange(4)
    assert.error_matches(function() x[int {1}] = 2.9 end, "index: 2.9 is not an integer")
    x[int {1}] = 2.0
    x[int {2, 3, 4}] = x[{{1, 3}}]
    assert.same({2, 2, 2, 3}, x:totable())
  end)

  it("lets backward fail if a gradient needs the old values", function()
    local v <const> = braid.ones(3):requires_grad_()
    local x <const> = braid.ones(3)
    local y <const> = v * x
    x[int {1}] = 5
    assert.error_matches(function() y:sum():backward() end, "was changed in place")
  end)
end)

describe("index_add_, scatter_, scatter_add_ and prelu_", function()
  it("write into their tensor, and have the gradient that differences give", function()
    local v <const> = braid.rand(3, 4, {dtype = "float64"}):sub_(0.5):requires_grad_()
    local src <const> = braid.rand(3, 2, {dtype = "float64"}):requires_grad_()
    local at <const> = int {{4, 1}, {2, 3}, {1, 2}}
    local weight <const> = braid.tensor({0.25}, {dtype = "float64"}):requires_grad_()
    for name, args in pairs {index_add_ = {2, int {3, 3}, src}, scatter_ = {2, at, src},
      scatter_add_ = {2, at, src}, prelu_ = {weight}} do
      local function f()
        local x <const> = v * 1
        assert.is_true(rawequal(x, x[name](x, table.unpack(args))))
        return x
      end
      assert.is_true(braid.gradcheck(f, {v, src, weight}), name)
      assert.same(v[name:sub(1, -2)](v, table.unpack(args)):totable(), f():totable())
    end
  end)
end)

describe("a tensor as a list", function()
  local t <const> = braid.arange(1, 6):reshape(3, 2)

  it("gives its parts to ipairs, pairs and table.unpack", function()
    for _, each in ipairs{ipairs, pairs} do
      local seen <const> = {}
      for i, row in each(t) do seen[i] = row:totable() end
      assert.same({ {1, 2}, {3, 4}, {5, 6} }, seen)
      for _ in each(braid.zeros(0, 3)) do error "there is no part" end
    end
    local parts <const> = {table.unpack(t)}
    assert.same({5, 6}, parts[3]:totable())
    assert.equal(3, #parts)
  end)

  it("raises an error that names the dimension for an index outside", function()
    assert.error_matches(function() return t[4] end,
      "index: there is no index 4 in dimension 1 of (3, 2)", 1, true)
    assert.error_matches(function() return t[-4] end,
      "index: there is no index -4 in dimension 1 of (3, 2)", 1, true)
    assert.error_matches(function() return t[{2, 3}] end,
      "index: there is no index 3 in dimension 2 of (3, 2)", 1, true)
    assert.error_matches(function() return t[{2, {1, 3}}] end,
      "index: the range {1, 3, 1} does not fit dimension 2 of (3, 2)", 1, true)
    assert.error_matches(function() t[{3, 3}] = 1 end,
      "index: there is no index 3 in dimension 2 of (3, 2)", 1, true)
    assert.error_matches(function() for _ in ipairs(braid.tensor(1)) do error "no" end end,
      "a tensor without dimensions has no parts", 1, true)
  end)

  it("takes ranges with steps up to math.maxinteger", function()
    assert.same({1}, braid.arange(1, 4)[{ {1, 4, math.maxinteger} }]:totable())
    assert.same({1, 3}, braid.arange(1, 4)[{ {1, -1, 2} }]:totable())
    assert.same({0}, braid.arange(1, 4)[{ {3, 2, math.maxinteger} }].shape)
  end)
end)
