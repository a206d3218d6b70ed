--- NaN is never lost: an operator or a loss that gets NaN has NaN in its result. Its gradient
-- there is NaN or the incoming gradient, but never 0.

local braid <const> = require "braid"
local core <const> = require "braid.core"

local F <const>, NAN <const> = braid.F, 0 / 0

local function ramp(...)
  local t <const> = braid.arange(1, braid.zeros(...):numel()) * 0.125 + 0.25
  return t:reshape(...)
end

local function int(...) return braid.tensor({...}, {dtype = "int64"}) end

-- The float operands of an operator, made anew for every call: functions that return a tensor.
local function operands(...)
  local list <const> = {...}
  local function make(i) return list[i] and list[i]() end
  return {made = function() return make(1), make(2), make(3) end, n = #list}
end

local function one() return ramp(2, 6) end
local function image() return ramp(1, 2, 4, 4) end
local function kernel() return ramp(3, 2, 3, 3) end
local function three() return ramp(3) end
local function channel() return ramp(2) end
local x <const> = operands(one)
local function other() return ramp(2, 6) * 2 end
local pair <const> = operands(one, other)
local mask <const> = braid.tensor {true, false, true, false, true, true}

local function rest(o, ...) return {o = o, more = table.pack(...)} end

-- Operator -> its operands, and the arguments after them. Without an entry: the one operand x.
local CASES <const> = {
  add = rest(pair), sub = rest(pair), mul = rest(pair), div = rest(pair), mod = rest(pair),
  pow = rest(pair), minimum = rest(pair), maximum = rest(pair),
  channels_last = rest(operands(image)),
  matmul = rest(operands(one, function() return ramp(6, 3) end)),
  mse = rest(pair), lerp = rest(operands(one, other, one)), clamp = rest(x, -9, 9),
  to = rest(x, "float64"), reshape = rest(x, {3, 4}), view = rest(x, {3, 4}),
  unflatten = rest(x, 2, {2, 3}), unsqueeze = rest(x, 1), permute = rest(x, {2, 1}),
  transpose = rest(x, 1, 2), expand = rest(x, {2, 2, 6}), narrow = rest(x, 2, 1, 2),
  select = rest(x, 1, 1), softmax = rest(x, 2), log_softmax = rest(x, 2),
  dropout = rest(x, 0.5, false), index_select = rest(x, 1, int(1)), flip = rest(x, {1}),
  masked_select = rest(x, mask), roll = rest(x, {1}, {1}), repeat_ = rest(x, {2, 1}),
  pad = rest(x, {1, 1}), unfold = rest(x, 2, 2, 2), topk = rest(x, 2, 2), cumsum = rest(x, 2),
  gather = rest(x, 2, int(1, 1):reshape(2, 1)), squeeze = rest(x, 1),
  masked_fill = rest(x, mask:logical_not(), 3),
  conv2d = rest(operands(image, kernel, three)),
  conv2d_activation = rest(operands(image, kernel, three), {activation = "relu"}),
  conv_transpose2d = rest(operands(image, function() return ramp(2, 3, 3, 3) end, three)),
  linear = rest(operands(one, function() return ramp(3, 6) end, three)),
  linear_activation = rest(operands(one, function() return ramp(3, 6) end, three),
    {activation = "silu"}),
  prelu = rest(operands(function() return -image() end, channel)),
  mix = rest(operands(image, function() return ramp(2, 2) end)),
  max_pool2d = rest(operands(image), 2), avg_pool2d = rest(operands(image), 2),
  adaptive_max_pool2d = rest(operands(image), 2),
  adaptive_avg_pool2d = rest(operands(image), 2),
  batch_norm = rest(operands(image, channel, channel), nil, nil, true),
  resize_nearest = rest(operands(image), {8, 8}, 0.5, 0.5),
  resize_bilinear = rest(operands(image), {8, 8}, 0.5, 0.5),
  norm = {more = {1, 2, 3, 0.5, math.huge, -math.huge}},
  -- Operators with masks and indices are tested below. Systems that cannot be solved are errors.
  where = "below", scatter = "below", scatter_add = "below", cat = "below", stack = "below",
  copy = "below", cross_entropy = "below", grid_sample = "below", fill = "gradient 0 throughout",
  solve = "errors", inverse = "errors", cholesky = "errors", eigh = "errors",
}

-- Calls f with NaN as the first element of operand i, and checks the result and the gradient.
local function examine(name, f, made, i)
  local args <const> = table.pack(made())
  args[i]:view(-1)[1] = NAN
  args[i]:requires_grad_()
  local y <const> = f(table.unpack(args, 1, args.n))
  assert.is_true(y:isnan():any():item(), ("%s: no NaN from operand %d"):format(name, i))
  y:backward{gradient = ramp(y.shape):to(y.dtype)}
  local slope <const> = args[i].grad:reshape(-1)[1]:item()
  assert.is_true(slope ~= 0, ("%s: the gradient of operand %d at NaN is 0"):format(name, i))
end

describe("a NaN", function()
  for _, row in ipairs(core.rows) do
    local case <const> = CASES[row.name] or rest(x)
    if row.differentiable and type(case) == "table" then
      it("stays in the result, and its gradient is not 0: " .. row.name, function()
        local f <const> = core.ops[row.name]
        if not case.o then
          for _, p in ipairs(case.more) do
            examine(row.name .. p, function(t) return f(t, p) end, x.made, 1)
          end
          return
        end
        for i = 1, case.o.n do
          examine(row.name, function(...)
            local all <const> = table.move({...}, 1, case.o.n, 1, {})
            table.move(case.more, 1, case.more.n, case.o.n + 1, all)
            return (f(table.unpack(all, 1, case.o.n + case.more.n)))
          end, case.o.made, i)
        end
      end)
    end
  end

  it("that a mask or an index picks stays in the result, and its gradient is not 0", function()
    local ops <const> = core.ops
    local yes <const>, no <const> = braid.full({2, 6}, 1, {dtype = "bool"}),
      braid.full({2, 6}, 0, {dtype = "bool"})
    local first <const> = int(1, 1):reshape(2, 1)
    examine("where", function(a, b) return ops.where(yes, a, b) end, pair.made, 1)
    examine("where", function(a, b) return ops.where(no, a, b) end, pair.made, 2)
    examine("scatter", function(a, b) return ops.scatter(a, 2, first + 1, b) end, pair.made, 1)
    examine("scatter", function(a, b) return ops.scatter(a, 2, first, b) end, pair.made, 2)
    for i = 1, 2 do
      examine("scatter_add", function(a, b) return ops.scatter_add(a, 2, first, b) end,
        pair.made, i)
      examine("cat", function(a, b) return ops.cat({a, b}, 1) end, pair.made, i)
      examine("stack", function(a, b) return ops.stack({a, b}, 1) end, pair.made, i)
    end
    examine("copy", function(a, b) return (ops.copy(a, b)) end, pair.made, 2)
    examine("grid_sample", function(a)
      return ops.grid_sample(a, braid.full({1, 2, 2, 2}, -0.9))
    end, image, 1)
  end)

  it("makes every loss NaN, and its gradient is not 0", function()
    local target <const> = braid.ones(2, 6)
    local labels <const> = int(1, 2)
    local known <const> = {
      cross_entropy = {labels}, nll = {labels}, focal = {labels}, bce = {target},
      bce_with_logits = {target}, kl_div = {target}, hinge = {target},
      cosine = {target, braid.ones(2)}, mse = {target}, l1 = {target}, smooth_l1 = {target},
      huber = {target}, wing = {target},
    }
    for name, loss in pairs(braid.loss) do
      assert.truthy(known[name], name .. " has no case")
      if name ~= "bce" then -- bce refuses NaN
        examine(name, function(t) return loss(t, table.unpack(known[name])) end, one, 1)
      end
    end
    assert.has_error(function() braid.loss.bce(braid.full({2}, NAN), braid.ones(2)) end)
  end)

  it("stays in the result of functions that are made of several operators", function()
    for name, f in pairs {
      normalize = function(t) return F.normalize(t) end,
      normalize1 = function(t) return F.normalize(t, {p = 1}) end,
      normalizeinf = function(t) return F.normalize(t, {p = math.huge}) end,
      crelu = function(t) return F.crelu(t) end, glu = function(t) return F.glu(t, 2) end,
      layer_norm = function(t) return F.layer_norm(t, 6) end,
      group_norm = function(t) return F.group_norm(t, 2) end,
    } do examine(name, f, one, 1) end
    for name, f in pairs {
      local_response_norm = function(t) return F.local_response_norm(t, 3) end,
      instance_norm = function(t) return F.instance_norm(t) end,
      lp_pool2d = function(t) return F.lp_pool2d(t, 2, 2) end,
      global_avg_pool = function(t) return F.global_avg_pool(t) end,
      interpolate = function(t) return F.interpolate(t, {scale_factor = 2}) end,
    } do examine(name, f, image, 1) end
  end)

  it("is sorted above all numbers, and wins in max, min and median", function()
    local t <const> = braid.tensor {1, NAN, math.huge, -math.huge}
    assert.equal(2, t:argmax():item())
    assert.equal(2, t:argmin():item())
    assert.is_true(t:max():isnan():item() and t:min():isnan():item())
    assert.is_true(t:median():isnan():item())
    assert.same({4, 1, 3, 2}, select(2, t:sort()):totable())
    assert.same({2, 3}, select(2, t:topk(2)):totable())
    assert.is_true(t:any():item() and t:all():item())
    assert.same({false, false, false, false}, t:eq(NAN):totable())
    assert.same({true, true, true, true}, t:ne(NAN):totable())
    assert.equal(2, t:cumsum(1):isnan():logical_not():sum():item() + 1)
  end)
end)
