--- Tests the memory that graphs hold and when it is freed, changes in place, scopes, and gradients
-- at special values.

local braid <const> = require "braid"

local function leaf(values, dtype)
  return braid.tensor(values, {dtype = dtype or "float64"}):requires_grad_()
end

describe("a change in place", function()
  it("of a leaf that requires a gradient is an error", function()
    local x <const> = leaf {1, 2}
    assert.has_error(function() x:add_(1) end,
      "add_: a leaf that requires a gradient cannot be changed in place; do it under "
      .. "no_grad")
    assert.has_error(function() x[1] = 3 end)
    assert.has_error(function() x:zero_() end)
    assert.same({1, 2}, x:detach():totable())
  end)

  it("of an input that the gradient needs is an error", function()
    local x <const>, c <const> = leaf {1, 2}, braid.tensor({3, 4}, {dtype = "float64"})
    local y <const> = (x * c):sum()
    c:add_(1)
    assert.has_error(function() y:backward() end,
      "backward: an input (2) of mul was changed in "
      .. "place after it was used, but its old values are needed for the gradient")
  end)

  it("of a result that the gradient needs is an error", function()
    local x <const> = leaf {1, 2}
    local y <const> = x:exp()
    braid.no_grad(function() y:mul_(2) end)
    assert.has_error(function() y:sum():backward() end,
      "backward: the result (2) of exp was "
      .. "changed in place, but its old values are needed for the gradient")
  end)

  it("through a view or by index is detected too", function()
    for _, change in ipairs {function(c) c[1] = 9 end,
      function(c) c:narrow(1, 1, 1):add_(1) end,
        function(c) c:reshape(2, 1):fill_(0) end, function(c) c:detach():zero_() end,
        function(c) c[c:gt(0)] = 1 end} do
      local x <const>, c <const> = leaf {1, 2}, braid.tensor({3, 4}, {dtype = "float64"})
      local y <const> = (x * c):sum()
      change(c)
      assert.error_matches(function() y:backward() end, "changed in place")
    end
  end)

  it("of a value that no gradient needs is allowed", function()
    local x <const>, c <const> = leaf {1, 2}, braid.tensor({3, 4}, {dtype = "float64"})
    local y <const> = (x + c):sum()
    c:add_(1)
    y:backward()
    assert.same({1, 1}, x.grad:totable())
  end)

  it("of a result is recorded, and the old value is kept if the gradient needs it", function()
    local x <const> = leaf {1, 2}
    local y <const> = x * 3
    y:mul_(2):square_():add_(1)
    y:sum():backward() -- (6 x)^2 + 1
    assert.same({72, 144}, x.grad:totable())
    assert.equal("add", y.grad_fn)
  end)

  it("of a result that shares its memory with a view is an error", function()
    local x <const> = leaf {1, 2}
    local y <const> = x * 3
    local view <const> = y:reshape(2, 1)
    assert.has_error(function() y:add_(1) end,
      "add_: the change would be recorded for a gradient, but a view or another "
      .. "gradient uses the same memory; use add")
    assert.equal(2, view:dim())
  end)

  it("that adds a tensor with a graph makes the changed tensor part of that graph", function()
    local x <const>, y <const> = leaf {1, 2}, braid.zeros(2, {dtype = "float64"})
    y:add_(x * 3)
    y:sum():backward()
    assert.same({3, 3}, x.grad:totable())
  end)
end)

