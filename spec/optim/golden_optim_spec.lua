--- Optimizers against PyTorch's: the parameters after each of 20 steps on a sum of squares and
-- fourth powers, in float64. spec/support/golden_optim.py wrote the numbers.

local braid <const> = require "braid"
local optim <const> = braid.optim

local golden <const> = assert(braid.load("spec/golden/optim.safetensors"))
local STEPS <const>, TOLERANCE <const> = 20, 1e-10

local CASES <const> = {
  sgd_plain = {"SGD", {lr = 0.05}},
  sgd_momentum = {"SGD", {lr = 0.02, momentum = 0.9, dampening = 0.2, weight_decay = 0.01}},
  sgd_nesterov = {"SGD", {lr = 0.02, momentum = 0.8, nesterov = true}},
  adam = {"Adam", {lr = 0.05}},
  adam_amsgrad = {"Adam", {lr = 0.1, betas = {0.7, 0.9}, eps = 1e-4, weight_decay = 0.05,
    amsgrad = true}},
  adamw = {"AdamW", {lr = 0.05}},
  adamw_amsgrad = {"AdamW", {lr = 0.1, betas = {0.8, 0.95}, weight_decay = 0.2,
    amsgrad = true}},
  rmsprop = {"RMSprop", {}},
  rmsprop_centered = {"RMSprop", {lr = 0.02, alpha = 0.9, eps = 1e-6, momentum = 0.5,
    weight_decay = 0.1, centered = true}},
  rmsprop_momentum = {"RMSprop", {lr = 0.005, momentum = 0.9}},
  adagrad = {"Adagrad", {}},
  adagrad_decay = {"Adagrad", {lr = 0.3, lr_decay = 0.1, weight_decay = 0.05,
    initial_accumulator_value = 0.5, eps = 1e-6}},
  adadelta = {"Adadelta", {}},
  adadelta_fast = {"Adadelta", {lr = 2, rho = 0.7, eps = 1e-3, weight_decay = 0.1}},
  adamax = {"Adamax", {}},
  adamax_decay = {"Adamax", {lr = 0.1, betas = {0.8, 0.9}, eps = 1e-4, weight_decay = 0.1}},
  lbfgs = {"LBFGS", {lr = 0.1, max_iter = 3, history_size = 2}},
  lbfgs_wolfe = {"LBFGS", {max_iter = 4, history_size = 5, line_search_fn = "strong_wolfe"}},
  lbfgs_wolfe_long = {"LBFGS", {lr = 8, max_iter = 2, line_search_fn = "strong_wolfe"}},
  groups = {"SGD", {lr = 0.05, momentum = 0.5}, {{}, {lr_mult = 0.1}}},
}

local function sorted(t)
  local names <const> = {}
  for name in pairs(t) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function value(a, b)
  local total <const> = {}
  for name, x in pairs{a = a, b = b} do
    local d <const> = x - golden["goal/" .. name]
    total[name] = (golden["scale/" .. name] * d * d / 2 + d ^ 4 / 4):sum()
  end
  return total.a + total.b
end

local function start(name) return golden["start/" .. name]:clone():requires_grad_() end

local function made(case, a, b)
  local name <const>, options <const>, groups = case[1], case[2], {a, b}
  if case[3] then
    for i, group in ipairs(case[3]) do
      groups[i] = {params = {groups[i]}, lr_mult = group.lr_mult}
    end
  end
  return optim[name](groups, options)
end

local function take(opt, a, b, steps)
  for _ = 1, steps do
    opt:zero_grad()
    if getmetatable(opt).__name == "LBFGS" then
      opt:step(function()
        opt:zero_grad()
        local loss <const> = value(a, b)
        loss:backward()
        return loss
      end)
    else
      value(a, b):backward()
      opt:step()
    end
  end
end

local function flat(a, b)
  local list <const> = {}
  for _, t in ipairs{a, b} do
    for _, v in ipairs(t:detach():reshape(-1):totable()) do list[#list + 1] = v end
  end
  return list
end

describe("optimizers against PyTorch's", function()
  it("are tested with every case in spec/golden/optim.safetensors", function()
    local names <const> = {}
    for name in pairs(golden) do
      local case <const> = name:match("^run/(.*)")
      if case then names[case] = true end
    end
    assert.same(sorted(names), sorted(CASES))
  end)

  for _, name in ipairs(sorted(CASES)) do
    it("reach the same parameters after each step: " .. name, function()
      local a <const>, b <const> = start "a", start "b"
      local opt <const> = made(CASES[name], a, b)
      local expected <const> = golden["run/" .. name]:totable()
      for step = 1, STEPS do
        take(opt, a, b, 1)
        for i, v in ipairs(flat(a, b)) do
          assert.near(expected[step][i], v, TOLERANCE, ("step %d, element %d"):format(step, i))
        end
      end
    end)

    it("go on from a saved state to the same bits: " .. name, function()
      local a <const>, b <const> = start "a", start "b"
      local opt <const> = made(CASES[name], a, b)
      take(opt, a, b, 7)
      local a2 <const>, b2 <const> = a:detach():clone():requires_grad_(),
        b:detach():clone():requires_grad_()
      local second <const> = made(CASES[name], a2, b2)
      second:load_state_dict(opt:state_dict())
      take(opt, a, b, 6)
      take(second, a2, b2, 6)
      assert.same(flat(a, b), flat(a2, b2))
      assert.equal(13, second.steps)
    end)
  end
end)
