--- A Sequential without gradients: the core runs its layers as one chain. The result is compared
-- with that of calling the layers one by one.

local braid <const> = require "braid"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local nn <const> = braid.nn

local by_layers <const> = require "spec.support.by_layers"
local distance <const>, one_by_one <const> = by_layers.distance, by_layers.one_by_one

-- The results of net(x) and of its layers one by one, without gradients.
local function both(net, x)
  local _ <close> = braid.no_grad()
  return net(x), one_by_one(net, x)
end

local function assert_same(net, x, bound)
  local _ <close> = braid.scope()
  local a <const>, b <const> = both(net, x)
  local off <const> = distance(a, b)
  assert.is_true(off <= (bound or 1e-5), ("%s: off by %g"):format(tostring(net), off))
end

-- The operators that f ran: name -> number of calls.
local function operators(f)
  local names <const> = {}
  for line in tostring(braid.profile(f)):gmatch("[^\n]+") do
    local name <const>, calls <const> = line:match("^([%w_]+)%s+(%d+)")
    if name then names[name] = math.tointeger(tonumber(calls)) end
  end
  return names
end

local function trained_norm(c)
  local norm <const> = nn.BatchNorm2d(c)
  norm(braid.randn(4, c, 3, 3) * 2 + 1)
  return norm:eval()
end

