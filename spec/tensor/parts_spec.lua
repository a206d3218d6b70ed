--- Functions that are composed of operators, such as split, tile, one_hot, index_add and einsum.

local braid <const> = require "braid"

local t <const> = braid.tensor

local function int(values) return t(values, {dtype = "int64"}) end
local function double(values) return t(values, {dtype = "float64"}) end

-- The values of all results.
local function values(...)
  local all <const> = {}
  for i, y in ipairs({...}) do all[i] = y:totable() end
  return all
end

local function check_gradient(f, ...)
  local inputs <const> = {...}
  for _, x in ipairs(inputs) do x:requires_grad_() end
  assert(braid.gradcheck(function() return f(table.unpack(inputs)) end, inputs))
end

describe("split and chunk", function()
  it("give views of equal size, the last one shorter", function()
    assert.same({{1, 2}, {3, 4}, {5}}, values(braid.arange(5):split(2)))
    assert.same({{1, 2}, {3, 4}, {5}}, values(braid.arange(5):chunk(3)))
    assert.same({{{1}, {3}}, {{2}, {4}}}, values(int({{1, 2}, {3, 4}}):split(1, -1)))
    local x <const> = braid.zeros(4)
    local _, second <const> = x:chunk(2)
    second:fill_(1)
    assert.same({0, 0, 1, 1}, x:totable())
  end)
  it("take a list of sizes, in split", function()
    assert.same({{1}, {}, {2, 3, 4}}, values(braid.arange(4):split {1, 0, 3}))
  end)
  it("may give fewer parts than asked for, in chunk", function()
    assert.equal(3, select("#", braid.arange(6):chunk(4)))
  end)
  it("give parts of an empty tensor", function()
    assert.same({{}}, values(braid.zeros(0):split(2)))
    assert.same({{}, {}}, values(braid.zeros(0):chunk(2)))
  end)
  it("have the gradient that differences give", function()
    check_gradient(function(x)
      local a <const>, b <const> = x:split {1, 2}
      return a * b
    end, double {1, 2, 3})
  end)
  it("name the size or the dimension that does not fit", function()
    assert.has_error(function() braid.zeros(4):split {1, 2} end,
      "split: the sizes add up to 3, dimension 1 of (4) has 4")
    assert.has_error(function() braid.zeros(4):split(0) end,
      "split: size must be an integer from 1 or a table, not 0")
    assert.has_error(function() braid.zeros(4):chunk(2, 2) end,
      "chunk: there is no dimension 2 in a tensor of 1")
  end)
end)

describe("repetition:", function()
  it("repeat_ repeats each dimension, and may add dimensions in front", function()
    assert.same({{1, 2, 1, 2}, {1, 2, 1, 2}}, int({1, 2}):repeat_(2, 2):totable())
    assert.same({2, 1, 3}, braid.zeros(1, 3):repeat_({2, 1, 1}).shape)
  end)
  it("tile repeats the last dimensions", function()
    assert.same({2, 6}, braid.zeros(2, 3):tile(2).shape)
    assert.same({2, 2, 3}, braid.zeros(2, 3):tile(2, 1, 1).shape)
  end)
  it("roll without dims rolls the flat tensor", function()
    assert.same({{4, 1}, {2, 3}}, int({{1, 2}, {3, 4}}):roll(1):totable())
    assert.same({{2, 1}, {4, 3}}, int({{1, 2}, {3, 4}}):roll(1, 2):totable())
  end)
  it("repeat_ refuses fewer numbers than dimensions", function()
    assert.has_error(function() braid.zeros(2, 3):repeat_(2) end,
      "repeat_: 1 numbers are fewer than the dimensions of (2, 3)")
  end)
end)

