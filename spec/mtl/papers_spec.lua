--- What the papers say about separation networks and the dynamic multi-task network, checked on
-- small versions of models/smtn.lua and models/dmt.lua. Also plot.maps.

local braid <const> = require "braid"
local nn <const>, mtl <const>, optim <const> = braid.nn, braid.mtl, braid.optim

local function int(values) return braid.tensor(values, {dtype = "int64"}) end

local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{points = 2, eyes = {1, 2}},
  smile = mtl.classes{2}}
local labels <const> = {landmarks = braid.rand(4, 2, 2), smile = int{1, 2, 2, 1}}

local function largest(a, b) return (a - b):abs():max():item() end

-- Trains for some steps on a batch; returns the first and the last loss.
local function train(net, x, y, o)
  local opt <const> = o and o.opt or optim.SGD(net:parameters(), {lr = o and o.lr or 0.02})
  local first, last
  for _ = 1, o and o.steps or 5 do
    local _ <close> = braid.scope()
    local loss <const> = net.tasks:loss(net(x), y)
    opt:zero_grad()
    loss:backward()
    opt:step()
    first, last = first or loss:item(), loss:item()
  end
  return first, last
end

local function copies(list)
  local kept <const> = {}
  for name, t in pairs(list) do kept[name] = t:detach():clone() end
  return kept
end

