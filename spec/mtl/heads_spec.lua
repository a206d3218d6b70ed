--- The option `head` of every definition in models/, and mtl.heads: "deep" is the head of Trottier
-- et al. 2018, figure 2; "linear" is one linear layer; or a user's own function.

local braid <const> = require "braid"
local definitions <const> = require "spec.support.definitions"
local files <const> = require "spec.support.file"
local mtl <const>, nn <const> = braid.mtl, braid.nn

local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{}, pose = mtl.classes{5},
  smile = mtl.classes{2}}

local function model(path, head, more)
  local o <const> = definitions.small(path, {tasks = tasks, head = head})
  for key, value in pairs(more or {}) do o[key] = value end
  braid.manual_seed(4)
  return braid.model(path, o)
end

local function fails(f, message) assert.error_matches(f, message, 1, true) end

-- The heads of a network by task, wherever it keeps them.
local function heads_of(net)
  if not net.stage or net.head then return net.head or net.heads end
  local list <const> = {} -- models/cascade.lua
  for i, name in ipairs(net.order) do list[name] = net.stage[i] end
  return list
end

local function dense(x, layer) -- x (n,c) by a layer of weights (o,c,...)
  return x:matmul(layer.weight:reshape(layer.weight:size(1), -1):t()) + layer.bias
end

