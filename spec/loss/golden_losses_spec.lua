--- Losses against PyTorch's values and gradients in float64, which spec/support/golden_optim.py
-- wrote; the option `mask`; and messages.

local braid <const> = require "braid"
local loss <const> = braid.loss

local golden <const> = assert(braid.load("spec/golden/losses.safetensors"))
local TOLERANCE <const> = 1e-10
local NAN <const> = 0 / 0

local CASES <const> = {
  mse = {"mse"}, mse_weight = {"mse"},
  l1 = {"l1"}, l1_weight = {"l1"}, l1_none = {"l1", {reduction = "none"}},
  ["smooth_l1_0.0"] = {"smooth_l1", {beta = 0}},
  ["smooth_l1_0.7"] = {"smooth_l1", {beta = 0.7}},
  ["smooth_l1_1.0"] = {"smooth_l1"},
  ["huber_0.5"] = {"huber", {delta = 0.5}}, ["huber_1.0"] = {"huber"},
  huber_weight = {"huber"},
  wing = {"wing"}, wing_narrow = {"wing", {w = 1.5, eps = 0.25}},
  -- PyTorch rounds a constant 1e-12 in this gradient to float32.
  bce = {"bce", relative = 5e-9}, bce_weight_sum = {"bce", {reduction = "sum"}, relative = 5e-9},
  bce_logits = {"bce_with_logits"}, bce_logits_extreme = {"bce_with_logits"},
  bce_logits_weights = {"bce_with_logits"},
  kl_div = {"kl_div"}, kl_div_zeros = {"kl_div", {reduction = "sum"}},
  kl_div_batchmean = {"kl_div", {reduction = "batchmean"}},
  kl_div_log_target = {"kl_div", {reduction = "batchmean", log_target = true}},
  hinge = {"hinge"}, hinge_margin = {"hinge", {margin = 0.5}},
  focal = {"focal"}, focal_alpha = {"focal", {gamma = 1.5, alpha = 0.25}},
  focal_soft = {"focal", {gamma = 0.5, alpha = 0.25}},
  focal_classes = {"focal"},
  cross_entropy = {"cross_entropy"}, cross_entropy_extreme = {"cross_entropy"},
  cross_entropy_all = {"cross_entropy", {label_smoothing = 0.1}},
  cross_entropy_missing = {"cross_entropy", {label_smoothing = 0.2, ignore = 0}},
  cross_entropy_soft = {"cross_entropy"},
  cross_entropy_soft_all = {"cross_entropy", {label_smoothing = 0.1}},
  cross_entropy_image = {"cross_entropy", {ignore = 0}},
  nll = {"nll"}, nll_weight = {"nll", {ignore = 0}},
  nll_image = {"nll", {reduction = "none", ignore = 0}},
  cosine = {"cosine"}, cosine_margin = {"cosine", {margin = -0.95, reduction = "sum"}},
  cosine_zero = {"cosine", {margin = 0.1}},
}

