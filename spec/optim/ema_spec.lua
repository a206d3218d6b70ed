--- optim.EMA, the averages of a network's parameters and running statistics, against sums computed
-- here; frozen parameters; and statistics that are computed again with the averaged parameters.

local braid <const> = require "braid"
local nn <const>, optim <const> = braid.nn, braid.optim

local function network()
  braid.manual_seed(1)
  return nn.Sequential{nn.Conv2d(1, 3, {kernel = 3}), nn.BatchNorm2d(3), nn.ReLU(), nn.Dropout(0.5),
    nn.GlobalAvgPool(), nn.Linear(3, 2)}
end

local function largest(a, b) return (a - b):abs():max():item() end

-- A training step, which changes parameters and statistics.
local function move(net, opt)
  net:train()
  opt:zero_grad()
  net(braid.randn(8, 1, 6, 6)):square():mean():backward()
  opt:step()
end

local function snapshot(net)
  local copy <const> = {}
  for name, t in pairs(net:state_dict()) do copy[name] = t:clone() end
  return copy
end

describe("optim.EMA", function()
  local RULES <const> = {
    exponential = {{decay = 0.8}, function() return 0.8 end},
    ["with warm-up"] = {{decay = 0.8, warmup = true}, function(n)
      return math.min(0.8, (1 + n) / (10 + n))
    end},
    equal = {{average = "equal"}, function(n) return (n - 1) / n end},
  }
  for name, rule in pairs(RULES) do
    it("averages parameters and running statistics by the same rule: " .. name, function()
      local net <const> = network()
      local opt <const> = optim.SGD(net:parameters(), {lr = 0.5})
      local ema <const> = optim.EMA(net, rule[1])
      local wanted <const> = snapshot(net)
      for n = 1, 6 do
        move(net, opt)
        ema:update()
        local d <const> = rule[2](n)
        for key, t in pairs(net:state_dict()) do
          if t.dtype == "float32" then wanted[key] = wanted[key] * d + t * (1 - d) end
        end
      end
      local own <const> = snapshot(net)
      assert.is_true(largest(own["2.running_mean"], wanted["2.running_mean"]) > 1e-4)
      do
        local _ <close> = ema:using()
        for key, t in pairs(net:state_dict()) do
          if t.dtype == "float32" then assert.is_true(largest(t, wanted[key]) < 1e-6, key) end
        end
        assert.equal(6, net:state_dict()["2.num_batches_tracked"]:item())
      end
      for key, t in pairs(net:state_dict()) do
        assert.is_true(t:eq(own[key]):all():item(), key)
      end
    end)
  end

  it("has frozen parameters and statistics unchanged, not averaged", function()
    local net <const> = network()
    local opt <const> = optim.SGD(net:parameters(), {lr = 0.5})
    local ema <const> = optim.EMA(net, {decay = 0.9})
    for _ = 1, 3 do
      move(net, opt)
      ema:update()
    end
    net[2]:freeze()
    local kept <const> = snapshot(net)
    move(net, optim.SGD(net:parameters(), {lr = 0.5}))
    ema:update()
    local _ <close> = ema:using()
    local state <const> = net:state_dict()
    for _, key in ipairs{"2.weight", "2.bias", "2.running_mean", "2.running_var"} do
      assert.is_true(state[key]:eq(kept[key]):all():item(), key)
    end
    assert.is_true(largest(state["1.weight"], kept["1.weight"]) > 1e-4)
  end)

  it("computes statistics again with the averaged parameters, and changes nothing else", function()
    local net <const> = network()
    local opt <const> = optim.SGD(net:parameters(), {lr = 0.5})
    local ema <const> = optim.EMA(net, {decay = 0.9})
    for _ = 1, 5 do
      move(net, opt)
      ema:update()
    end
    local batches <const>, own <const> = {}, snapshot(net)
    for i = 1, 4 do batches[i] = braid.randn(16, 1, 6, 6) + i end
    local averages <const> = {}
    for i, name in ipairs(ema.names) do averages[name] = ema.averages[i]:clone() end
    local at = 0
    net:eval()
    do
      local _ <close> = ema:using{recompute = function()
        at = at + 1
        return batches[at] and {image = batches[at]}
      end}
      assert.is_false(net.training)
      local mean, var = braid.zeros(3), braid.zeros(3)
      for _, x in ipairs(batches) do
        local y <const> = net[1](x):detach()
        mean = mean + y:mean({1, 3, 4}) / 4
        var = var + y:var({1, 3, 4}) / 4
      end
      local state <const> = net:state_dict()
      assert.is_true(largest(state["2.running_mean"], mean) < 1e-5)
      assert.is_true(largest(state["2.running_var"], var) < 1e-4)
      assert.is_true(state["1.weight"]:eq(averages["1.weight"]):all():item())
      assert.equal(own["2.num_batches_tracked"]:item(), state["2.num_batches_tracked"]:item())
    end
    for key, t in pairs(net:state_dict()) do
      assert.is_true(t:eq(own[key]):all():item(), key)
    end
    for i, name in ipairs(ema.names) do
      assert.is_true(ema.averages[i]:eq(averages[name]):all():item(), name)
    end
    assert.equal(0.1, net[2].momentum)
  end)

  it("restores the parameters if computing statistics fails", function()
    local net <const> = network()
    local ema <const> = optim.EMA(net)
    local own <const> = snapshot(net)
    for _, bad in ipairs{function() error("no batch") end, function() end} do
      assert.is_false(pcall(ema.using, ema, {recompute = bad}))
      assert.is_false(ema.swapped)
      for key, t in pairs(net:state_dict()) do
        assert.is_true(t:eq(own[key]):all():item(), key)
      end
    end
  end)

  it("averages only buffers that a module registers as a 'statistic'", function()
    local Mine <const> = require("braid.class")("Mine", nn.Module)
    function Mine:init()
      self.weight = nn.Module.parameter(braid.ones(1))
      self:buffer("seen", braid.zeros(1), "statistic")
      self:buffer("flag", braid.zeros(1))
    end
    local mine <const> = Mine()
    local ema <const> = optim.EMA(mine, {decay = 0.5})
    mine.seen:fill_(4)
    mine.flag:fill_(1)
    ema:update()
    local _ <close> = ema:using()
    assert.same({2, 1}, {mine.seen:item(), mine.flag:item()})
  end)
end)