describe("one_hot", function()
  it("counts labels from 1, and gives zeros for label 0", function()
    assert.same({{1, 0, 0}, {0, 0, 0}, {0, 0, 1}}, int({1, 0, 3}):one_hot():totable())
    assert.same({2, 2, 5}, int({{1, 2}, {3, 4}}):one_hot(5).shape)
    assert.same({0, 5}, braid.zeros({0}, {dtype = "int64"}):one_hot(5).shape)
  end)
  it("names labels out of range", function()
    assert.has_error(function() int({1, 4}):one_hot(3) end,
      "one_hot: labels must be from 0 (none) to n = 3, these are from 1 to 4")
    assert.has_error(function() int({-1}):one_hot() end,
      "one_hot: labels must be from 0 (none) to n = -1, these are from -1 to -1")
  end)
end)

describe("selection:", function()
  it("take counts elements row by row", function()
    assert.same({{4, 1}, {4, 2}}, int({{1, 2}, {3, 4}}):take(int({{4, 1}, {-1, 2}})):totable())
  end)
  it("index_add adds slices", function()
    local x <const>, src <const> = t({{1, 1}, {1, 1}}), t({{1, 2}, {3, 4}, {5, 6}})
    assert.same({{7, 9}, {4, 5}}, x:index_add(1, int {1, 2, 1}, src):totable())
    assert.same({{13, 17}, {7, 9}}, x:index_add(1, int {1, 2, 1}, src, {alpha = 2}):totable())
    assert.has_error(function() x:index_add(2, int {1}, src) end,
      "index_add: src (3, 2) must have one slice of (2, 2) for each of 1 indices")
    check_gradient(function(a, b) return a:index_add(2, int {2, 2}, b) end,
      double {{1, 2}}, double {{3, 4}})
  end)
  it("argsort gives the indices of sort", function()
    assert.same({2, 1, 3}, t({3, 1, 3}):argsort():totable())
    assert.same({1, 3, 2}, t({3, 1, 3}):argsort(1, true):totable())
  end)
  it("gather and topk name an index or a number that does not fit", function()
    assert.has_error(function() t({1, 2}):gather(1, int {3}) end,
      "gather: there is no index 3 in dimension 1 of (2)")
    assert.has_error(function() t({1, 2}):gather(1, int({{1}})) end,
      "gather: index must have 1 dimensions, not the shape (1, 1)")
    assert.has_error(function() t({1, 2}):topk(3) end,
      "topk: k must be from 0 to the 2 of dimension 1 of (2), not 3")
  end)
  it("scatter_ can write a tensor into itself", function()
    local x <const> = t {1, 2, 3}
    x:scatter_(1, int {3, 2, 1}, x)
    assert.same({3, 2, 1}, x:totable())
  end)
end)

describe("products:", function()
  local a <const>, b <const> = t({{1, 2}, {3, 4}}), t({{0, 1}, {1, 1}})
  it("mm, bmm, mv, dot and outer give the known values", function()
    assert.same({{2, 3}, {4, 7}}, a:mm(b):totable())
    assert.same({{{2, 3}, {4, 7}}}, a:unsqueeze(1):bmm(b:unsqueeze(1)):totable())
    assert.same({5, 11}, a:mv(t {1, 2}):totable())
    assert.equal(11, t({1, 2}):dot(t {3, 4}):item())
    assert.same({{3, 4}, {6, 8}}, t({1, 2}):outer(t {3, 4}):totable())
  end)
  it("addmm scales both of its terms", function()
    assert.same({{3, 4}, {5, 8}}, t({1, 1}):addmm(a, b):totable())
    assert.same({{6, 8}, {10, 16}}, t({1, 1}):addmm(a, b, {alpha = 2, beta = 2}):totable())
    assert.same({{2, 3}, {4, 7}}, t({0 / 0}):addmm(a, b, {beta = 0}):totable())
  end)
  it("mm and dot name the shape that does not fit", function()
    assert.has_error(function() a:mm(t {1, 2}) end,
      "mm: b must have 2 dimensions, not the shape (2)")
    assert.has_error(function() a:dot(a) end,
      "dot: a must have 1 dimension, not the shape (2, 2)")
    assert.has_error(function() a:mm(3) end, "mm: b must be a tensor, not number")
  end)
end)

