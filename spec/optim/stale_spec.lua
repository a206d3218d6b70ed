--- Optimizers that were made before a network got new parameters or began to train others. The next
-- step, or the network's next run in training, raises an error. Intended changes raise none.

local braid <const> = require "braid"
local nn <const>, mtl <const>, optim <const> = braid.nn, braid.mtl, braid.optim

local tasks <const> = mtl.tasks{a = mtl.classes{2}, b = mtl.classes{3}}
local x <const> = braid.randn(4, 1, 5, 5)

local function conv(c)
  return nn.Sequential{nn.Conv2d(c, 4, {kernel = 3}), nn.BatchNorm2d(4), nn.ReLU()}
end

local function build(mixer, o)
  local blocks <const> = nn.backbone({{"one", conv}, {"two", conv}}, {channels = 1})
  local net <const> = mtl.columns(tasks, blocks, o)
  if mixer then net:mix("*", mixer) end
  return net:heads(function(task, c) return nn.Sequential{nn.GlobalAvgPool(),
    nn.Linear(c, task.size)} end)
end

local function step(net, opt)
  local total = 0
  opt:zero_grad()
  for _, y in pairs(net(x:to(net.head.a[2].weight.dtype))) do total = total + y:square():sum() end
  total:backward()
  opt:step()
end

local function adam(net) return optim.Adam(net:parameters(), {lr = 0.01}) end

local CHANGES <const> = {
  ["add_task without a mixer"] = {nil, function(net) net:add_task("c", mtl.classes{2}) end,
    "columns.c.one.1.bias, because add_task made new parameters"},
  remove_task = {nil, function(net) net:remove_task("b") end,
    ", because the loss of a task made new parameters"},
  unstack = {mtl.ttc{}, function(net) net:unstack() end,
    "columns.a.one.1.bias, because unstack made new parameters"},
  ["freeze(task)"] = {mtl.nddr{}, function(net) net:freeze("b") end,
    "columns.a.one.1.bias, because unstack made new parameters"},
  ["to(dtype)"] = {mtl.nddr{}, function(net) net:to("float64") end,
    "which was made, or began to train"},
  ["to(dtype) and back"] = {mtl.nddr{}, function(net) net:to("float64"):to("float32") end,
    "which was made, or began to train, after the newest optimizer"},
  ["a head was set by hand"] = {nil, function(net)
    net.head.a = nn.Sequential{nn.GlobalAvgPool(), nn.Linear(4, 2)}
  end, "head.a.2.bias, which was made, or began to train"},
}

