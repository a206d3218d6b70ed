--- braid.export, which writes networks as ONNX files: what a file has, and what is refused.
-- spec/support/onnx_exported.py checks that onnxruntime computes the same from these files.

local braid <const> = require "braid"
local cases <const> = require "spec.support.onnx_cases"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local file <const> = require "spec.support.file"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"
local onnx <const> = require "spec.support.onnx_file"
local operators <const> = require "spec.support.onnx_operators"
local rows <const> = require "braid.onnx.export.rows"
local mtl <const>, nn <const>, ops <const> = braid.mtl, braid.nn, core.ops

-- A network that calls f.
local Call <const> = class("Call", nn.Module)
function Call:init(f) self.f = f end
function Call:forward(...) return self.f(...) end

local function exported(net, options)
  local model
  file.with("t.onnx", function(path)
    assert.is_true(braid.export(net, path, options))
    model = onnx.read(path)
  end)
  return model
end

-- The message of an export that fails. Checks that the old file stays as it was.
local function refusal(net, options)
  local message
  file.with("t.onnx", function(path)
    assert(files.write(path, {"as it was"}))
    local ok <const>, why <const> = pcall(braid.export, net, path, options)
    assert.is_false(ok)
    assert.equal("as it was", assert(files.read(path)))
    message = tostring(why)
  end)
  return message
end

local function small_net()
  return nn.Sequential{nn.Conv2d(3, 4, {kernel = 3}), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(),
    nn.Linear(4 * 6 * 6, 5)}
end

local IMAGE <const> = {input = {3, 8, 8}}

-- ---- all cases --------------------------------------------------------------------------

