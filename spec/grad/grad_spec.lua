--- Tests autograd: what is recorded, where gradients go, when they are refused, and how long graphs
-- are kept.

local braid <const> = require "braid"
local core <const> = require "braid.core"

local function leaf(values, dtype)
  return braid.tensor(values, {dtype = dtype or "float64"}):requires_grad_()
end

describe("backward", function()
  it("adds the gradients of several calls in the leaves", function()
    local x <const> = leaf {1, 2};
    (x * 3):sum():backward()
    assert.same({3, 3}, x.grad:totable());
    (x * x):sum():backward()
    assert.same({5, 7}, x.grad:totable())
    x.grad = nil
    assert.is_nil(x.grad)
  end)

  it("adds up the gradients of a value that is used several times", function()
    local x <const> = leaf {2}
    local shared <const> = x * x
    local y <const> = shared * shared + shared:exp() * 0 + shared
    y:sum():backward() -- d(x^4 + x^2) = 4 x^3 + 2 x
    assert.same({36}, x.grad:totable())
  end)

  it("counts a tensor twice that is both factors of a product", function()
    local x <const> = leaf {3};
    (x * x):sum():backward()
    assert.same({6}, x.grad:totable())
  end)

  it("sums gradients over the broadcast dimensions", function()
    local x <const>, row <const>, column <const>, one <const> =
      braid.ones(2, 3, {dtype = "float64", requires_grad = true}), leaf {1, 2, 3},
      leaf {{10}, {20}}, leaf(2)
    local y <const> = x * row + column * one
    y:backward {gradient = braid.tensor({{1, 2, 3}, {4, 5, 6}}, {dtype = "float64"})}
    assert.same({{1, 4, 9}, {4, 10, 18}}, x.grad:totable())
    assert.same({5, 7, 9}, row.grad:totable())
    assert.same({{12}, {30}}, column.grad:totable())
    assert.equal(6 * 10 + 15 * 20, one.grad:item())
  end)

  it("passes gradients through views to the elements that they show", function()
    local x <const> = leaf {{1, 2, 3}, {4, 5, 6}}
    local y <const> = x:t()[{{2, 3}, 1}] * 10 + x[2][{{1, 3, 2}}]
    y:sum():backward()
    assert.same({{0, 10, 10}, {1, 0, 1}}, x.grad:totable())
  end)

  it("passes gradients through reshape, expand, cat, stack and index tensors", function()
    local x <const> = leaf {1, 2}
    local wide <const> = x:reshape(2, 1):expand(2, 3)
    local y <const> = braid.cat({wide:reshape(-1), x, braid.stack({x, x}):reshape(-1)})
    local z <const> = y[braid.tensor({1, 1, 7, -1}, {dtype = "int64"})]
    z:sum():backward()
    assert.same({3, 1}, x.grad:totable())
  end)

  it("works for several losses of one graph, one by one or as a sum", function()
    local x <const> = leaf {1, 2}
    local shared <const> = x * x
    local first <const>, second <const> = shared:sum(), (shared * 2):sum()
    first:backward {retain_graph = true}
    assert.same({2, 4}, x.grad:totable())
    second:backward()
    assert.same({6, 12}, x.grad:totable())
    local third <const> = (x * x):sum() + (x * 3):sum()
    x.grad = nil
    third:backward()
    assert.same({5, 7}, x.grad:totable())
  end)

  it("raises an error at the second call, which says how to allow it", function()
    local x <const> = leaf {1, 2}
    local y <const> = (x * x):sum()
    y:backward()
    assert.has_error(function() y:backward() end,
      "backward: an earlier backward went through this sum and freed its "
      .. "tensors; pass {retain_graph = true} to the earlier one")
    assert.same({2, 4}, x.grad:totable())
  end)

  it("with retain_graph can be repeated", function()
    local x <const> = leaf {1, 2}
    local y <const> = (x * x):sum()
    for i = 1, 3 do
      y:backward {retain_graph = true}
      assert.same({2 * i, 4 * i}, x.grad:totable())
    end
    y:backward()
    assert.same({8, 16}, x.grad:totable())
  end)

  it("from a tensor of several elements needs a gradient of its shape", function()
    local x <const> = leaf {1, 2}
    assert.has_error(function() (x * 2):backward() end,
      "backward: the tensor has shape (2), so {gradient = ...} must be given; "
      .. "only a tensor of one element needs none")
    local longer <const> = braid.ones(3, {dtype = "float64"})
    assert.has_error(function() (x * 2):backward {gradient = longer} end,
      "backward: the gradient has shape (3), the tensor (2)");
    (x * 2):backward {gradient = braid.tensor({1, 10}, {dtype = "float64"})}
    assert.same({2, 20}, x.grad:totable())
  end)

  it("from a tensor that depends on no leaf raises an error", function()
    assert.has_error(function() braid.ones(1):backward() end,
      "backward: the tensor does not depend on any that requires a gradient (computed under "
        .. "no_grad, or detached?)")
  end)

  it("from a leaf of one element gives the gradient 1", function()
    local x <const> = leaf(3)
    x:backward()
    assert.equal(1, x.grad:item())
  end)

  it("does not change the gradient that was passed in", function()
    local x <const>, dy <const> = leaf {1, 2}, braid.ones(2, {dtype = "float64"})
    for _ = 1, 2 do (x + x):backward {gradient = dy} end
    assert.same({1, 1}, dy:totable())
    assert.same({4, 4}, x.grad:totable())
  end)

  it("gives two leaves gradients that do not share memory", function()
    local x <const>, y <const> = leaf {1, 2}, leaf {3, 4};
    (x + y):backward {gradient = braid.ones(2, {dtype = "float64"})};
    (x * 2):sum():backward()
    assert.same({3, 3}, x.grad:totable())
    assert.same({1, 1}, y.grad:totable())
  end)

  it("gives 0, not NaN, for the deviation of equal values", function()
    local x <const> = leaf {{1, 1}, {1, 3}}
    x:std(2):sum():backward()
    local half <const> = math.sqrt(0.5)
    assert.same({0, 0}, x.grad[1]:totable())
    assert.is_true((x.grad[2] - braid.tensor {-half, half}):abs():max():item() < 1e-7)
  end)

  it("gives no gradient to a tensor that the result does not depend on", function()
    local x <const>, y <const> = leaf {1}, leaf {2}
    local _, place <const> = (x * y):max(1)
    assert.is_false(place.requires_grad)
    local z <const> = x * 2;
    z:sum():backward()
    assert.is_nil(y.grad)
  end)

  it("visits each node of a wide graph only when its gradient is complete", function()
    local x <const> = leaf {0.5, -0.25, 2}
    local function f(v)
      local level = {v}
      for depth = 1, 4 do -- 16 nodes wide, each used by several of the next level
        local nodes <const> = {}
        for i = 1, 2 ^ depth do
          local a <const>, b <const> = level[(i * 7) % #level + 1],
            level[(i * 3) % #level + 1]
          nodes[i] = a * (i / 8) + b:tanh()
        end
        level = nodes
      end
      local total = level[1]
      for i = 2, #level do total = total + level[i] * level[#level + 1 - i] end
      return total
    end
    assert.is_true(braid.gradcheck(f, {x}))
  end)

  it("does not change the given gradient when it adds to a view of it", function()
    local x <const> = leaf {{1, 2}, {3, 4}}
    local y <const> = x * 2
    local z <const> = y:reshape(4) + y:reshape(4) * 3
    local dz <const> = braid.tensor({1, 10, 100, 1000}, {dtype = "float64"})
    z:backward {gradient = dz}
    assert.same({{8, 80}, {800, 8000}}, x.grad:totable())
    assert.same({1, 10, 100, 1000}, dz:totable())
  end)

  it("adds to x.grad element by element if that was set to an expanded tensor", function()
    local x <const> = leaf {1, 2, 3}
    x.grad = braid.ones(1, {dtype = "float64"}):expand(3);
    (x * x):sum():backward()
    assert.same({3, 5, 7}, x.grad:totable())
  end)

  it("leaves no partial gradients for the next call if it fails", function()
    local x <const>, c <const> = leaf {1, 2}, braid.tensor({3, 4}, {dtype = "float64"})
    local shared <const> = x * 2
    local broken <const> = (shared * c):sum() + shared:exp():sum() + shared:sum()
    c:zero_()
    assert.error_matches(function() broken:backward {retain_graph = true} end,
      "changed in place")
    x.grad = nil
    shared:sum():backward()
    assert.same({2, 2}, x.grad:totable())
  end)

  it("walks a chain of 50,000 nodes without recursion", function()
    local x <const> = leaf {1}
    local y = x
    for _ = 1, 50000 do y = y + 1 end
    assert.equal(50001, y:item())
    y:sum():backward()
    assert.same({1}, x.grad:totable())
  end)

  it("can be called in a coroutine", function()
    local x <const> = leaf {2}
    coroutine.wrap(function() (x * x):sum():backward() end)()
    assert.same({4}, x.grad:totable())
  end)
end)

describe("a graph", function()
  it("of 50,000 nodes is freed without recursion when it is no longer used", function()
    collectgarbage()
    local before <const> = braid.memory().live
    do
      local y = leaf {1}
      for _ = 1, 50000 do y = y * 1.5 end
    end
    collectgarbage()
    collectgarbage()
    assert.equal(before, braid.memory().live)
  end)

  it("frees its tensors after backward", function()
    local x <const> = braid.randn(100000):requires_grad_()
    collectgarbage()
    local before <const> = braid.memory().live
    local y <const> = x:exp():tanh():square():sum()
    collectgarbage()
    assert.is_true(braid.memory().live - before >= 2 * 400000)
    y:backward()
    collectgarbage()
    assert.is_true(braid.memory().live - before < 2 * 400000) -- only the leaf's gradient remains
  end)
end)

describe("requires_grad", function()
  it("is true for a result if it is true for any input", function()
    local x <const>, c <const> = leaf {1}, braid.ones(1)
    assert.is_true((c * x).requires_grad)
    assert.is_false((c * c).requires_grad)
    assert.is_false(x:gt(0).requires_grad)
    assert.equal("mul", (c * x).grad_fn)
    assert.is_nil(x.grad_fn)
  end)

  it("is only for float32 and float64", function()
    assert.has_error(function() braid.ones(2, {dtype = "int64"}):requires_grad_() end,
      "requires_grad_: only float32 and float64 tensors have gradients, not int64")
  end)

  it("can be set to false for a leaf, not for a result", function()
    local x <const> = leaf {1}
    local y <const> = x * 2
    assert.has_error(function() y:requires_grad_(false) end,
      "requires_grad_: a tensor that was computed from others cannot stop requiring a gradient; "
      .. "use detach()")
    assert.is_false(x:requires_grad_(false).requires_grad)
    assert.is_false((x * 2).requires_grad)
  end)

  it("is false for x:detach(), which shares the values of x", function()
    local x <const> = leaf {1, 2}
    local d <const> = x:detach()
    assert.is_false(d.requires_grad)
    d[1] = 5
    assert.same({5, 2}, x:detach():totable())
    local y <const> = (x * 2):detach() * x
    y:sum():backward()
    assert.same({10, 4}, x.grad:totable())
  end)

  it("lets x.grad be read and set, with the shape and dtype of x", function()
    local x <const> = leaf {1, 2}
    x.grad = braid.tensor({7, 8}, {dtype = "float64"});
    (x * 1):sum():backward()
    assert.same({8, 9}, x.grad:totable())
    assert.has_error(function() x.grad = braid.ones(3, {dtype = "float64"}) end,
      "grad must be float64 of shape (2), not float64 (3)")
    assert.has_error(function() x.grad = braid.ones(2) end,
      "grad must be float64 of shape (2), not float32 (2)")
  end)
end)

describe("no_grad", function()
  local x <const> = leaf {1}

  it("records nothing until it closes", function()
    do
      local _ <close> = braid.no_grad()
      assert.is_false((x * 2).requires_grad)
    end
    assert.is_true((x * 2).requires_grad)
  end)

  it("calls a function and returns its results", function()
    local y <const>, z <const> = braid.no_grad(function() return x * 2, "more" end)
    assert.is_false(y.requires_grad)
    assert.equal("more", z)
    assert.is_true((x * 2).requires_grad)
  end)

  it("ends when an error leaves its block or its function", function()
    assert.is_false(pcall(function()
      local _ <close> = braid.no_grad()
      error "boom"
    end))
    assert.is_true(core.is_recording())
    assert.is_false(pcall(braid.no_grad, function() error "boom" end))
    assert.is_true(core.is_recording())
  end)

  it("can be opened inside another no_grad", function()
    do
      local _ <close> = braid.no_grad()
      do local _ <close> = braid.no_grad() end -- luacheck: ignore
      assert.is_false(core.is_recording())
    end
    assert.is_true(core.is_recording())
  end)

  it("lets a leaf be changed in place", function()
    local w <const> = leaf {1, 2};
    (w * w):sum():backward()
    braid.no_grad(function() w:sub_(w.grad * 0.5) end)
    assert.same({0, 0}, w:detach():totable())
    assert.is_true(w.requires_grad)
  end)
end)

describe("gradcheck", function()
  it("accepts a right gradient", function()
    assert.is_true(braid.gradcheck(function(x) return x:tanh() end, {leaf {0.5, -1}}))
  end)

  it("finds a wrong gradient and names its element", function()
    local ok <const>, message <const> = braid.gradcheck(function(x)
      return x:detach() * x -- the gradient is half of what it should be
    end, {leaf {0.5, 2}})
    assert.is_nil(ok)
    assert.matches("^input 1, element 1: backward gives %S+, differences give %S+$",
      message)
  end)

  it("checks every input and every result", function()
    local ok <const>, message <const> = braid.gradcheck(function(x, y)
      return x * y, y:detach():exp()
    end, {leaf {1, 2}, leaf {0.25, 0.5}})
    assert.is_nil(ok)
    assert.matches("^input 2, element 1: ", message)
  end)

  it("accepts only float64", function()
    assert.has_error(function() braid.gradcheck(function(x) return x end,
      {leaf({1}, "float32")}) end,
      "gradcheck: inputs must be float64, not float32")
  end)

  it("does not change its inputs, nor whether gradients are recorded", function()
    local x <const> = leaf {0.5}
    braid.gradcheck(function(a) return a * a end, {x})
    assert.same({0.5}, x:detach():totable())
    assert.is_true(core.is_recording())
  end)
end)

describe("a gradient that is set", function()
  it("is cut from its graph, so that no tensor keeps itself in memory", function()
    collectgarbage()
    collectgarbage()
    local before <const> = braid.memory().live
    for _ = 1, 3 do
      local w <const> = leaf {1, 2}
      w.grad = w * 3
      assert.is_false(w.grad.requires_grad)
      assert.same({3, 6}, w.grad:totable())
      w.grad = w
      assert.same({1, 2}, w.grad:totable())
    end
    collectgarbage()
    collectgarbage()
    assert.equal(before, braid.memory().live)
  end)
end)