-- The head of figure 2 on the features (n,c) of a batch, in plain operators.
local function figure_2(x, head)
  local layers <const> = {}
  for _, layer in ipairs(head) do
    if layer.weight then layers[#layers + 1] = layer end
  end
  local h <const> = dense(x, layers[1])
  local mean <const>, var <const> = h:mean(1), (h - h:mean(1)):square():mean(1)
  local normal <const> = (h - mean) / (var + 1e-5):sqrt() * layers[2].weight + layers[2].bias
  return dense(normal:clamp(0, math.huge), layers[3])
end

local function check_deep(head, task, path)
  local last <const> = head[#head]
  local first
  for i = #head, 1, -1 do first = head[i].weight and head[i] or first end
  local c <const>, middle <const> = first.weight:size(2), first.weight:size(1)
  assert.equal((c + task.size) // 2, middle, path)
  assert.equal(task.size, last.weight:size(1), path)
  assert.equal(c * middle + middle + 2 * middle + middle * task.size + task.size,
    head:count_parameters(), path)
  local x <const> = braid.randn(6, c)
  local shaped <const> = last.weight:dim() == 4 and x:reshape(6, c, 1, 1) or x
  local y <const> = head(shaped):reshape(6, task.size)
  assert.is_true((y - figure_2(x, head)):abs():max():item() < 1e-4, path)
  local maps <const> = braid.randn(6, c, 2, 3)
  if last.weight:dim() == 2 then
    assert.is_true((head(maps) - figure_2(maps:mean({3, 4}), head)):abs():max():item() < 1e-4)
  else -- a convolutional head gives an output at each place
    assert.same({6, task.size, 2, 3}, head(maps).shape)
  end
end

local function check_linear(head, task, path)
  local list <const> = head:parameters()
  assert.equal(2, #list, path)
  local c <const> = head.weight:size(2)
  assert.equal(c * task.size + task.size, head:count_parameters(), path)
  local maps <const> = braid.randn(3, c, 2, 2)
  if head.weight:dim() == 4 then return assert.same({3, task.size, 2, 2}, head(maps).shape) end
  assert.is_true((head(maps) - dense(maps:mean({3, 4}), head)):abs():max():item() < 1e-5, path)
end

local CHECKS <const> = {deep = check_deep, linear = check_linear}

local function same_after_saving(net, x)
  files.with("net.safetensors", function(to)
    braid.save(to, net)
    local other <const> = braid.open(to)
    local _ <close> = net:evaluating()
    local _ <close> = other:evaluating()
    local out <const>, again <const> = net(x), other(x)
    for name in tasks:each() do assert.same(out[name]:totable(), again[name]:totable()) end
  end)
end

-- More options that a definition is tested with.
local VARIANTS <const> = {["models/mtcnn.lua"] = {{}, {stage = "P"},
  {stage = "P", mixer = mtl.collaborative{}}, {stage = "R"}}}
local SIDES <const> = {P = 12, R = 24}

for _, path in ipairs(definitions.paths()) do
  describe("the option head of " .. path, function()
    for _, more in ipairs(VARIANTS[path] or {{}}) do
      local shape <const> = table.move(definitions.known[path].shape, 1, 4, 1, {})
      if more.stage then shape[3], shape[4] = SIDES[more.stage], SIDES[more.stage] end

      for kind, check in pairs(CHECKS) do
        it(('= "%s" makes such heads, %s'):format(kind, more.stage or "no stage"), function()
          local net <const> = model(path, kind, more)
          local x <const> = braid.randn(4, table.unpack(shape, 2))
          for stage = net.shared_head and 1 or 2, 2 do
            if net.shared_head then net:stage(stage) end
            local out <const>, heads <const> = net(x), stage == 1 and net.shared_head
              or heads_of(net)
            for name, task in tasks:each() do
              assert.same({4, task.size}, out[name].shape)
              check(heads[name], task, path)
            end
          end
          if not more.mixer then same_after_saving(net, x) end
        end)
      end

      it("can be a function, which no file can hold " .. (more.stage or ""), function()
        local seen <const> = {}
        local function f(task, channels, name)
          seen[#seen + 1] = name
          assert.equal(tasks[name].size, task.size)
          assert.is_true(math.type(channels) == "integer" and channels > 0)
          local made <const> = nn.Sequential{nn.GlobalAvgPool(), nn.Linear(channels, task.size)}
          made.mark = "mine"
          return made
        end
        local net <const> = model(path, f, more)
        table.sort(seen)
        local twice <const> = net.shared_head and 2 or 1
        assert.equal(3 * twice, #seen)
        for i, name in ipairs(tasks.names) do
          assert.equal(name, seen[i * twice])
          assert.equal("mine", heads_of(net)[name].mark)
        end
        net(braid.randn(2, table.unpack(shape, 2)))
        files.with("net.safetensors", function(to)
          fails(function() braid.save(to, net) end, more.mixer and "save: the option"
            or "save: the option head is a function, which a file cannot hold")
        end)
        fails(function() model(path, function() return 1 end, more) end,
          "heads: task 'landmarks' has no head: the function returned a number")
        fails(function() model(path, "wide", more) end,
          'heads: head must be "linear" or "deep", or a function(task, channels, name) that')
      end)
    end
  end)
end

describe("heads:", function()
  it("head = 'deep' gives hard_sharing the same heads as dcnet has by default", function()
    for name in tasks:each() do
      local deep <const> = model("models/dcnet.lua", nil, {backbone = "resnet18"}).head[name]
      local other <const> = model("models/hard_sharing.lua", "deep",
        {backbone = "resnet18", width = 0.125}).head[name]
      assert.equal(deep:count_parameters(), other:count_parameters())
      assert.equal(tostring(deep), tostring(other))
    end
  end)

  it("heads of models/kth.lua have Xavier's weights and equal biases", function()
    for _, kind in ipairs{"linear", "deep"} do
      for _, head in pairs(model("models/kth.lua", kind).head) do
        for _, layer in ipairs(head:find(nn.Linear)) do
          local o <const>, c <const> = layer.weight:size(1), layer.weight:size(2)
          local bound <const> = math.sqrt(6 / (c + o))
          assert.is_true(layer.weight:abs():max():item() <= bound)
          assert.is_true(layer.weight:abs():max():item() > 0.8 * bound)
          assert.equal(layer.bias:min():item(), layer.bias:max():item())
        end
      end
    end
  end)

  it("net:add_task takes a head of another kind, which a file keeps", function()
    local net <const> = model("models/cross_stitch.lua")
    net:add_task("glasses", mtl.classes{2}, {head = "deep"})
    check_deep(net.head.glasses, mtl.classes{2}, "glasses")
    same_after_saving(net, braid.randn(2, 1, 40, 40))
    fails(function() net:add_task("x", mtl.classes{2}, {head = "wide"}) end,
      'add_task: head must be "linear" or "deep"')
  end)

  it("models/cascade.lua refuses `head` and `hidden` together", function()
    fails(function() model("models/cascade.lua", "deep", {hidden = 3}) end,
      "cascade: hidden is of its own heads; give hidden or head, not both")
  end)

  it("mtl.shared with a kind of head wants the trunk's channels", function()
    fails(function() mtl.shared(tasks, nn.Identity(), "deep") end,
      "mtl.shared: the channels of the trunk must be a whole number from 1, not nil")
  end)
end)
