--- Layers of a nn.Sequential that run in one call, against the same layers one after the other.

local braid <const> = require "braid"
local nn <const> = braid.nn

-- n, c, h, w and options of convolutions that are computed in different ways.
local CONVOLUTIONS <const> = {
  {2, 3, 9, 9, {kernel = 3, padding = 1}}, {2, 3, 12, 12, {kernel = 5, stride = 2}},
  {2, 32, 13, 12, {kernel = 3, padding = 1}}, {1, 32, 9, 9, {kernel = 5, bias = false}},
  {1, 700, 2, 2, {kernel = 3, padding = 1}}, {2, 32, 4, 4, {kernel = 1, groups = 4}},
}

describe("a ReLU after a convolution in a Sequential", function()
  -- Outputs and gradients of a Sequential, the same of its layers one by one, and the names of the
  -- calls that gave both outputs.
  local function both(x, layers)
    local together <const> = nn.Sequential(layers)
    local X <const>, Y <const> = x:clone():requires_grad_(true), x:clone():requires_grad_(true)
    local y <const> = together(X)
    local dy <const> = braid.randn(table.unpack(y.shape))
    y:backward{gradient = dy}
    local fused <const> = {y = y:detach(), dx = X.grad}
    for name, p in together:named_parameters() do
      fused[name], p.grad = p.grad, nil
    end
    local z = Y
    for _, layer in ipairs(layers) do z = layer(z) end
    z:backward{gradient = dy}
    local plain <const> = {y = z:detach(), dx = Y.grad}
    for name, p in together:named_parameters() do plain[name] = p.grad end
    return fused, plain, y.grad_fn, z.grad_fn
  end

  it("runs in the same call, with the same values and gradients", function()
    braid.manual_seed(3)
    for _, case in ipairs(CONVOLUTIONS) do
      local n <const>, c <const>, h <const>, w <const>, o <const> = table.unpack(case)
      local fused <const>, plain <const>, f <const>, g <const> =
        both(braid.randn(n, c, h, w), {nn.Conv2d(c, 32, o), nn.ReLU()})
      assert.equal("conv2d_activation", f)
      assert.equal("relu", g)
      for name, value in pairs(plain) do
        local apart <const> = (value - fused[name]):abs():max():item()
        assert.is_true(apart < 1e-6, name .. " " .. apart)
      end
    end
  end)

  it("keeps NaN, and is a separate module in net:summary", function()
    local net <const> = nn.Sequential{nn.Conv2d(1, 1, {kernel = 1, bias = false}), nn.ReLU()}
    local x <const> = braid.tensor{{{{0 / 0, 1, -1}}}}
    net[1].weight:detach():fill_(1)
    assert.is_true(net(x):isnan():any():item())
    local text <const> = tostring(net:summary{1, 1, 3})
    assert.matches("ReLU", text)
  end)
end)