describe("an exported network", function()
  for _, case in ipairs(cases) do
    it(("has a sound graph: %s%s"):format(case.name, case.slow and " #slow" or ""), function()
      local model <const> = exported(case.make(), {input = case.shapes,
        preprocess = case.picture})
      assert.is_nil(onnx.wrong(model))
      assert.equal(#case.shapes, #model.graph.input)
      for i, shape in ipairs(case.shapes) do
        assert.same({"batch", table.unpack(shape)}, onnx.shape(model.graph.input[i]))
      end
    end)
  end

  it("is tested for every operator with a row", function()
    for name in pairs(rows) do
      if name ~= "without" then assert.is_table(operators[name], name) end
    end
  end)

  it("has rows only for operators that exist", function()
    local known <const> = {without = true}
    for _, row in ipairs(core.rows) do known[row.name] = true end
    for name in pairs(rows) do assert.is_true(known[name], name) end
  end)

  it("cannot have these operators, most of them of training and fusion", function()
    local WITHOUT <const> = {"adadelta_step", "adagrad_step", "adam_step", "adamax_step",
      "bernoulli", "cholesky", "conv2d_activation", "conv2d_max_pool2d", "cross_entropy", "eigh",
      "fair_program", "gram", "inverse", "linear_activation", "masked_select", "median", "mse",
      "nms", "nonnegative_program", "normal", "random", "rmsprop_step", "sgd_step",
      "simplex_program", "solve", "uniform", "weighted_rows"}
    local list <const> = rows.without()
    table.sort(list)
    assert.same(WITHOUT, list)
  end)
end)

-- ---- what a file has --------------------------------------------------------------------

describe("the file of braid.export", function()
  it("has the versions of the format and of Braid", function()
    local model <const> = exported(small_net(), IMAGE)
    assert.equal(10, model.ir_version)
    assert.equal(17, model.opset_import[1].version)
    assert.equal("Braid", model.producer_name)
    assert.equal(braid.VERSION, model.producer_version)
  end)

  it("has a node for each operator of the network; none is fused", function()
    assert.equal("Conv BatchNormalization Relu Reshape Gemm",
      onnx.operators(exported(small_net(), IMAGE)))
  end)

  it("has the weights by their paths, to the bit", function()
    local net <const> = small_net()
    local found <const> = {}
    for _, t in ipairs(exported(net, IMAGE).graph.initializer) do found[t.name] = t end
    for name, p in net:named_parameters() do
      assert.same(p.shape, found[name].dims)
      assert.equal(core.bytes(p), found[name].raw_data)
    end
    assert.same({4}, found["2.running_mean"].dims)
  end)

  it("names nodes by their modules, inputs by the data and outputs by the tasks", function()
    local tasks <const> = mtl.tasks{pose = mtl.classes{5}, smile = mtl.classes{2}}
    local model <const> = exported(braid.model("tcdcn", {tasks = tasks}), {input = {1, 40, 40}})
    assert.equal("image", model.graph.input[1].name)
    assert.same({"batch", 1, 40, 40}, onnx.shape(model.graph.input[1]))
    local outputs <const> = {}
    for _, info in ipairs(model.graph.output) do outputs[info.name] = onnx.shape(info) end
    assert.same({pose = {"batch", 5}, smile = {"batch", 2}}, outputs)
    assert.matches("^[%w_.]+/Conv$", model.graph.node[1].name)
  end)

  it("has several inputs, with default names or the user's", function()
    local net <const> = Call(function(a, b) return a * b end)
    assert.equal("input2", exported(net, {input = {{3}, {3}}}).graph.input[2].name)
    local graph <const> = exported(net, {input = {{3}, {3}}, names = {"left", "right"}}).graph
    assert.same({"left", "right"}, graph.node[1].input)
    assert.equal("output", graph.output[1].name)
  end)

  it("expands a constant that is the same for every sample to the number of samples", function()
    local model <const> = exported(Call(function(x) return x + braid.ones(x:size(1), 3) end),
      {input = {3}})
    assert.equal("Shape Gather Concat Expand Add", onnx.operators(model))
  end)

  it("has a Shape node if the network uses the number of samples", function()
    local model <const> = exported(Call(function(x) return x:sum(1) / x:size(1) end), {input = {3}})
    assert.matches("Shape", onnx.operators(model))
    assert.same({3}, onnx.shape(model.graph.output[1]))
  end)

  it("has a constant for operators that depend on constants only", function()
    local weight <const> = braid.randn(3, 3)
    local model <const> = exported(Call(function(x) return x:matmul(weight:softmax(2):t()) end),
      {input = {3}})
    assert.equal("MatMul", onnx.operators(model))
  end)

  it("leaves out operators whose results are not used", function()
    local model <const> = exported(Call(function(x)
      local _ = x:exp()
      return x:relu()
    end), {input = {3}})
    assert.equal("Relu", onnx.operators(model))
  end)

  it("has a separate node for an output that is also an input or another output", function()
    local model <const> = exported(Call(function(x)
      local y <const> = x + 1
      return {a = x, b = y, c = y:detach(), d = braid.zeros(2)}
    end), {input = {3}})
    assert.is_nil(onnx.wrong(model))
    assert.equal(4, #model.graph.output)
  end)

  it("has tasks, classes, the card and the preprocessing in its metadata", function()
    local tasks <const> = mtl.tasks{smile = mtl.classes{2, names = {"no", "yes"}}}
    local net <const> = braid.model("tcdcn", {tasks = tasks})
    net.card = {text = "faces", preprocessing = {size = 40, channels = 1}}
    local model <const> = exported(net) -- the input's shape comes from the card
    local found <const> = onnx.metadata(model)
    assert.equal(braid.VERSION, found["braid.version"])
    assert.same({smile = {"no", "yes"}}, json.decode(found["braid.classes"]))
    assert.same({smile = {kind = "classes", size = 2}}, json.decode(found["braid.tasks"]))
    assert.equal("faces", json.decode(found["braid.card"]).text)
    assert.same({size = 40, channels = 1}, json.decode(found["braid.preprocessing"]))
    assert.equal("false", found["braid.preprocessing.inside"])
    assert.same({"batch", 1, 40, 40}, onnx.shape(model.graph.input[1]))
  end)

  it("takes pictures of bytes with preprocess = true", function()
    local net <const> = nn.Sequential{nn.Flatten()}
    net.card = {preprocessing = {size = 12, channels = 1}}
    local model <const> = exported(net, {input = {3, 30, 40}, preprocess = true})
    assert.equal(2, model.graph.input[1].type.tensor_type.elem_type) -- uint8
    assert.same({"batch", 3, 30, 40}, onnx.shape(model.graph.input[1]))
    assert.same({"batch", 144}, onnx.shape(model.graph.output[1]))
    assert.equal("true", onnx.metadata(model)["braid.preprocessing.inside"])
  end)

  it("has float64 numbers if the network is float64", function()
    local model <const> = exported(nn.Linear(3, 2):to("float64"), {input = {3}})
    assert.equal(11, model.graph.input[1].type.tensor_type.elem_type)
    assert.equal(11, model.graph.initializer[1].data_type)
  end)
end)

-- ---- what stays -------------------------------------------------------------------------

describe("a network that was exported", function()
  local function state_of(net)
    local modes <const> = {}
    net:apply(function(m) modes[#modes + 1] = tostring(rawget(m, "training")) end)
    local values <const> = {}
    for name, t in pairs(net:state_dict()) do
      values[#values + 1] = name .. core.bytes(t) .. core.version(t)
    end
    table.sort(values)
    return table.concat(modes, " "), table.concat(values)
  end

  for _, fails in ipairs{false, true} do
    it("has the same modes, values and random numbers" .. (fails and ", after an error" or ""),
      function()
        local net <const> = nn.Sequential{small_net(),
          fails and Call(function(x) return (x:median(2)) end) or nn.Identity()}
        net[1][2]:eval()
        local modes <const>, values <const> = state_of(net)
        braid.manual_seed(5)
        local wanted <const> = braid.rand(4):totable()
        braid.manual_seed(5)
        if fails then refusal(net, IMAGE) else exported(net, IMAGE) end
        assert.same(wanted, braid.rand(4):totable())
        local modes_now <const>, values_now <const> = state_of(net)
        assert.equal(modes, modes_now)
        assert.equal(values, values_now)
        assert.is_false(core.trace_pause(false))
        core.trace_begin() -- would raise an error if the export had left its trace on
        assert.same({}, core.trace_end())
      end)
  end

  it("records gradients again", function()
    local net <const> = small_net()
    exported(net, IMAGE)
    net(braid.randn(2, 3, 8, 8)):sum():backward()
    assert.is_true(core.is_tensor(net[1].weight.grad))
  end)
end)

-- ---- what is refused --------------------------------------------------------------------

-- Networks that cannot be exported: a title, words of the message, the network's function, and the
-- input's shape.
local REFUSED <const> = {}

local function refused(title, words, f, shape)
  REFUSED[#REFUSED + 1] = {title, words, f, shape or {6}}
end

refused("an operator without a form, with the path of its module", {"no form", "median (in 2.1)"},
  function(x) return (x:median(2)) end)
refused("a number that is read out of a tensor", {"2.1", "read into Lua"},
  function(x) return x * x:max():item() end)
refused("numbers that are read as a table", {"read into Lua"},
  function(x) return x * braid.tensor(x[1]:totable()) end)
refused("an index that a tensor gives", {"read into Lua"},
  function(x) return x:select(2, 1) * x[{ {}, x[1]:argmax() }] end)
refused("operators that depend on the number of samples", {"the same operators for all"},
  function(x) return x:size(1) > 1 and x:relu() or x:exp() end)
refused("a size that is neither fixed nor the number of samples", {"is", "for 3 samples"},
  function(x) return braid.cat({x, braid.zeros(1, 6)}, 1) end)
refused("a number that is neither fixed nor the number of samples", {"a number is", "0.333"},
  function(x) return x * (1 / x:size(1)) end)
refused("a constant that differs between samples", {"other values for each sample"},
  function(x) return x + braid.arange(x:size(1)):to("float32"):unsqueeze(2) end)
refused("random numbers", {"other values for other samples"},
  function(x) return x + braid.randn(6) end)
refused("dropout in training mode", {"dropout", "draws random numbers"},
  function(x) return braid.F.dropout(x, 0.5, {training = true}) end)
refused("a change through another view of the same memory", {"changed through another view"},
  function(x)
    local y <const> = x * 2
    y:narrow(2, 1, 3):zero_()
    return y + 1
  end)
refused("a change of a constant after it was used", {"changed after it was used"},
  (function()
    local count <const> = braid.zeros(6)
    return function(x)
      local y <const> = x + count
      count:add_(1)
      return y
    end
  end)())
refused("statistics of the batch", {"statistics of the batch"}, function(x)
  return ops.batch_norm(x, nil, nil, nil, nil, {training = true})
end, {6, 2, 2})
refused("a result that is not a tensor", {"not a tensor"}, function() return {a = "word"} end)
refused("a network that returns no tensor", {"returns no tensor"}, function() return {} end)

describe("braid.export refuses", function()
  for _, row in ipairs(REFUSED) do
    it(row[1], function()
      local net <const> = nn.Sequential{nn.Identity(), nn.Sequential{Call(row[3])}}
      local message <const> = refusal(net, {input = row[4]})
      for _, word in ipairs(row[2]) do
        assert.matches(word, message, 1, true)
      end
    end)
  end

  it("wrong or missing arguments", function()
    local net <const> = small_net()
    assert.matches("input is missing", refusal(net))
    assert.matches("the kernel spans 3 pixels", refusal(net, {input = {3, 2, 2}}))
    assert.matches("names has 2 of the 1 inputs",
      refusal(net, {input = {3, 8, 8}, names = {"a", "b"}}))
    assert.matches("'output'", refusal(net, {input = {3, 8, 8}, names = {"output"}}))
    assert.matches("card does not say", refusal(net, {input = {3, 8, 8}, preprocess = true}))
    assert.matches("wants a network", refusal({}, IMAGE))
    assert.matches("input size", refusal(nn.Linear(3), {input = {4}}))
    for path, words in pairs{["net.bin"] = "writes an .onnx file, not net.bin",
      ["/no/such/place/net.onnx"] = "there is no folder /no/such/place"} do
      local ok <const>, why <const> = pcall(braid.export, net, path, IMAGE)
      assert.is_false(ok)
      assert.matches(words, why, 1, true)
    end
  end)

  it("preprocessing that a graph cannot do", function()
    local net <const> = nn.Sequential{nn.Flatten()}
    net.card = {preprocessing = {channels = 1}}
    assert.matches("does not say how large", refusal(net, {input = {1, 8, 8}, preprocess = true}))
    net.card = {preprocessing = {channels = 1, size = 8}}
    assert.matches("a picture is {1 or 3, h, w}", refusal(net, {input = {2, 8, 8},
      preprocess = true}))
    net.card = {preprocessing = {channels = 1, size = 8, functions = {"train.lua:12"}}}
    assert.matches("functions of Lua (train.lua:12), which a graph cannot hold",
      refusal(net, {input = {1, 8, 8}, preprocess = true}), 1, true)
    net.card = {preprocessing = {channels = 2, size = 8}}
    assert.matches("card.preprocessing", refusal(net, {input = {1, 8, 8}, preprocess = true}))
  end)
end)

describe("braid.export of nn.LocalResponseNorm", function()
  it("leaves out the checks that the layer makes of its input", function()
    local net <const> = nn.LocalResponseNorm(5)
    assert.is_nil(onnx.wrong(exported(net, {input = {4, 3, 3}})))
  end)
end)