describe("cat of maps", function()
  it("gives the same for maps in channels_last as for contiguous maps", function()
    local to_last <const> = require("braid.core").ops.channels_last
    for _, channels in ipairs{ {3, 5}, {1, 64, 7}, {16, 16, 16}, {2, 0, 4} } do
      for _, dtype in ipairs{"float32", "float64", "uint8"} do
        local planes <const>, last <const> = {}, {}
        for i, c in ipairs(channels) do
          planes[i] = braid.randint(0, 99, {3, c, 7, 9}):to(dtype)
          last[i] = to_last(planes[i])
        end
        local y <const> = braid.cat(last, 2)
        assert.is_true(y:eq(braid.cat(planes, 2)):all():item())
        assert.equal(last[1]:memory_format(), y:memory_format())
      end
    end
  end)
end)

describe("prelu", function()
  it("takes one weight for all channels, or one for each channel", function()
    assert.same({-2, 3}, t({-1, 3}):prelu(t {2}):totable())
    assert.same({{-1, 3}, {5, -4}}, t({{-1, 3}, {5, -2}}):prelu(t {1, 2}):totable())
    assert.equal(-1, t(-2):prelu(t {0.5}):item())
  end)
  it("has the gradient that differences give, for x and for the weight", function()
    check_gradient(function(x, w) return x:prelu(w) end,
      double {{{-1, 2}, {3, -4}}, {{1, -2}, {-3, 4}}}, double {0.5, 2})
  end)
end)

describe("einsum", function()
  local einsum <const> = braid.einsum
  local a <const>, b <const> = double {{1, 2}, {3, 4}}, double {{0, 1}, {1, 1}}
  it("multiplies, transposes, sums and takes diagonals", function()
    assert.same({{2, 3}, {4, 7}}, einsum("ij,jk->ik", a, b):totable())
    assert.same({{2, 4}, {3, 7}}, einsum("ij,jk->ki", a, b):totable())
    assert.same({{2, 3}, {4, 7}}, einsum("ij, jk", a, b):totable())
    assert.same({{1, 3}, {2, 4}}, einsum("ba", a):totable())
    assert.equal(10, einsum("ij->", a):item())
    assert.same({4, 6}, einsum("ij->j", a):totable())
    assert.same({1, 4}, einsum("ii->i", a):totable())
    assert.equal(5, einsum("ii", a):item())
    assert.equal(9, einsum("ij,ij->", a, b):item())
    assert.same({{0, 2}, {3, 4}}, einsum("ij,ij->ij", a, b):totable())
    assert.equal(15, einsum("ii,jj->", a, 3 * braid.eye(1, {dtype = "float64"})):item())
  end)
  it("takes any number of operands", function()
    assert.same({{11, 16}, {25, 36}}, einsum("ij,jk,kl->il", a, b, a):totable())
    assert.equal(95, einsum("i,ij,j->", double {1, 2}, a, double {5, 6}):item())
  end)
  it("broadcasts the dimensions that '...' stands for", function()
    local x <const>, y <const> = braid.ones(5, 1, 2, 3), braid.ones(4, 3, 6)
    assert.same({5, 4, 2, 6}, einsum("...ij,...jk->...ik", x, y).shape)
    assert.same({5, 4, 2, 6}, einsum("...ij,...jk", x, y).shape)
    assert.same({2, 5, 1}, einsum("...ij->i...", x).shape)
  end)
  it("works on empty tensors", function()
    assert.same({{0, 0}, {0, 0}}, einsum("ij,jk", braid.zeros(2, 0), braid.zeros(0, 2)):totable())
  end)
  it("has the gradient that differences give", function()
    local function copy(x) return x:clone() end
    check_gradient(function(x, y) return einsum("bij,bkj->bik", x, y) end,
      double {{{1, 2}, {3, 4}}}, double {{{1, 0}, {2, 5}, {1, 3}}})
    check_gradient(function(x, y, z) return einsum("ii,ij,kj->ik", x, y, z) end, copy(a),
      copy(b), copy(a))
  end)
  it("names the operand or the letter that does not fit", function()
    assert.has_error(function() einsum("ij,jk", a) end,
      "einsum: 'ij,jk' has more operands than the 1 given")
    assert.has_error(function() einsum("ij", a, b) end,
      "einsum: 'ij' has 1 operands, 2 are given")
    assert.has_error(function() einsum("ijk", a) end,
      "einsum: 'ijk' names 3 dimensions, its operand has 2")
    assert.has_error(function() einsum("ij->k", a) end,
      "einsum: the result's 'k' is in no operand")
    assert.has_error(function() einsum("ij->ii", a) end, "einsum: the result names 'i' twice")
    assert.has_error(function() einsum("ij,jk", a, braid.ones(3, 2)) end,
      "einsum: 'j' stands for 2 and for 3 elements")
  end)
end)

