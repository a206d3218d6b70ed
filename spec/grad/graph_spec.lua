--- Tests unusual modules: modules that hold each other, parts in places that are not searched,
-- plain tensors, and forward functions and mixers that return a wrong value.

local braid = require "braid"
local class = require "braid.class"
local nn <const>, mtl <const>, optim <const> = braid.nn, braid.mtl, braid.optim

-- Every operation that walks a module.
local OPERATIONS <const> = {
  parameters = function(m) return m:parameters() end,
  named_parameters = function(m)
    local names <const> = {}
    for name in m:named_parameters() do names[#names + 1] = name end
    return names
  end,
  own_parameters = function(m) return m:own_parameters() end,
  buffers = function(m) return m:buffers() end,
  state_dict = function(m) return m:state_dict() end,
  load_state_dict = function(m) return m:load_state_dict(m:clone():state_dict()) end,
  clone = function(m) return m:clone() end,
  to = function(m) return m:to("float64"):to("float32") end,
  train = function(m) return m:train():eval() end,
  evaluating = function(m) local _ <close> = m:evaluating() end,
  freeze = function(m) return m:freeze():unfreeze() end,
  find = function(m) return m:find(nn.Linear) end,
  apply = function(m) return m:apply(function() end) end,
  count_parameters = function(m) return m:count_parameters() end,
  tostring = function(m) return tostring(m) end,
  summary = function(m) return tostring(m:summary{2}) end,
}

local function with_itself()
  local m <const> = nn.Sequential{nn.Linear(2, 2)}
  m.me = m
  return m, 2
end

local function partners()
  local a <const>, c <const> = nn.Sequential{nn.Linear(2, 2)}, nn.Sequential{nn.Linear(2, 2)}
  a.partner, c.partner = c, a
  return a, 4
end

local function table_in_itself()
  local m <const> = nn.Sequential{nn.Linear(2, 2)}
  m.parts = {extra = nn.Linear(2, 2)}
  m.parts.again = m.parts
  return m, 4
end

-- 40 modules, each of which holds the module below it twice: 2^40 paths.
local function diamonds()
  local m = nn.Sequential{nn.Linear(2, 2)}
  for _ = 1, 40 do
    local upper <const> = nn.Sequential{m}
    upper.again = m
    m = upper
  end
  return m, 2
end

describe("a module that can be reached in many ways", function()
  for name, make in pairs{itself = with_itself, partners = partners, table = table_in_itself,
    diamonds = diamonds} do
    for operation, run in pairs(OPERATIONS) do
      it(("has each parameter once, also after %s: %s"):format(operation, name), function()
        local m <const>, parameters <const> = make()
        run(m)
        assert.equal(parameters, #m:parameters())
      end)
    end
  end

  it("has one name in its state, and is loaded under any of its paths", function()
    local shared <const> = nn.Linear(2, 2)
    local net <const> = nn.Sequential{nn.ReLU()}
    net.encoder, net.decoder = shared, shared
    local names <const> = {}
    for name in pairs(net:state_dict()) do names[#names + 1] = name end
    table.sort(names)
    assert.same({"decoder.bias", "decoder.weight"}, names)
    local w <const>, b <const> = braid.randn(2, 2), braid.randn(2)
    net:load_state_dict{["encoder.weight"] = w, ["decoder.bias"] = b}
    assert.same({w:totable(), b:totable()}, {shared.weight:totable(), shared.bias:totable()})
    net:load_state_dict{["encoder.weight"] = w, ["decoder.weight"] = w, ["encoder.bias"] = b,
      ["decoder.bias"] = b}
    assert.error_matches(function() net:load_state_dict{["encoder.weight"] = w} end,
      "missing: decoder.bias; unexpected: $")
  end)

  it("with one tensor under two names has one parameter, and loads it from either name", function()
    local net <const> = nn.Sequential{nn.Linear(3, 3, {bias = false}),
      nn.Linear(3, 3, {bias = false})}
    net[2].weight = net[1].weight
    assert.equal(1, #net:parameters())
    local state <const> = net:state_dict()
    assert.same(state["1.weight"]:totable(), state["2.weight"]:totable())
    local w <const> = braid.randn(3, 3)
    net:load_state_dict{["2.weight"] = w}
    assert.same(w:totable(), net[1].weight:totable())
    net:to("float64")
    assert.equal(net[1].weight, net[2].weight)
  end)

  it("prints each part once, and very deep parts only by name", function()
    local text <const> = tostring((with_itself()))
    assert.equal("Sequential()\n  1: Linear(2, 2)\n  me: Sequential() as above", text)
    local m = nn.Sequential{nn.ReLU()}
    for _ = 1, 2000 do m = nn.Sequential{m} end
    assert.is_true(#tostring(m) < 20000)
  end)
end)

describe("a part in a place that is not searched", function()
  local function refused(change, message)
    for _, operation in ipairs{"parameters", "state_dict", "clone_parameters", "freeze", "to"} do
      local net <const> = nn.Sequential{nn.Linear(2, 2)}
      change(net)
      assert.error_matches(function()
        if operation == "to" then net:to("float64")
        elseif operation == "clone_parameters" then net:clone():parameters()
        else net[operation](net) end
      end, message, 1, true)
    end
  end

  it("is refused in an object, and under a key that is neither a name nor a number", function()
    local Box <const> = {__name = "Box"}
    refused(function(net) net.box = setmetatable({inner = nn.Linear(2, 2)}, Box) end,
      "Sequential: 'box' is an object with a metatable, in which no parameters are looked for")
    refused(function(net)
      net.box = setmetatable({deep = {braid.randn(2):requires_grad_()}}, Box)
    end, "Sequential: 'box' is an object with a metatable")
    refused(function(net) net.parts = {[true] = nn.Linear(2, 2)} end,
      "Sequential: 'parts' holds a part under a key that is a boolean")
    refused(function(net) net.parts = {[{}] = {nn.Linear(2, 2)}} end,
      "Sequential: 'parts' holds a part under a key that is a table")
    refused(function(net) net.parts = {[nn.Linear(2, 2)] = 1} end,
      "Sequential: 'parts' holds a part under a key that is a table")
  end)

  it("is ignored if it is no module: an object of numbers, tasks, data", function()
    local net <const> = nn.Sequential{nn.Linear(2, 2)}
    net.tasks = mtl.tasks{a = mtl.classes{2}}
    net.box = setmetatable({1, "two", {mean = braid.zeros(3)}}, {__name = "Box"})
    net.flags = {[true] = 1}
    assert.equal(2, #net:parameters())
  end)
end)

describe("a plain tensor in a module", function()
  local Net <const> = class("Net", nn.Module)
  function Net:init(t) self.w = t end
  function Net:forward(x) return x * self.w end

  it("is refused as a parameter, and the error says how to declare it", function()
    assert.error_matches(function() Net(braid.randn(2)):parameters() end,
      "parameters: w is a plain float32 tensor, which no optimizer would change; "
      .. "nn.Module.parameter(t) makes it a parameter, self:buffer(\"w\", t) keeps it as state", 1,
      true)
    assert.error_matches(function() Net(braid.tensor({1, 2}, {dtype = "int64"})):parameters() end,
      "parameters: w is a plain int64 tensor, which no optimizer would change; self:buffer(", 1,
      true)
    local net <const> = nn.Sequential{nn.Linear(2, 2)}
    net[1].wieght = braid.zeros(2, 2)
    assert.error_matches(function() optim.SGD(net:parameters(), {lr = 0.1}) end,
      "parameters: 1.wieght is a plain float32 tensor", 1, true)
  end)

  it("is a parameter if it requires a gradient, also while it is frozen", function()
    for _, make in ipairs{nn.Module.parameter, function(t) return t:requires_grad_() end} do
      local net <const> = Net(make(braid.randn(2)))
      assert.equal(1, #net:parameters())
      net:freeze()
      assert.equal(1, #net:parameters())
      assert.equal(1, #net:clone():parameters())
      assert.equal(1, #net:to("float64"):parameters())
      assert.is_false(net.w.requires_grad)
      assert.is_true(net:unfreeze().w.requires_grad)
    end
  end)

  it("is a buffer after net:buffer: it is saved and copied, but not trained", function()
    local net <const> = nn.Sequential{nn.Linear(2, 2)}
    net:buffer("seen", braid.tensor{1, 2})
    local other <const> = nn.Sequential{nn.Linear(2, 2)}
    assert.equal(2, #net:parameters())
    assert.equal(1, #net:buffers())
    assert.equal(0, #other:buffers())
    assert.same({1, 2}, net:state_dict().seen:totable())
    assert.same({1, 2}, net:clone().seen:totable())
    assert.equal("float64", net:clone():to("float64").seen.dtype)
  end)
end)

describe("a forward that returns nothing", function()
  it("raises an error that names the module's path", function()
    local Silent <const> = class("Silent", nn.Module)
    function Silent.forward(_, x) local _ = x * 2 end
    local net <const> = nn.Sequential{nn.Linear(2, 2), nn.Sequential{Silent()}}
    assert.error_matches(function() Silent()(braid.ones(1)) end,
      "Silent: its forward returned nothing; is a `return` missing?", 1, true)
    assert.error_matches(function() net(braid.ones(1, 2)) end,
      "Sequential.2.1: its forward returned nothing", 1, true)
    local tasks <const> = mtl.tasks{a = mtl.classes{2}, b = mtl.classes{2}}
    for _, stacked in ipairs{false, true} do
      local columns <const> = mtl.columns(tasks, nn.backbone({{"fc", function()
        return nn.Linear(2, 2) end}}, {channels = 2}), {stacked = stacked or nil})
      columns:heads(function() return nn.Sequential{nn.Linear(2, 2), Silent()} end)
      assert.error_matches(function() columns(braid.ones(1, 2)) end, "its forward returned nothing")
    end
  end)
end)

describe("a user's own mixer", function()
  local Mixer <const> = require "braid.mtl.mixer"
  local tasks <const> = mtl.tasks{a = mtl.classes{2}, b = mtl.classes{2}}
  local function network(list, braided, stacked)
    local Own <const> = class("own", Mixer)
    Own.list, Own.braid = list, braided
    local net <const> = mtl.columns(tasks, nn.backbone({{"fc", function()
      return nn.Linear(2, 2) end}}, {channels = 2}), {stacked = stacked})
    return net:mix("fc", Mixer.define(Own, {}){}):heads(function() return nn.Linear(2, 2) end)
  end
  local function wrong(message, ...)
    local net <const> = network(...)
    assert.error_matches(function() net(braid.ones(1, 2)) end, message, 1, true)
  end
  local function passes(_, xs) return xs end

  it("raises an error if it returns nothing, too few maps or another type", function()
    wrong("mtl.own at block 'fc': list(xs, z) returned nothing; it must return a list of 2 maps",
      function() end, nil, false)
    wrong("list(xs, z) returned 1 maps of 2", function(_, xs) return {xs[1]} end, nil, false)
    wrong("list(xs, z) returned 3 maps of 2", function(_, xs) return {xs[1], xs[1], xs[2]} end, nil,
      false)
    wrong("list(xs, z) returned a number", function() return 1 end, nil, false)
    wrong("list(xs, z) returned a string as map 2", function(_, xs)
      return {xs[1], "x"} end, nil, false)
    wrong("list(xs, z) returned a tensor", function(_, xs) return xs[1] end, nil, false)
    wrong("mtl.own at block 'fc': braid(x, z) returned nothing; it must return one tensor",
      passes, function() end)
    wrong("braid(x, z) returned a table", passes, function(_, x) return {x} end)
    assert.is_table(network(passes, passes)(braid.ones(1, 2)))
  end)

  it("can have a tap, and an error names a tap that returns no map", function()
    local net <const> = network(passes, passes)
    assert.error_matches(function() net(braid.ones(1, 2), function() return 1 end) end,
      "network: the tap at block 'fc' returned a number", 1, true)
  end)
end)