describe("separation networks", function()
  local x <const> = braid.randn(4, 3, 16, 16)

  local function smtn(o)
    o.tasks, o.width, o.input = tasks, 0.0625, 16
    return braid.model("models/smtn.lua", o)
  end

  local function smtn_of_its_own()
    return braid.model("models/smtn.lua", {width = 0.0625, input = 16})
  end

  local function check_gradients(net)
    for _, p in ipairs(net:parameters()) do p.grad = nil end
    local loss <const> = tasks:loss(net(x), labels)
    loss:backward()
    for name, p in net:named_parameters() do
      assert.equal(p.requires_grad, p.grad ~= nil, name)
    end
  end

  it("have the loss of equation 1: mean squared error plus cross-entropy, weights 1", function()
    local own <const> = smtn_of_its_own().tasks
    local points <const>, said <const> = {{0.1, -0.2}, {0.3, 0.4}, {0, 0}, {-0.5, 0.6}, {1, -1}}, {}
    local squares, entropy = 0, 0
    for k = 1, 10 do
      said[k] = 0.1 * k - 0.4
      squares = squares + (said[k] - points[(k + 1) // 2][2 - k % 2]) ^ 2
    end
    local scores <const>, classes <const> = {}, {}
    for a = 1, 40 do
      scores[2 * a - 1], scores[2 * a], classes[a] = 0.05 * a, 1 - 0.1 * a, a % 2 + 1
      local own_score <const> = scores[2 * a - 2 + classes[a]]
      entropy = entropy + math.log(math.exp(scores[2 * a - 1]) + math.exp(scores[2 * a]))
        - own_score
    end
    local loss <const> = own:loss(
      {landmarks = braid.tensor{said}, attributes = braid.tensor{scores}},
      {landmarks = braid.tensor{points}, attributes = int{classes}})
    assert.near(squares / 10 + entropy / 40, loss:item(), 1e-5)
  end)

  for _, case in ipairs{{"plain"}, {"plain", "conv1_2"}, {"plain", "conv3_3"}, {"channelwise"},
    {"fine_tuned", "conv2_2"}} do
    it(("train in two stages: %s, branch at %s"):format(case[1], case[2] or "the image"), function()
      local net <const> = smtn{variant = case[1], branch = case[2]}
      check_gradients(net)
      net:stage(2)
      check_gradients(net)
      local twin <const> = net:clone():unstack()
      assert.is_true(largest(net(x).smile, twin(x).smile) < 1e-5)
    end)
  end

  it("train in stage 1 as many parameters as the file's header states #slow", function()
    local count = 0
    for _, p in ipairs(braid.model("models/smtn.lua"):parameters()) do
      if p.requires_grad then count = count + p:numel() end
    end
    assert.equal(74930586, count)
  end)

  -- The sizes of table 1's layers at width 1/16, and of the two tasks' outputs.
  local CHANNELS <const>, OUTPUTS <const> = {4, 4, 8, 8, 16, 16, 16, 32, 32, 32}, {4, 2}

  -- The number of parameters of a stream's convolutions, from the convolution number `first` on.
  -- All but that first one take `times` as many channels.
  local function stream(times, first)
    local count, c = 0, first > 1 and CHANNELS[first - 1] or 3
    for k = first, #CHANNELS do
      count = count + c * (k > first and times or 1) * 9 * CHANNELS[k] + CHANNELS[k]
      c = CHANNELS[k]
    end
    return count
  end
  local function head(times)
    local count = 0
    for _, n in ipairs(OUTPUTS) do count = count + times * 32 * 128 + 128 + 128 * n + n end
    return count
  end
  local function reductions(first)
    local count = 0
    for k = first, #CHANNELS do count = count + 2 * CHANNELS[k] * CHANNELS[k] + CHANNELS[k] end
    return count
  end

  for _, case in ipairs{{"plain", nil, 1}, {"plain", "conv2_2", 5}, {"channelwise", nil, 1},
    {"fine_tuned", "conv1_2", 3}} do
    it(("have a hidden layer for each task with fc = 'task': %s, branch at %s"):format(case[1],
      case[2] or "the image"), function()
      local net <const> = smtn{variant = case[1], branch = case[2], fc = "task"}
      local function training()
        local count = 0
        for _, p in ipairs(net:parameters()) do
          if p.requires_grad then count = count + p:numel() end
        end
        return count
      end
      assert.equal(stream(1, 1) + head(1), training())
      check_gradients(net)
      local map <const> = net:features(x, {"conv4_3"}).conv4_3.shared
      assert.same({4, 32, 1, 1}, map.shape)
      local fc <const>, out <const> = net.shared_head.smile[2], net.shared_head.smile[4]
      assert.is_true(largest(net(x).smile, (map:reshape(4, 32):matmul(fc.weight:t())
        + fc.bias):relu():matmul(out.weight:t()) + out.bias) < 1e-5)
      net:stage(2)
      check_gradients(net)
      if case[1] == "plain" then
        assert.equal(2 * stream(2, case[3]) + head(2), training())
      else
        assert.equal(2 * (stream(1, case[3]) + reductions(case[3])) + head(1), training())
        local apart <const> = largest(net.head.smile[2].weight, fc.weight)
        assert.equal(case[1] == "fine_tuned", apart == 0)
      end
    end)
  end

  it("raise an error for an unknown or unfit `fc`, and for too small images", function()
    assert.error_matches(function() smtn{fc = "none"} end,
      "smtn: fc must be \"shared\" or \"task\", not \"none\"", 1, true)
    assert.error_matches(function() smtn{fc = "task", backbone = "vgg16"} end,
      "smtn: fc is of table 1, and backbone takes its place", 1, true)
    assert.error_matches(function()
      braid.model("models/smtn.lua", {fc = "task", input = {16, 15}})
    end, "smtn: input must be 16 pixels a side or more", 1, true)
    assert.error_matches(function() nn.backbone("vgg16", {stages = 3, fc = 4, input = {8, 7}}) end,
      "backbone vgg16: with fc, input must be 8 pixels a side or more: it is pooled 3 times", 1,
      true)
  end)

  it("leave the shared stream as it is in stage 2, whatever the optimizer holds", function()
    local net <const> = smtn{norm = true}
    local opt <const> = optim.SGD(net:parameters(),
      {lr = 0.002, momentum = 0.9, weight_decay = 0.1})
    local before, after = train(net, x, labels, {opt = opt})
    assert.is_true(after < before)
    net:stage(2)
    local kept <const> = copies(net.shared:state_dict()) -- includes statistics of batch norm
    local map <const> = net:features(x, {"fc"}).fc.shared:detach():clone()
    before, after = train(net, x, labels, {opt = opt})
    assert.is_true(after < before)
    for name, t in pairs(net.shared:state_dict()) do
      assert.equal(0, largest(t:to("float32"), kept[name]:to("float32")), name)
    end
    assert.equal(0, largest(map, net:features(x, {"fc"}).fc.shared))
  end)

  it("apply no dropout in a frozen stream", function()
    local blocks <const> = nn.backbone({{"conv", function(c)
      return nn.Sequential{nn.Conv2d(c, 4, {kernel = 3}), nn.Flatten(), nn.Dropout(0.5)}, 4 * 36
    end}}, {channels = 3})
    local net <const> = mtl.network{tasks = tasks, blocks = blocks, mixer = mtl.separation{}}
    local image <const> = braid.randn(2, 3, 8, 8)
    local function shared() return net:features(image, {"conv"}).conv.shared end
    assert.is_true(largest(shared(), shared()) > 0)
    net:stage(2)
    assert.is_true(net.training)
    assert.equal(0, largest(shared(), shared()))
  end)

  it("train end to end, with half the filters by CReLU", function()
    local net <const> = smtn{end_to_end = true, crelu = true}
    assert.equal(2, net.shared.conv1_1[1].weight:size(1))
    assert.equal(4, net.recipe.backbones.smile:channels("conv1_1"))
    check_gradients(net)
    local before <const>, after <const> = train(net, x, labels, {lr = 1e-3})
    assert.is_true(after < before)
    local whole <const> = smtn{end_to_end = true}
    assert.is_true(net:count_parameters() < whole:count_parameters())
  end)

  it("have a baseline: models/hard_sharing.lua with the same layers and branch point", function()
    local hard <const> = braid.model("models/hard_sharing.lua", {tasks = tasks, width = 0.125,
      input = 16, backbone = {name = "vgg16", stages = 4, fc = 256}, split = "conv2_2"})
    assert.equal("conv1_1 conv1_2 conv2_1 conv2_2", table.concat(hard.trunk.order, " "))
    assert.is_truthy(hard.columns)
    assert.same({4, 2}, hard(x).smile.shape)
    local alone <const> = braid.model("models/hard_sharing.lua", {tasks = tasks, single = "smile",
      width = 0.125, input = 16, backbone = {name = "vgg16", stages = 4, fc = 256}})
    assert.same({"smile"}, alone.tasks.names)
  end)

  it("raise an error for an unknown variant, which lists the variants", function()
    assert.error_matches(function() smtn{variant = "fancy"} end,
      "smtn: variant must be \"plain\", \"channelwise\" or \"fine_tuned\", not \"fancy\"", 1, true)
  end)
end)

describe("the dynamic multi-task network", function()
  local pairs_of <const> = mtl.tasks{cats = mtl.classes{2}, ships = mtl.classes{2}}
  local x <const> = braid.randn(4, 1, 32, 32)
  local y <const> = {cats = int{1, 2, 1, 2}, ships = int{2, 2, 1, 1}}

  local function dmt(o)
    o.tasks, o.width = o.tasks or pairs_of, 0.1
    return braid.model("models/dmt.lua", o)
  end

  -- Hard sharing: one trunk for all tasks, with the weights of a network whose columns are equal.
  local function conventional(net)
    local hard <const> = mtl.columns(net.tasks, net.recipe.backbones.cats, {columns = "shared"})
      :heads(function(task, c) return nn.Linear(c, task.size) end)
    hard:load_state_dict(net:state_dict(), {strict = false, rename = function(name)
      return (name:gsub("^columns%.cats%.", "trunk."))
    end})
    return hard
  end

  it("has 1434860 parameters for five tasks of colour pictures", function()
    local five <const> = {}
    for i = 1, 5 do five["pair" .. i] = mtl.classes{2} end
    local net <const> = braid.model("models/dmt.lua", {tasks = mtl.tasks(five), channels = 3})
    assert.equal(1434860, net:count_parameters())
  end)

  -- Section 3: with equal alpha it is the conventional network (hard sharing); with alpha 0 between
  -- tasks it is single-task networks.
  for _, count in ipairs{1, 2, 3, 5} do
    for _, granularity in ipairs{"scalar", "channel"} do
      it(("equals hard sharing with start = 1, single tasks with 0: %d tasks, %s"):format(count,
        granularity), function()
        local list <const> = {cats = mtl.classes{2}}
        for i = 2, count do list["pair" .. i] = mtl.classes{2} end
        for _, start in ipairs{0, 1} do
          local net <const> = dmt{tasks = mtl.tasks(list), start = start, init = "copy",
            normalize = true, granularity = granularity}
          local hard <const> = conventional(net)
          local alone <const> = mtl.network{tasks = net.tasks, blocks = net.recipe.backbones.cats,
            heads = function(task, c) return nn.Linear(c, task.size) end}
          alone:load_state_dict(net:state_dict(), {strict = false})
          local parted <const> = net:clone():unstack()
          for _, mode in ipairs{"train", "eval"} do
            for _, n in ipairs{net, hard, alone, parted} do n[mode](n) end
            local trunk <const>, out <const> = hard(x), parted(x)
            local together <const>, unmixed <const> = net(x), alone(x)
            for name in pairs(list) do
              assert.equal(0, largest(trunk[name], out[name]))
              -- The stacked network against one without a mixer. Stacked columns of equal weights
              -- may round differently if a tile spans two columns (AVX2): the mean is not exact.
              local apart <const> = largest(unmixed[name], together[name])
              assert.is_true(apart <= (start == 0 and 0 or 1e-5), tostring(apart))
            end
          end
        end
      end)
    end
  end

  it("divides a sum of columns by the sum of alphas with normalize = true", function()
    local net <const> = mtl.network{tasks = pairs_of, blocks = {{"id", nn.Identity()}},
      mixer = mtl.ttc{start = 0.25, normalize = true}, stacked = false,
      heads = function() return nn.Identity() end}
    local ys <const> = net.mixer.id({braid.tensor{{1.0}}, braid.tensor{{6.0}}})
    -- alpha_ij = 0.25: (1 + 0.25 * 6) / 1.25 and (0.25 * 1 + 6) / 1.25
    assert.near(2, ys[1]:item(), 1e-6)
    assert.near(5, ys[2]:item(), 1e-6)
    assert.near(0.8, net:transfer().weights.id[1][1], 1e-6)
    assert.near(0.2, net:transfer().weights.id[1][2], 1e-6)
    -- A hidden map is left out of both sums in the other columns.
    local left <const> = net.mixer.id({braid.tensor{{1.0}}, braid.tensor{{6.0}}}, nil, "id",
      {[2] = true})
    assert.near(1, left[1]:item(), 1e-6)
    assert.near(5, left[2]:item(), 1e-6)
  end)

  it("trains like hard sharing if its columns have T times the learning rate", function()
    -- In float64, because batch norm of four close numbers magnifies rounding errors.
    local net <const> = dmt{start = 1, init = "copy", normalize = true}:to("float64")
    local hard <const>, wide <const> = conventional(net):to("float64"), x:to("float64")
    -- A column has half of the trunk's gradient, because the trunk does the work of two columns.
    local function optimizer(network, body, mult)
      local heads <const> = {}
      for _, head in pairs(network.head) do
        table.move(head:parameters(), 1, 2, #heads + 1, heads)
      end
      return optim.SGD({{params = body:parameters(), lr_mult = mult}, {params = heads}},
        {lr = 0.02})
    end
    net:freeze{"mixers"}
    train(hard, wide, y, {opt = optimizer(hard, hard.trunk, 1)})
    local before <const>, after <const> =
      train(net, wide, y, {opt = optimizer(net, net.columns, 2)})
    assert.is_true(after < before)
    assert.is_true(largest(hard(wide).ships, net(wide).ships) < 1e-8)
    net:unstack()
    for name, p in net.columns.cats:named_parameters() do
      local other = net.columns.ships
      for key in name:gmatch("[^.]+") do other = other[math.tointeger(tonumber(key)) or key] end
      assert.is_true(largest(p, other) < 1e-9, name)
    end
  end)

  it("equals single-task networks with start = 0, and no gradient crosses columns", function()
    local net <const> = dmt{start = 0}
    local alone <const> = net:extract{"cats"}
    assert.same({"cats"}, alone.names)
    assert.equal(0, largest(alone:clone():unstack()(x).cats, net:clone():unstack()(x).cats))
    net:unstack()
    local out <const> = net(x)
    out.cats:square():sum():backward()
    for name, p in net.columns.ships:named_parameters() do
      assert.is_true(p.grad == nil or p.grad:abs():max():item() == 0, name)
    end
  end)

  for _, name in ipairs{"SGD", "Adam", "RMSprop"} do
    it("learns with mtl.ttc_update (algorithm 1) and " .. name, function()
      local net <const> = dmt{reading = "update"}
      assert.same({}, net.mixer)
      local opt <const> = mtl.ttc_update(net, optim[name](net:parameters(), {lr = 3e-3}),
        {start = 0.3})
      local before <const>, after <const> = train(net, x, y, {opt = opt, steps = 8})
      assert.is_true(after < before)
      assert.equal(1, opt:alpha().conv1[1][1])
      assert.is_true(opt:alpha().conv1[1][2] ~= 0.3)
    end)
  end

  it("learns a new task while the outputs of the old ones stay as they are", function()
    local net <const> = dmt{}
    train(net, x, y)
    local was <const> = copies(net:eval()(x))
    net:train():add_task("smile", mtl.classes{2}, {freeze = "others"})
    local more <const> = {cats = y.cats, ships = y.ships, smile = int{1, 1, 2, 2}}
    local before <const>, after <const> = train(net, x, more, {lr = 0.05, steps = 8})
    assert.is_true(after < before)
    local now <const> = net:eval()(x)
    for _, name in ipairs{"cats", "ships"} do
      assert.is_true(largest(was[name], now[name]) < 1e-6, name)
    end
    local taken <const> = net:transfer().weights.conv3
    assert.same({"cats", "ships", "smile"}, net:transfer().names)
    assert.equal(0, taken[1][3]) -- cats takes nothing from smile
    assert.is_true(taken[3][1] > 0 and taken[3][1] ~= 0.5)
  end)

  it("trains only its mixers after a task was added and another removed", function()
    local net <const> = dmt{tasks = mtl.tasks{cats = mtl.classes{2}, dogs = mtl.classes{2}}}
    net:add_task("ships", mtl.classes{2}, {freeze = "others"}):unfreeze()
    net:remove_task("dogs"):train_only{"mixers"}
    local kept <const> = copies(net:state_dict())
    local before <const>, after <const> = train(net, x, y, {lr = 2})
    assert.is_true(after < before)
    for name, t in pairs(net:state_dict()) do
      local moved <const> = largest(t:to("float32"), kept[name]:to("float32")) > 0
      assert.is_true(not moved or name:find("^mixer") ~= nil, name)
    end
    local alpha <const> = net:transfer().weights.fc
    assert.equal(1, alpha[1][1])
    assert.near(0.5, alpha[1][2], 0.1) -- reconnected to the late task
    assert.is_true(alpha[1][2] ~= 0.5)
    assert.is_true(alpha[2][1] ~= 0.5 and alpha[2][2] == 1)
  end)

  it("groups tasks by their response contrast maps", function()
    local net <const> = dmt{}
    local found <const> = mtl.contrast_maps(net, {{image = x, cats = y.cats, ships = y.ships}},
      "conv2", {groups = 2})
    assert.same({"cats", "ships"}, found.names)
    assert.same({{"cats"}, {"ships"}}, found.groups)
    assert.near(found.distance[1][2], (found.maps.cats - found.maps.ships):abs():sum():item(), 1e-5)
  end)

  it("has the cost of equation 6, where F_i is the softmax of the second output", function()
    local scores <const>, sum = { {0.3, -1.2}, {2, 0.5}, {-0.7, 1.9}, {0.1, 0.2} }, 0
    for k, s in ipairs(scores) do
      local f <const>, truth <const> = 1 / (1 + math.exp(s[1] - s[2])), k % 2 -- Y_i: 1 0 1 0
      sum = sum - (truth * math.log(f) + (1 - truth) * math.log(1 - f))
    end
    local loss <const> = pairs_of:loss({cats = braid.tensor(scores), ships = braid.zeros(4, 2)},
      {cats = int{2, 1, 2, 1}, ships = int{2, 1, 2, 1}})
    assert.near(sum / 4 + math.log(2), loss:item(), 1e-6) -- equation 5: the plain sum
  end)

  it("raises an error for an unknown `reading`, which lists the values", function()
    assert.error_matches(function() dmt{reading = "both"} end,
      "dmt: reading must be \"forward\" or \"update\", not \"both\"", 1, true)
  end)
end)

describe("braid.model", function()
  it("raises an error for an option that the definition does not read", function()
    assert.error_matches(function()
      braid.model("models/tcdcn.lua", {tasks = tasks, widht = 2})
    end, "model: models/tcdcn.lua has no option 'widht'; it has activation, channels, head, "
      .. "input, norm, width", 1, true)
  end)
end)

describe("plot.maps", function()
  it("draws each map on its own scale, and rows of maps apart", function()
    local path <const> = os.tmpname() .. ".png"
    local one <const> = braid.tensor{{{0, 5}, {5, 5}}, {{7, 7}, {7, 7}}, {{1, 1}, {1, -3}}}
    assert(braid.plot.maps(path, {one, one[{ {1, 1} }]}, {columns = 2, side = 2}))
    local image <const> = assert(braid.load(path))
    assert.same({3, 8 + 2 + 2 + 2 + 8 + 2 + 8, 2 * 8 + 2 * 2 + 2}, image.shape)
    local function at(i, j) return image[{1, i, j}]:item() end
    assert.same({0, 255, 255, 255}, {at(9, 9), at(9, 10), at(10, 9), at(10, 10)})
    assert.same({0, 0}, {at(9, 13), at(10, 14)}) -- a map with one value only
    assert.same({255, 0}, {at(13, 9), at(14, 10)})
    assert.same({0, 255}, {at(23, 9), at(23, 10)})
    os.remove(path)
    os.remove((path:gsub("%.png$", "")))
  end)

  it("names an argument that is wrong", function()
    assert.error_matches(function() braid.plot.maps("x.png", braid.ones(2, 2)) end,
      "plot.maps: entry 1 must have three dimensions (c,h,w), not (2, 2)", 1, true)
    assert.error_matches(function() braid.plot.maps("x.png", 5) end, "not number")
  end)
end)
