--- What single definitions in models/ promise in their headers, besides what models_spec.lua
-- checks for all of them; and mtl.landmark_bins.

local braid <const> = require "braid"
local data <const>, mtl <const>, nn <const> = braid.data, braid.mtl, braid.nn

local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{}, pose = mtl.classes{5},
  smile = mtl.classes{2}}
local x <const> = braid.randn(2, 1, 40, 40)

local function model(name, o)
  o.tasks, o.width = o.tasks or tasks, o.width or 0.25
  return braid.model("models/" .. name .. ".lua", o)
end

local function largest(a, b) return (a - b):abs():max():item() end
local function fails(f, message) assert.error_matches(f, message, 1, true) end

local function outputs(net, image)
  local _ <close> = braid.no_grad()
  return net:eval()(image or x)
end

describe("mtl.landmark_bins", function()
  local task <const> = mtl.landmark_bins{points = 2, eyes = {1, 2}, pixels = 4}
  local nan <const> = 0 / 0
  local points <const> = braid.tensor{{{-1, -0.51}, {-0.49, 0.99}}, {{1.2, 0}, {nan, nan}}}

  it("gives each coordinate its pixel, or -100 if it is missing or outside the image", function()
    assert.same({{{1, 1}, {2, 4}}, {{-100, 3}, {-100, -100}}}, task:bins(points):totable())
  end)

  it("has as its loss the mean cross-entropy over known coordinates", function()
    local output <const> = braid.randn(2, 16)
    local total, seen <const> = 0, {{1, 1, 1}, {1, 2, 1}, {1, 3, 2}, {1, 4, 4}, {2, 2, 3}}
    for _, s in ipairs(seen) do
      local row <const>, sum = output[s[1]]:reshape(4, 4)[s[2]]:totable(), 0
      for _, v in ipairs(row) do sum = sum + math.exp(v) end
      total = total + math.log(sum) - row[s[3]]
    end
    assert.near(total / 5, task:loss(output, points):item(), 1e-5)
  end)

  it("with reduction = 'sum' has the sum over coordinates, mean over faces with a point", function()
    local output <const> = braid.randn(3, 16)
    local more <const> = braid.cat({points, braid.full({1, 2, 2}, nan)}, 1)
    local summed <const> = mtl.landmark_bins{points = 2, eyes = {1, 2}, pixels = 4,
      reduction = "sum"}
    assert.near(task:loss(output, more):item() * 5 / 2, summed:loss(output, more):item(), 1e-5)
  end)

  it("predicts the middle of the best pixel, and measures errors from the exact labels", function()
    local one <const> = mtl.landmark_bins{points = 2, eyes = {1, 2}, pixels = 2}
    local said <const> = braid.tensor{{0, 1, 1, 0, 1, 0, 0, 3}}
    assert.same({{{0.5, -0.5}, {-0.5, 0.5}}}, one:places(said):totable())
    local sums <const>, truth <const> = {}, braid.tensor{{{0.5, -0.5}, {-0.5, -0.5}}}
    one:observe(sums, said, truth)
    assert.near((0 + 1) / 2 / 1, one:metrics(sums).error, 1e-6)
  end)

  it("has the same bins as data.landmark_bins", function()
    local faces <const> = data.faces{n = 12, seed = 2}.train
    local batch <const> = data.loader(faces, {batch = 12, transforms = {data.augment{shift = 0.3,
      size = 20}, data.landmark_bins("landmarks", {as = "cells"})}})()
    local own <const> = mtl.landmark_bins{pixels = 20}:bins(batch.landmarks)
    assert.same(batch.cells:reshape(-1):totable(), own:reshape(-1):totable())
  end)

  it("needs the number of pixels", function()
    fails(function() mtl.landmark_bins{points = 5} end,
      "mtl.landmark_bins: pixels is missing; it must be a whole")
  end)
end)

