--- Every optimizer refuses parameters that cannot be trained, options that were changed to wrong
-- values, and states that are damaged or of other optimizers.

local braid <const> = require "braid"
local nn <const>, optim <const> = braid.nn, braid.optim

local ALL <const> = {"Adadelta", "Adagrad", "Adam", "Adamax", "AdamW", "LBFGS", "RMSprop", "SGD"}

local function parameter(n) return braid.ones(n or 2):requires_grad_() end

local function refused(message, f)
  local ok <const>, got <const> = pcall(f)
  assert(not ok, "accepted, but: " .. message)
  assert.matches("^spec/optim/refused_spec.lua:%d+: ", got)
  assert.matches(message, got, 1, true)
end

local p <const> = parameter()
local PARAMETERS <const> = {
  ["there are no parameters to train"] = {},
  ["wants the parameters, net:parameters(), not a Linear itself"] = nn.Linear(2, 2),
  ["wants a list of parameters such as {p}, not a tensor (2)"] = p,
  ["wants a list of parameters such as net:parameters(), not a function"] =
    nn.Linear(2, 2):named_parameters(),
  ["not a table by name"] = nn.Linear(2, 2):state_dict(),
  ["parameter 2 must be a tensor, not \"x\""] = {p, "x"},
  ["parameter 1 is int64; only float32 and float64 can be trained"] =
    {braid.ones({2}, {dtype = "int64"})},
  ["parameter 1 is bool"] = {braid.tensor{true}},
  ["parameter 1, a tensor (2), was computed by an operator"] = {p * 2},
  ["parameter 2 is the same tensor as parameter 1; a step would move it twice"] = {p, p},
  ["parameter 1 is the same tensor as parameter 1 of group 1"] = { {params = {p}}, {params = {p}} },
  ["there is nothing to train: no parameter requires a gradient"] = {braid.ones(2)},
  ["group 1 must be {params = {...}}"] = { {p} },
  ["group 1: there are no parameters to train"] = { {params = {}} },
}

describe("an optimizer", function()
  for _, name in ipairs(ALL) do
    local make <const> = optim[name]

    it("refuses what cannot be trained: " .. name, function()
      for message, list in pairs(PARAMETERS) do
        refused(message, function() make(list) end)
      end
      refused("wants a list of parameters such as net:parameters(), not nil", function() make() end)
    end)

    it("accepts frozen parameters if others can be trained: " .. name, function()
      make{p, braid.ones(2)}
    end)

    it("raises an error in the next step after an option was set wrong: " .. name, function()
      for _, change in ipairs{
        {"lr", "0.1"}, {"lr", -1}, {"lr", 0 / 0}, {"lr", math.huge}, {"lr", nil}, {"lr_mult", {}},
      } do
        local opt <const> = make{parameter()}
        opt.groups[1][change[1]] = change[2]
        refused(("%s: group 1: %s must be a "):format(name, change[1]), function()
          opt:step(function() return 0 end)
        end)
      end
      local opt <const> = make{parameter()}
      for _, factor in ipairs{"1", -1, 0 / 0, math.huge} do
        opt.factor = factor
        refused(name .. ": factor must be a ", function() opt:step(function() return 0 end) end)
      end
    end)

    it("refuses a state that is not its own: " .. name, function()
      local function trained()
        local x <const> = parameter()
        local opt <const> = make({x}, name == "SGD" and {momentum = 0.9} or nil)
        for _ = 1, 2 do
          opt:step(function()
            opt:zero_grad()
            local loss <const> = (x * x):sum()
            loss:backward()
            return loss
          end)
        end
        return opt
      end
      local function spoilt(message, f)
        local opt <const>, dict <const> = trained(), trained():state_dict()
        local given <const> = f(dict) or dict
        refused(message, function() opt:load_state_dict(given) end)
      end
      trained():load_state_dict(trained():state_dict())
      refused("this is not the state of an optimizer", function() trained():load_state_dict() end)
      for key, values in pairs{steps = {-1, 1.5, "1", 0 / 0}, factor = {-1, "1", 0 / 0}} do
        for _, value in ipairs(values) do
          spoilt(("load_state_dict: %s must be"):format(key), function(d) d[key] = value end)
        end
      end
      spoilt("this is not the state", function(d) d.groups = nil end)
      spoilt("it has 0 groups", function(d) d.groups = {} end)
      spoilt("group 1 is 3, not a table with params", function(d) d.groups[1] = 3 end)
      spoilt("group 1 has 0 parameters", function(d) d.groups[1].params = {} end)
      spoilt("group 1: lr must be a number from 0", function(d) d.groups[1].lr = "0.1" end)
      spoilt("group 1: there is no option 'rate'", function(d) d.groups[1].rate = 1 end)
      spoilt("parameter 1: its state is 3", function(d) d.state[1] = 3 end)
      spoilt("a state for parameter 7, of 1", function(d) d.state[7] = {} end)
      local tensors = 0
      for key, value in pairs(trained():state_dict().state[1]) do
        if braid.is_tensor(value) then
          tensors = tensors + 1
          spoilt(("'%s'"):format(key), function(d) d.state[1][key] = value:reshape(1, 2) end)
          spoilt(("'%s'"):format(key), function(d) d.state[1][key] = value:to("float64") end)
          spoilt(("'%s' has values that are not finite"):format(key), function(d)
            d.state[1][key] = value * (0 / 0)
          end)
          spoilt(key, function(d) d.state[1][key] = "x" end)
          if name ~= "LBFGS" then spoilt(key, function(d) d.state[1][key] = nil end) end
        elseif type(value) == "number" then
          spoilt(key, function(d) d.state[1][key] = 0 / 0 end)
          spoilt(key, function(d) d.state[1][key] = "1" end)
        end
      end
      assert.is_true(tensors > 0)
      spoilt("nonsense", function(d) d.state[1].nonsense = braid.ones(2) end)
    end)
  end

  it("refuses opt.lr = 0.1, because groups have the rates", function()
    for _, name in ipairs(ALL) do
      local opt <const> = optim[name]{p}
      refused("an optimizer has no lr of its own, its groups have: opt.groups[1].lr = ...",
        function() opt.lr = 0.1 end)
      refused("an optimizer has no params of its own", function() opt.params = {} end)
      opt.note = "mine"
      opt.factor = 0.5
    end
  end)

  it("can get momentum later, which begins as if at the first step", function()
    local a <const>, b <const> = parameter(), parameter()
    local late <const>, plain <const> = optim.SGD({a}, {lr = 0.1}), optim.SGD({b}, {lr = 0.1})
    local function step(opt, x)
      opt:zero_grad();
      (x * x):sum():backward()
      opt:step()
    end
    step(late, a)
    step(plain, b)
    late.groups[1].momentum = 0.9
    step(late, a)
    step(plain, b)
    assert.same(b:totable(), a:totable()) -- the first gradient with momentum is the gradient
    step(late, a)
    step(plain, b)
    assert.is_true(a[1]:item() < b[1]:item())
    late.groups[1].momentum = 0 -- the buffer of momentum stays in the state
    optim.SGD({a}):load_state_dict(late:state_dict())
  end)

  it("is named in errors, also if it derives from another, as AdamW from Adam", function()
    refused("AdamW: lr must be a number from 0, not -1", function()
      optim.AdamW({p}, {lr = -1})
    end)
  end)
end)
