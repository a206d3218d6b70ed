--- Every object with a state: after state_dict and load_state_dict, or braid.checkpoint and
-- braid.resume, it gives the same numbers as if it had never stopped.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"
local data <const>, mtl <const>, nn <const>, optim <const> =
  braid.data, braid.mtl, braid.nn, braid.optim

local tasks <const> = mtl.tasks{a = mtl.classes{2}, b = mtl.classes{2}}
local x <const> = braid.randn(4, 1, 5, 5)

local function conv(c) return nn.Sequential{nn.Conv2d(c, 4, {kernel = 3}), nn.ReLU()} end

local function columns()
  return mtl.network{tasks = tasks, blocks = nn.backbone({{"one", conv}}, {channels = 1}),
    heads = function(_, c) return nn.Sequential{nn.GlobalAvgPool(), nn.Linear(c, 2)} end}
end

local function bytes(list)
  local parts <const> = {}
  for i, t in ipairs(list) do parts[i] = require("braid.core").bytes(t:detach():contiguous()) end
  return table.concat(parts)
end

-- For each kind, a function that makes {object, move, look}: `move` changes the object once, and
-- `look` gives as text what can be seen of it then. If the state is about parameters, these are
-- returned too; the object that continues is made with them.
local MADE <const> = {}

local function optimizer(make)
  return function(parameters)
    local p <const> = parameters or {braid.tensor({1, 2, 3}, {requires_grad = true})}
    local opt <const> = make(p)
    local function closure()
      opt:zero_grad()
      local loss <const> = (p[1] - 0.3):square():sum()
      loss:backward()
      return loss
    end
    return {opt, function() opt:step(closure) end, function() return bytes(p) end}, p
  end
end

for _, name in ipairs{"SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax",
  "LBFGS"} do
  MADE[name] = optimizer(function(p)
    return optim[name](p, name == "SGD" and {lr = 0.01, momentum = 0.9} or
      name == "LBFGS" and {lr = 0.1, max_iter = 2} or {lr = 0.01})
  end)
end

