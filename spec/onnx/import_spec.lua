--- braid.import, which makes modules from ONNX files, on files that the spec writes field by field.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local onnx <const> = require "spec.support.onnx"
local pb <const> = require "braid.io.protobuf"
local nn <const>, optim <const> = braid.nn, braid.optim

local function ints(...) return braid.tensor({...}, {dtype = "int64"}) end

-- A network with the names that PyTorch gives: stem.0 (convolution), stem.1 (batch norm), fc.
local function small()
  braid.manual_seed(1)
  local net <const> = nn.Module()
  net.stem = nn.Sequential({nn.Conv2d(2, 4, {kernel = 3, padding = 1, stride = 2, bias = false}),
    nn.BatchNorm2d(4)}, {first = 0})
  net.fc = nn.Linear(4, 3)
  net.stem[1].running_mean:uniform_(-0.5, 0.5)
  net.stem[1].running_var:uniform_(0.5, 1.5)
  net.forward = function(self, x) return self.fc(self.stem(x):relu():mean{3, 4}) end
  return net
end

local function tensors_of(net)
  local all <const> = net:state_dict()
  all["stem.1.num_batches_tracked"] = nil
  return all
end

local NODES <const> = {
  {"Conv", {"x", "stem.0.weight"}, {"a"}, {pads = {1, 1, 1, 1}, strides = {2, 2},
    kernel_shape = {3, 3}}, name = "/stem/stem.0/Conv"},
  {"BatchNormalization", {"a", "stem.1.weight", "stem.1.bias", "stem.1.running_mean",
    "stem.1.running_var"}, {"b"}, {epsilon = 1e-5, momentum = 0.9}},
  {"Relu", {"b"}, {"c"}, name = "/relu/Relu"}, {"GlobalAveragePool", {"c"}, {"d"}},
  {"Flatten", {"d"}, {"e"}}, {"Gemm", {"e", "fc.weight", "fc.bias"}, {"y"}, {transB = 1}},
}

local function small_graph(net)
  return {nodes = NODES, tensors = tensors_of(net), inputs = {{"x", {"n", 2, 8, 8}}},
    outputs = {"y"}}
end