describe("models/cross_stitch.lua", function()
  it("takes weights from single-task networks by the option `from`", function()
    local singles <const> = {}
    for name in tasks:each() do singles[name] = model("cross_stitch", {single = name}) end
    local net <const> = model("cross_stitch", {from = singles, diag = 1})
    for _, mixer in pairs(net.mixer) do
      for name in tasks:each() do
        local row <const> = mixer.alpha:rows(name).weight
        braid.no_grad(function()
          for j, other in ipairs(tasks.names) do row[j]:fill_(name == other and 1 or 0) end
        end)
      end
    end
    local together <const> = outputs(net)
    for name in tasks:each() do
      assert.is_true(largest(together[name], outputs(singles[name])[name]) < 1e-5, name)
    end
    fails(function() net:start_from{pose = nn.Linear(2, 2)} end,
      "start_from: the weights given for 'pose' have no columns.pose.")
    fails(function() net:start_from{yaw = {}} end, "start_from: there is no task 'yaw'")
  end)

  it("trains alpha at 100 times the learning rate and without weight decay", function()
    local net <const> = model("cross_stitch", {granularity = "scalar"})
    local opt <const> = braid.optim.SGD(net:parameters(), {lr = 0.1, weight_decay = 0.5})
    assert.equal(100, opt.groups[2].lr_mult)
    assert.equal(0, opt.groups[2].weight_decay)
    local count = 0
    for _, p in ipairs(opt.groups[2].params) do count = count + p:numel() end
    assert.equal(5 * 3 * 3, count)
  end)

  it("penalises the distance between columns' weights in three forms", function()
    for _, form in ipairs{"l2", "exponential", "trace"} do
      local net <const> = model("cross_stitch", {mutual = form, lambda_w = 0.5})
      local penalty <const> = net:penalty()
      assert.near(mtl.mutual(net, {form = form, weight = 0.5}):item(), penalty:item(), 1e-4)
      penalty:backward()
      assert.is_truthy(net.columns.stacked.conv1[1].weight.grad)
      assert.is_nil(net.mixer.conv1.alpha.stacked.weight.grad)
    end
    fails(function() model("cross_stitch", {mutual = "l3"}) end, "not \"l3\"")
    assert.is_nil(model("cross_stitch", {}):penalty())
  end)
end)

describe("models/soft_sharing.lua", function()
  it("has a penalty that brings the columns' weights together", function()
    local net <const> = model("soft_sharing", {lambda = 0.1})
    local opt <const> = braid.optim.SGD(net:parameters(), {lr = 0.1})
    local first <const> = net:penalty():item()
    for _ = 1, 20 do
      opt:zero_grad()
      net:penalty():backward()
      opt:step()
    end
    assert.is_true(net:penalty():item() < 0.5 * first)
    assert.is_nil(model("soft_sharing", {single = "pose"}):penalty())
  end)
end)

