--- Training of a network of columns: mtl.early_stopping, mtl.mutual and net:penalty, against values
-- worked out by hand.

local braid <const> = require "braid"
local nn <const>, mtl <const> = braid.nn, braid.mtl

local columns <const> = require "spec.support.small_columns"

local head <const>, build <const> = columns.head, columns.build

local function fails(f, message) assert.error_matches(f, message, 1, true) end

describe("mtl.early_stopping", function()
  -- Equation 4 sums over j = t - k .. t.
  it("computes the criterion over k + 1 epochs", function()
    -- k = 3: 3 * median 2.5 = 7.5, sum = 11, 7.5 / (11 - 7.5); (2 - 1) / (0.5 * 1)
    local criterion <const> = mtl.early_stopping.criterion
    assert.near(7.5 / 3.5 * 2, criterion({5, 3, 2, 1}, {1, 3, 1.5, 2}, 0.5), 1e-12)
    -- 3 * median 2 = 6, sum = 7
    assert.near(6 / 1 * 2, criterion({2, 2, 2, 1}, {1, 3, 1.5, 2}, 0.5), 1e-12)
    -- k = 4: 4 * median 3 = 12, sum = 22.5, 12 / (22.5 - 12); (3 - 2) / (1 * 2)
    assert.near(12 / 10.5 / 2, criterion({9, 6, 3, 2.5, 2}, {5, 4, 2, 2.5, 3}, 1), 1e-12)
    assert.near(4, criterion({1, 3, 3}, {1, 1, 3}, 0.5) / 6, 1e-12) -- 2 * median 3 = 6, sum = 7
    assert.equal(0, criterion({2, 2}, {2, 1}, 1))
    assert.equal(1, criterion({2, 2}, {1, 2}, 1)) -- k = 1: 2 / (4 - 2)
  end)

  it("stops an auxiliary task, but never the main task or any in the first epochs", function()
    local own <const> = mtl.tasks{main = mtl.classes{2}, aux = mtl.classes{2, weight = 0.5},
      fine = mtl.classes{2}}
    local stopping <const> = mtl.early_stopping(own,
      {main = "main", window = 3, epsilon = function(lambda) return 15 * lambda end})
    -- Four losses of 2: 6 / (8 - 6) = 3, times (4 - 1) / (0.5 * 1) = 6: 18 above 7.5.
    for epoch = 1, 5 do
      local ended <const> = stopping:step({main = 2, aux = 2, fine = 2},
        {main = epoch, aux = epoch, fine = 1})
      if epoch == 4 then assert.same({aux = 18}, ended) else assert.same({}, ended) end
    end
    assert.equal(0, own.aux.weight)
    assert.equal(1, own.main.weight)
    assert.same({aux = 4}, stopping.stopped)
  end)

  it("goes on the same after state_dict and load_state_dict", function()
    local function fresh()
      local own <const> = mtl.tasks{main = mtl.classes{2}, aux = mtl.classes{2, weight = 0.5},
        late = mtl.classes{2}}
      return mtl.early_stopping(own, {main = "main", window = 2, epsilon = 3}), own
    end
    local function told(stopping, from, to)
      local events <const> = {}
      for epoch = from, to do
        for name, value in pairs(stopping:step({main = 1, aux = 1, late = 4 / epoch},
          {main = 1, aux = epoch, late = math.max(1, epoch - 3)})) do
          events[#events + 1] = ("%d %s %.6f"):format(epoch, name, value)
        end
      end
      return events
    end
    local whole <const> = told(fresh(), 1, 9)
    assert.is_true(#whole > 1)
    for cut = 0, 8 do
      local first <const> = fresh()
      local events <const> = told(first, 1, cut)
      local second <const>, tasks_of <const> = fresh()
      second:load_state_dict(first:state_dict())
      for name in pairs(first.stopped) do assert.equal(0, tasks_of[name].weight) end
      for _, e in ipairs(told(second, cut + 1, 9)) do events[#events + 1] = e end
      assert.same(whole, events)
    end
  end)

  it("refuses a state that is not one of mtl.early_stopping", function()
    local stopping <const> = mtl.early_stopping(mtl.tasks{a = mtl.classes{2}}, {window = 2})
    fails(function() stopping:load_state_dict(5) end,
      "load_state_dict: this is not the state of an mtl.early_stopping: 5")
    local state <const> = stopping:state_dict()
    state.epoch = 2
    fails(function() stopping:load_state_dict(state) end,
      "load_state_dict: training of task 'a' must be a list of 2 losses, not")
  end)
end)

describe("mtl.mutual", function()
  -- Two columns with the weights (1, 2) and (3, -1), whose squared distance is 13.
  local function net_of(stacked)
    local two <const> = mtl.tasks{a = mtl.classes{2}, b = mtl.classes{2}}
    local b <const> = nn.backbone({{"conv", function()
      return nn.Conv2d(1, 2, {kernel = 1}) end}}, {channels = 1})
    local net <const> = mtl.columns(two, b, {stacked = stacked}):heads(head)
    local state <const> = net:state_dict()
    state["columns.a.conv.weight"]:copy_(braid.tensor{1, 2}:reshape(2, 1, 1, 1))
    state["columns.b.conv.weight"]:copy_(braid.tensor{3, -1}:reshape(2, 1, 1, 1))
    return net
  end

  it("brings new columns as near to each other by 'exponential' as by 'l2'", function()
    local function drawn(form)
      braid.manual_seed(1)
      local net <const> = mtl.network{tasks = mtl.tasks{a = mtl.classes{2}, b = mtl.classes{2}},
        blocks = nn.backbone("tcdcn")}
      local opt <const> = braid.optim.Adam(net.columns:parameters(), {lr = 1e-3})
      local apart, largest_gradient
      for _ = 0, 20 do
        opt:zero_grad()
        local loss <const> = mtl.mutual(net, {form = form, weight = 1})
        loss:backward()
        local g = 0
        for _, p in ipairs(net.columns:parameters()) do
          if p.grad then g = math.max(g, p.grad:abs():max():item()) end
        end
        largest_gradient = largest_gradient or g
        apart = mtl.mutual(net, {weight = 1}):item()
        opt:step()
      end
      return largest_gradient, apart
    end
    local g2 <const>, d2 <const> = drawn("l2")
    local ge <const>, de <const> = drawn("exponential")
    assert.is_true(ge > 0.9 * g2 and ge < 1.5 * g2)
    assert.is_true(de < 1.1 * d2 and d2 < 80) -- the distance is 195 at first
  end)

  it("has three forms, with the same values stacked and in a list", function()
    -- singular values of {{1, 2}, {3, -1}}: the roots of the eigenvalues of {{5, 1}, {1, 10}}
    local root <const> = math.sqrt(29)
    local trace <const> = math.sqrt((15 + root) / 2) + math.sqrt((15 - root) / 2)
    for _, stacked in ipairs{true, false} do
      local net <const> = net_of(stacked)
      assert.near(13, mtl.mutual(net, {weight = 1}):item(), 1e-5)
      -- A column has two weights, so it is 2 (exp(13 / 2) - 1). With scale = 1 it is equation 4 of
      -- Rozantsev et al.
      assert.near(0.2 * (math.exp(6.5) - 1),
        mtl.mutual(net, {form = "exponential", weight = 0.1}):item(), 1e-3)
      assert.near(0.1 * (math.exp(13) - 1),
        mtl.mutual(net, {form = "exponential", weight = 0.1, scale = 1}):item(), 0.1)
      assert.near(trace, mtl.mutual(net, {form = "trace", weight = 1}):item(), 1e-5)
    end
    fails(function() mtl.mutual(net_of(true), {form = "l3"}) end,
      "mtl.mutual: form must be \"l2\", \"exponential\" or \"trace\", not \"l3\"")
    assert.near(13, mtl.mutual(net_of(true), {weight = 1, blocks = "conv"}):item(), 1e-5)
    fails(function() mtl.mutual(net_of(true), {weight = "x"}) end,
      "weight must be a number from 0, not \"x\"")
    fails(function()
      local two <const> = mtl.tasks{a = mtl.classes{2}, b = mtl.classes{2}}
      local b <const> = nn.backbone({{"relu", nn.ReLU()}}, {channels = 2})
      mtl.mutual(mtl.columns(two, b):heads(head))
    end, "mtl.mutual: relu has no weight to compare; name blocks with convolutions or linear "
      .. "layers")
  end)

  it("has the gradient of the trace norm, against differences", function()
    local net <const> = net_of(false)
    local w <const> = net.columns.a.conv.weight
    mtl.mutual(net, {form = "trace", weight = 1}):backward()
    for k = 1, 2 do
      local value <const> = w[{k, 1, 1, 1}]:item()
      local ends <const> = {}
      for i, step in ipairs{1e-2, -1e-2} do
        braid.no_grad(function() w[{k, 1, 1, 1}] = value + step end)
        ends[i] = mtl.mutual(net, {form = "trace", weight = 1}):item()
      end
      braid.no_grad(function() w[{k, 1, 1, 1}] = value end)
      assert.near((ends[1] - ends[2]) / 2e-2, w.grad[{k, 1, 1, 1}]:item(), 1e-3)
    end
  end)
end)

describe("net:penalty", function()
  it("is set by net:mutual for that network and its later clones only", function()
    local net <const> = build()
    net:clone():mutual{}
    assert.is_nil(net:penalty())
    assert.is_truthy(net:clone():mutual{}:clone():penalty())
  end)

  it("of mtl.sluice sums the squared products of subspaces, stacked and in a list", function()
    local list <const> = build(mtl.sluice{}, {stacked = false})
    local total = 0
    for _, name in ipairs(list.names) do
      for _, block in ipairs{"conv1", "conv2"} do
        local w <const> = list.columns[name][block][1].weight
        local rows <const> = w:size(1) // 2
        local g1 <const> = w:narrow(1, 1, rows):reshape(rows, -1)
        local g2 <const> = w:narrow(1, rows + 1, rows):reshape(rows, -1)
        total = total + g1:matmul(g2:t()):square():sum():item()
      end
    end
    assert.near(total, list:penalty():item(), 1e-5)
    local stacked <const> = list:clone()
    assert.is_true((stacked:stack()))
    assert.near(total, stacked:penalty():item(), 1e-5)
    assert.is_nil(build(mtl.ttc{}):penalty())
  end)

  it("is the sum of the penalties of net:mutual and of the mixers, if these have any",
    function()
      for _, stacked in ipairs{true, false} do
        for subspaces = 1, 3 do
          local net <const> = build(mtl.sluice{subspaces = subspaces}, {stacked = stacked})
          local own <const> = net:penalty()
          assert.equal(subspaces == 1, own == nil)
          local drawn <const> = mtl.mutual(net, {weight = 0.5}):item()
          local sum <const> = drawn + (own and own:item() or 0)
          assert.near(sum, net:mutual{weight = 0.5}:penalty():item(), 1e-5 * sum)
        end
      end
    end)
end)
