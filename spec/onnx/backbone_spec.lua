--- nn.backbone of a network that braid.import made, cut into blocks at named places.

local braid <const> = require "braid"
local onnx <const> = require "spec.support.onnx"
local mtl <const>, nn <const>, optim <const> = braid.mtl, braid.nn, braid.optim

-- An imported network: conv1, two residual blocks, pooling and fc. Unless `bare`, the names of
-- nodes tell the block of each.
local function residual(bare)
  braid.manual_seed(5)
  local nodes <const> = {{"Conv", {"x", "conv1.weight"}, {"c"}, {pads = {1, 1, 1, 1}},
    name = not bare and "/conv1/Conv" or nil}, {"Relu", {"c"}, {"h0"}}}
  local tensors <const> = {["conv1.weight"] = braid.randn(4, 3, 3, 3),
    ["fc.weight"] = braid.randn(2, 4)}
  for i = 1, 2 do
    local path <const> = ("layer1.%d.conv"):format(i - 1)
    local function node(op)
      return not bare and ("/layer1/layer1.%d/%s"):format(i - 1, op) or nil
    end
    local h <const> = "h" .. i - 1
    nodes[#nodes + 1] = {"Conv", {h, path .. ".weight"}, {"a" .. i}, {pads = {1, 1, 1, 1}},
      name = node "conv/Conv"}
    nodes[#nodes + 1] = {"Add", {"a" .. i, h}, {"b" .. i}, name = node "Add"}
    nodes[#nodes + 1] = {"Relu", {"b" .. i}, {"h" .. i}, name = node "relu/Relu"}
    tensors[path .. ".weight"] = braid.randn(4, 4, 3, 3)
  end
  nodes[#nodes + 1] = {"GlobalAveragePool", {"h2"}, {"p"}}
  nodes[#nodes + 1] = {"Flatten", {"p"}, {"f"}}
  nodes[#nodes + 1] = {"Gemm", {"f", "fc.weight"}, {"y"}, {transB = 1}}
  return onnx.net{nodes = nodes, tensors = tensors, inputs = {{"x", {"n", 3, "h", "w"}}},
    outputs = {"y"}}
end

local OPTIONS <const> = {at = {"conv1", "layer1.0", "layer1.1"}, input = 8}

describe("the backbone of an imported network", function()
  it("computes the same as the network up to the last cut", function()
    for _, bare in ipairs{false, true} do
      local net <const>, x <const> = residual(bare):eval(), braid.randn(2, 3, 8, 8)
      local backbone <const> = nn.backbone(net, OPTIONS):eval()
      assert.same({"conv1", "layer1_0", "layer1_1"}, backbone:blocks())
      for _, name in ipairs(backbone:blocks()) do assert.equal(4, backbone:channels(name)) end
      local y <const> = braid.F.linear(backbone(x):mean{3, 4}, net.fc.weight)
      assert.is_true((net(x) - y):abs():max():item() < 1e-4)
    end
  end)

  it("has each parameter once, named by its block, with a copy of the values", function()
    local net <const> = residual()
    local backbone <const> = nn.backbone(net, {at = {"conv1", "layer1"}, input = 8})
    local names <const> = {}
    for name in backbone:named_parameters() do names[#names + 1] = name end
    assert.same({"conv1.conv1.weight", "layer1.0.conv.weight", "layer1.1.conv.weight"}, names)
    net.conv1.weight:detach():zero_()
    assert.is_true(backbone.conv1.conv1.weight:abs():max():item() > 0)
  end)

  it("makes the columns of mtl.columns, which mixers connect and a step trains", function()
    local tasks <const> = mtl.tasks{pose = mtl.classes{3}, smile = mtl.classes{2}}
    for _, mixer in ipairs{mtl.cross_stitch{}, mtl.nddr{}} do
      local net <const> = mtl.columns(tasks, nn.backbone(residual(), OPTIONS))
      net:mix("layer1_0", mixer)
      net:heads()
      local opt <const> = optim.SGD(net:parameters(), {lr = 0.01})
      local before <const> = net:state_dict()
      local old <const> = {}
      for name, t in pairs(before) do old[name] = t:clone() end
      local labels <const> = braid.tensor({1, 2}, {dtype = "int64"})
      tasks:loss(net(braid.randn(2, 3, 8, 8)), {pose = labels, smile = labels}):backward()
      opt:step()
      for name, t in net:named_parameters() do
        assert.is_true((t - old[name]):abs():max():item() > 0, name)
      end
    end
  end)

  it("is refused with a message if the network cannot be cut at a place", function()
    local net <const> = residual()
    local forked <const> = onnx.net{nodes = {{"Conv", {"x", "side.weight"}, {"a"}},
      {"Conv", {"x", "main.weight"}, {"b"}}, {"Add", {"a", "b"}, {"y"}}},
      tensors = {["side.weight"] = braid.ones(1, 1, 1, 1),
        ["main.weight"] = braid.ones(1, 1, 1, 1)},
      inputs = {{"x", {"n", 1, 4, 4}}}, outputs = {"y"}}
    for wanted, o in pairs{
      ["at = {...} must name the places at which the network is cut; there is "] = {},
      ["at: the network has no part, node or value 'layer9'; there is "] = {at = {"layer9"}},
      ["at: behind 'side' the network needs several values, so that it cannot be cut there"] =
        {at = {"side"}},
      ["at: 'conv1' does not come after 'layer1'"] = {at = {"layer1", "conv1"}},
    } do
      local ok <const>, message <const> = pcall(nn.backbone, o.at and o.at[1] == "side" and forked
        or net, o)
      assert.is_false(ok)
      assert.is_truthy(message:find("backbone: " .. wanted, 1, true), message)
    end
    assert.error_matches(function()
      nn.backbone(nn.Sequential{nn.ReLU()}, {at = {"block1"}})
    end, "backbone: at = {...} cuts networks of braid.import only")
    assert.error_matches(function() net.layer1(braid.ones(1)) end,
      "this is a part of an imported network, and runs only with it")
  end)
end)