describe("models/dcnet.lua", function()
  local five <const> = mtl.tasks{landmarks = mtl.landmark_bins{pixels = 64},
    gender = mtl.classes{2}, smile = mtl.classes{2}, glasses = mtl.classes{2},
    pose = mtl.classes{5}}

  it("has 84076458 parameters for five tasks, landmarks in bins of 64x64 pixels #slow", function()
    assert.equal(84076458, model("dcnet", {tasks = five, width = 1}):count_parameters())
  end)

  it("has mixers at AlexNet's blocks with max pooling, and an output for each bin", function()
    local alexnet <const> = model("dcnet", {tasks = five, width = 0.125, backbone = "alexnet"})
    assert.equal("conv1 conv2 conv5", table.concat((function()
      local names <const> = {}
      for name in pairs(alexnet.mixer) do names[#names + 1] = name end
      table.sort(names)
      return names
    end)(), " "))
    assert.same({1, 640}, outputs(alexnet, braid.randn(1, 3, 64, 64)).landmarks.shape)
  end)

  it("has mixers that are the identity with final_relu = false and gamma_init = 'zero'", function()
    local o <const> = {backbone = "tcdcn", gamma_init = "zero", final_relu = false}
    local net <const> = model("dcnet", o)
    local maps <const> = net:eval():features(x, {"conv2"}).conv2
    local list <const> = {maps.landmarks, maps.pose, maps.smile}
    net:unstack()
    for i, y in ipairs(net.mixer.conv2(list)) do assert.equal(0, largest(y, list[i])) end
  end)

  it("can be matched in size by tcdcn and cross_stitch with the option `parameters`", function()
    local wanted <const> = model("dcnet", {backbone = "tcdcn"}):count_parameters()
    for _, name in ipairs{"tcdcn", "cross_stitch"} do
      local count <const> = model(name, {parameters = wanted}):count_parameters()
      assert.is_true(math.abs(count - wanted) < 0.02 * wanted, name)
    end
  end)
end)

describe("models/progressive.lua", function()
  it("keeps the outputs of earlier tasks when a later task trains", function()
    local net <const> = model("progressive", {order = {"smile", "pose", "landmarks"}})
    local before <const> = outputs(net)
    net:train_only{"pose"}
    local opt <const> = braid.optim.SGD(net:parameters(), {lr = 0.1})
    net:train()(x).pose:square():sum():backward()
    opt:step()
    local after <const> = outputs(net)
    assert.equal(0, largest(before.smile, after.smile))
    assert.is_true(largest(before.pose, after.pose) > 0)
    assert.is_true(largest(before.landmarks, after.landmarks) > 0)
  end)
end)

describe("models/cascade.lua", function()
  it("sends a stage's gradient to earlier stages, unless detach = true", function()
    for _, detach in ipairs{false, true} do
      local net <const> = model("cascade", {order = {"landmarks", "smile", "pose"},
        detach = detach})
      net(x).pose:sum():backward()
      assert.equal(not detach, net.stage[1][3].weight.grad ~= nil)
      assert.is_truthy(net.trunk.conv1[1].weight.grad)
    end
    fails(function() model("cascade", {order = {"pose"}}) end, "order must name every task once")
    fails(function() model("cascade", {order = {"pose", "pose", "smile"}}) end,
      "cascade: order names 'pose', which is not a task or there twice")
  end)
end)

describe("models/hyperface.lua", function()
  it("refuses an input whose three maps would differ in size, and names sizes that fit", function()
    for _, side in ipairs{63, 70, 95, 102, 227} do
      local net <const> = model("hyperface", {input = side, width = 0.02})
      assert.same({1, 2}, net(braid.randn(1, 3, side, side)).smile.shape)
    end
    fails(function() model("hyperface", {input = {64, 64}, width = 0.02}) end,
      "hyperface: input must be the side of an image in pixels, not table")
    for _, side in ipairs{62, 71, 94, 103, 222, 231} do
      fails(function() model("hyperface", {input = side, width = 0.02}) end,
        ("hyperface: with input = %d the three maps differ in size; take 63 to 70"):format(side))
    end
  end)
end)

describe("models/kth.lua", function()
  it("begins with Xavier's weights and the same small positive bias everywhere", function()
    for given, bias in pairs{[0.1] = 0.1, [0.02] = 0.02} do
      local net <const> = model("kth", {bias = given ~= 0.1 and given or nil, input = 30})
      local seen = 0
      for name, p in net:named_parameters() do
        if name:find("bias$") then
          assert.is_true(largest(p, braid.full(p.shape, bias)) == 0, name)
          seen = seen + 1
        else
          local area <const> = p:dim() == 4 and 25 or 1
          local bound <const> = math.sqrt(6 / (area * (p:size(1) + p:size(2)))) -- Glorot, eq. 16
          local most <const> = p:abs():max():item()
          assert.is_true(most <= bound and most > 0.9 * bound, name)
        end
      end
      assert.equal(3 + #tasks.names, seen)
    end
  end)
end)

describe("models/mtan.lua", function()
  it("multiplies maps by masks within [0, 1]", function()
    local net <const> = model("mtan", {}):eval()
    local p <const> = braid.rand(2, 4, 5, 5)
    local picked <const> = net.attention.pose[1](p)
    assert.is_true(picked:ge(0):all():item() and picked:le(p):all():item())
  end)
end)

describe("mixers", function()
  it("treat the output of a fully connected block as maps of one pixel", function()
    for _, name in ipairs{"collaborative", "nddr", "progressive", "cross_stitch"} do
      local net <const> = mtl.network{tasks = tasks, blocks = nn.backbone("tcdcn", {width = 0.1}),
        mixer = mtl[name]{}, at = "fc"}
      local together <const> = outputs(net).pose
      assert.same({2, 5}, together.shape)
      assert.is_true(largest(together, outputs(net:unstack()).pose) < 1e-5, name)
    end
  end)
end)

describe("stacked columns", function()
  it("fold batch norms into convolutions as columns in a list do", function()
    local backbone <const> = {name = "tcdcn", norm = true, activation = "ReLU"}
    local net <const> = model("dcnet", {backbone = backbone})
    for _ = 1, 3 do net(x * 2) end -- so that statistics are not 0 and 1
    local folded <const> = outputs(net)
    local apart <const> = net(x)
    local listed <const> = outputs(net:clone():unstack())
    for name in tasks:each() do
      assert.is_true(apart[name].requires_grad)
      assert.is_true(largest(folded[name], apart[name]) < 1e-4, name)
      assert.is_true(largest(folded[name], listed[name]) < 1e-4, name)
    end
  end)
end)

describe("net:summary", function()
  it("counts the parameters of mixers, and their multiplications", function()
    local net <const> = model("cross_stitch", {granularity = "scalar"})
    local alone <const> = model("soft_sharing", {})
    local sum <const>, base <const> = net:summary{1, 40, 40}, alone:summary{1, 40, 40}
    assert.equal(net:count_parameters(), sum.parameters)
    local values = 0
    for _, maps in pairs(net:features(x, net:blocks())) do
      values = values + maps.pose:numel() // 2
    end
    assert.equal(base.macs + 9 * values, sum.macs)
  end)
end)