describe("making tensors like others", function()
  it("takes their shape and type", function()
    local like <const> = braid.zeros({2, 3}, {dtype = "float64"})
    for _, name in ipairs {"zeros", "ones", "empty", "rand", "randn"} do
      local y <const> = braid[name .. "_like"](like)
      assert.same({{2, 3}, "float64"}, {y.shape, y.dtype}, name)
    end
    assert.same({{7}, {7}}, braid.full_like(braid.zeros(2, 1), 7, {dtype = "int32"}):totable())
  end)
end)

describe("limits of clamp beyond an integer type", function()
  it("have no effect, or are an error", function()
    local u8 <const> = t({0, 7, 255}, {dtype = "uint8"})
    assert.same({0, 7, 255}, u8:clamp(-9, 300):totable())
    assert.has_error(function() u8:clamp(300) end,
      "clamp: min: 300 lies outside the range of uint8, 0 to 255")
    assert.has_error(function() u8:clamp(-9, -5) end,
      "clamp: max: -5 lies outside the range of uint8, 0 to 255")
    assert.same({0, 7, 255}, u8:clamp(-1e30, 1e30):totable())
    assert.same({math.maxinteger, 5}, int({math.maxinteger, math.mininteger}):clamp(5):totable())
  end)
end)

describe("an integer beyond 2^53", function()
  it("is exact in full, full_like, fill_ and pad", function()
    local big <const>, int64 <const> = (1 << 53) + 1, {dtype = "int64"}
    assert.same({big}, braid.full({1}, big, int64):totable())
    assert.same({-big}, braid.full_like(int {0}, -big):totable())
    assert.same({big}, int({0}):fill_(big):totable())
    assert.same({big, 0}, int({0}):pad({1, 0}, {value = big}):totable())
    assert.same({1e30, 2.0}, double({0}):fill_(1e30):pad({0, 1}, {value = 2}):totable())
  end)
end)

describe("nonzero", function()
  it("gives the place of each element that is not 0, row by row", function()
    assert.same({{1, 2}, {2, 1}, {2, 3}},
      braid.tensor {{0, 5, 0}, {-1, 0, 0 / 0}}:nonzero():totable())
    assert.same({{2}, {3}}, braid.tensor {false, true, true}:nonzero():totable())
    assert.same({{1, 2, 1}}, braid.tensor {{{0}, {7}}}:nonzero():totable())
  end)

  it("of zeros and of a single number has a row for each number that is not 0", function()
    assert.same({0, 2}, braid.zeros(2, 3):nonzero().shape)
    assert.same({0, 2}, braid.zeros(0, 3):nonzero().shape)
    assert.same({1, 0}, braid.tensor(2):nonzero().shape)
    assert.same({0, 0}, braid.tensor(0):nonzero().shape)
  end)
end)