describe("a PReLU after a convolution in a Sequential", function()
  -- The largest difference between the layers one by one and together.
  local function apart_from(net, x)
    local z = x
    for i = 1, net.last do z = net[i](z) end
    return (net(x) - z):abs():max():item()
  end

  it("runs in the same call without gradients, with the same values", function()
    braid.manual_seed(3)
    local _ <close> = braid.no_grad()
    for _, case in ipairs(CONVOLUTIONS) do
      local n <const>, c <const>, h <const>, w <const>, o <const> = table.unpack(case)
      for _, outputs in ipairs{16, 32, 44} do
        local slopes <const> = nn.PReLU(outputs)
        slopes.weight:copy_(braid.randn(outputs))
        local x <const>, conv <const> = braid.randn(n, c, h, w), nn.Conv2d(c, outputs, o)
        assert.equal(0, apart_from(nn.Sequential{conv, slopes}, x))
        local net <const> = nn.Sequential{conv, nn.BatchNorm2d(outputs), slopes}:eval()
        assert.is_true(apart_from(net, x) < 1e-4) -- Winograd's convolution rounds differently
      end
    end
  end)

  it("shows in a profile as conv2d_prelu without gradients, and as prelu with them", function()
    local net <const> = nn.Sequential{nn.Conv2d(3, 8, {kernel = 3}), nn.PReLU(8)}
    local x <const> = braid.randn(1, 3, 9, 9)
    local function operators(f) return tostring(braid.profile(f)) end
    local shown <const> = operators(function() braid.no_grad(function() net(x) end) end)
    assert.matches("conv2d_prelu", shown)
    local recorded <const> = operators(function() net(x) end)
    assert.not_matches("conv2d_prelu", recorded)
    assert.matches("prelu", recorded)
    local one <const> = nn.Sequential{nn.Conv2d(3, 8, {kernel = 3}), nn.PReLU()}
    assert.matches("conv2d_prelu", operators(function()
      braid.no_grad(function() one(x) end)
    end))
    local double <const> = nn.Sequential{net[1]:clone():to("float64"), net[2]}
    assert.equal("float64", braid.no_grad(function() return double(x:to("float64")) end).dtype)
    local unsized <const> = nn.Sequential{nn.Conv2d(8, {kernel = 3}), nn.PReLU(8)}
    assert.same({1, 8, 7, 7}, braid.no_grad(function() return unsized(x) end).shape)
  end)
end)

describe("a batch normalisation after a convolution in a Sequential", function()
  local function network(bias)
    local net <const> = nn.Sequential{nn.Conv2d(3, 20, {kernel = 3, bias = bias}),
      nn.BatchNorm2d(20), nn.ReLU(), nn.Conv2d(20, 4, {kernel = 1}), nn.BatchNorm2d(4)}
    for _ = 1, 3 do net(braid.randn(4, 3, 8, 8) * 2 + 1) end -- so that statistics are not 0 and 1
    for _, p in net:named_parameters() do p:detach():add_(braid.rand(table.unpack(p.shape))) end
    return net:eval()
  end

  local function evaluate(net, x) return braid.no_grad(function() return net(x) end) end

  it("is folded into the convolution in evaluation mode without gradients", function()
    braid.manual_seed(5)
    for _, bias in ipairs{true, false} do
      local net <const>, x <const> = network(bias), braid.randn(2, 3, 8, 8)
      local plain <const> = net(x):detach() -- with gradients, the layers run one by one
      local folded <const> = evaluate(net, x)
      local scale <const> = plain:abs():max():item()
      assert.is_true((folded - plain):abs():max():item() < 1e-6 * math.max(scale, 1))
      assert.is_false(folded:eq(plain):all():item()) -- other roundings show that it was folded
    end
  end)

  it("is folded again after any of its values or the convolution's changed", function()
    local net <const>, x <const> = network(true), braid.randn(2, 3, 8, 8)
    evaluate(net, x)
    for _, change in ipairs{
      function() net[1].weight:detach():mul_(2) end, function() net[1].bias:detach():add_(1) end,
      function() net[2].weight:detach():mul_(0.5) end, function() net[2].bias:detach():add_(1) end,
      function() net[2].running_mean:add_(1) end, function() net[2].running_var:mul_(3) end,
      function() net[2].eps = 0.1 end,
      function() net[2].running_mean = braid.zeros(20):keep() end,
      function() net:train() net(x) net:eval() end,
    } do
      local before <const> = evaluate(net, x)
      change()
      local after <const> = evaluate(net, x)
      assert.is_true((after - before):abs():max():item() > 1e-3)
      local plain <const> = net(x):detach()
      local scale <const> = math.max(1, plain:abs():max():item())
      assert.is_true((after - plain):abs():max():item() < 1e-6 * scale)
    end
  end)

  it("is not folded in training mode", function()
    local net <const>, x <const> = network(true):train(), braid.randn(2, 3, 8, 8)
    local before <const> = net[2].running_mean:clone()
    evaluate(net, x)
    assert.is_false(net[2].running_mean:eq(before):all():item())
  end)
end)
