--- Tests braid.grad, hooks, braid.Function and braid.detect_anomaly, also with errors and with
-- backward passes inside hooks.

local braid <const> = require "braid"

local function leaf(values)
  return braid.tensor(values, {dtype = "float64", requires_grad = true})
end

describe("x.grad, changed in place by x,", function()
  it("does not keep memory in use", function()
    collectgarbage()
    collectgarbage() -- two collections free what earlier specs left
    local before <const> = braid.memory().live
    for _ = 1, 20 do
      local x <const> = braid.ones(1000):requires_grad_()
      x:sum():backward()
      assert.is_false(pcall(function() x.grad:pow_(x) end)) -- recorded, and its memory is shared
      assert.is_false(x.grad.requires_grad)
      do
        local _ <close> = braid.no_grad()
        x.grad:add_(x)
      end
      assert.equal(2000, x.grad:sum():item())
    end
    collectgarbage()
    collectgarbage()
    assert.equal(before, braid.memory().live)
  end)
end)

describe("braid.grad", function()
  it("gives gradients of leaves and of intermediate values, and sets no x.grad", function()
    local x <const>, w <const> = leaf{1, 2}, leaf{3, 4}
    local h <const> = x * w
    local y <const> = (h * h):sum()
    local dh <const>, dx <const> = table.unpack(braid.grad(y, {h, x}))
    assert.same({6, 16}, dh:totable())
    assert.same({18, 64}, dx:totable())
    assert.is_nil(x.grad)
    assert.is_nil(w.grad)
  end)

  it("raises an error for an input that is not used, unless allow_unused is true", function()
    local x <const>, z <const> = leaf{1}, leaf{1}
    assert.has_error(function() braid.grad((x * 2):sum(), {x, z}) end,
      "grad: y does not depend on input 2; allow_unused = true gives false for it")
    local grads <const> = braid.grad((x * 2):sum(), {x, z}, {allow_unused = true})
    assert.equal(2, grads[1]:item())
    assert.is_false(grads[2])
  end)

  it("can run again if the graph was retained", function()
    local x <const> = leaf{3}
    local y <const> = (x * x):sum()
    assert.equal(6, braid.grad(y, {x}, {retain_graph = true})[1]:item())
    assert.equal(6, braid.grad(y, {x})[1]:item())
    assert.has_error(function() braid.grad(y, {x}) end)
  end)

  it("accepts the gradient of the result", function()
    local x <const> = leaf{1, 2}
    local start <const> = braid.tensor({1, 10}, {dtype = "float64"})
    local g <const> = braid.grad(x * x, {x}, {gradient = start})
    assert.same({2, 40}, g[1]:totable())
  end)

  it("refuses inputs outside the graph, and inputs listed twice", function()
    local x <const> = leaf{1}
    assert.has_error(function() braid.grad((x * 2):sum(), {braid.ones(1)}) end)
    assert.has_error(function() braid.grad((x * 2):sum(), {x, x}) end)
    x:sum():backward() -- the refused calls changed nothing
    assert.equal(1, x.grad:item())
  end)

  it("changes nothing if it raises an error, also after many calls", function()
    local c <const> = braid.ones(3)
    local refused <const> = {
      function(x) return braid.grad(x * 2, {x}) end,
      function(x) return braid.grad(x * 2, {x}, {gradient = braid.ones(4)}) end,
      function(x) return braid.grad((x * c):sum(), {x, c}) end,
      function(x) return braid.grad((x * c):sum(), {c, x}) end,
      function(x) return braid.grad((x * c):sum(), {x, c, x}) end,
      function(x) return braid.grad((x * 2):sum(), {x, x}) end,
      function() return braid.grad(c:sum(), {c, c, c}) end,
      function(x) return braid.grad((x * 2):sum(), {x, 1}) end,
      function(x) return braid.grad((x * 2):sum(), {x, false, x}) end,
      function(x)
        local y <const> = x * 2
        y:register_hook(function() error "boom" end)
        return braid.grad((y + x):sum(), {x, y})
      end,
    }
    for _ = 1, 50 do
      for _, f in ipairs(refused) do
        local x <const> = braid.tensor{1, 2, 3}:requires_grad_()
        assert.is_false(pcall(f, x))
        assert.is_nil(x.grad)
        assert.same({2, 2, 2}, braid.grad((x * 2):sum(), {x})[1]:totable())
      end
      collectgarbage()
    end
  end)
end)

