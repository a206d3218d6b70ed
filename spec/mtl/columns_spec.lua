--- nn.backbone, mtl.columns, mtl.network and mtl.ttc_update: shapes, numbers of parameters,
-- messages, and the cases in which a multi-task network must equal a simpler one.

local braid <const> = require "braid"
local nn <const>, mtl <const>, optim <const> = braid.nn, braid.mtl, braid.optim

local three_blocks <const> = require "spec.support.three_blocks"
local tasks <const> = three_blocks.tasks
local conv <const> = three_blocks.conv
local backbone <const> = three_blocks.backbone
local head <const> = three_blocks.head
local columns <const> = three_blocks.columns

local function largest(a, b) return (a - b):abs():max():item() end

local function fails(f, message) assert.error_matches(f, message, 1, true) end

local function names_of(net)
  local list <const> = {}
  for name in net:named_parameters() do list[#list + 1] = name:match("^[^.]+%.[^.]+") end
  return table.concat(list, " ")
end

describe("nn.backbone", function()
  local KNOWN <const> = { -- input, blocks, output channels
    resnet18 = {{1, 3, 32, 40}, "stem, layer1, layer2, layer3, layer4", 512, {}},
    resnet_small = {{1, 1, 37, 64}, "stem, layer1, layer2, layer3, layer4, fc", 256,
      {input = {37, 64}}},
    alexnet = {{1, 3, 64, 64}, "conv1, conv2, conv3, conv4, conv5", 256, {}},
    vgg16 = {{1, 3, 32, 32}, "conv1_1, conv1_2, conv2_1, conv2_2, conv3_1, conv3_2, conv3_3, "
      .. "conv4_1, conv4_2, conv4_3, conv5_1, conv5_2, conv5_3", 128, {width = 0.25}},
    tcdcn = {{1, 1, 40, 40}, "conv1, conv2, conv3, conv4, fc", 100, {}},
    kth = {{1, 3, 38, 30}, "conv1, conv2, fc", 1024, {input = {38, 30}}},
    dmt = {{1, 1, 36, 32}, "conv1, conv2, conv3, conv4, conv5, fc", 360, {input = {36, 32}}},
  }

  it("has a row in KNOWN for every file in nn/backbones", function()
    local pipe <const> = assert(io.popen("ls lua/braid/nn/backbones"))
    for file in pipe:lines() do assert.is_table(KNOWN[file:match("^(.*)%.lua$")], file) end
    pipe:close()
  end)

  for name, known in pairs(KNOWN) do
    it("names the blocks and channels of " .. name, function()
      local b <const> = nn.backbone(name, known[4]):eval()
      local _ <close> = braid.no_grad()
      assert.equal(known[2], table.concat(b:blocks(), ", "))
      assert.equal(known[3], b:channels())
      local x = braid.randn(known[1])
      for _, block in ipairs(b:blocks()) do
        x = b[block](x)
        assert.equal(b:channels(block), x:size(2), block)
      end
    end)
  end

  it("takes a Sequential or a list of blocks, and fills in missing input sizes", function()
    local given <const> = nn.Sequential{nn.Conv2d(2, 4, {kernel = 3}), nn.ReLU()}
    local b <const> = nn.backbone(given, {names = {"one", "two"}, channels = 2})
    assert.same({"one", "two"}, b:blocks())
    assert.equal(0, largest(b.one.weight, given[1].weight))
    local lazy <const> = nn.backbone({{"c", function() return nn.Sequential{
      nn.Conv2d(3, {kernel = 3}), nn.Flatten(), nn.Linear(7)} end}}, {channels = 2, input = 5})
    assert.equal(7, lazy:channels())
    assert.equal(3 * 2 * 9 + 3 + 27 * 7 + 7, lazy:count_parameters())
  end)

  it("halves the filters of vgg16 with CReLU", function()
    local b <const> = nn.backbone("vgg16", {width = 1 / 16, crelu = true, stages = 2, fc = 5,
      input = 8})
    assert.equal(2, b.conv1_1[1].weight:size(1))
    assert.equal(4, b:channels("conv1_1"))
    assert.same({1, 5}, b(braid.randn(1, 3, 8, 8)).shape)
  end)

  it("names an option, block or module that is wrong", function()
    fails(function() nn.backbone("vgg17") end, "backbone: there is no backbone 'vgg17'; there is "
      .. "alexnet, dmt, kth, resnet18, resnet_small, tcdcn, vgg16")
    fails(function() nn.backbone("dmt", {depth = 1}) end, "there is no option 'depth'")
    fails(function() nn.backbone("dmt", {width = math.huge}) end,
      "backbone dmt: width must be a finite number above 0, up to 100, not inf")
    fails(function() backbone():channels("conv9") end,
      "backbone: there is no block 'conv9'; there is conv1, conv2, conv3")
    fails(function() nn.backbone{{"forward", conv(1)}} end,
      "a block cannot be called 'forward'")
    fails(function() nn.backbone{{"a", conv(1)}, {"a", conv(1)}} end, "two blocks 'a'")
    fails(function() nn.backbone{{"a", 3}} end, "block 'a' is a number")
    fails(function() nn.backbone{} end, "there are no blocks")
  end)
end)

describe("mtl.columns", function()
  it("has a column and a head for each task", function()
    local net <const> = columns{stacked = false}:heads(head)
    local out <const> = net(braid.randn(5, 1, 6, 6))
    assert.same({5, 3}, out.a.shape)
    assert.same({5, 2}, out.b.shape)
    assert.equal(2 * backbone():count_parameters() + 8 * 5 + 5, net:count_parameters())
    assert.is_true(largest(net.columns.a.conv1[1].weight, net.columns.b.conv1[1].weight) > 0)
  end)

  it("shares all blocks, the blocks up to `split`, or the blocks mixed by mtl.share", function()
    local shared <const> = columns{columns = "shared"}:heads(head)
    assert.equal(backbone():count_parameters() + 45, shared:count_parameters())
    local split <const> = columns{split = "conv2", stacked = false}:heads(head)
    assert.equal("trunk.conv1 trunk.conv1 trunk.conv2 trunk.conv2",
      names_of(split):match("trunk.*"))
    local by_mixer <const> = columns():mix({"conv1", "conv2"}, mtl.share{}):heads(head)
    assert.equal(split:count_parameters(), by_mixer:count_parameters())
    assert.equal(shared:count_parameters(),
      columns():mix("*", mtl.share{}):heads(head):count_parameters())
    assert.same({2, 3}, split(braid.randn(2, 1, 6, 6)).a.shape)
  end)

  it("builds the network of one task by the option `single`", function()
    local one <const> = columns{single = "b"}:mix("*", mtl.cross_stitch{}):heads(head)
    assert.same({"b"}, one.tasks.names)
    assert.equal(backbone():count_parameters() + 18, one:count_parameters())
    fails(function() columns{single = "x"} end, "there is no task 'x'; there is a, b")
  end)

  it("starts from the backbone's weights with init = 'copy'", function()
    local b <const> = backbone()
    local net <const> = mtl.columns(tasks, b, {init = "copy", stacked = false}):heads(head)
    assert.equal(0, largest(net.columns.b.conv3[1].weight, b.conv3[1].weight))
  end)

  it("takes an image for each task", function()
    local x <const>, other <const> = braid.randn(2, 1, 6, 6), braid.randn(2, 1, 6, 6)
    for _, stacked in ipairs{true, false} do
      local net <const> = columns{stacked = stacked}:heads(head)
      local out <const> = net{a = x, b = other}
      assert.is_true(largest(out.a, net(x).a) < 1e-6)
      assert.is_true(largest(out.b, net(other).b) < 1e-6)
      fails(function() net{a = x} end, "the table of images has none for column 'b'")
    end
    fails(function() columns{split = "conv1"}:heads(head){a = x, b = x} end,
      "its tasks share blocks, so it takes one image for all")
  end)

  it("gives the maps of its blocks through net:features", function()
    local x <const> = braid.randn(2, 1, 6, 6)
    for _, stacked in ipairs{true, false} do
      local net <const> = columns{stacked = stacked}:mix("*", mtl.ttc{}):heads(head)
      local maps <const> = net:features(x, "conv2")
      assert.same({2, 6, 6, 6}, maps.conv2.b.shape)
    end
    local split <const> = columns{split = "conv1"}:heads(head)
    assert.same({2, 4, 6, 6}, split:features(x, {"conv1"}).conv1.shared.shape)
  end)

  it("runs columns as a list if they cannot be stacked, and says why they cannot", function()
    local odd <const> = mtl.columns(tasks, {a = backbone(4), b = backbone(5)})
      :mix("conv2", mtl.cross_stitch{}):heads(head)
    local ok <const>, why <const> = odd:stacked()
    assert.is_false(ok)
    assert.equal("Backbone.after.conv1 is 4 in one column and 5 in another", why)
    assert.same({1, 2}, odd(braid.randn(1, 1, 5, 5)).b.shape)
    fails(function()
      mtl.columns(tasks, {a = backbone(4), b = backbone(5)}, {stacked = true}):heads(head)
    end, "mtl.columns: stacked = true, but")
  end)

  it("leaves a network as it is when its clone changes", function()
    local net <const> = columns():mix("*", mtl.collaborative{}):heads(head):eval()
    local x <const> = braid.randn(2, 1, 6, 6)
    local before <const> = net(x).a:clone()
    net:clone():unstack():apply(function(m)
      for _, p in ipairs(m:own_parameters()) do braid.no_grad(function() p:zero_() end) end
    end)
    assert.equal(0, largest(before, net(x).a))
    assert.is_true((net:stacked()))
  end)
end)

describe("mtl.network", function()
  it("builds columns, mixers and heads in one call", function()
    local net <const> = mtl.network{tasks = tasks, blocks = backbone(), mixer = mtl.ttc{},
      at = {"conv1", "conv3"}}
    assert.is_truthy(net.mixer.conv1 and net.mixer.conv3)
    assert.is_nil(net.mixer.conv2)
    assert.same({1, 2}, net(braid.randn(1, 1, 5, 5)).b.shape)
    local shared <const> = mtl.network{tasks = tasks, blocks = {{"c", conv(2)}},
      columns = "shared"}
    assert.same({1, 3}, shared(braid.randn(1, 3, 5, 5)).a.shape)
  end)
end)

describe("separation networks", function()
  local x <const> = braid.randn(2, 1, 6, 6)
  local function build(o) return columns():mix("*", mtl.separation(o)):heads(head) end

  it("train the shared stream first, then the columns", function()
    local net <const> = build{}
    local hard <const> = columns{columns = "shared"}:heads(head)
    hard:load_state_dict(net:state_dict(), {strict = false, rename = function(name)
      return name:find("^shared") and name:gsub("^shared%.", "trunk."):gsub("^shared_", "") or nil
    end})
    assert.is_true(largest(hard(x).a, net(x).a) < 1e-6)
    net(x).a:sum():backward()
    for name, p in net:named_parameters() do
      assert.equal(name:find("^shared") ~= nil, p.requires_grad, name)
    end
    net:stage(2)
    for name, p in net:named_parameters() do
      assert.equal(name:find("^shared") == nil, p.requires_grad, name)
    end
    assert.is_true(largest(hard(x).a, net(x).a) > 0)
    local other <const> = build{} -- the state includes the stage
    other:load_state_dict(net:state_dict())
    assert.equal(0, largest(other(x).a, net(x).a))
  end)

  it("start the columns from the shared stream when fine-tuned", function()
    local net <const> = build{form = "channelwise", fine_tune = true}:stage(2)
    net:unstack()
    assert.equal(0, largest(net.columns.b.conv2[1].weight, net.shared.conv2[1].weight))
    assert.equal(0, largest(net.head.a[2].weight, net.shared_head.a[2].weight))
  end)

  it("branch after the block that `split` names", function()
    local net <const> = columns{split = "conv1"}:mix("*", mtl.separation{end_to_end = true})
      :heads(head)
    assert.same({2, 3}, net(x).a.shape)
    assert.equal(16, net.head.a[2].weight:size(2))
  end)
end)

describe("task transfer connections", function()
  local function build(start)
    return columns{stacked = false}:mix("*", mtl.ttc{start = start}):heads(head)
  end
  local x <const> = braid.randn(3, 1, 6, 6)

  it("give exactly the outputs of single-task networks with start = 0", function()
    local net <const> = build(0)
    local alone <const> = columns{stacked = false}:heads(head)
    alone:load_state_dict(net:state_dict(), {strict = false})
    assert.equal(0, largest(alone(x).a, net(x).a))
    assert.equal(0, largest(alone(x).b, net(x).b))
  end)

  it("give all columns exactly the same map with start = 1", function()
    local net <const> = build(1)
    local maps <const> = net:features(x, {"conv1"}).conv1
    local mixed <const> = net.mixer.conv1({maps.a, maps.b})
    assert.equal(0, largest(mixed[1], mixed[2]))
    assert.equal(0, largest(mixed[1], maps.a + maps.b))
  end)
end)

describe("mtl.ttc_update", function()
  local x <const> = braid.randn({4, 1, 6, 6}, {dtype = "float64"})
  local labels <const> = {a = braid.tensor({1, 3, 2, 1}, {dtype = "int64"}),
    b = braid.tensor({2, 1, 1, 2}, {dtype = "int64"})}

  local function build(o) return columns(o):heads(head):to("float64") end

  local function train(net, opt)
    for _ = 1, 3 do
      local loss <const> = tasks:loss(net(x), labels)
      opt:zero_grad()
      loss:backward()
      opt:step()
    end
    return net(x)
  end

  local function sgd(net) return optim.SGD(net:parameters(), {lr = 0.05, momentum = 0.9}) end

  local function start_like(net, other)
    net:load_state_dict(other:state_dict(), {strict = false, rename = function(name)
      return (name:gsub("^trunk", "columns.a"))
    end})
    net:load_state_dict(other:state_dict(), {strict = false, rename = function(name)
      return (name:gsub("^trunk", "columns.b"))
    end})
    return net
  end

  for _, stacked in ipairs{true, false} do
    local how <const> = stacked and " stacked" or " in a list"

    it("is hard sharing when all alpha are 1 and the columns start equal," .. how, function()
      local shared <const> = build{columns = "shared"}
      local net <const> = start_like(build{stacked = stacked}, shared)
      local wanted <const> = train(shared, sgd(shared))
      local got <const> = train(net, mtl.ttc_update(net, sgd(net), {start = 1}))
      assert.is_true(largest(wanted.a, got.a) < 1e-12)
      assert.is_true(largest(wanted.b, got.b) < 1e-12)
    end)

    it("is exactly single-task training when the alpha between tasks are 0," .. how, function()
      local net <const> = build{stacked = stacked}
      local alone <const> = net:clone()
      local wanted <const> = train(alone, sgd(alone))
      local got <const> = train(net, mtl.ttc_update(net, sgd(net), {start = 0}))
      assert.equal(0, largest(wanted.a, got.a))
    end)
  end

  -- Equation 11 has <dc_j/dW_i, V_j>. Columns run separately here, so c_j does not depend on W_i,
  -- and the option `cost` chooses one of two readings.
  for _, cost in ipairs{"i", "j"} do
    it(("moves beta against <dc_%s/dW_%s, V_j>, and keeps alpha_ii"):format(cost, cost), function()
      local net <const> = build{stacked = false}
      local opt <const> = mtl.ttc_update(net, optim.SGD(net:parameters(), {lr = 0.05}),
        {start = 0.25, beta_lr = 2, cost = cost})
      local grads <const> = {}
      for step = 1, 2 do
        local loss <const> = tasks:loss(net(x), labels)
        opt:zero_grad()
        loss:backward()
        grads[step] = {}
        for _, name in ipairs{"a", "b"} do
          local conv2 <const> = net.columns[name].conv2[1]
          grads[step][name] = braid.cat({conv2.weight.grad:reshape(-1), conv2.bias.grad}, 1)
        end
        opt:step()
      end
      local alpha <const> = opt:alpha().conv2
      assert.same({1, 1}, {alpha[1][1], alpha[2][2]})
      for i, pair in ipairs{{"a", "b"}, {"b", "a"}} do
        local mine <const> = grads[2][pair[cost == "i" and 1 or 2]]
        local slope <const> = (mine * grads[1][pair[2]]):sum():item() * -0.05
        local beta <const> = math.log(0.25 / 0.75) - 2 * slope * 0.25 * 0.75
        assert.near(1 / (1 + math.exp(-beta)), alpha[i][3 - i], 1e-12)
      end
    end)
  end

  it("follows a schedule, and goes on from its state", function()
    local net <const> = build()
    local opt <const> = mtl.ttc_update(net, sgd(net), {start = 0.2})
    train(net, opt)
    local twin <const> = net:clone()
    local again <const> = mtl.ttc_update(twin, sgd(twin))
    again:load_state_dict(opt:state_dict())
    assert.same(opt:alpha(), again:alpha())
    local wanted <const> = train(net, opt)
    assert.equal(0, largest(wanted.a, train(twin, again).a))
    assert.same(opt:alpha(), again:alpha())
    opt.factor = 0 -- momentum remains, but SGD multiplies it by this rate
    assert.equal(0, largest(net(x).a, train(net, opt).a))
    fails(function() opt:load_state_dict{} end, "this is not the state of an mtl.ttc_update")
    local other <const> = opt:state_dict()
    other.beta = {conv1 = other.beta.conv1}
    fails(function() again:load_state_dict(other) end,
      "load_state_dict: the state has no columns at block 'conv2', the network has 2")
  end)

  it("names an argument that is wrong", function()
    fails(function()
      local net <const> = columns():mix("*", mtl.ttc{}):heads(head)
      mtl.ttc_update(net, sgd(net))
    end, "mtl.ttc_update: the columns must run alone; build the network without a mixer")
    fails(function() mtl.ttc_update(columns{columns = "shared"}:heads(head)) end,
      "wants a network with two columns or more")
    fails(function() mtl.ttc_update(build()) end,
      "mtl.ttc_update: wants an optimizer of net:parameters(), not a nil")
    fails(function()
      local net <const> = build()
      mtl.ttc_update(net, sgd(net), {start = 2})
    end, "mtl.ttc_update: start must be a number from 0 to 1, not 2")
  end)
end)

describe("a parameter's own lr_mult and weight_decay", function()
  it("multiply its rate and stop its weight decay, whatever the schedule", function()
    local net <const> = columns():mix("*", mtl.cross_stitch{}):heads(head)
    local opt <const> = optim.SGD(net:parameters(), {lr = 0.01, weight_decay = 0.1})
    assert.equal(2, #opt.groups)
    assert.equal(100, opt.groups[2].lr_mult)
    assert.equal(0, opt.groups[2].weight_decay)
    assert.equal(3, #opt.groups[2].params)
    opt.factor = 0.5
    local alpha <const> = net.mixer.conv1.alpha.stacked.weight
    local before <const> = alpha:detach():clone()
    alpha.grad = braid.ones(alpha.shape)
    opt:step()
    assert.is_true(largest(before - 0.5, alpha:detach()) < 1e-6)
  end)

  it("are replaced by a group's weight_decay, multiply its lr_mult, and go to clones", function()
    local p <const> = nn.Module.parameter(braid.ones(2), {lr_mult = 10, weight_decay = 0})
    local opt <const> = optim.Adam{{params = {p}, weight_decay = 0.2, lr_mult = 3}}
    assert.equal(0.2, opt.groups[1].weight_decay)
    assert.equal(30, opt.groups[1].lr_mult)
    local net <const> = columns():mix("*", mtl.cross_stitch{}):heads(head):clone():unstack()
    assert.equal(100, optim.SGD(net:parameters(), {lr = 1}).groups[2].lr_mult)
  end)
end)