local function sorted(t)
  local names <const> = {}
  for name in pairs(t) do names[#names + 1] = name end
  table.sort(names)
  return names
end

-- Computes a case: the loss's value and the input.
local function run(name)
  local case <const>, o <const> = CASES[name], {}
  for key, v in pairs(case[2] or {}) do o[key] = v end
  for _, key in ipairs{"weight", "pos_weight", "alpha"} do o[key] = golden[name .. "/" .. key] end
  if o.alpha == nil and case[2] then o.alpha = case[2].alpha end
  local x <const> = golden[name .. "/x"]:clone():requires_grad_()
  local second <const> = golden[name .. "/second"]
  if second then return loss[case[1]](x, second, golden[name .. "/target"], o), x end
  return loss[case[1]](x, golden[name .. "/target"], o), x
end

local function compare(expected, actual, what, relative)
  assert.same(expected.shape, actual.shape)
  local e <const>, a <const> = expected:reshape(-1):totable(), actual:detach():reshape(-1):totable()
  for i, v in ipairs(e) do
    assert(math.abs(v - a[i]) <= TOLERANCE + (relative or TOLERANCE) * math.abs(v),
      ("%s, element %d: %.17g, not %.17g"):format(what, i, a[i], v))
  end
end

describe("losses against PyTorch's", function()
  it("are tested with every case in spec/golden/losses.safetensors", function()
    local names <const> = {}
    for name in pairs(golden) do names[name:match("^[^/]+")] = true end
    assert.same(sorted(names), sorted(CASES))
  end)

  for _, name in ipairs(sorted(CASES)) do
    it("have the same value and gradient: " .. name, function()
      local value <const>, x <const> = run(name)
      compare(golden[name .. "/value"], value, "value")
      value:sum():backward()
      compare(golden[name .. "/grad"], x.grad, "gradient", CASES[name].relative)
    end)
  end
end)

-- Inputs (4,3) of each loss. With `bad`, rows 3 and 4 hold NaN, which the mask must leave out.
local F64 <const> = {dtype = "float64"}
local function rows(bad, ...)
  local t <const> = braid.tensor({...}, F64)
  if bad then t[{ {3, 4} }] = NAN end
  return t
end
local function predictions(bad)
  return rows(bad, {0.5, -1, 2}, {1.5, 0.25, -0.5}, {1, 1, 1}, {2, 2, 2}):requires_grad_()
end
local function probabilities(bad)
  return rows(bad, {0.5, 0.1, 0.9}, {0.2, 0.3, 0.7}, {0.5, 0.5, 0.5}, {0.5, 0.5, 0.5})
    :requires_grad_()
end
local function targets(bad) return rows(bad, {1, 0, 1}, {0, 1, 1}, {1, 1, 0}, {0, 0, 1}) end
local function sides(bad) return targets(bad) * 2 - 1 end
local function labels() return braid.tensor({2, 3, 77, -5}, {dtype = "int64"}) end

local MASKED <const> = {
  mse = {predictions, targets}, l1 = {predictions, targets}, smooth_l1 = {predictions, targets},
  huber = {predictions, targets}, wing = {predictions, targets}, bce = {probabilities, targets},
  bce_with_logits = {predictions, targets}, kl_div = {predictions, targets},
  hinge = {predictions, sides}, focal = {predictions, targets},
  cross_entropy = {predictions, labels, per_row = true},
  nll = {predictions, labels, per_row = true},
  soft = {predictions, function(bad) return probabilities(bad):detach() end, per_row = true},
}
local function pair_loss(name)
  if name == "cosine" then
    return function(x, t, o) return loss.cosine(x, predictions(false):detach() * 2 + 1, t, o) end
  end
  return loss[name == "soft" and "cross_entropy" or name]
end
MASKED.cosine = {predictions, function() return braid.tensor({1, -1, 1, -1}, F64) end,
  per_row = true}

local function mask_of(case, first)
  local m <const> = braid.tensor{first, first, false, false}
  return case.per_row and m or m:unsqueeze(2)
end

describe("a loss's option mask", function()
  for _, name in ipairs(sorted(MASKED)) do
    local case <const>, f <const> = MASKED[name], pair_loss(name)

    it("leaves out elements where it is false, even NaN: " .. name, function()
      local whole <const> = case[1](false)
      local kept <const> = whole:detach()[{ {1, 2} }]:clone():requires_grad_()
      local wanted
      local target <const> = case[2](false)[{ {1, 2} }]
      if name == "cosine" then
        wanted = loss.cosine(kept, (predictions(false):detach() * 2 + 1)[{ {1, 2} }], target)
      else
        wanted = f(kept, target)
      end
      wanted:backward()
      for _, bad in ipairs{false, true} do
        local x <const> = case[1](bad)
        local value <const> = f(x, case[2](bad), {mask = mask_of(case, true)})
        value:backward()
        assert.near(wanted:item(), value:item(), 1e-14)
        compare(kept.grad, x.grad[{ {1, 2} }], "gradient")
        assert.equal(0, x.grad[{ {3, 4} }]:abs():sum():item())
      end
    end)

    it("gives exactly 0 and gradient 0 if it is false everywhere: " .. name, function()
      for _, reduction in ipairs{"mean", "sum"} do
        local x <const> = case[1](true)
        local value <const> = f(x, case[2](true), {mask = mask_of(case, false),
          reduction = reduction})
        value:backward()
        assert.equal(0, value:item())
        assert.equal(0, x.grad[{ {3, 4} }]:abs():sum():item())
        assert.same({{0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}}, x.grad:abs():totable())
      end
    end)
  end

  it("makes the mean count only elements where it is true", function()
    local x <const> = braid.tensor{ {1, 2}, {3, 5} }
    local t <const> = braid.zeros(2, 2)
    local m <const> = braid.tensor{ {true, false}, {true, true} }
    assert.near((1 + 3 + 5) / 3, loss.l1(x, t, {mask = m}):item(), 1e-6)
    assert.same({ {1, 0}, {3, 5} }, loss.l1(x, t, {mask = m, reduction = "none"}):totable())
    local w <const> = braid.tensor{ {2, NAN}, {1, 1} }
    assert.near((2 + 3 + 5) / 4, loss.l1(x, t, {mask = m, weight = w}):item(), 1e-6)
    assert.near((2 + 3 + 5) / 3, loss.huber(x + 0.5, t, {mask = m, weight = w}):item(), 1e-6)
  end)

  it("makes kl_div's batchmean divide by the number of rows where it is true", function()
    local x <const>, t <const> = predictions(true), targets(true)
    local sum <const> = loss.kl_div(x, t, {mask = mask_of({}, true), reduction = "sum"}):item()
    assert.near(sum / 2,
      loss.kl_div(x, t, {mask = mask_of({}, true), reduction = "batchmean"}):item(), 1e-14)
    assert.equal(0,
      loss.kl_div(x, t, {mask = mask_of({}, false), reduction = "batchmean"}):item())
  end)

  it("has the same effect as missing labels everywhere: value and gradient 0", function()
    local x <const> = braid.randn(3, 4):requires_grad_()
    for _, name in ipairs{"cross_entropy", "nll", "focal"} do
      local value <const> = loss[name](x, braid.full({3}, -100, {dtype = "int64"}))
      value:backward()
      assert.equal(0, value:item())
      assert.equal(0, x.grad:abs():sum():item())
    end
  end)

  it("is not needed for labels that `ignore` names; a label 0 without it is an error", function()
    local x <const>, w <const> = braid.randn(3, 4), braid.tensor{1, 2, 3, 4}
    for _, name in ipairs{"cross_entropy", "nll", "focal"} do
      local weights <const> = name == "focal" and {alpha = w} or {weight = w}
      local function of(count, kinds, ignore)
        return loss[name](x[{ {1, count} }], braid.tensor(kinds, {dtype = "int64"}),
          {weight = weights.weight, alpha = weights.alpha, ignore = ignore}):item()
      end
      for _, mark in ipairs{0, -1, 255, 2} do
        assert.equal(of(2, {1, 3}), of(3, {1, 3, mark}, mark))
      end
      assert.error_matches(function() of(3, {1, 3, 0}) end, name .. ": target 0 .*not one of the "
        .. "classes 1 to 4; labels count from 1 %(counted from 0%? add 1; if 0 marks a missing "
        .. "label, say {ignore = 0}%)")
      assert.error_matches(function() of(3, {1, 3, -1}) end,
        name .. ": target %-1 .*classes 1 to 4")
    end
  end)
end)

describe("the gradients of losses", function()
  for _, name in ipairs{"mse", "l1", "smooth_l1", "huber", "wing", "bce", "bce_with_logits",
    "kl_div", "hinge", "focal", "cosine"} do
    it("agree with finite differences, for predictions and targets: " .. name,
      function()
        local mask <const> = braid.tensor({true, true, false, true}):unsqueeze(2)
        local w <const> = braid.tensor({0.5, 2, 1}, F64)
        local x <const> = probabilities(false)
        local t <const> = braid.tensor({ {0.3, 0.6, 0.4}, {0.7, 0.8, 0.2}, {0.1, 0.2, 0.9},
          {0.35, 0.45, 0.15} }, F64):requires_grad_()
        local y <const> = braid.tensor({1, -1, 1, -1}, F64)
        for _, reduction in ipairs{"mean", "sum", "none"} do
          local o <const> = {reduction = reduction, mask = mask, weight = w}
          assert(braid.gradcheck(function(a, b)
            if name == "cosine" then
              return loss.cosine(a, b, y, {reduction = reduction, mask = mask:squeeze(2)})
            end
            return loss[name](a, name == "hinge" and y:unsqueeze(2):expand(4, 3) or b, o)
          end, {x, name ~= "hinge" and t or nil}))
        end
      end)
  end
end)

describe("the functions of braid.loss", function()
  local x <const>, t <const> = braid.zeros(2, 3), braid.zeros(2, 3)
  local INTEGERS <const> = {dtype = "int64"}

  it("are functions of braid.F too", function()
    for _, name in ipairs{"mse", "l1", "smooth_l1", "huber", "wing", "cross_entropy", "nll",
      "bce", "bce_with_logits", "kl_div", "focal", "cosine", "hinge"} do
      assert.equal(loss[name], braid.F[name], name)
    end
  end)

  for _, case in ipairs{
    {"huber: input (2, 3) and target (3, 2) must have the same shape",
      function() loss.huber(x, braid.zeros(3, 2)) end},
    {"l1: target must be a tensor, not 1", function() loss.l1(x, 1) end},
    {"l1: input must be a float tensor, not int64",
      function() loss.l1(braid.zeros(2, INTEGERS), braid.zeros(2)) end},
    {"mse: there is no option 'size_average'; there is mask, reduction, weight",
      function() loss.mse(x, t, {size_average = true}) end},
    {"cross_entropy: there is no option 'ignore_index'; there is ignore, label_smoothing, "
      .. "mask, reduction, weight",
      function() loss.cross_entropy(x, braid.ones(2, INTEGERS), {ignore_index = 0}) end},
    {"wing: there is no option 'omega'; there is eps, mask, reduction, w, weight",
      function() loss.wing(x, t, {omega = 1}) end},
    {"wing: w must be a number above 0, not -1", function() loss.wing(x, t, {w = -1}) end},
    {"bce_with_logits: reduction must be \"mean\", \"sum\" or \"none\", not \"avg\"",
      function() loss.bce_with_logits(x, t, {reduction = "avg"}) end},
    {"kl_div: reduction must be \"mean\", \"sum\", \"batchmean\" or \"none\", not \"batch\"",
      function() loss.kl_div(x, t, {reduction = "batch"}) end},
    {"l1: mask (2) does not broadcast to (2, 3)",
      function() loss.l1(x, t, {mask = braid.tensor{true, false}}) end},
    {"bce_with_logits: pos_weight (2) does not broadcast to (2, 3)",
      function() loss.bce_with_logits(x, t, {pos_weight = braid.ones(2)}) end},
    {"cross_entropy: mask (3) does not broadcast to (2)", function()
      loss.cross_entropy(x, braid.ones(2, INTEGERS), {mask = braid.tensor{true, true, true}})
    end},
    {"nll: target must have shape (2) for input (2, 3), not (3)",
      function() loss.nll(x, braid.ones(3, INTEGERS)) end},
    {"nll: target 4 is not one of the classes 1 to 3",
      function() loss.nll(x, braid.tensor({1, 4}, INTEGERS)) end},
    {"nll: weight must have shape (3), not (2)",
      function() loss.nll(x, braid.ones(2, INTEGERS), {weight = braid.ones(2)}) end},
    {"focal: gamma must be a number from 0, not -1",
      function() loss.focal(x, t, {gamma = -1}) end},
    {"focal: alpha must be a tensor of the classes with this target, not 0.25",
      function() loss.focal(x, braid.ones(2, INTEGERS), {alpha = 0.25}) end},
    {"bce: input must lie between 0 and 1; bce_with_logits takes any number",
      function() loss.bce(x + 2, t) end},
    {"cosine: inputs must be (n, d) with a target (n), or (d) with a scalar; "
      .. "not (2, 3) and (3)", function() loss.cosine(x, t, braid.ones(3)) end},
  } do
    it("raise the error: " .. case[1], function() assert.has_error(case[2], case[1]) end)
  end
end)
