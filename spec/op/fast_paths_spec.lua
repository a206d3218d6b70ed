--- Fast code of operators against plain code: NaN, infinities and very large numbers in the
-- operands change only the cells (elements) that depend on them, forward and backward.
--
-- The plain code is that of float64, which adds up in the formula's order. A cell may differ by the
-- rounding errors of its own terms; a third run adds up the absolute values of these terms.

local braid <const> = require "braid"
local core <const> = require "braid.core"

local F <const>, INF <const> = braid.F, math.huge
local VALUES <const> = {0 / 0, INF, -1e38, 1e30}
local LARGEST <const> = 3e38
local CLOSE <const>, SMALL <const> = 2e-5, 1e-36

local random = 1
local function draw(n)
  random = random * 6364136223846793005 + 1442695040888963407
  return (random >> 33) % n + 1
end

local function noise(shape, seed)
  braid.manual_seed(seed)
  return braid.randn(shape)
end

local function put(t, value)
  local key <const> = {}
  for d = 1, t:dim() do key[d] = draw(t.shape[d]) end
  t[key] = value
end

-- y and all gradients of f in a type. Every operand goes through `of` first.
local function run(f, operands, dy, dtype, of)
  local inputs <const> = {}
  for i, t in ipairs(operands) do inputs[i] = of(t:to(dtype)):requires_grad_() end
  local y <const> = f(table.unpack(inputs))
  y:backward{gradient = of(dy:to(dtype))}
  local results <const> = {y = y:detach()}
  for i, x in ipairs(inputs) do results["gradient " .. i] = x.grad end
  return results
end

-- The first cell that is wrong, or nil.
local function wrong_cell(got, want, terms)
  got = got:to("float64")
  local apart <const> = (got - want):abs()
  local alike <const> = got:isnan():logical_and(want:isnan()):logical_or(got:eq(want))
  local near <const> = apart:le(terms * CLOSE + SMALL):logical_or(terms:gt(LARGEST)
    :logical_and(terms:ne(INF)))
  local right <const> = alike:logical_or(near:logical_and(want:isfinite())):reshape(-1)
  if right:all():item() then return nil end
  local at <const> = right:to("float32"):argmin():item()
  return ("cell %d is %s, not %s"):format(at, got:reshape(-1)[at]:item(),
    want:reshape(-1)[at]:item())
end

local function compare(name, f, shapes)
  local clean <const> = {}
  for i, shape in ipairs(shapes) do clean[i] = noise(shape, i) end
  local upstream <const> = noise(f(table.unpack(clean)).shape, 77)
  for _, value in ipairs(VALUES) do
    for at = 0, #shapes do
      local operands <const>, dy <const> = {}, upstream:clone()
      for i, t in ipairs(clean) do operands[i] = t:clone() end
      put(at == 0 and dy or operands[at], value)
      local got <const> = run(f, operands, dy, "float32", function(t) return t end)
      local want <const> = run(f, operands, dy, "float64", function(t) return t end)
      local terms <const> = run(f, operands, dy, "float64", function(t) return t:abs() end)
      for part, t in pairs(want) do
        local text <const> = wrong_cell(got[part], t, terms[part])
        assert.is_nil(text, text and ("%s, %s in %s: %s: %s"):format(name, value,
          at == 0 and "dy" or "operand " .. at, part, text))
      end
    end
  end
end

local CONVOLUTIONS <const> = {
  {{1, 16, 12, 12}, {16, 16, 3, 3}, {padding = 1}}, {{2, 17, 7, 15}, {19, 17, 3, 3}, {}},
  {{2, 16, 12, 12}, {32, 16, 5, 5}, {padding = 2}},
  {{2, 32, 10, 8}, {48, 16, 3, 3}, {padding = 1, groups = 2}},
  {{2, 3, 9, 9}, {16, 3, 5, 5}, {padding = 2, stride = 2}}, {{2, 1, 8, 8}, {20, 1, 3, 3}, {}},
  {{1, 96, 2, 2}, {96, 96, 3, 3}, {padding = 1}}, {{2, 64, 1, 1}, {70, 64, 1, 1}, {}},
  {{3, 8, 9, 9}, {8, 1, 3, 3}, {padding = 1, groups = 8}}, {{2, 24, 7, 7}, {5, 24, 1, 1}, {}},
  {{2, 48, 6, 6}, {40, 48, 3, 3}, {padding = 2, dilation = 2}},
}

