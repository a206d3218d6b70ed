--- Batch normalisation and ReLU as one operator, against the two operators one after the other.

local braid <const> = require "braid"
local nn <const>, F <const> = braid.nn, braid.F

local function close(a, b, tolerance, what)
  assert.is_true(((a - b):abs():max():item()) <= tolerance, what)
end

local function inputs(shape, float)
  local c <const> = shape[2]
  local x <const> = braid.randn(shape, {dtype = float}) * 3 + 1
  local given <const> = {x, braid.randn({c}, {dtype = float}), braid.randn({c}, {dtype = float})}
  for i, t in ipairs(given) do given[i] = t:detach():requires_grad_() end
  return given
end

describe("batch_norm with activation = \"relu\"", function()
  for _, float in ipairs{"float32", "float64"} do
    for _, shape in ipairs{ {3, 5, 4, 7}, {2, 64, 16, 16}, {9, 33}, {4, 3, 11}, {2, 16, 40, 40} } do
      for _, training in ipairs{true, false} do
        it(("gives relu of batch_norm: %s, (%s)%s"):format(float, table.concat(shape, ", "),
          training and ", training" or ""), function()
          braid.manual_seed(3)
          local given <const> = inputs(shape, float)
          local dy <const> = braid.randn(shape, {dtype = float})
          local results <const> = {}
          for _, activation in ipairs{"relu", false} do
            local mean <const> = braid.zeros({shape[2]}, {dtype = float})
            local var <const> = braid.ones({shape[2]}, {dtype = float})
            for _, t in ipairs(given) do t.grad = nil end
            local y = F.batch_norm(given[1], given[2], given[3], mean, var,
              {training = training, activation = activation or nil})
            if not activation then y = y:relu() end
            y:backward{gradient = dy}
            results[#results + 1] = {y:detach(), given[1].grad, given[2].grad, given[3].grad,
              mean, var}
          end
          for i, t in ipairs(results[1]) do
            close(t, results[2][i], 0, "result " .. i) -- the same sums in the same order
          end
        end)
      end
    end
  end

  it("has the gradient that differences give", function()
    braid.manual_seed(4)
    local given <const> = inputs({3, 2, 2, 3}, "float64")
    assert(braid.gradcheck(function(x, w, b)
      return F.batch_norm(x, w, b, nil, nil, {training = true, activation = "relu"})
    end, given))
  end)

  it("refuses other activations", function()
    assert.error_matches(function()
      F.batch_norm(braid.randn(3, 2), nil, nil, nil, nil, {training = true, activation = "tanh"})
    end, 'batch_norm: activation must be "relu" or left out, not "tanh"', 1, true)
  end)
end)

describe("Sequential", function()
  it("joins BatchNorm and ReLU, and gives what its layers give one by one", function()
    braid.manual_seed(5)
    local net <const> = nn.Sequential{nn.Conv2d(2, 5, {kernel = 3}), nn.BatchNorm2d(5), nn.ReLU(),
      nn.Flatten(), nn.Linear(5 * 16, 7), nn.BatchNorm1d(7), nn.ReLU(), nn.Linear(7, 3)}
    local plain <const> = net:clone()
    local x <const> = braid.randn(6, 2, 6, 6)
    local y <const> = net(x)
    local z = x
    for i = 1, 8 do z = plain[i](z) end
    close(y:detach(), z:detach(), 0, "result")
    assert.equal("batch_norm_relu", nn.Sequential{net[6], net[7]}(braid.randn(4, 7)).grad_fn)
    y:square():sum():backward()
    z:square():sum():backward()
    local ps <const>, qs <const> = net:parameters(), plain:parameters()
    for i, p in ipairs(ps) do close(p.grad, qs[i].grad, 0, "gradient " .. i) end
  end)

  it("lists both layers in a summary, and calls a class's own forward by itself", function()
    local net <const> = nn.Sequential{nn.Conv2d(2, 5, {kernel = 3}), nn.BatchNorm2d(5), nn.ReLU()}
    assert.matches("ReLU", tostring(net:summary{2, 6, 6}))
    local Loud <const> = require "braid.class"("Loud", nn.BatchNorm2d)
    local calls = 0
    function Loud:forward(x)
      calls = calls + 1
      return nn.BatchNorm2d.forward(self, x)
    end
    local y <const> = nn.Sequential{Loud(2), nn.ReLU()}(braid.randn(3, 2, 4, 4))
    assert.equal(1, calls)
    assert.equal("relu", y.grad_fn)
    local Narrow <const> = require "braid.class"("Narrow", nn.Conv2d)
    function Narrow:forward(x) return nn.Conv2d.forward(self, x) * 2 end
    local narrow <const> = Narrow(2, 3, {kernel = 3})
    assert.equal("relu", nn.Sequential{narrow, nn.ReLU()}(braid.randn(3, 2, 4, 4)).grad_fn)
    local f <const> = nn.Sequential{function(x) return -x end, nn.ReLU()}
    assert.same({2, 0}, f(braid.tensor{-2, 3}):totable())
  end)
end)
