--- mtl.ttc_update against algorithm 1 of Fang et al. 2017, computed line by line in plain Lua. Each
-- column has one weight.

local braid <const> = require "braid"
local mtl <const>, nn <const>, optim <const> = braid.mtl, braid.nn, braid.optim

local NAMES <const>, RATE <const>, BETA_RATE <const> = {"a", "b", "c"}, 0.05, 3
local START <const> = 0.3
-- The batch of each turn: an input and a target.
local SAMPLES <const> = { {1.0, 2.0}, {0.5, -1.0}, {-1.5, 0.5}, {2.0, 1.0}, {1.0, -0.5} }

local function sigmoid(b) return 1 / (1 + math.exp(-b)) end

-- Lines 3 to 13 for the columns that take part in a turn; changes the state.
-- state: w (equation 9), beta (equation 8), v (the last V of each column, equation 10).
local function turn_by_hand(state, present, sample, cost)
  local x <const>, y <const>, g <const>, v <const> = sample[1], sample[2], {}, {}
  for i in pairs(present) do g[i] = 2 * (state.w[i] * x - y) * x end -- dc_i/dW_i
  -- Lines 8 to 13 are of the previous step, because the cost of its weights is known only now.
  for i, row in ipairs(state.beta) do
    for j in ipairs(row) do
      local slope <const> = g[cost == "i" and i or j]
      if i ~= j and slope and state.v[j] then
        local alpha <const> = sigmoid(row[j])
        row[j] = row[j] - BETA_RATE * slope * state.v[j] * alpha * (1 - alpha) -- equation 11
      end
    end
  end
  for j in pairs(present) do v[j] = -RATE * g[j] end
  for i in ipairs(state.w) do -- line 5
    for j, step in pairs(v) do
      state.w[i] = state.w[i] + (i == j and 1 or sigmoid(state.beta[i][j])) * step
    end
  end
  for j, step in pairs(v) do state.v[j] = step end
end

local function network()
  local tasks <const> = mtl.tasks{a = mtl.real{}, b = mtl.real{}, c = mtl.real{}}
  local net <const> = mtl.network{tasks = tasks, stacked = false,
    heads = function() return nn.Identity() end,
    blocks = nn.backbone({{"one", function(c) return nn.Linear(c, 1, {bias = false}), 1 end}},
      {channels = 1})}:to("float64")
  for i, name in ipairs(NAMES) do net.columns[name].one.weight:detach():fill_(0.1 * i) end
  return net
end

-- A turn of the network on the labels of `present`.
local function turn(net, opt, present, sample)
  local function number(v) return braid.tensor({{v}}, {dtype = "float64"}) end
  local batch <const> = {image = number(sample[1])}
  for i, name in ipairs(NAMES) do batch[name] = number(present[i] and sample[2] or 0 / 0) end
  local out <const> = net(batch.image, {tasks = net.tasks:present(batch)})
  local loss <const> = net.tasks:loss(out, batch)
  opt:zero_grad()
  loss:backward()
  opt:step()
end

-- The tasks that take part in each turn.
local PLANS <const> = {
  ["all tasks at once"] = { {1, 2, 3} }, ["tasks in turns"] = { {1}, {2}, {3} },
  ["turns in another order"] = { {3}, {1}, {1}, {2} }, ["two tasks in a turn"] = { {1, 2}, {3} },
}

describe("mtl.ttc_update follows algorithm 1:", function()
  for plan, turns in pairs(PLANS) do
    for _, cost in ipairs{"i", "j"} do
      it(("%s, the cost c_%s"):format(plan, cost), function()
        local net <const> = network()
        local opt <const> = mtl.ttc_update(net, optim.SGD(net:parameters(), {lr = RATE}),
          {start = START, beta_lr = BETA_RATE, cost = cost})
        local first <const> = math.log(START / (1 - START))
        local state <const> = {w = {0.1, 0.2, 0.3}, v = {}, beta = {{first, first, first},
          {first, first, first}, {first, first, first}}}
        for t = 1, 12 do
          local present <const>, sample <const> = {}, SAMPLES[t % #SAMPLES + 1]
          for _, i in ipairs(turns[t % #turns + 1]) do present[i] = true end
          turn_by_hand(state, present, sample, cost)
          turn(net, opt, present, sample)
        end
        local alpha <const> = opt:alpha().one
        for i, name in ipairs(NAMES) do
          assert.near(state.w[i], net.columns[name].one.weight:item(), 1e-12)
          for j in ipairs(NAMES) do
            local wanted <const> = i == j and 1 or sigmoid(state.beta[i][j])
            assert.near(wanted, alpha[i][j], 1e-12)
            assert.is_true(i == j or math.abs(alpha[i][j] - START) > 1e-4, "no connection is dead")
          end
        end
      end)
    end
  end
end)