describe("one NaN or infinity in an operand", function()
  it("changes the same cells of a convolution in fast and in plain code", function()
    for i, c in ipairs(CONVOLUTIONS) do
      compare("conv2d " .. i, function(x, w, b) return F.conv2d(x, w, b, c[3]) end,
        {c[1], c[2], {c[2][1]}})
    end
  end)

  it("changes the same cells of a transposed convolution in fast and in plain code", function()
    for i, o in ipairs{{stride = 2}, {padding = 1}, {padding = 1, groups = 2}} do
      compare("conv_transpose2d " .. i, function(x, w, b)
        return F.conv_transpose2d(x, w, b, o)
      end, {{2, 16, 8, 8}, {16, 16, 3, 3}, {16 * (o.groups or 1)}})
    end
  end)

  it("changes the same cells of products of all sizes in fast and in plain code", function()
    for _, s in ipairs{{3, 4, 5}, {1, 100, 300}, {4, 60, 70}, {100, 50, 60}, {32, 900, 230}} do
      local name <const> = table.concat(s, " x ")
      compare("linear " .. name, function(x, w, b) return F.linear(x, w, b) end,
        {{s[1], s[2]}, {s[3], s[2]}, {s[3]}})
      compare("matmul " .. name, function(x, w) return x:matmul(w) end,
        {{s[1], s[2]}, {s[2], s[3]}})
    end
    compare("bmm", function(x, w) return x:bmm(w) end, {{3, 12, 20}, {3, 20, 7}})
    compare("mv", function(x, w) return x:mv(w) end, {{30, 40}, {40}})
    compare("bilinear", F.bilinear, {{4, 6}, {4, 5}, {3, 6, 5}})
  end)

  it("changes the same cells of mixes, pools and sums in fast and in plain code", function()
    compare("mix", core.ops.mix, {{2, 36, 5, 5}, {3, 3}})
    compare("mix of channels", core.ops.mix, {{2, 36, 5, 5}, {3, 3, 12}})
    compare("avg_pool2d", function(x) return F.avg_pool2d(x, 3, {stride = 2, padding = 1}) end,
      {{2, 17, 9, 9}})
    for d = 1, 3 do compare("sum", function(x) return x:sum(d) end, {{5, 70, 40}}) end
  end)
end)

-- Compares chains of layers and fused operators with the same layers one by one.
describe("a chain of layers", function()
  local nn <const> = braid.nn
  local function layers(...) return nn.Sequential {...}:eval() end

  local CHAINS <const> = {
    {{2, 16, 12, 12}, function()
      return layers(nn.Conv2d(16, 16, {kernel = 3, padding = 1}), nn.ReLU())
    end},
    {{2, 16, 12, 12}, function()
      return layers(nn.Conv2d(16, 20, {kernel = 3, padding = 1}), nn.BatchNorm2d(20), nn.ReLU(),
        nn.MaxPool2d(2))
    end},
    {{2, 3, 60, 60}, function()
      return layers(nn.Conv2d(3, 16, {kernel = 5}), nn.ReLU(), nn.MaxPool2d(3, {stride = 2}))
    end},
    {{2, 8, 30, 30}, function()
      return layers(nn.Conv2d(8, 32, {kernel = 1}), nn.PReLU(32), nn.MaxPool2d(2))
    end},
    {{2, 16, 8, 8}, function()
      return layers(nn.Conv2d(16, 16, {kernel = 5, padding = 2}), nn.PReLU(16))
    end},
    {{4, 30}, function() return layers(nn.Linear(30, 20), nn.ReLU(), nn.Linear(20, 3)) end},
  }

  it("gives NaN and infinities where its layers called one by one do", function()
    for i, case in ipairs(CHAINS) do
      braid.manual_seed(i)
      local net <const> = case[2]()
      for _, value in ipairs(VALUES) do
        local x <const> = noise(case[1], i)
        put(x, value)
        local apart = x
        for _, layer in ipairs(net) do
          -- A recorded call is never part of a chain.
          apart = layer(apart:detach():requires_grad_())
        end
        local whole <const> = braid.no_grad(function() return net(x) end)
        apart = apart:detach()
        for _, class in ipairs{"isnan", "isfinite"} do
          local a <const>, b <const> = whole[class](whole), apart[class](apart)
          assert.is_true(a:eq(b):all():item(), ("chain %d, %s: %s"):format(i, value, class))
        end
        local finite <const> = whole:isfinite()
        local a <const>, b <const> = whole[finite], apart[finite]
        assert.is_true((a - b):abs():le(b:abs() * 1e-4 + 1e-4):all():item(),
          ("chain %d, %s: values"):format(i, value))
      end
    end
  end)
end)
