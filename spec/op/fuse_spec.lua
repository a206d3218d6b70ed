--- Calls that run as one (csrc/op/fuse.c). For every rule, a Sequential gives what its layers give
-- when they are called one by one. Calls that no rule names are not joined.

local braid <const> = require "braid"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local nn <const> = braid.nn

local by_layers <const> = require "spec.support.by_layers"
local distance <const>, one_by_one <const> = by_layers.distance, by_layers.one_by_one

-- The names in a profile of f, sorted.
local function names(f)
  local list <const> = {}
  for _, row in ipairs(braid.profile(f)) do list[#list + 1] = row.operator end
  table.sort(list)
  return table.concat(list, " ")
end

local function names_without_gradients(net, x)
  return names(function() braid.no_grad(function() net(x) end) end)
end

-- All activation layers of nn: {name, setting}.
local ACTIVATIONS <const> = {}
for name in pairs(require "braid.nn.activation") do
  ACTIVATIONS[#ACTIVATIONS + 1] = {name, ({LeakyReLU = 0.2, ELU = 0.5})[name]}
end

-- Every algorithm that the core has for convolutions: {x, outputs, options}.
local WAYS <const> = {
  ["first layer"] = {{2, 3, 15, 14}, 20, {kernel = 5, padding = 2}},
  ["register tiles"] = {{2, 8, 9, 10}, 44, {kernel = {3, 2}}},
  narrow = {{2, 8, 9, 10}, 6, {kernel = 3}},
  Winograd = {{2, 32, 18, 19}, 40, {kernel = 3, padding = 1}},
  ["Winograd in groups"] = {{2, 64, 18, 18}, 64, {kernel = 5, groups = 2}},
  ["few pixels"] = {{1, 64, 6, 6}, 400, {kernel = 3}},
  ["few pixels in groups"] = {{1, 256, 4, 4}, 400, {kernel = 3, groups = 2}},
  groups = {{2, 12, 9, 8}, 18, {kernel = 3, groups = 3}},
  stride = {{2, 6, 13, 12}, 33, {kernel = 3, stride = 2, dilation = 2, padding = 1}},
  ["1x1"] = {{2, 24, 7, 7}, 32, {kernel = 1}},
}

-- The layers that the activations follow, and an input.
local function layers(float)
  local list <const> = {}
  for way, case in pairs(WAYS) do
    list[way] = {nn.Conv2d(case[1][2], case[2], case[3]):to(float),
      braid.randn(case[1], {dtype = float})}
  end
  for _, size in ipairs{{1, 30, 20}, {9, 300, 40}, {70, 64, 3500}, {3, 700, 400}} do
    list["linear of " .. size[1]] = {nn.Linear(size[2], size[3]):to(float),
      braid.randn({size[1], size[2]}, {dtype = float})}
  end
  return list
end

local function assert_close(a, b, float, what)
  local bound <const> = (float == "float32" and 2e-6 or 1e-13) * (1 + b:abs():max():item())
  assert.is_true(distance(a, b) <= bound, what)
end

local function gradients(net, y)
  for _, p in ipairs(net:parameters()) do p.grad = nil end
  y:square():mean():backward()
  local list <const> = {}
  for i, p in ipairs(net:parameters()) do list[i] = p.grad:clone() end
  return list
end

describe("a convolution or linear layer and an activation", function()
  before_each(function() braid.manual_seed(7) end)

  for _, float in ipairs{"float32", "float64"} do
    for _, kind in ipairs(ACTIVATIONS) do
      it(("give in one call what they give in two: %s, %s"):format(kind[1], float), function()
        for way, pair in pairs(layers(float)) do
          local _ <close> = braid.scope()
          local what <const> = way .. ", " .. kind[1]
          local net <const>, x <const> = nn.Sequential{pair[1], nn[kind[1]](kind[2])}, pair[2]
          local y <const> = net(x)
          assert.matches("_activation$", y.grad_fn, what)
          local plain <const> = one_by_one(net, x)
          assert_close(y, plain, float, what .. ", recorded")
          local ours <const>, theirs <const> = gradients(net, y), gradients(net, plain)
          for i, g in ipairs(theirs) do assert_close(ours[i], g, float, what .. ", gradient") end
          assert_close(braid.no_grad(function() return net(x) end), plain, float, what)
        end
      end)
    end

    it("give in one call what they give in two: PReLU, one or many slopes, " .. float, function()
      local _ <close> = braid.no_grad()
      for way, pair in pairs(layers(float)) do
        for _, slopes in ipairs{1, pair[1].outputs} do
          local prelu <const> = nn.PReLU(slopes):to(float)
          prelu.weight:copy_(braid.randn(slopes))
          local net <const> = nn.Sequential{pair[1], prelu}
          assert_close(net(pair[2]), one_by_one(net, pair[2]), float, way)
          assert.matches("_prelu$", names_without_gradients(net, pair[2]))
        end
      end
    end)
  end

  it("keep NaN and infinities where they are", function()
    local _ <close> = braid.no_grad()
    for way, pair in pairs(layers("float32")) do
      for _, value in ipairs{0 / 0, 1 / 0, -1 / 0, 3e38} do
        local x <const> = pair[2]:clone()
        x:view(-1)[3] = value
        for _, kind in ipairs(ACTIVATIONS) do
          for _, pool in ipairs{false, pair[2]:dim() == 4 or nil} do
            local net <const> = nn.Sequential{pair[1], nn[kind[1]](kind[2]),
              pool and nn.MaxPool2d(2) or nn.Identity()}
            local a <const>, b <const> = net(x), one_by_one(net, x)
            local what <const> = ("%s of %g, %s"):format(way, value, kind[1])
            assert.is_true(a:isnan():eq(b:isnan()):all():item(), what)
            local rest_a <const> = a:masked_fill(a:isnan(), 0):clamp(-1e6, 1e6)
            local rest_b <const> = b:masked_fill(b:isnan(), 0):clamp(-1e6, 1e6)
            assert.is_true(distance(rest_a, rest_b) <= 1e-4 * (1 + rest_b:abs():max():item()), what)
          end
        end
      end
    end
  end)

  it("and max pooling give in one call what they give in three", function()
    local _ <close> = braid.no_grad()
    for _, size in ipairs{{1, 1, 40, 40}, {2, 3, 64, 71}, {1, 8, 20, 20}} do
      for _, pool in ipairs{{2, {}}, {3, {stride = 2, padding = 1}}, {3, {ceil_mode = true}},
        {2, {padding = 1, dilation = 12}}} do
        for _, kind in ipairs(ACTIVATIONS) do
          local net <const> = nn.Sequential{nn.Conv2d(size[2], 16, {kernel = 3}),
            nn[kind[1]](kind[2]), nn.MaxPool2d(pool[1], pool[2])}
          local x <const> = braid.randn(size)
          assert.equal("conv2d_max_pool2d", names_without_gradients(net, x))
          assert_close(net(x), one_by_one(net, x), "float32", kind[1])
        end
      end
    end
  end)

  it("run as one call also where the activation is tanh and then abs", function()
    local net <const> = nn.Sequential{nn.Conv2d(3, 16, {kernel = 3}), nn.Tanh(),
      require("braid.nn.activation").AbsTanh()}
    local x <const> = braid.randn(1, 3, 9, 9)
    local pair <const> = core.straight(x)
    local y <const> = core.settled(core.ops.abs(core.ops.tanh(core.ops.conv2d(pair,
      net[1].weight, net[1].bias))))
    assert.equal("conv2d_abs_tanh", y.grad_fn)
    assert_close(y, net[1](x):tanh():abs(), "float32", "tanh, abs")
    assert.equal(0, distance(y, core.ops.abs_tanh(net[1](x))))
  end)
end)

describe("a batch normalisation", function()
  it("is folded into a linear layer too", function()
    braid.manual_seed(2)
    local net <const> = nn.Sequential{nn.Linear(20, 30), nn.BatchNorm1d(30), nn.SiLU()}
    for _ = 1, 3 do net(braid.randn(16, 20) * 2 + 1) end
    net:eval()
    local x <const> = braid.randn(5, 20)
    local _ <close> = braid.no_grad()
    assert.equal("linear_activation", names_without_gradients(net, x))
    assert_close(net(x), one_by_one(net, x), "float32", "linear and norm")
    local rows <const> = nn.Sequential{nn.Linear(20, 30), nn.BatchNorm1d(30)}:eval()
    local wide <const> = braid.randn(5, 30, 20) -- its channels are not the layer's outputs
    assert.equal(0, distance(rows(wide), one_by_one(rows, wide)))
  end)

  it("is folded again when other tensors replace its running_mean", function()
    local _ <close> = braid.no_grad()
    local net <const> = nn.Sequential{nn.Conv2d(2, 3, {kernel = 1}), nn.BatchNorm2d(3)}:eval()
    local x <const> = braid.randn(1, 2, 2, 2)
    for _ = 1, 50 do -- probably in the same memory
      net[2].running_mean = nil
      collectgarbage()
      net[2].running_mean = braid.randn(3):keep()
      assert_close(net(x), one_by_one(net, x), "float32", "another mean")
    end
    local stored <const> = braid.randn(6)
    net[2].running_mean = stored:narrow(1, 1, 3):keep()
    assert_close(net(x), one_by_one(net, x), "float32", "a view")
    net[2].running_mean = stored:narrow(1, 4, 3):keep()
    assert_close(net(x), one_by_one(net, x), "float32", "another view")
  end)
end)

describe("a chain", function()
  it("continues through a Sequential inside another", function()
    local net <const> = nn.Sequential{nn.Sequential{nn.Conv2d(3, 8, {kernel = 3})},
      nn.Sequential{nn.BatchNorm2d(8), nn.Sequential{nn.SiLU()}}, nn.MaxPool2d(2)}:eval()
    local x <const> = braid.randn(2, 3, 30, 30)
    assert.equal("conv2d_max_pool2d", names_without_gradients(net, x))
    local _ <close> = braid.no_grad()
    assert_close(net(x), one_by_one(net, x), "float32", "within")
  end)

  it("gives for stacked columns what each column gives", function()
    local stack <const> = require "braid.mtl.columns.stack"
    local function column()
      return nn.Sequential{nn.Conv2d(3, 8, {kernel = 3}), nn.BatchNorm2d(8), nn.AbsTanh(),
        nn.MaxPool2d(2), nn.Conv2d(8, 8, {kernel = 3, groups = 2}), nn.PReLU(8), nn.Flatten(),
        nn.Linear(8 * 12 * 12, 6), nn.SiLU()}:eval()
    end
    local columns <const> = {column(), column(), column()}
    local together <const> = stack.stack(columns)
    local x <const> = braid.randn(2, 3, 30, 30)
    local _ <close> = braid.no_grad()
    local y <const> = together(x)
    for i, one in ipairs(columns) do
      assert_close(y:narrow(2, 6 * i - 5, 6), one_by_one(one, x), "float32", "column " .. i)
    end
    assert.matches("conv2d_max_pool2d conv2d_prelu", names_without_gradients(together, x))
  end)

  it("ends at a function, and at a layer with its own forward", function()
    local x <const> = braid.randn(1, 2, 6, 6)
    local Doubled <const> = class("Doubled", nn.Conv2d)
    function Doubled:forward(y) return nn.Conv2d.forward(self, y) * 2 end
    local seen
    local Seeing <const> = class("Seeing", nn.Module)
    function Seeing:forward(y)
      seen = y
      return y
    end
    local changed <const> = nn.SiLU()
    function changed.forward(_, y) return y * 3 end
    local _ <close> = braid.no_grad()
    for _, net in ipairs{nn.Sequential{Doubled(2, 3, {kernel = 3}), nn.SiLU()},
      nn.Sequential{nn.Conv2d(2, 3, {kernel = 3}), Seeing(), nn.SiLU()},
      nn.Sequential{nn.Conv2d(2, 3, {kernel = 3}), changed, nn.SiLU()},
      nn.Sequential{nn.Conv2d(2, 3, {kernel = 3}), function(y) return y end, nn.SiLU()}} do
      assert.equal(0, distance(net(x), one_by_one(net, x)))
      assert.not_matches("activation", names_without_gradients(net, x))
    end
    local net <const> = nn.Sequential{nn.Conv2d(2, 3, {kernel = 3}), Seeing(), nn.SiLU()}
    net(x)
    assert.equal(0, distance(seen, net[1](x))) -- the tensor that Seeing kept is unchanged
  end)

  it("gives the input itself where no layer changes it", function()
    local x <const> = braid.randn(2, 2)
    assert.equal(x, nn.Sequential{nn.Identity(), nn.Dropout(0.5):eval()}(x))
  end)

  it("is not made during a summary or detect_anomaly", function()
    local net <const> = nn.Sequential{nn.Conv2d(2, 3, {kernel = 3}), nn.SiLU()}
    assert.matches("SiLU", tostring(net:summary{2, 6, 6}))
    net[1].weight:detach():fill_(0 / 0)
    local _ <close> = braid.detect_anomaly()
    assert.error_matches(function() net(braid.randn(1, 2, 6, 6)) end, "conv2d: the result")
  end)

  it("that is interrupted keeps no memory", function()
    local x <const> = braid.randn(1, 2, 30, 30)
    local conv <const>, silu <const> = nn.Conv2d(2, 8, {kernel = 3}), nn.SiLU()
    local function paused(f)
      return nn.Sequential{conv, silu, function(y)
        f()
        return y
      end, nn.MaxPool2d(2), conv}
    end
    local function settle()
      collectgarbage()
      collectgarbage()
      return braid.memory().live
    end
    for _, way in ipairs{
      function() coroutine.wrap(function() paused(coroutine.yield)(x) end)() end,
      function() pcall(paused(function() error("stop") end), x) end,
      function() pcall(nn.Sequential{conv, silu, nn.Conv2d(5, 5, {kernel = 3})}, x) end,
      function() coroutine.wrap(function() -- a waiting result that nothing uses
        local y <const> = core.ops.silu(core.ops.conv2d(core.straight(x), conv.weight, conv.bias))
        coroutine.yield(y)
      end)() end,
      function()
        local scope <const> = braid.scope()
        local y <const> = core.ops.conv2d(core.straight(x), conv.weight, conv.bias)
        scope:close()
        assert.error_matches(function() return y:sum() end, "released when its scope closed")
      end,
    } do
      local _ <close> = braid.no_grad()
      way() -- prepared weights stay in memory
      local before <const> = settle()
      way()
      assert.equal(before, settle())
    end
  end)

  it("gives the same with no_grad and scopes inside", function()
    local x <const>, conv <const> = braid.randn(1, 2, 9, 9), nn.Conv2d(2, 8, {kernel = 3})
    local net <const> = nn.Sequential{conv, function(y)
      local _ <close> = braid.scope()
      return y:sum() and y
    end, nn.SiLU(), function(y) return braid.no_grad(function() return y:detach() end) end,
      nn.Tanh()}
    assert.is_false(net(x).requires_grad)
    assert_close(net(x), conv(x):silu():tanh(), "float32", "modes")
    local grown <const> = core.ops.conv2d(core.straight(x), conv.weight, conv.bias)
    do
      local _ <close> = braid.no_grad()
      conv.weight:add_(0) -- the waiting result is not computed yet
    end
    assert.equal(0, distance(core.settled(grown), conv(x)))
  end)

  it("computes nothing when only its shape and type are read", function()
    local x <const> = core.straight(braid.randn(1, 2, 9, 9))
    local shown <const> = names(function()
      local y <const> = core.ops.conv2d(x, braid.randn(4, 2, 3, 3))
      assert.same({1, 4, 7, 7}, y.shape)
      assert.same({4, 4, 196, "float32"}, {y:dim(), y:size(2), y:numel(), y.dtype})
    end)
    assert.equal("normal", shown)
    assert.is_false(x:isnan():any():item())
  end)

  it("gives what its layers give one by one, for every class whose forward is straight", function()
    local makers <const> = {
      Conv2d = function() return nn.Conv2d(4, 4, {kernel = 3, padding = "same"}) end,
      Linear = function() return nn.Linear(8, 8) end,
      BatchNorm1d = function() return nn.Sequential{nn.Flatten(), nn.BatchNorm1d(256)} end,
      BatchNorm2d = function() return nn.BatchNorm2d(4) end,
      PReLU = function() return nn.PReLU(4) end, MaxPool2d = function() return nn.MaxPool2d(2) end,
      AvgPool2d = function() return nn.AvgPool2d(2) end,
      Dropout = function() return nn.Dropout(0) end,
      Sequential = function() return nn.Sequential{nn.ReLU()} end,
    }
    local count = 0
    for name, kind in pairs(nn) do
      if class.is_class(kind) and kind.straight and kind.straight == kind.forward then
        local x <const> = braid.randn(2, 4, 8, 8)
        local layer <const> = (makers[name] or kind)()
        local net <const> = nn.Sequential{nn.Conv2d(4, 4, {kernel = 1}), layer, nn.Tanh()}
        for _, mode in ipairs{"eval", "train"} do
          net[mode](net)
          assert_close(net(x), one_by_one(net, x), "float32", name)
          braid.no_grad(function()
            assert_close(net(x), one_by_one(net, x), "float32", name)
          end)
        end
        count = count + 1
      end
    end
    assert.is_true(count > 15)
  end)
end)
