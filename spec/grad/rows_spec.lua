--- Tests core.reach and core.frontier, which find what several losses share, and
-- core.backward_rows, which writes gradients into the rows of a matrix (the arena).

local braid <const> = require "braid"
local core <const> = require "braid.core"

local function leaf(...) return braid.randn({...}, {dtype = "float64"}):requires_grad_() end
local function one() return core.new({}, "float64", 1) end
local function near(a, b) assert.is_true((a - b):abs():max():item() < 1e-12) end

describe("core.reach", function()
  it("counts the losses that depend on each tensor", function()
    local a <const>, b <const>, c <const>, d <const> = leaf(2), leaf(2), leaf(2), leaf(2)
    local shared <const> = a * b
    local x <const>, y <const> = (shared + c):sum(), (shared * shared):sum()
    assert.same({2, 2, 1, 0}, core.reach({x, y}, {a, b, c, d}))
    assert.same({1, 1, 0, 0}, core.reach({y}, {a, b, c, d}))
    assert.same({3}, core.reach({x, y, x}, {a})) -- a loss given twice counts twice
    assert.same({0, 0}, core.reach({braid.ones(1)}, {a, braid.ones(1)}))
    assert.same({}, core.reach({x}, {}))
  end)
end)

describe("core.frontier", function()
  local function shapes(losses)
    local list <const> = {}
    for i, t in ipairs(core.frontier(losses)) do list[i] = table.concat(t.shape, "x") end
    table.sort(list)
    return list
  end

  it("finds the last values that the losses share", function()
    local w <const>, u <const>, v <const> = leaf(3, 4), leaf(4, 1), leaf(4, 2)
    local z <const> = braid.randn({5, 3}, {dtype = "float64"}):matmul(w):tanh()
    assert.same({"5x4"}, shapes{z:matmul(u):sum(), z:matmul(v):sum()})
    assert.same({}, shapes{z:matmul(u):sum()})
    assert.same({"3x4", "5x4"}, shapes{z:matmul(u):sum() + w:sum(), z:matmul(v):sum()})
  end)

  it("finds the whole of a value if each loss uses only a part of it", function()
    local a <const>, b <const> = leaf(2, 3), leaf(2, 3)
    local both <const> = braid.cat({a * 2, b * 3}, 2):exp()
    assert.same({"2x6"}, shapes{both:narrow(2, 1, 3):sum(), both:narrow(2, 4, 3):sum()})
    assert.same({"2x6"}, shapes{both:narrow(2, 1, 3):sum(), both:sum()})
  end)
end)

describe("core.backward_rows", function()
  it("writes each loss's gradient into its row, and accumulates in other leaves", function()
    local w <const>, other <const>, u <const>, v <const> = leaf(3, 4), leaf(2), leaf(4), leaf(4)
    local z <const> = w:sum(1)
    local losses <const> = {(z * u):sum(), (z * v):exp():sum()}
    local wanted <const> = {}
    for i, loss in ipairs(losses) do
      wanted[i] = braid.grad(loss, {w, i == 1 and u or v}, {retain_graph = true})
    end
    local arena <const> = braid.full({2, 14}, 7, {dtype = "float64"})
    for i, loss in ipairs(losses) do
      core.backward_rows({loss}, {one()}, {w, other}, arena, i, i == 1)
    end
    for i = 1, 2 do
      local views <const> = core.split_row(arena, i, {w, other})
      near(views[1], wanted[i][1])
      assert.same({0, 0}, views[2]:totable()) -- the loss does not depend on it
    end
    assert.is_nil(w.grad)
    near(u.grad, wanted[1][2])
    near(v.grad, wanted[2][2])
  end)

  it("can stop at values within the graph, and go on from them in one pass", function()
    local w <const>, u <const>, v <const> = leaf(3, 4), leaf(4), leaf(4)
    local z <const> = w:sum(1):tanh()
    local losses <const> = {(z * u):sum(), (z * v):sum()}
    local plain <const> = braid.grad(losses[1] * 2 + losses[2] * 3, {w, u, v},
      {retain_graph = true})
    local ends <const> = core.frontier(losses)
    local arena <const> = core.new({2, 4}, "float64")
    for i, loss in ipairs(losses) do
      core.backward_rows({loss}, {one()}, ends, arena, i, false)
    end
    local sum <const> = core.ops.weighted_rows(arena, braid.tensor({2, 3}, {dtype = "float64"}))
    core.backward_rows(ends, core.split_row(sum:reshape(1, -1), 1, ends))
    near(w.grad, plain[1])
    near(u.grad * 2, plain[2])
  end)

  it("adds the gradients of several paths, in every dtype, and with hooks", function()
    local x <const>, y <const> = leaf(2, 3), braid.randn(3):requires_grad_()
    local seen = 0
    y:register_hook(function(g)
      seen = seen + 1
      return g * 2
    end)
    local own <const> = ((y * y):sum() + y:sum()):to("float64")
    local loss <const> = (x * x):sum() + x:exp():sum() + own
    local arena <const> = core.new({1, 9}, "float64")
    core.backward_rows({loss}, {one()}, {x, y}, arena, 1)
    local views <const> = core.split_row(arena, 1, {x, y})
    near(views[1], x * 2 + x:exp())
    assert.is_true((views[2] - (y * 4 + 2):to("float64")):abs():max():item() < 1e-5)
    assert.equal(1, seen)
  end)

  it("runs back from several tensors at once", function()
    local x <const> = leaf(3)
    local a <const>, b <const> = x * 2, x * x
    core.backward_rows({a, b}, {x:detach() * 0 + 1, x:detach() * 0 + 3})
    near(x.grad, x * 6 + 2)
  end)

  it("raises an error for a wrong arena or a tensor given twice, and changes nothing", function()
    local x <const> = leaf(3)
    local loss <const> = x:sum()
    local arena <const> = core.new({1, 2}, "float64", 5)
    assert.error_matches(function() core.backward_rows({loss}, {one()}, {x}, arena, 1) end,
      "has no room")
    assert.error_matches(function() core.backward_rows({loss}, {one()}, {x}, arena, 2) end,
      "has no row 2")
    assert.error_matches(function()
      core.backward_rows({loss}, {one()}, {x, x}, core.new({1, 6}, "float64"), 1)
    end, "given twice")
    assert.same({{5, 5}}, arena:totable())
    assert.is_nil(x.grad)
  end)
end)