local function schedule_of(f)
  return function()
    local opt <const> = optim.SGD({braid.tensor({1}, {requires_grad = true})}, {lr = 1})
    local schedule <const>, count = optim.schedule(opt, f()), 0
    return {schedule, function()
      count = count + 1
      schedule:step(1 + count // 100)
    end, function() return tostring(opt.factor) end}
  end
end

MADE.schedule = schedule_of(function() return optim.cosine(20) end)
MADE.plateau = schedule_of(function() return optim.plateau{patience = 1, factor = 0.5} end)

function MADE.EMA(layer)
  layer = layer or nn.Linear(2, 2)
  local ema <const> = optim.EMA(layer, {decay = 0.5, warmup = true})
  return {ema, function()
    braid.no_grad(function() layer.weight:add_(1) end)
    ema:update()
  end, function() return bytes(ema.averages) end}, layer
end

function MADE.ttc_update(net)
  net = net or columns()
  local opt <const> = mtl.ttc_update(net, optim.SGD(net:parameters(), {lr = 0.1, momentum = 0.9}))
  return {opt, function()
    opt:zero_grad()
    local out <const> = net(x)
    local loss <const> = out.a:square():sum() + (out.b - 1):square():sum()
    loss:backward()
    opt:step()
  end, function() return bytes(net:parameters()) .. opt:alpha().one[1][2] end}, net
end

function MADE.early_stopping()
  local own <const> = mtl.tasks{a = mtl.classes{2}, b = mtl.classes{2}}
  local stopping <const> = mtl.early_stopping(own, {main = "a", window = 3, epsilon = 0.5})
  return {stopping, function()
    local count <const> = stopping.epoch + 1
    stopping:step({a = 1, b = 1 + 0.01 * count}, {a = 1, b = 1 + 0.3 * count})
  end, function() return ("%s %s"):format(stopping.epoch, stopping.stopped.b) end}
end

-- A weighing of every method. It makes one gradient from those of two tasks, and this one depends
-- on its state.
for _, name in ipairs(require("braid.folder").names(mtl.weighting)) do
  MADE["weighting " .. name] = function(parameters)
    local p <const> = parameters or {braid.tensor({1, 2, 3}, {requires_grad = true})}
    local options <const> = name == "fixed" and {weights = {a = 2}} or name == "dwa" and {every = 2}
      or name == "excess" and {warmup = 1} or nil
    local weighing <const> = tasks:weigh(p, mtl.weighting[name](options))
    return {weighing, function()
      p[1].grad = nil
      braid.manual_seed(weighing.number) -- random numbers are not part of the state
      local a <const> = (p[1] - 1):square():sum() + 0.1
      weighing:backward{a = a, b = (p[1] + weighing.number % 3):square():sum()}
      braid.no_grad(function() p[1]:sub_(p[1].grad * 0.01) end)
    end, function() return bytes(p) end}, p
  end
end

function MADE.Loader()
  local set <const> = data.faces{n = 40, seed = 1, size = 16}.train
  local loader <const>, seen = data.loader(set, {batch = 3, shuffle = true, seed = 5}), nil
  return {loader, function() seen = loader() end, function() return bytes{seen.image} end}
end

function MADE.random_state()
  local seen
  return {braid.random_state(), function() seen = braid.rand(3) end,
    function() return bytes{seen} end}
end

-- A deep copy, such as a file gives.
local function copied(value)
  if type(value) == "userdata" then return value:clone() end
  if type(value) ~= "table" then return value end
  local copy <const> = {}
  for key, v in pairs(value) do copy[key] = copied(v) end
  return copy
end

local function tensors_of(parameters)
  if parameters == nil then return {} end
  return nn.Module.is(parameters) and parameters:parameters() or parameters
end

describe("an object with a state", function()
  for name, make in pairs(MADE) do
    it("goes on the same after state_dict and load_state_dict: " .. name, function()
      local first <const>, parameters <const> = make()
      for _ = 1, 3 do first[2]() end
      local saved <const>, values <const> = copied(first[1]:state_dict()), {}
      for i, p in ipairs(tensors_of(parameters)) do values[i] = p:detach():clone() end
      local wanted <const> = {}
      for i = 1, 3 do
        first[2]()
        wanted[i] = first[3]()
      end
      for i, p in ipairs(tensors_of(parameters)) do
        braid.no_grad(function() p:copy_(values[i]) end)
      end
      local second <const> = make(parameters)
      second[1]:load_state_dict(saved)
      for i = 1, 3 do
        second[2]()
        assert.equal(wanted[i], second[3](), "move " .. i)
      end
    end)
  end

  for name, make in pairs(MADE) do
    it("goes on the same after braid.checkpoint and braid.resume: " .. name, function()
      shell.in_directory(function(folder)
        local path <const> = folder .. "/c.safetensors"
        local first <const>, parameters <const> = make()
        for _ = 1, 3 do first[2]() end
        local list <const> = tensors_of(parameters)
        braid.checkpoint(path, {it = first[1], list = {table.unpack(list)}})
        local wanted <const> = {}
        for i = 1, 3 do
          first[2]()
          wanted[i] = first[3]()
        end
        local second <const> = make(parameters)
        local got <const> = braid.resume(path, {it = second[1], list = {table.unpack(list)}})
        assert.equal(second[1], got.it)
        for i = 1, 3 do
          second[2]()
          assert.equal(wanted[i], second[3](), "move " .. i)
        end
      end)
    end)
  end

  it("has a row in MADE if its class has a step, an update or batches", function()
    local files <const> =
      shell.run("ls lua/braid/optim/*.lua lua/braid/mtl/*.lua lua/braid/data/*.lua").out
    local count = 0
    for path in files:gmatch("%S+") do
      local text <const> = shell.read(path)
      local own <const>, name = text:match('local (%w+) <const> = class%("([%w_]+)"')
      local moves <const> = own and (text:find("function " .. own .. "[.:]step")
        or text:find("function " .. own .. "[.:]update%(")
        or text:find(own .. ".__call = function"))
      if moves and name ~= "Optimizer" then -- Optimizer is the base class
        count = count + 1
        assert.is_truthy(MADE[name], ("%s: %s has no row in this spec"):format(path, name))
      end
    end
    assert.is_true(count >= 5)
  end)
end)