describe("hooks", function()
  it("get the complete gradient once, of leaves and of intermediate values", function()
    local x <const> = leaf{2}
    local h <const> = x * 3
    local seen <const> = {}
    h:register_hook(function(g) seen[#seen + 1] = {"h", g:item()} end)
    x:register_hook(function(g) seen[#seen + 1] = {"x", g:item()} end)
    local y <const> = h * h + x
    y:sum():backward()
    assert.same({ {"h", 12}, {"x", 37} }, seen)
    assert.equal(37, x.grad:item())
  end)

  it("can replace the gradient, and run in the order of registering", function()
    local x <const> = leaf{1}
    x:register_hook(function(g) return g + 1 end)
    x:register_hook(function(g) return g * 10 end)
    local y <const> = x * 2
    y:sum():backward()
    assert.equal(30, x.grad:item())
  end)

  it("can be removed", function()
    local x <const> = leaf{1}
    local remove <const> = x:register_hook(function(g) return g * 10 end)
    remove()
    remove()
    x:sum():backward()
    assert.equal(1, x.grad:item())
  end)

  it("that fail end backward with their error, and no gradient changes", function()
    local x <const>, z <const> = leaf{1}, leaf{1}
    x:register_hook(function() error("no thanks", 0) end)
    local ok <const>, message <const> = pcall(function() (z * x):sum():backward() end)
    assert.is_false(ok)
    assert.matches("backward: no thanks", message, 1, true)
    assert.is_nil(x.grad)
    assert.is_nil(z.grad)
    local y <const> = leaf{1}
    y:register_hook(function() return braid.ones(5) end)
    assert.error_matches(function() (z * y):sum():backward() end, "shape")
    assert.is_nil(y.grad)
    assert.is_nil(z.grad)
  end)

  it("work if backward runs in a coroutine", function()
    local x <const> = leaf{1}
    local seen
    x:register_hook(function(g) seen = g:item() end)
    coroutine.wrap(function() (x * 5):sum():backward() end)()
    assert.equal(5, seen)
  end)

  it("cannot be registered on a tensor that requires no gradient", function()
    assert.has_error(function() braid.ones(1):register_hook(print) end)
  end)
end)

describe("braid.Function", function()
  local square <const> = braid.Function{
    forward = function(ctx, x, scale)
      ctx.x, ctx.scale = x, scale
      return x * x * scale
    end,
    backward = function(ctx, dy) return dy * ctx.x * (2 * ctx.scale) end,
  }

  it("uses the gradient that its backward function returns", function()
    assert.is_true(braid.gradcheck(function(x) return square(x, 3):exp() end, {leaf{0.1, -0.2}}))
    local wrong <const> = braid.Function{forward = function(_, x) return x * x end,
      backward = function(_, dy) return dy end}
    assert.is_nil((braid.gradcheck(wrong, {leaf{0.3}})))
  end)

  it("may have several inputs and results, some without a gradient", function()
    local f <const> = braid.Function{
      forward = function(_, a, b) return a + b, a * 2 end,
      backward = function(_, ds, dd)
        return (ds or 0) + (dd and dd * 2 or 0), nil
      end,
    }
    local a <const>, b <const> = leaf{1}, leaf{2}
    local s <const> = f(a, b)
    s:sum():backward()
    assert.equal(1, a.grad:item())
    assert.is_nil(b.grad)
  end)

  it("records nothing if no input requires a gradient", function()
    assert.is_false(square(braid.ones(2), 1).requires_grad)
  end)

  it("raises an error if its backward function returns a gradient of wrong shape", function()
    local f <const> = braid.Function{forward = function(_, x) return x * 1 end,
      backward = function() return braid.ones(7) end}
    local ok <const>, message <const> = pcall(function() f(leaf{1, 2}):sum():backward() end)
    assert.is_false(ok)
    assert.matches("gradient 1 must be a tensor of shape (2), not (7)", message, 1, true)
  end)

  it("frees its memory", function()
    collectgarbage()
    local before <const> = braid.memory().live
    for _ = 1, 50 do square(leaf{1, 2}, 2):sum():backward() end
    collectgarbage()
    collectgarbage()
    assert.equal(before, braid.memory().live)
  end)
end)

describe("braid.detect_anomaly", function()
  it("names the operator that made a NaN, and the script's line", function()
    local _ <close> = braid.detect_anomaly()
    local ok <const>, message <const> = pcall(function() return braid.tensor{-1}:sqrt() end)
    assert.is_false(ok)
    assert.matches("autograd_spec.lua:%d+: sqrt: the result %(1%) holds NaN or Inf", message)
  end)

  it("names the operator whose gradient is infinite, and where it ran", function()
    local _ <close> = braid.detect_anomaly()
    local x <const> = leaf{0}
    local line <const> = debug.getinfo(1, "l").currentline + 1
    local y <const> = x:sqrt():sum()
    local ok <const>, message <const> = pcall(y.backward, y)
    assert.is_false(ok)
    assert.matches("a gradient (1) that sqrt gave holds NaN or Inf; it ran at ", message, 1, true)
    assert.matches("autograd_spec.lua:" .. line, message, 1, true)
  end)

  it("ends with the function that it was given", function()
    braid.detect_anomaly(function() return 1 end)
    assert.is_false(braid.tensor{-1}:sqrt():isfinite():item())
  end)
end)

describe("a hook during backward", function()
  it("can run another backward over the same values, and both are right", function()
    -- In one order the gradient of x * 10 reaches x before the hook runs, in the other after it.
    for order = 1, 2 do
      local x <const> = leaf{1, 2, 3}
      local other <const> = (x * 3):sum()
      local first <const> = order == 1 and x * 10 or nil
      local hooked <const> = x * 2
      local last <const> = first or x * 10
      local inner
      hooked:register_hook(function()
        inner = braid.grad(other, {x}, {retain_graph = true})[1]:totable()
        other:backward{retain_graph = true}
      end);
      (hooked + last):sum():backward()
      assert.same({3, 3, 3}, inner)
      assert.same({15, 15, 15}, x.grad:totable())
    end
  end)

  it("can run braid.grad through values whose gradients are not yet complete", function()
    local x <const> = leaf{1, 2}
    local shared <const> = x * 2
    local a <const> = shared * 3
    local b <const> = shared * 5
    local inner
    b:register_hook(function()
      inner = braid.grad(shared, {x}, {gradient = braid.ones(2), retain_graph = true})[1]:totable()
    end);
    (a + b):sum():backward()
    assert.same({2, 2}, inner)
    assert.same({16, 16}, x.grad:totable())
  end)

  it("can ask for the gradient of the same tensor as the outer braid.grad", function()
    local x <const> = leaf{1, 2}
    local y <const> = x * 2
    local other <const> = (x * 7):sum()
    local inner
    y:register_hook(function() inner = braid.grad(other, {x})[1]:totable() end)
    assert.same({2, 2}, braid.grad(y:sum(), {x})[1]:totable())
    assert.same({7, 7}, inner)
  end)

  it("cannot run the same backward again, and the error leaves no partial gradient", function()
    local x <const> = leaf{1, 2}
    local y <const> = x * 2
    local z <const> = y:sum()
    local again <const> = y:register_hook(function() z:backward{retain_graph = true} end)
    for _ = 1, 3 do
      assert.error_matches(function() z:backward{retain_graph = true} end,
        "called backward through the same mul")
    end
    again()
    assert.is_nil(x.grad)
    z:backward()
    assert.same({2, 2}, x.grad:totable())
  end)

  it("that fails leaves no partial gradient", function()
    local x <const> = leaf{ {1, 2}, {3, 4} }
    local values <const> = x:max(1)
    local halves <const> = {x:chunk(2, 1)}
    local z <const> = values:sum() + halves[1]:sum() + halves[2]:sum() * 2
    local stop = true
    for _, v in ipairs{values, halves[1], halves[2], x} do
      local remove <const> = v:register_hook(function() if stop then error "boom" end end)
      stop = true
      for _ = 1, 2 do
        assert.error_matches(function() z:backward{retain_graph = true} end, "boom")
        assert.is_nil(x.grad)
      end
      stop = false
      z:backward{retain_graph = true}
      assert.same({ {1, 1}, {3, 3} }, x.grad:totable())
      x.grad = nil
      remove()
    end
  end)

  it("can remove and add hooks, remove itself, and free its own tensor", function()
    local x <const> = leaf{1, 2}
    local seen <const> = {}
    local y = x * 2
    local remove <const> = {}
    for i = 1, 4 do
      remove[i] = y:register_hook(function()
        seen[#seen + 1] = i
        if i == 2 then
          for k = 1, 4 do remove[k]() end
          if y then y:register_hook(function() seen[#seen + 1] = 5 end) end
        end
        collectgarbage()
      end)
    end
    local scope <const> = braid.scope()
    local z <const> = y * 3
    z:register_hook(function()
      y = nil
      scope:close()
      collectgarbage()
      collectgarbage()
    end)
    z:backward{gradient = braid.ones(2)}
    assert.same({1, 2}, seen)
    assert.same({6, 6}, x.grad:totable())
  end)

  it("can set requires_grad of x to false and true without harm to later calls", function()
    local x <const> = leaf{1, 2}
    local y <const> = x * 2
    local remove <const> = y:register_hook(function()
      x:requires_grad_(false)
      x:requires_grad_(true)
    end)
    for _ = 1, 3 do
      braid.grad(y:sum(), {x}, {retain_graph = true, allow_unused = true})
      collectgarbage()
    end
    remove()
    for _ = 1, 3 do y:sum():backward{retain_graph = true} end
    assert.is_nil(x.grad) -- the graph does not reach x after the change
  end)

  it("that changes a value which a gradient needs causes an error", function()
    local x <const> = leaf{1, 2}
    local w <const> = braid.tensor{3, 4}
    local y <const> = x * w
    y:register_hook(function() w:add_(1) end)
    assert.error_matches(function() y:sum():backward() end, "changed in place")
  end)

  it("can raise an error of any type", function()
    for _, what in ipairs{"'boom'", "{}", "12", "nil", "setmetatable({}, {__tostring = error})"} do
      local x <const> = leaf{1}
      local y <const> = x * 2
      local value <const> = load("return " .. what)()
      y:register_hook(function() error(value) end)
      assert.error_matches(function() y:backward() end, "backward: ")
    end
  end)

  it("can run backward in a coroutine that is then collected", function()
    local x <const> = leaf{1, 2}
    local y <const> = x * 2
    local z <const>, other <const> = y * 3, (x * 5):sum()
    local calls = 0
    z:register_hook(function()
      coroutine.wrap(function() other:backward() end)()
      collectgarbage()
    end)
    y:register_hook(function() calls = calls + 1 end)
    z:sum():backward()
    assert.equal(1, calls)
    assert.same({11, 11}, x.grad:totable())
  end)
end)

describe("a wrong argument of an autograd function", function()
  local x <const> = leaf{1, 2}

  it("is named in the error, with the function", function()
    for message, f in pairs{
      ["grad: the tensor has shape (2), so {gradient = ...} must be given"]
        = function() braid.grad(x * 2, {x}) end,
      ["backward: the tensor has shape (2), so {gradient = ...} must be given"]
        = function() (x * 2):backward() end,
      ["grad: the gradient has shape (3), the tensor (2)"]
        = function() braid.grad(x * 2, {x}, {gradient = braid.ones(3)}) end,
      ["grad: y does not depend on any tensor that requires a gradient"]
        = function() braid.grad(braid.ones(1), {x}) end,
      ["backward: gradient must be a tensor, not 3"]
        = function() (x * 2):backward{gradient = 3} end,
      ["a gradient must be a tensor or nil, not number"] = function() x.grad = 3 end,
      ["requires_grad_: wants true or false, not string"]
        = function() x:requires_grad_ "no" end,
      ["scope: takes nothing, not function"] = function() braid.scope(function() end) end,
      ["Function: forward returned nothing"]
        = function() braid.Function{forward = function() end, backward = function() end}(x) end,
      ["compare elements with x:lt(y)"] = function() return x < x end,
    } do
      assert.error_matches(f, message, 1, true)
    end
  end)
end)
