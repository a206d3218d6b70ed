--- Losses with bad targets, weights and predictions: the value is NaN or there is an error. Also
-- weights of 0, empty batches, targets of 0 and infinite predictions.

local braid <const> = require "braid"

local F <const> = braid.F
local NAN <const>, INF <const> = 0 / 0, math.huge
local N <const>, C <const> = 4, 3

local function float(values) return braid.tensor(values, {dtype = "float64"}) end
local function sorted(t)
  local keys <const> = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local NUMBERS <const> = {{0.3, 0.6, 0.1}, {0.2, 0.5, 0.3}, {0.9, 0.05, 0.05}, {0.25, 0.5, 0.25}}
local SIDES <const> = {{1, -1, 1}, {-1, -1, 1}, {1, 1, -1}, {-1, 1, 1}}
local LABELS <const> = {2, 1, 3, 3}

-- Each loss's target: numbers, shares (0 to 1), sides (1 or -1) or labels; and whether it has a
-- weight for each element, row or class.
local LOSSES <const> = {
  mse = {"numbers", "elements"}, l1 = {"numbers", "elements"},
  smooth_l1 = {"numbers", "elements"}, huber = {"numbers", "elements"},
  wing = {"numbers", "elements"}, bce = {"shares", "elements"},
  bce_with_logits = {"shares", "elements", pos_weight = true},
  kl_div = {"numbers", "elements"}, hinge = {"sides", "elements"},
  focal = {"shares", "elements"}, cosine = {"row sides", "rows"},
  cross_entropy = {"labels", "classes"}, nll = {"labels", "classes"},
  soft = {"shares", "classes"}, focal_labels = {"labels", "rows", alpha = true},
}

local function targets(kind, n)
  local values = kind == "labels" and LABELS or kind == "sides" and SIDES or
    kind == "row sides" and {1, -1, 1, -1} or NUMBERS
  values = table.move(values, 1, n or N, 1, {})
  if #values == 0 then
    return braid.zeros(kind:find "row" and {0} or kind == "labels" and {0} or {0, C},
      {dtype = kind == "labels" and "int64" or "float64"})
  end
  return kind == "labels" and braid.tensor(values, {dtype = "int64"}) or float(values)
end

local function run(name, x, target, options)
  if name == "cosine" then return F.cosine(x, x:detach() * 0.5 + 0.1, target, options) end
  local f <const> = name == "soft" and "cross_entropy" or name == "focal_labels" and "focal" or name
  return F[f](x, target, options)
end

local function predictions(n)
  if n == 0 then return braid.zeros(0, C, {dtype = "float64"}):requires_grad_() end
  local x <const> = float(NUMBERS) * 0.5 + 0.2
  return x[{{1, n or N}}]:clone():requires_grad_()
end

local function weights(kind)
  return float(kind == "rows" and {1, 2, 0.5, 1} or {1, 2, 0.5})
end

-- Returns the value and whether the gradient is finite; or nil and the message of an error.
local function outcome(name, target, options, x)
  x = x or predictions(target.shape[1])
  local ok <const>, value <const> = pcall(run, name, x, target, options)
  if not ok then return nil, tostring(value) end
  value:sum():backward()
  local finite <const> = x.grad:isfinite():all():item()
  return value:sum():item(), finite
end