describe("an optimizer that was made before", function()
  for name, case in pairs(CHANGES) do
    it(name .. " causes an error at the network's next run in training", function()
      for steps = 0, 1 do
        local net <const> = build(case[1])
        local opt <const> = adam(net)
        for _ = 1, steps do step(net, opt) end
        case[2](net)
        assert.error_matches(function() step(net, opt) end, case[3], 1, true)
        local image <const> = x:to(net.head.a[2].weight.dtype)
        -- A run without gradients raises no error.
        assert.is_table(braid.no_grad(function() return net(image) end))
        step(net, adam(net))
      end
    end)
  end

  it("net:unfreeze of parameters that it lacks causes an error", function()
    local net <const> = build():train_only{"heads"}
    local heads <const> = {}
    for _, head in pairs(net.head) do table.move(head:parameters(), 1, 2, #heads + 1, heads) end
    local opt <const> = optim.SGD(heads, {lr = 0.1})
    step(net, opt)
    net:unfreeze()
    assert.error_matches(function() step(net, opt) end, "no optimizer holds columns.stacked.one.1."
      .. "bias, which was made, or began to train", 1, true)
  end)

  it("unstack causes an error also if making another optimizer failed", function()
    local net <const> = build()
    local opt <const> = adam(net)
    net:unstack():freeze()
    assert.has_error(function() adam(net) end)
    net:unfreeze()
    assert.error_matches(function() step(net, opt) end, "no optimizer holds columns.a", 1, true)
  end)

  it("module:to(dtype) raises an error at its next step, and so does an EMA", function()
    local layer <const> = nn.Linear(3, 2)
    local opt <const>, ema <const> = optim.SGD(layer:parameters()), optim.EMA(layer)
    layer:to("float64")
    layer(braid.randn(4, 3, {dtype = "float64"})):sum():backward()
    assert.error_matches(function() opt:step() end, "SGD: parameter 1 (2) is no longer in its "
      .. "network: net:unstack(), net:to(dtype) or another operation has put a new tensor in its "
      .. "place; make what holds it anew, with net:parameters()", 1, true)
    assert.error_matches(function() ema:update() end, "EMA: the module has a new tensor bias, "
      .. "which the averages lack: make them anew, optim.EMA(module)", 1, true)
    optim.SGD(layer:parameters()):step()
  end)

  it("net:stage(2) trains all parts of the second stage, without an error", function()
    for _, steps in ipairs{0, 1} do
      local net <const> = build(mtl.separation{form = "channelwise", fine_tune = true})
      local opt <const> = adam(net)
      for _ = 1, steps do step(net, opt) end
      net:stage(2)
      local before <const> = net:clone():state_dict()
      step(net, opt)
      for path, t in pairs(net:state_dict()) do
        local own <const> = path:find("^columns") or path:find("^mixer") or path:find("^head")
        assert.equal(own ~= nil, t:ne(before[path]):any():item(), path)
      end
    end
  end)
end)

describe("no error is raised for", function()
  it("an optimizer of some parameters, made when the others existed", function()
    local net <const> = build(mtl.ttc{})
    local opt <const> = optim.SGD(net.head.a:parameters(), {lr = 0.1})
    step(net, opt)
    step(net, opt)
  end)

  it("two optimizers of one network, the second for a later task's parameters", function()
    local net <const> = build()
    local first <const> = adam(net)
    step(net, first)
    net:add_task("c", mtl.classes{2}, {freeze = "others"})
    local late <const> = {}
    for name, p in net:named_parameters() do
      if name:find("%.c%.") then late[#late + 1] = p end
    end
    step(net, optim.SGD(late, {lr = 0.1}))
    net:unfreeze()
    step(net, first)
  end)

  it("frozen parts, evaluation, clones, a new optimizer, and a group added later", function()
    local net <const> = build(mtl.cross_stitch{})
    local opt <const> = adam(net)
    step(net, opt)
    assert.is_table(net:clone()(x))
    net:freeze{"mixers"}
    step(net, opt)
    net:unfreeze()
    step(net, opt)
    net:unstack():eval()
    assert.is_table(net(x))
    step(net:train(), adam(net))
    local other <const> = build()
    local own <const> = adam(other)
    other:add_task("c", mtl.classes{2})
    local fresh <const> = {}
    for name, p in other:named_parameters() do
      if name:find("%.c%.") then fresh[#fresh + 1] = p end
    end
    own:add_group{params = fresh}
    step(other, own)
  end)

  it("an optimizer of all parameters if only frozen ones were replaced", function()
    local net <const> = build():train_only{"heads"}
    local opt <const> = adam(net)
    step(net, opt)
    step(net:unstack(), opt)
  end)
end)

describe("a network that is left with one column", function()
  it("has a penalty of 0 from net:mutual", function()
    for _, form in ipairs{"l2", "exponential", "trace"} do
      local net <const> = build():mutual{form = form, weight = 1}
      assert.is_true(net:penalty():item() > 0)
      net:remove_task("b")
      assert.equal(0, net:penalty():item())
      assert.equal("float64", net:to("float64"):penalty().dtype)
    end
  end)

  it("has no mixers, until net:add_task makes new ones", function()
    local net <const> = build(mtl.ttc{start = 0}):extract("a")
    assert.is_nil(next(net.mixer))
    net:add_task("b", mtl.classes{3})
    assert.same({{1, 0}, {0, 1}}, net:transfer().weights.two)
  end)
end)