describe("a Sequential without gradients", function()
  before_each(function() braid.manual_seed(5) end)

  it("gives the result of its layers called one by one", function()
    for _, net in ipairs{
      nn.Sequential{nn.Conv2d(3, 8, {kernel = 3}), nn.PReLU(8), nn.MaxPool2d(3, {stride = 2,
        ceil_mode = true}), nn.Conv2d(8, 12, {kernel = 3}), nn.ReLU(), nn.MaxPool2d(2)},
      nn.Sequential{nn.Conv2d(3, 32, {kernel = 3, padding = 1}), trained_norm(32), nn.ReLU(),
        nn.MaxPool2d(2), nn.Conv2d(32, 64, {kernel = 3, padding = 1}), trained_norm(64),
        nn.PReLU(64), nn.MaxPool2d(2)},
      nn.Sequential{nn.Conv2d(3, 16, {kernel = 5, stride = 2, padding = 2}), trained_norm(16),
        nn.PReLU(), nn.Dropout(0.5), nn.AvgPool2d(2), nn.Identity(), nn.Tanh(), nn.Flatten(),
        nn.Linear(5), nn.LeakyReLU(0.3)},
      nn.Sequential{nn.Conv2d(3, 6, {kernel = 3}), function(x) return x * 2 end, nn.ReLU(),
        nn.MaxPool2d(2), nn.GELU(), nn.Sequential{nn.Conv2d(6, 4, {kernel = 1}), nn.ReLU()}},
    } do
      net:eval()
      net(braid.randn(2, 3, 48, 47)) -- finds the sizes of Linear
      assert_same(net, braid.randn(1, 3, 48, 47))
      assert_same(net, braid.randn(3, 3, 48, 47):channels_last())
      assert_same(net, braid.randn(2, 3, 48, 96):narrow(4, 3, 47))
    end
  end)

  it("convolves and pools band by band, for windows of many sizes and strides", function()
    for _, size in ipairs{{1, 1, 130, 60}, {2, 3, 64, 71}, {1, 4, 90, 90}, {2, 8, 70, 64},
      {3, 2, 61, 200}} do
      for _, conv in ipairs{{kernel = 3}, {kernel = 5, padding = 2},
        {kernel = {3, 2}, stride = {2, 1}, padding = 1, dilation = {2, 1}}} do
        for _, pool in ipairs{{2, {}}, {3, {stride = 2, padding = 1}},
          {3, {stride = 2, ceil_mode = true}}, {{3, 2}, {stride = {1, 2}, dilation = {2, 1}}},
          {2, {stride = 5}}, {9, {stride = 4, padding = 4}}} do
          local net <const> = nn.Sequential{nn.Conv2d(size[2], 11, conv), nn.ReLU(),
            nn.MaxPool2d(pool[1], pool[2])}
          assert_same(net, braid.randn(table.unpack(size)), 0)
        end
      end
    end
  end)

  it("convolves and pools to the same result on 1 to 5 threads", function()
    local net <const> = nn.Sequential{nn.Conv2d(3, 24, {kernel = 3}), nn.PReLU(24),
      nn.MaxPool2d(3, {stride = 2})}
    local x <const>, threads <const> = braid.randn(2, 3, 75, 64), braid.get_threads()
    local _ <close> = braid.no_grad()
    braid.set_threads(1)
    local first <const> = net(x)
    for n = 2, 5 do
      braid.set_threads(n)
      assert.equal(0, distance(first, net(x)))
    end
    braid.set_threads(threads)
  end)

  it("keeps NaN and infinities through pooling", function()
    local x <const> = braid.randn(1, 3, 80, 64)
    local net <const> = nn.Sequential{nn.Conv2d(3, 32, {kernel = 1}), nn.MaxPool2d(2)}
    local inf <const> = math.huge
    do
      local _ <close> = braid.no_grad()
      net[1].weight:fill_(0)
      net[1].weight[{{}, 1}] = 1
    end
    for _, value in ipairs{inf, -inf, 0 / 0} do
      x[{1, 1, 41, 33}] = value
      local _ <close> = braid.scope()
      local a <const>, b <const> = both(net, x)
      local nan <const> = a:isnan():to("float32")
      assert.equal(0, distance(nan, b:isnan():to("float32")))
      assert.equal(value ~= value and 32 or 0, nan:sum():item())
      local left <const> = a:masked_fill(a:isnan(), 0):eq(b:masked_fill(b:isnan(), 0))
      assert.equal(1, left:to("float32"):min():item())
    end
  end)

  it("joins its layers into few operators", function()
    local net <const> = nn.Sequential{nn.Conv2d(3, 32, {kernel = 3}), nn.PReLU(32),
      nn.MaxPool2d(2), nn.Conv2d(32, 32, {kernel = 3}), nn.ReLU(), nn.Flatten()}:eval()
    local x <const> = braid.randn(1, 3, 48, 48)
    assert.same({conv2d_max_pool2d = 1, conv2d_activation = 1, flatten = 1}, operators(function()
      local _ <close> = braid.no_grad()
      net(x)
    end))
  end)

  it("accepts and refuses the same random layers as calling the layers one by one", function()
    local random <const> = math.random
    local function layer(c)
      local kinds <const> = {
        function()
          local o <const> = random(40)
          return nn.Conv2d(c, o, {kernel = random(5), stride = random(2), padding = random(0, 2),
            dilation = random(2), bias = random(2) == 1}), o
        end,
        function() return nn.Conv2d(c, c, {kernel = random(3), groups = c}), c end,
        function()
          local k <const> = random(4)
          return nn.MaxPool2d(k, {stride = random(3), padding = random(0, k // 2),
            ceil_mode = random(2) == 1, dilation = random(2)}), c
        end,
        function() return nn.PReLU(random(2) == 1 and c or random(5)), c end,
        function() return trained_norm(c), c end,
        function() return nn.ReLU(), c end,
        function() return nn.Dropout(0.3), c end,
        function() return function(x) return x * 1.5 end, c end,
      }
      return kinds[random(#kinds)]()
    end
    math.randomseed(3)
    local done, refused = 0, 0
    for _ = 1, 400 do
      local _ <close> = braid.scope()
      local layers <const>, first <const> = {}, random(20)
      local c = first
      for i = 1, random(7) do layers[i], c = layer(c) end
      local net <const> = nn.Sequential(layers):eval()
      local x <const> = braid.randn(random(3), first, random(90), random(90))
      local _ <close> = braid.no_grad()
      local ok <const>, y = pcall(net, x)
      local alone <const>, want = pcall(one_by_one, net, x)
      assert.equal(alone, ok, tostring(net))
      if ok then
        -- Windows that miss the image give -inf.
        local a <const>, b <const> = y:clamp(-1e6, 1e6), want:clamp(-1e6, 1e6)
        local off <const> = y:numel() > 0 and distance(a, b) or 0
        assert.is_true(off <= 1e-4 * (1 + b:abs():max():item()), tostring(net))
      end
      done, refused = done + (ok and 1 or 0), refused + (ok and 0 or 1)
    end
    assert.is_true(done > 100 and refused > 50)
  end)

  it("uses weights, options and layers that have changed since the last call", function()
    local conv <const>, slope <const> = nn.Conv2d(2, 4, {kernel = 3}), nn.PReLU(4)
    local net <const> = nn.Sequential{conv, slope, nn.MaxPool2d(2)}
    local x <const> = braid.randn(1, 2, 12, 12)
    assert_same(net, x)
    conv.weight = nn.Module.parameter(braid.randn(4, 2, 3, 3))
    assert_same(net, x)
    conv.options.padding, net[3].kernel = 2, 3
    assert_same(net, x)
    slope.weight = nn.Module.parameter(braid.rand(1))
    assert_same(net, x)
    net[2] = nn.Tanh()
    assert_same(net, x)
    net[2].forward = function(_, y) return y * 3 end
    assert_same(net, x)
    conv.bias = nil
    assert_same(net, x)
  end)

  it("calls the forward of a user's class", function()
    local Doubled <const> = class("Doubled", nn.Conv2d)
    function Doubled:forward(x) return nn.Conv2d.forward(self, x) * 2 end
    local net <const> = nn.Sequential{Doubled(2, 4, {kernel = 3}), nn.ReLU(), nn.MaxPool2d(2)}
    assert_same(net, braid.randn(1, 2, 12, 12))
  end)

  it("names the layer that fails, and keeps no memory", function()
    local x <const> = braid.randn(1, 2, 40, 40)
    local function fails(third, fourth, pattern)
      local net <const> = nn.Sequential{nn.Conv2d(2, 4, {kernel = 3}), nn.ReLU(), third, fourth}
      local _ <close> = braid.no_grad()
      local _ <close> = braid.scope()
      net[1](x) -- stores its prepared weights
      collectgarbage()
      collectgarbage()
      local live <const> = braid.memory().live
      local ok <const>, message <const> = pcall(net, x)
      assert.is_false(ok)
      assert.matches(pattern, message)
      collectgarbage()
      collectgarbage()
      assert.equal(live, braid.memory().live)
    end
    local wrong <const> = nn.MaxPool2d(2)
    wrong.options.strides = 2
    fails(nn.Conv2d(5, 4, {kernel = 3}), nn.MaxPool2d(2),
      "Sequential.3: conv2d: weight expects 5 channels")
    fails(nn.Identity(), nn.MaxPool2d(50),
      "Sequential.4: max_pool2d: the window spans 50 pixels, more than the 38")
    fails(nn.Tanh(), wrong, "there is no option 'strides'")
    fails(nn.Conv2d(4, 4, {kernel = 3}), wrong, "there is no option 'strides'")
  end)

  it("frees its memory when an allocation fails", function()
    local net <const> = nn.Sequential{nn.Conv2d(3, 32, {kernel = 3}), nn.PReLU(32),
      nn.MaxPool2d(2), nn.Conv2d(32, 32, {kernel = 3}), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()}
    local x <const> = braid.randn(1, 3, 48, 48)
    local _ <close> = braid.no_grad()
    local right <const> = net(x)
    collectgarbage()
    local live <const> = braid.memory().live
    local failed = 0
    for n = 0, 60 do
      core.fail_after(n)
      do
        local _ <close> = braid.scope()
        local ok <const>, y <const> = pcall(net, x)
        core.fail_after(-1)
        if ok then
          assert.equal(0, distance(right, y))
        else
          failed = failed + 1
          assert.matches("out of memory", y)
        end
      end
      collectgarbage()
      collectgarbage()
      assert.equal(live, braid.memory().live)
    end
    assert.is_true(failed > 5)
  end)
end)