describe("a scope", function()
  it("releases the tensors made in it; to use one then is an error", function()
    local kept, lost
    do
      local _ <close> = braid.scope()
      lost = braid.ones(3)
      kept = (lost * 2):keep()
    end
    assert.same({2, 2, 2}, kept:totable())
    for _, use in ipairs {function() return lost + 1 end,
      function() return lost.shape end,
        function() return lost[1] end, function() lost[1] = 1 end,
          function() return #lost end,
        function() lost:add_(1) end, function() return lost:item() end,
        function() return kept:add(lost) end, function() return tostring(lost) end} do
      assert.error_matches(use,
        "this tensor was released when its scope closed; keep%(%) it to use it")
    end
  end)

  it("frees memory at once, without the collector", function()
    collectgarbage()
    collectgarbage "stop"
    local before <const> = braid.memory().live
    do
      local _ <close> = braid.scope()
      local x = braid.ones(1000)
      for _ = 1, 100 do x = x + 1 end
    end
    local after <const> = braid.memory().live
    collectgarbage "restart"
    assert.equal(before, after)
  end)

  it("does not release gradients of leaves that were made outside it", function()
    local x <const> = leaf {1, 2}
    for _ = 1, 2 do
      local _ <close> = braid.scope();
      (x * x):sum():backward()
      assert.is_not_nil(x.grad)
    end
    assert.same({4, 8}, x.grad:totable())
  end)

  it("does not release the values of a graph that a kept tensor needs", function()
    local x <const> = leaf {1, 2}
    local y
    do
      local _ <close> = braid.scope()
      local square <const> = x * x
      y = square:sum():keep()
    end
    y:backward()
    assert.same({2, 4}, x.grad:totable())
  end)

  it("inside another releases only its own tensors, and none after keep()", function()
    local outer <close> = braid.scope()
    local a <const> = braid.ones(1)
    local b, c
    do
      local _ <close> = braid.scope()
      b, c = braid.ones(1), braid.ones(1):keep()
    end
    assert.equal(1, a:item())
    assert.error_matches(function() return b:item() end, "released")
    outer:close()
    assert.error_matches(function() return a:item() end, "released")
    assert.equal(1, c:item())
  end)

  it("closes when an error leaves it", function()
    local lost
    assert.is_false(pcall(function()
      local _ <close> = braid.scope()
      lost = braid.ones(1)
      error "boom"
    end))
    assert.error_matches(function() return lost:item() end, "released")
    assert.equal(1, braid.ones(1):item())
  end)

  it("can be closed twice", function()
    local scope <const> = braid.scope()
    scope:close()
    scope:close()
    assert.equal(1, braid.ones(1):item())
  end)

  it("that closes before its inner scope does not release the inner scope's tensors", function()
    local outer <const> = braid.scope()
    local inner <const> = braid.scope()
    local x <const> = braid.ones(1)
    outer:close()
    assert.equal(1, x:item())
    inner:close()
    assert.error_matches(function() return x:item() end, "released")
    assert.equal(1, (braid.ones(1) * 1):item())
  end)
end)

describe("a gradient", function()
  local function slope(f, x)
    local v <const> = braid.tensor(x):requires_grad_()
    f(v):sum():backward()
    return v.grad:totable()
  end

  it("of clamp is 0 at a limit, as in PyTorch, and 1 at infinity without a limit", function()
    assert.same({0, 1, 0}, slope(function(x) return x:clamp(-1, 1) end, {-1, 0, 1}))
    assert.same({1, 0}, slope(function(x) return x:clamp {max = 1} end, {-math.huge, 1}))
    assert.same({0, 1}, slope(function(x) return x:clamp {min = 1} end, {1, math.huge}))
  end)

  it("of x % y is 1 for x, and minus the quotient rounded down for y", function()
    assert.same({1, 1, 1}, slope(function(x) return x % 2 end, {3.5, -0.5, 1}))
    assert.same({-1, 2, 0},
      slope(function(y) return braid.tensor {3.5, -3, 1} % y end, {2, 2, 4}))
  end)

  it("of relu is 1 at NaN", function()
    assert.same({0, 0, 1, 1}, slope(function(x) return x:relu() end, {-1, 0, 2, 0 / 0}))
  end)

  it("of a tensor is the sum of the gradients of its overlapping parts", function()
    local x <const> = braid.arange(1, 12):to("float64"):reshape(3, 4):requires_grad_()
    local inner <const> = x * 1 -- a value within the graph, and a leaf
    for _, v in ipairs{inner, x} do
      local seen
      v:register_hook(function(g) seen = g:totable() end)
      local y <const> = v:narrow(2, 1, 2):sum() * 2 + v:narrow(2, 2, 3):sum() * 3
        + v:select(1, 3):sum() * 10 + v:narrow(1, 1, 1):permute(2, 1):sum() * 100
      x.grad = nil
      y:backward{retain_graph = true}
      local expected <const> = { {102, 105, 103, 103}, {2, 5, 3, 3}, {12, 15, 13, 13} }
      assert.same(expected, seen)
      assert.same(expected, x.grad:totable())
    end
  end)

  it("of a tensor is right if a hook runs another backward between two of its parts", function()
    for which = 1, 2 do
      local x <const> = braid.arange(1, 6):to("float32"):requires_grad_()
      local other <const> = (x * 3):sum()
      local parts <const> = {x:narrow(1, 1, 4) * 2, x:narrow(1, 3, 4)}
      parts[which]:register_hook(function() other:backward() end);
      (parts[1]:sum() + parts[2]:sum()):backward()
      assert.same({5, 5, 6, 6, 4, 4}, x.grad:totable())
    end
  end)
end)