describe("braid.import", function()
  it("trains weights that the file holds transposed, of MatMul and Gemm", function()
    local w <const> = braid.tensor{{1, 2, 3}, {4, 5, 6}}
    for _, node in ipairs{{"MatMul", {"x", "fc.weight"}, {"y"}},
      {"Gemm", {"x", "fc.weight"}, {"y"}}} do
      local net <const> = onnx.net{nodes = {node}, tensors = {["fc.weight"] = w},
        inputs = {{"x", {"n", 2}}}, outputs = {"y"}}
      local x <const> = braid.tensor{{1, -1}}
      assert.same({{-3, -3, -3}}, net(x):totable())
      local opt <const> = optim.SGD(net:parameters(), {lr = 0.5})
      net(x):sum():backward()
      opt:step()
      assert.same({{-4, -4, -4}}, net(x):totable())
    end
  end)

  it("keeps a separate tensor with a layer's name, such as fc.weight or fc.scale", function()
    local scale <const>, w <const>, b <const> = braid.tensor{2, 3}, braid.tensor{{1, 2}, {3, 4}},
      braid.tensor{10, 20}
    for name, place in pairs{["fc.scale"] = "fc.scale", ["fc.weight"] = "fc.weight"} do
      local net <const> = onnx.net{nodes = {{"Mul", {"x", name}, {"a"}},
        {"Gemm", {"a", "fc.w", "fc.bias"}, {"y"}, {transB = 1}}},
        tensors = {[name] = scale, ["fc.w"] = w, ["fc.bias"] = b},
        inputs = {{"x", {"n", 2}}}, outputs = {"y"}}
      assert.same({{18, 38}}, net(braid.tensor{{1, 1}}):totable())
      assert.same(scale:totable(), net:state_dict()[place]:totable())
      assert.equal(2, #net:parameters())
    end
  end)

  it("gives a layer no bias of its name that other nodes add", function()
    for _, order in ipairs{{"Add", "fc.bias", "MatMul", "fc.w", 32},
      {"MatMul", "fc.w", "Add", "fc.bias", 22}} do
      local net <const> = onnx.net{nodes = {{order[1], {"x", order[2]}, {"h"}, name = "/fc/1"},
        {order[3], {"h", order[4]}, {"i"}, name = "/fc/2"}, {"Relu", {"i"}, {"j"}},
        {"Add", {"j", "fc.bias"}, {"y"}}},
        tensors = {["fc.w"] = braid.eye(2) * 2, ["fc.bias"] = braid.tensor{10, 10}},
        inputs = {{"x", {"n", 2}}}, outputs = {"y"}}
      assert.same({{order[5], order[5]}}, net(braid.ones(1, 2)):totable())
    end
  end)

  it("makes a layer of a product of two constants, of which the second is learned", function()
    for _, node in ipairs{{"Gemm", {"fc.table", "fc.weight", "fc.bias"}, {"t"}},
      {"MatMul", {"fc.table", "fc.weight"}, {"t"}}} do
      local net <const> = onnx.net{nodes = {node, {"Add", {"x", "t"}, {"y"}}},
        tensors = {["fc.table"] = braid.tensor{{1, 2}, {3, 4}}, ["fc.weight"] = braid.eye(2),
          ["fc.bias"] = braid.zeros(2)}, inputs = {{"x", {"n", 2}}}, outputs = {"y"}}
      assert.same({{2, 3}, {4, 5}}, net(braid.ones(1, 2)):totable())
      assert.is_false(net:state_dict()["fc.table"].requires_grad)
      assert.is_truthy(net.fc.weight.requires_grad)
      assert.equal(#node[2] - 1, #net:parameters())
    end
  end)

  it("makes layers with the file's names, which compute the same as the original", function()
    local net <const>, x <const> = small(), braid.randn(3, 2, 8, 8)
    local read <const> = onnx.net(small_graph(net))
    assert.equal(nn.Conv2d, getmetatable(read.stem[0]))
    assert.equal(nn.BatchNorm2d, getmetatable(read.stem[1]))
    assert.equal(nn.Linear, getmetatable(read.fc))
    net:eval()
    read:eval()
    assert.is_true((net(x) - read(x)):abs():max():item() < 1e-6)
    assert.equal("Imported(x -> y)", tostring(read):match("[^\n]*"))
    local names <const> = {}
    for name in pairs(read:state_dict()) do names[#names + 1] = name end
    table.sort(names)
    assert.same({"fc.bias", "fc.weight", "stem.0.weight", "stem.1.bias",
      "stem.1.num_batches_tracked", "stem.1.running_mean", "stem.1.running_var",
      "stem.1.weight"}, names)
  end)

  it("makes a module that trains like the original, statistics included", function()
    local net <const>, x <const> = small(), braid.randn(5, 2, 8, 8)
    local read <const> = onnx.net(small_graph(net))
    for _, m in ipairs{net, read} do
      local opt <const> = optim.SGD(m:parameters(), {lr = 0.1, momentum = 0.9})
      for _ = 1, 3 do
        opt:zero_grad()
        m(x):square():mean():backward()
        opt:step()
      end
    end
    local own <const>, other <const> = net:state_dict(), read:state_dict()
    for name, t in pairs(own) do
      assert.is_true((t - other[name]):abs():max():item() < 1e-6, name)
    end
  end)

  it("trains the batch norm of volumes and of values of any shape, statistics included", function()
    local t <const> = {["bn.weight"] = braid.ones(2), ["bn.bias"] = braid.zeros(2),
      ["bn.running_mean"] = braid.zeros(2), ["bn.running_var"] = braid.ones(2)}
    for shape, sizes in pairs{[{"n", 2, 3, 4, 5}] = {4, 2, 3, 4, 5}, [{"n", 30}] = {4, 2, 15},
      [{"n", 2}] = {16, 2}, [{2, 2, 60}] = {4, 2, 5, 6}} do
      local net <const> = onnx.net{nodes = {{"Reshape", {"x", "sizes"}, {"h"}},
        {"BatchNormalization", {"h", "bn.weight", "bn.bias", "bn.running_mean",
          "bn.running_var"}, {"y"}}}, tensors = t,
        inputs = {{"x", shape}, {"sizes", {#sizes}}}, outputs = {"y"}}
      local n = 1
      for _, size in ipairs(sizes) do n = n * size end
      local x <const> = braid.randn(n) + 3
      local y <const> = net(x:reshape(#shape == 5 and sizes or {-1, table.unpack(shape, 2)}),
        ints(table.unpack(sizes)))
      assert.same(sizes, y.shape)
      assert.is_true(y:mean():abs():item() < 1e-5)
      assert.is_true(net.bn.running_mean:min():item() > 0.2)
    end
  end)

  it("makes a module that can be cloned, converted, frozen and loaded", function()
    local net <const>, x <const> = small(), braid.randn(2, 2, 8, 8)
    local read <const> = onnx.net(small_graph(net)):eval()
    local wanted <const> = net:eval()(x)
    local copy <const> = read:clone()
    read.fc.weight:detach():zero_()
    assert.is_true((copy(x) - wanted):abs():max():item() < 1e-6)
    copy:to("float64")
    local wide <const> = copy(x:to("float64"))
    assert.equal("float64", wide.dtype)
    assert.is_true((wide - wanted):abs():max():item() < 1e-5)
    read:load_state_dict(net:state_dict())
    assert.is_true((read(x) - wanted):abs():max():item() < 1e-6)
    assert.is_false(read:freeze().stem[0].weight.requires_grad)
    assert.equal(8 * 9 + 8 + 15, read:unfreeze():count_parameters())
  end)

  it("makes a module that takes several inputs in order and returns outputs by name", function()
    local net <const> = onnx.net{
      nodes = {{"Sub", {"a", "b"}, {"less"}}, {"Add", {"a", "b"}, {"more"}}},
      inputs = {{"a", {2}}, {"b", {2}}}, outputs = {"more", "less"}}
    local out <const> = net(braid.tensor{5, 6}, braid.tensor{1, 2})
    assert.same({6, 8}, out.more:totable())
    assert.same({4, 4}, out.less:totable())
    assert.error_matches(function() net(braid.ones(2)) end,
      "import: the network has 2 inputs, not 1")
    assert.error_matches(function() net(braid.ones(2), 3) end,
      "import: input 2 %('b'%) must be a tensor, not 3")
    assert.error_matches(function() net(braid.ones(2), braid.ones(2, 2)) end,
      "import: input 'b' must have 1 dimensions, not the shape %(2, 2%)")
  end)

  it("runs each node after the nodes that make its inputs, whatever the file's order", function()
    local net <const> = onnx.net{nodes = {{"Neg", {"b"}, {"y"}}, {"Relu", {"x"}, {"b"}}},
      inputs = {{"x", {2}}}, outputs = {"y"}}
    assert.same({0, -3}, (net(braid.tensor{-1, 3}) + 0):totable())
  end)

  it("makes separate parameters of equal tensors that the file holds once", function()
    local net <const> = onnx.net{nodes = {{"Identity", {"a.weight"}, {"b.weight"}},
      {"Gemm", {"x", "a.weight"}, {"h"}, {transB = 1}},
      {"Gemm", {"h", "b.weight"}, {"y"}, {transB = 1}}},
      tensors = {["a.weight"] = braid.eye(2)}, inputs = {{"x", {"n", 2}}}, outputs = {"y"}}
    net.a.weight:detach():fill_(2)
    assert.same({{1, 0}, {0, 1}}, net.b.weight:totable())
  end)

  it("makes one parameter of a tensor that several nodes use", function()
    local w <const> = braid.tensor{{1, 2}, {3, 4}}
    local net <const> = onnx.net{nodes = {{"MatMul", {"x", "w.weight"}, {"h"}},
      {"MatMul", {"h", "w.weight"}, {"y"}}}, tensors = {["w.weight"] = w},
      inputs = {{"x", {"n", 2}}}, outputs = {"y"}}
    assert.equal(1, #net:parameters())
    assert.same({{7, 10}}, net(braid.tensor{{1, 0}}):totable())
    net(braid.ones(1, 2)):sum():backward()
    assert.is_truthy(net.w.weight.grad)
  end)

  it("makes one nn.Linear of a MatMul and the Add after it", function()
    local net <const> = onnx.net{nodes = {{"MatMul", {"x", "onnx::MatMul_9"}, {"h"},
      name = "/enc/enc.0/fc/MatMul"}, {"Add", {"enc.0.fc.bias", "h"}, {"y"}}},
      tensors = {["onnx::MatMul_9"] = braid.tensor{{1, 2, 3}, {4, 5, 6}},
        ["enc.0.fc.bias"] = braid.tensor{10, 20, 30}},
      inputs = {{"x", {"n", 2}}}, outputs = {"y"}}
    assert.equal(nn.Linear, getmetatable(net.enc[0].fc))
    assert.same({{1, 4}, {2, 5}, {3, 6}}, net.enc[0].fc.weight:totable())
    assert.same({{15, 27, 39}}, net(braid.ones(1, 2)):totable())
  end)

  it("trains a scale after a layer, but not the numbers of the preprocessing", function()
    local t <const> = {mean = braid.ones(1, 2, 1, 1), ["conv.weight"] = braid.ones(2, 2, 1, 1),
      ["scale.gamma"] = braid.ones(1, 2, 1, 1) * 3}
    local net <const> = onnx.net{nodes = {{"Sub", {"x", "mean"}, {"a"}},
      {"Conv", {"a", "conv.weight"}, {"b"}}, {"Mul", {"b", "scale.gamma"}, {"y"}}},
      tensors = t, inputs = {{"x", {"n", 2, 1, 1}}}, outputs = {"y"}}
    local names <const> = {}
    for name in net:named_parameters() do names[#names + 1] = name end
    assert.same({"conv.weight", "scale.gamma"}, names)
    assert.equal(6, net(braid.ones(1, 2, 1, 1) * 2):select(2, 1):item())
  end)

  it("trains what is prepared before it reaches a layer, but no numbers of the code", function()
    local code <const> = "/norm/Constant_1_output_0"
    local net <const> = onnx.net{nodes = {
      {"Shape", {"a.in_bias"}, {"s"}}, {"Split", {"a.in_bias"}, {"p", "q"}, {num_outputs = 2}},
      {"Concat", {"p", "a.v_bias"}, {"b"}, {axis = 0}},
      {"ReduceSum", {"fc.weight", "first"}, {"norm"}}, {"Div", {"fc.weight", "norm"}, {"w"}},
      {"Mul", {"a.gain", "half"}, {"g"}}, {"MatMul", {"x", "w"}, {"h"}}, {"Add", {"h", "b"}, {"i"}},
      {"Clip", {"a.scale", "", "most"}, {"c"}}, {"Exp", {"c"}, {"e"}}, {"Mul", {"i", "e"}, {"j"}},
      {"Mul", {"j", "g"}, {"k"}}, {"Constant", {}, {code}, {value = braid.ones(4)}},
      {"LayerNormalization", {"k", code}, {"y"}}},
      tensors = {["a.in_bias"] = braid.ones(4), ["a.v_bias"] = braid.ones(2), first = ints(0),
        ["fc.weight"] = braid.rand(2, 4), ["a.scale"] = braid.zeros(4), most = braid.tensor(4),
        ["a.gain"] = braid.tensor{1, 2, 3, 4}, half = braid.tensor(0.5)},
      inputs = {{"x", {"n", 2}}}, outputs = {"y"}}
    net(braid.ones(1, 2)):square():sum():backward()
    local names <const> = {}
    for name, p in net:named_parameters() do names[#names + 1] = p.grad and name end
    table.sort(names)
    assert.same({"a.gain", "a.in_bias", "a.scale", "a.v_bias", "fc.weight"}, names)
  end)

  it("computes shapes from the input's shape, as exporters write it, for any batch", function()
    local net <const> = onnx.net{nodes = {{"Shape", {"x"}, {"s"}},
      {"Gather", {"s", "zero"}, {"n"}, {axis = 0}}, {"Unsqueeze", {"n", "first"}, {"n1"}},
      {"Concat", {"n1", "rest"}, {"shape"}, {axis = 0}}, {"Reshape", {"x", "shape"}, {"y"}}},
      tensors = {zero = braid.tensor(0, {dtype = "int64"}), first = ints(0), rest = ints(-1)},
      inputs = {{"x", {"n", 2, 3}}}, outputs = {"y"}}
    for n = 1, 3 do assert.same({n, 6}, net(braid.ones(n, 2, 3)).shape) end
  end)

  it("runs the branches of an If, which may use values from outside", function()
    local function branch(op)
      return onnx.graph{nodes = {{op, {"x", "x"}, {"out"}}}, outputs = {"out"}}
    end
    local net <const> = onnx.net{nodes = {{"ReduceSum", {"x"}, {"sum"}, {keepdims = 0}},
      {"Greater", {"sum", "zero"}, {"c"}},
      {"If", {"c"}, {"y"}, {then_branch = branch "Add", else_branch = branch "Mul"}}},
      tensors = {zero = braid.tensor(0)}, inputs = {{"x", {2}}}, outputs = {"y"}}
    assert.same({6, 8}, net(braid.tensor{3, 4}):totable())
    assert.same({9, 16}, net(braid.tensor{-3, -4}):totable())
  end)

  it("raises an error if a Loop does not end after 100000 iterations", function()
    local body <const> = onnx.graph{nodes = {{"Identity", {"go"}, {"on"}},
      {"Identity", {"h"}, {"same"}}}, inputs = {{"turn", {}}, {"go", {}}, {"h", {1}}},
      outputs = {"on", "same"}}
    local net <const> = onnx.net{nodes = {{"Loop", {"", "go", "x"}, {"y"}, {body = body}}},
      tensors = {go = braid.tensor(true)}, inputs = {{"x", {1}}}, outputs = {"y"}}
    assert.error_matches(function() net(braid.ones(1)) end, "more than 100000 turns")
  end)

  it("reads a tensor's values from every field that may hold them", function()
    local function value(t)
      t.name, t.dims = "w", {2}
      local net <const> = onnx.net{nodes = {{"Identity", {"w"}, {"y"}}}, more = {t},
        outputs = {"y"}}
      return net():totable(), net().dtype
    end
    local rows <const> = {
      {{data_type = 1, float_data = {1.5, -2}}, {1.5, -2}, "float32"},
      {{data_type = 11, double_data = {1.5, -2}}, {1.5, -2}, "float64"},
      {{data_type = 7, int64_data = {-3, 1 << 40}}, {-3, 1 << 40}, "int64"},
      {{data_type = 6, int32_data = {-3, 7}}, {-3, 7}, "int32"},
      {{data_type = 3, int32_data = {-3, 7}}, {-3, 7}, "int32"},
      {{data_type = 2, int32_data = {255, 0}}, {255, 0}, "uint8"},
      {{data_type = 9, int32_data = {1, 0}}, {true, false}, "bool"},
      {{data_type = 10, int32_data = {0x3C00, 0xC000}}, {1, -2}, "float32"},
      {{data_type = 10, raw_data = "\0\x3C\0\xC0"}, {1, -2}, "float32"},
      {{data_type = 16, raw_data = "\x80\x3F\0\xC0"}, {1, -2}, "float32"},
      {{data_type = 13, uint64_data = {1, 2}}, {1, 2}, "int64"},
    }
    for _, row in ipairs(rows) do
      local got <const>, dtype <const> = value(row[1])
      assert.same(row[2], got)
      assert.equal(row[3], dtype)
    end
  end)

  it("refuses an unknown operator, and names it with its node, domain and version", function()
    local function refused(node)
      return select(2, onnx.import(onnx.file{nodes = {node}, inputs = {{"x", {1}}},
        outputs = {"y"}}))
    end
    assert.equal("node 'n1' (Sorcery): Braid does not have the operator Sorcery of domain "
      .. "'ai.onnx' (version 17)", refused{"Sorcery", {"x"}, {"y"}, name = "n1"})
    assert.equal("node 'number 1' (Relu): Braid does not have the operator Relu of domain 'my.own' "
      .. "(version unknown)", refused{"Relu", {"x"}, {"y"}, domain = "my.own"})
  end)
end)

describe("a damaged ONNX file", function()
  local X <const> = {{"x", {2}}}
  local function relu(more)
    local given <const> = {nodes = {{"Relu", {"x"}, {"y"}, name = "r"}}, inputs = X,
      outputs = {"y"}}
    for key, value in pairs(more) do given[key] = value end
    return onnx.file(given)
  end
  local function w(fields)
    fields.name = fields.name or "w"
    return relu{more = {fields}}
  end
  local RAW <const> = ("x"):rep(8)
  local CASES <const> = {
    ["it is empty"] = "",
    ["there is no graph in it"] = onnx.message("Model", {ir_version = 8}),
    ["its graph has no output"] = relu{outputs = {}},
    ["nothing makes the output 'z'"] = relu{outputs = {"z"}},
    ["two initializers are named 'w'"] = relu{more = {{name = "w", data_type = 1, dims = {0}},
      {name = "w", data_type = 1, dims = {0}}}},
    ["two inputs are named 'x'"] = relu{inputs = {X[1], X[1]}},
    ["node 'r' (Relu) uses 'q', which nothing makes"] =
      relu{nodes = {{"Relu", {"q"}, {"y"}, name = "r"}}},
    ["node 'b' (Relu) makes 'y' a second time"] =
      relu{nodes = {{"Relu", {"x"}, {"y"}}, {"Relu", {"x"}, {"y"}, name = "b"}}},
    ["node 'a' (Add) is part of a cycle"] =
      relu{nodes = {{"Add", {"x", "y"}, {"b"}, name = "a"}, {"Relu", {"b"}, {"y"}, name = "r"}}},
    ["node 'r' (Add): it has 1 inputs, but needs 2"] =
      relu{nodes = {{"Add", {"x"}, {"y"}, name = "r"}}},
    ["node 'r' (Relu) has no output"] = relu{nodes = {{"Relu", {"x"}, {}, name = "r"}}},
    ["node 'r' (Relu) has two attributes 'axis'"] = relu{nodes = {{"Relu", {"x"}, {"y"}, name = "r",
      attribute = {{name = "axis", i = 1, type = 2}, {name = "axis", i = 1, type = 2}}}}},
    ["node 'r' (Softmax): 'axis' is of the kind s, not i"] =
      relu{nodes = {{"Softmax", {"x"}, {"y"}, {axis = "one"}, name = "r"}}},
    ["tensor 'w' has a size of -1"] = w{data_type = 1, dims = {-1}},
    ["tensor 'w': its shape is impossible"] = w{data_type = 1, dims = {1 << 40, 1 << 40}},
    ["tensor 'w' of shape (3) asks for 12 bytes, but 8 are there"] =
      w{data_type = 1, dims = {3}, raw_data = RAW},
    ["tensor 'w' of shape (1) asks for 4 bytes, but 8 are there"] =
      w{data_type = 1, dims = {1}, raw_data = RAW},
    ["tensor 'w' of shape (2) asks for 8 bytes, but 0 are there"] = w{data_type = 1, dims = {2}},
    ["tensor 'w' of shape (9) asks for 9 values, but there are fewer"] =
      w{data_type = 6, dims = {9}, int32_data = {1}},
    ["tensor 'w' has the value 300, which no uint8 is"] =
      w{data_type = 2, dims = {1}, int32_data = {300}},
    ["tensor 'w' has more values than its shape asks for"] =
      w{data_type = 6, dims = {1}, int32_data = {1, 2}},
    ["tensor 'w' has 9 dimensions, which is more than 8"] =
      w{data_type = 1, dims = {1, 1, 1, 1, 1, 1, 1, 1, 1}},
    ["tensor 'w' has values of type STRING, which Braid does not have"] =
      w{data_type = 8, dims = {1}, string_data = {"a"}},
    ["tensor 'w' has values of type number 99, which Braid does not have"] = w{data_type = 99},
    ["field 'graph' of a model before byte 1 has the wire type 0, not 2"] = "\x38\x01",
    ["it ends too early"] = relu{}:sub(1, -2),
  }

  it("is refused with the message of its damage", function()
    for wanted, bytes in pairs(CASES) do
      local net <const>, message <const> = onnx.import(bytes)
      assert.is_nil(net, wanted)
      assert.equal(wanted, message)
    end
  end)

  it("is refused if graphs are nested too deeply", function()
    local bytes = onnx.message("Graph", {name = "innermost"})
    for _ = 1, 40 do -- one graph within each; with two the size would double 40 times
      local attribute <const> = pb.bytes(1, "body") .. pb.bytes(6, bytes) .. pb.whole(20, 5)
      bytes = pb.bytes(1, pb.bytes(5, attribute))
    end
    local _, message <const> = onnx.import(pb.bytes(7, bytes))
    assert.equal("its graphs lie within each other too deep", message)
  end)

  it("takes little memory if it has huge shapes but few bytes", function()
    local before <const> = braid.memory().peak
    for _, kind in ipairs{1, 6, 7, 10} do
      onnx.import(w{data_type = kind, dims = {1 << 28}, int32_data = {1}})
      onnx.import(w{data_type = kind, dims = {1 << 28}, raw_data = RAW})
    end
    assert.is_true(braid.memory().peak - before < 1e6)
  end)

  it("raises an error with braid.limits.elements instead of making a huge result", function()
    local big <const> = ints(1 << 33)
    for op, inputs in pairs{ConstantOfShape = {"big"}, Expand = {"x", "big"},
      Tile = {"x", "big"}} do
      local net <const> = onnx.net{nodes = {{op, inputs, {"y"}}}, tensors = {big = big},
        inputs = {{"x", {1}}}, outputs = {"y"}}
      assert.error_matches(function() net(braid.ones(1)) end,
        "node 'number 1' %(" .. op .. "%): .*braid.limits.elements")
    end
  end)
end)

describe("values of an ONNX file that are in another file", function()
  local shell <const> = require "spec.support.shell"
  local files <const> = require "braid.io.files"

  -- Calls f(directory, import). import(location, more) imports an ONNX file whose tensor is in the
  -- file `location`, and returns the tensor.
  local function with_directory(f)
    local home <const> = os.tmpname()
    os.remove(home)
    core.make_folder(home)
    core.make_folder(home .. "/net")
    core.make_folder(home .. "/net/sub")
    assert(files.write(home .. "/net/w.bin", {"1234", core.bytes(braid.tensor{5, 6})}))
    assert(files.write(home .. "/net/sub/w.bin", {core.bytes(braid.tensor{7, 8})}))
    assert(files.write(home .. "/secret", {("s"):rep(64)}))
    shell.run(("ln -s ../secret '%s/net/link'; ln -s .. '%s/net/up'"):format(home, home))
    local function import(location, more, options)
      local entries <const> = {{key = "location", value = location}}
      for key, value in pairs(more or {}) do entries[#entries + 1] = {key = key, value = value} end
      assert(files.write(home .. "/net/a.onnx", {onnx.file{nodes = {{"Identity", {"w"}, {"y"}}},
        more = {{name = "w", dims = {2}, data_type = 1, data_location = 1,
          external_data = entries}},
        outputs = {"y"}}}))
      local ok <const>, net <const> = pcall(braid.import, home .. "/net/a.onnx",
        options or {external = true})
      if ok then return net() end
      return nil, net:match("can run: (.*)")
    end
    local ok <const>, message <const> = pcall(f, home .. "/net/", import)
    shell.run(("rm -r '%s'"):format(home))
    assert(ok, message)
  end

  it("are read from the ONNX file's own directory with external = true", function()
    with_directory(function(_, import)
      assert.same({5, 6}, import("w.bin", {offset = "4", length = "8"}):totable())
      assert.same({7, 8}, import("sub/w.bin"):totable())
      local _, message <const> = import("w.bin", {offset = "4"}, {})
      assert.equal("tensor 'w' lies in another file ('w.bin'); {external = true} lets it be read, "
        .. "from the directory of the ONNX file only", message)
    end)
  end)

  it("are read neither from other directories nor through links", function()
    with_directory(function(directory, import)
      for _, location in ipairs{"../secret", "/etc/passwd", "sub/../../secret", "", "./w.bin",
        "sub//w.bin", "a\\b", "w.bin\0x", "file:w.bin"} do
        assert.matches("which is not a path below the ONNX file$", select(2, import(location)))
      end
      for location, where in pairs{link = "link", ["up/secret"] = "up"} do
        assert.equal(("tensor 'w' lies in '%s%s', which is a link"):format(directory, where),
          select(2, import(location)))
      end
      for _, location in ipairs{"sub", "none.bin"} do
        assert.equal(("tensor 'w' lies in '%s%s', which is not a file"):format(directory, location),
          select(2, import(location)))
      end
    end)
  end)

  it("must be as many as the tensor's shape asks for, and within the file", function()
    with_directory(function(directory, import)
      local path <const> = directory .. "w.bin"
      for wanted, more in pairs{
        ["tensor 'w' asks for 8 bytes, but has 4 in '" .. path .. "'"] = {length = "4"},
        ["tensor 'w' begins at byte 9 of '" .. path .. "', which has 12"] = {offset = "8"},
        ["tensor 'w' has the offset '-1'"] = {offset = "-1"},
        ["tensor 'w' has the offset '99999999999999999999'"] = {offset = "99999999999999999999"},
        ["tensor 'w' begins at byte 9223372036854775801 of '" .. path .. "', which has 12"] =
          {offset = "9223372036854775800"},
      } do
        assert.equal(wanted, select(2, import("w.bin", more)))
      end
    end)
  end)
end)