describe("the loss", function()
  for _, name in ipairs(sorted(LOSSES)) do
    local case <const> = LOSSES[name]
    local kind <const> = case[1]

    it(name .. " is finite, with a finite gradient, on good input", function()
      local value <const>, finite <const> = outcome(name, targets(kind))
      assert.is_true(value == value and math.abs(value) < INF)
      assert.is_true(finite)
    end)

    if kind ~= "labels" then
      it(name .. " raises an error for a target out of range, or is NaN", function()
        local out <const> = kind == "numbers" and {NAN} or kind == "shares" and
          {NAN, -0.5, 2, INF, -INF} or {NAN, 0, 0.5, 2, -2, INF}
        for _, bad in ipairs(out) do
          for _, reduction in ipairs {"mean", "sum", "none"} do
            local target <const> = targets(kind)
            target[kind == "row sides" and {2} or {2, 2}] = bad
            local value <const>, message <const> = outcome(name, target, {reduction = reduction})
            if value == nil then
              assert.matches("target must", message)
              assert.matches("loss_values_spec.lua:%d+:", message)
            else
              assert.is_true(value ~= value, ("%s of %s is %s"):format(name, bad, value))
            end
          end
        end
      end)
    end

    it(name .. " refuses weights that are negative, infinite or NaN", function()
      for _, key in ipairs {case.alpha and "alpha" or "weight", case.pos_weight and "pos_weight"} do
        for _, bad in ipairs {NAN, -1, -1e-30, INF, -INF} do
          local w <const> = weights(key == "alpha" and "classes" or case[2])
          w[2] = bad
          for _, reduction in ipairs {"mean", "sum", "none"} do
            local value <const>, message <const> = outcome(name, targets(kind),
              {[key] = w, reduction = reduction})
            assert.is_nil(value)
            assert.matches(key .. " must hold finite numbers from 0", message)
          end
        end
      end
    end)

    it(name .. " is 0 with gradient 0 if all weights are 0", function()
      local w <const> = weights(case[2]) * 0
      for _, reduction in ipairs {"mean", "sum"} do
        local x <const> = predictions()
        assert.equal(0, (outcome(name, targets(kind), {weight = w, reduction = reduction}, x)))
        assert.equal(0, x.grad:abs():sum():item())
      end
    end)

    it(name .. " is 0 for an empty batch, and if the mask is false everywhere", function()
      for _, reduction in ipairs {"mean", "sum"} do
        local x <const> = predictions(0)
        assert.equal(0, (outcome(name, targets(kind, 0), {reduction = reduction}, x)))
        local y <const> = predictions()
        local mask <const> = braid.zeros(kind:find "row" and {N} or kind == "labels" and {N} or
          name == "soft" and {N} or {N, C}, {dtype = "bool"})
        assert.equal(0, (outcome(name, targets(kind), {reduction = reduction, mask = mask}, y)))
        assert.equal(0, y.grad:abs():sum():item())
      end
    end)

    it(name .. " is NaN or an error if a prediction is NaN", function()
      local x <const> = predictions():detach()
      x[{2, 2}] = NAN
      local value <const>, message <const> = outcome(name, targets(kind), nil, x:requires_grad_())
      if value == nil then assert.matches("input must", message) end
      if name ~= "nll" or value == nil then
        assert.is_true(value == nil or value ~= value, tostring(value))
      end
    end)
  end

  it("nll is NaN if the prediction of a label's class is NaN", function()
    local x <const> = predictions():detach()
    x[{1, 2}] = NAN
    local value <const> = F.nll(x, targets "labels"):item()
    assert.is_true(value ~= value)
  end)
end)

describe("a target of 0", function()
  it("adds 0 to kl_div and cross_entropy, even if the prediction is infinite", function()
    local x <const> = float {{-INF, 0}}:requires_grad_()
    F.kl_div(x, float {{0, 1}}, {reduction = "sum"}):backward()
    assert.same({{0, -1}}, x.grad:totable())
    x.grad = nil
    local entropy <const> = F.cross_entropy(x, float {{0, 1}})
    entropy:backward()
    assert.equal(0, entropy:item())
    assert.same({{0, 0}}, x.grad:totable())
    assert.equal(0, F.kl_div(float {{-1}}, float {{-INF}}, {log_target = true}):item())
  end)
end)

describe("the pieces of a loss", function()
  for name, joint in pairs {smooth_l1 = {beta = 0.7, at = 0.7}, huber = {delta = 1.3, at = 1.3},
    wing = {w = 3, eps = 0.5, at = 3}} do
    local at <const>, options <const> = joint.at, {}
    for key, value in pairs(joint) do
      if key ~= "at" then options[key] = value end
    end
    it("meet with the same value, and the same slope except in wing: " .. name, function()
      for _, sign in ipairs {1, -1} do
        local h <const> = 1e-9
        local x <const> = float {sign * (at - h), sign * at, sign * (at + h)}:requires_grad_()
        local o <const> = {reduction = "none"}
        for key, value in pairs(options) do o[key] = value end
        local y <const> = F[name](x, float {0, 0, 0}, o)
        local v <const> = y:totable()
        assert.near(v[1], v[2], 2e-9)
        assert.near(v[2], v[3], 2e-9)
        y:sum():backward()
        local g <const> = x.grad:totable()
        assert.equal(g[3], g[2])
        if name ~= "wing" then assert.near(g[1], g[3], 1e-8) end -- wing has a kink there
      end
    end)
  end

  it("have slope 1 or -1 at differences of 1e300", function()
    for name, slope in pairs {smooth_l1 = 1, huber = 1, wing = 1, l1 = 1} do
      local x <const> = float {1e300, -1e300}:requires_grad_()
      F[name](x, float {0, 0}, {reduction = "sum"}):backward()
      assert.same({slope, -slope}, x.grad:totable())
    end
  end)
end)
