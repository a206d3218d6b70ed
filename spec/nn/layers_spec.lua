--- Layers of nn against the functions that they apply; the names in their states; their messages
-- about wrong options and inputs.

local braid <const> = require "braid"
local class <const> = require "braid.class"
local folder <const> = require "braid.folder"
local nn <const>, F <const> = braid.nn, braid.F

-- A class and its arguments, the state's names and shapes, the function, and the input's shape.
local LAYERS <const> = {
  {"Conv1d", {4, 6, {kernel = 3, stride = 2, padding = 1, groups = 2}},
    {weight = {6, 2, 3}, bias = {6}}, function(m, x)
      return F.conv1d(x, m.weight, m.bias, {stride = 2, padding = 1, groups = 2})
    end, {2, 4, 9}},
  {"ConvTranspose2d", {4, 6, {kernel = {3, 2}, stride = 2, output_padding = 1, groups = 2}},
    {weight = {4, 3, 3, 2}, bias = {6}}, function(m, x)
      return F.conv_transpose2d(x, m.weight, m.bias,
        {stride = 2, output_padding = 1, groups = 2})
    end, {2, 4, 3, 4}},
  {"ConvTranspose2d", {2, 3, {kernel = 2, bias = false}}, {weight = {2, 3, 2, 2}},
    function(m, x) return F.conv_transpose2d(x, m.weight) end, {2, 2, 3, 3}},
  {"AdaptiveAvgPool2d", {{2, 3}}, {}, function(_, x) return F.adaptive_avg_pool2d(x, {2, 3}) end,
    {2, 3, 5, 7}},
  {"LayerNorm", {{3, 4}, {eps = 0.1}}, {weight = {3, 4}, bias = {3, 4}},
    function(_, x) return F.layer_norm(x, {3, 4}, {eps = 0.1}) end, {2, 3, 4}},
  {"LayerNorm", {5, {bias = false}}, {weight = {5}},
    function(_, x) return F.layer_norm(x, 5) end, {2, 5}},
  {"GroupNorm", {2, 6}, {weight = {6}, bias = {6}},
    function(_, x) return F.group_norm(x, 2) end, {2, 6, 3, 3}},
  {"InstanceNorm2d", {3}, {}, function(_, x) return F.instance_norm(x) end, {2, 3, 4, 4}},
  {"InstanceNorm2d", {3, {affine = true}}, {weight = {3}, bias = {3}},
    function(_, x) return F.instance_norm(x) end, {2, 3, 4, 4}},
  {"LocalResponseNorm", {3, {alpha = 0.5, k = 2}}, {},
    function(_, x) return F.local_response_norm(x, 3, {alpha = 0.5, k = 2}) end, {2, 5, 2, 2}},
  {"PReLU", {}, {weight = {1}}, function(_, x) return x:leaky_relu(0.25) end, {2, 3}},
  {"PReLU", {3, {start = 0.5}}, {weight = {3}}, function(_, x) return x:leaky_relu(0.5) end,
    {2, 3, 2}},
  {"Softmax", {2}, {}, function(_, x) return x:softmax(2) end, {2, 3}},
  {"CReLU", {}, {}, function(_, x) return F.crelu(x) end, {2, 3, 2, 2}},
  {"Upsample", {{scale_factor = 2}}, {}, function(_, x)
    return F.interpolate(x, {scale_factor = 2})
  end, {1, 2, 3, 3}},
  {"Upsample", {{size = {5, 4}, mode = "bilinear", align_corners = true}}, {}, function(_, x)
    return F.interpolate(x, {size = {5, 4}, mode = "bilinear", align_corners = true})
  end, {1, 2, 3, 3}},
  {"Residual", {nn.Linear(3, 3)}, {["body.weight"] = {3, 3}, ["body.bias"] = {3}},
    function(m, x) return x + m.body(x) end, {2, 3}},
  {"Residual", {nn.Linear(3, 2), nn.Linear(3, 2, {bias = false})},
    {["body.weight"] = {2, 3}, ["body.bias"] = {2}, ["shortcut.weight"] = {2, 3}},
    function(m, x) return m.shortcut(x) + m.body(x) end, {2, 3}},
  {"Concat", {{nn.Linear(3, 2, {bias = false}), nn.Identity()}}, {["1.weight"] = {2, 3}},
    function(m, x) return braid.cat({m[1](x), x}, 2) end, {4, 3}},
}

describe("the layer", function()
  before_each(function() braid.manual_seed(5) end)

  for i, case in ipairs(LAYERS) do
    local name <const>, arguments <const>, state <const>, f <const>, shape <const> =
      table.unpack(case)
    it(("%s gives the same as its function (%d)"):format(name, i), function()
      local layer <const> = nn[name](table.unpack(arguments))
      local x <const> = braid.randn(shape)
      assert.same(f(layer, x):totable(), layer(x):totable())
      local shapes <const> = {}
      for key, t in pairs(layer:state_dict()) do shapes[key] = t.shape end
      assert.same(state, shapes)
      assert.equal(name .. "(", tostring(layer):sub(1, #name + 1))
    end)
  end

  it("Bilinear gives the same as its function", function()
    local layer <const> = nn.Bilinear(2, 3, 4)
    local a <const>, b <const> = braid.randn(5, 2), braid.randn(5, 3)
    assert.same(F.bilinear(a, b, layer.weight, layer.bias):totable(), layer(a, b):totable())
    assert.same({4, 2, 3}, layer:state_dict().weight.shape)
    assert.is_true(layer.weight:abs():max():item() <= 1 / math.sqrt(2))
    assert.is_nil(nn.Bilinear(2, 3, 4, {bias = false}).bias)
  end)

  it("Embedding gives rows of its weight, and its row padding_index stays 0", function()
    local layer <const> = nn.Embedding(4, 3, {padding_index = 2})
    local labels <const> = braid.tensor({{1, 2}, {4, 1}}, {dtype = "int64"})
    local y <const> = layer(labels)
    assert.same({2, 2, 3}, y.shape)
    assert.same({0, 0, 0}, y[{1, 2}]:totable())
    assert.same(layer.weight[4]:totable(), y[{2, 1}]:totable())
    y:sum():backward()
    assert.same({0, 0, 0}, layer.weight.grad[2]:totable())
    assert.same({2, 2, 2}, layer.weight.grad[1]:totable())
  end)

  it("Dropout2d drops channels in training only", function()
    local layer <const>, x <const> = nn.Dropout2d(0.5), braid.ones(4, 8, 2, 2)
    local sums <const> = layer(x):sum({3, 4})
    assert.is_true(sums:eq(0):logical_or(sums:eq(8)):all():item())
    assert.is_true(sums:eq(0):any():item())
    assert.equal(x, layer:eval()(x))
  end)

  it("Parallel applies a module to each input, given as arguments or in a table", function()
    local layer <const> = nn.Parallel {nn.Identity(), nn.ReLU()}
    local a <const>, b <const> = braid.tensor {-1}, braid.tensor {-2}
    local ya <const>, yb <const> = layer(a, b)
    assert.same({-1}, ya:totable())
    assert.same({0}, yb:totable())
    assert.same({0}, layer({a, b})[2]:totable())
  end)
end)

-- A class, wrong arguments, and the message.
local WRONG <const> = {
  {"Bilinear", {0, 2, 3}, "Bilinear: inputs1 must be a whole number from 1, not 0"},
  {"Conv1d", {2, 3}, "Conv1d: kernel is missing; it must be a whole number from 1"},
  {"Conv1d", {2, 3, {kernel = 3, pad = 1}},
    "Conv1d: there is no option 'pad'; there is bias, dilation, groups, kernel, padding, stride"},
  {"ConvTranspose2d", {3, 4, {kernel = 2, groups = 2}},
    "ConvTranspose2d: groups = 2 must divide 3 inputs and 4 outputs"},
  {"AdaptiveAvgPool2d", {},
    "AdaptiveAvgPool2d: size is missing; it must be a whole number from 1, or a list of two"},
  {"LayerNorm", {{}}, "LayerNorm: shape must be a whole number from 1, or a list of 1 or more "
    .. "values, each a whole number from 1, not {}"},
  {"GroupNorm", {2, 3}, "GroupNorm: groups = 2 must divide the 3 channels"},
  {"InstanceNorm2d", {3, {track = true}},
    "InstanceNorm2d: there is no option 'track'; there is affine, eps"},
  {"LocalResponseNorm", {2.5},
    "LocalResponseNorm: size must be a whole number from 1 to 2147483647, not 2.5"},
  {"Dropout2d", {2}, "Dropout2d: p must be a number from 0 to 1, not 2"},
  {"PReLU", {0}, "PReLU: channels must be a whole number from 1, not 0"},
  {"Softmax", {}, "Softmax: dim is missing; it must be a dimension (from 1, or from -1 backwards)"},
  {"Embedding", {3, 2, {padding_index = 4}},
    "Embedding: padding_index = 4 is not one of the 3 rows"},
  {"Upsample", {}, "Upsample: give either size or scale_factor"},
  {"Residual", {}, "Residual: body is missing; it must be a module or a function"},
  {"Concat", {{3}},
    "Concat: modules must be a list of values, each a module or a function, not {3}: "
    .. "entry 1 is 3"},
  {"Parallel", {{3}},
    "Parallel: modules must be a list of values, each a module or a function, not {3}: "
    .. "entry 1 is 3"},
}

describe("the wrong arguments of", function()
  for i, case in ipairs(WRONG) do
    it(("%s are named (%d)"):format(case[1], i), function()
      assert.has_error(function() nn[case[1]](table.unpack(case[2])) end, case[3])
    end)
  end

  it("Parallel's call are named", function()
    assert.error_matches(function() nn.Parallel {nn.Identity()}(1, 2) end,
      "Parallel: 2 inputs for 1 modules")
  end)
end)

-- Arguments of layers that need arguments. false marks a class that is not a layer by itself.
local MADE_WITH <const> = {
  Module = false, BatchNorm = false, backbone = {"tcdcn", {width = 0.1}},
  AdaptiveAvgPool2d = {2}, AvgPool2d = {2}, MaxPool2d = {2},
  BatchNorm1d = {3}, BatchNorm2d = {3}, Bilinear = {2, 3, 4}, Concat = {{nn.Identity()}},
  Conv1d = {4, 6, {kernel = 3}}, Conv2d = {4, 6, {kernel = 3}},
  ConvTranspose2d = {4, 6, {kernel = 3}}, Embedding = {4, 3}, GroupNorm = {2, 6},
  InstanceNorm2d = {3}, LayerNorm = {4}, Linear = {3, 4}, LocalResponseNorm = {3},
  Parallel = {{nn.ReLU(), nn.ReLU()}}, Residual = {nn.ReLU()}, Sequential = {{nn.ReLU()}},
  Softmax = {2}, Upsample = {{scale_factor = 2}},
}

-- Layers whose message about a wrong input is another. Identity accepts any input.
local SAYS <const> = {Parallel = "inputs for 2 modules", Upsample = "x must have shape"}
local PASSES <const> = {Identity = true}

describe("an input that is not a tensor", function()
  -- Checks the layer's message, which names the layer's path in the network.
  local function check(path, layer, says, passes)
    for _, training in ipairs{true, false} do
      local net <const> = nn.Sequential {nn.Sequential {nn.Identity(), layer}}:train(training)
      for _, x in ipairs{3, "x", {}, true} do
        local ok <const>, message <const> = pcall(function() return (net(x)) end)
        local told <const> = path .. ": " .. tostring(message)
        assert.equal(passes == true, ok, told)
        if not ok then
          local at <const> = path == "Parallel" and path or "Sequential%.1%.2"
          assert.matches("^[^:]*nn/layers_spec%.lua:%d+: .*" .. at, message, told)
          assert.matches(says or "must be a tensor", message, told)
        end
      end
      assert.error_matches(function() layer(nil) end, "^" .. class.of(layer).__name .. ".*"
        .. (says or "must be a tensor"))
    end
  end

  it("is refused by every layer, with the path of the layer", function()
    local seen = 0
    for _, name in ipairs(folder.names(nn)) do
      local arguments <const> = MADE_WITH[name]
      if class.is_class(nn[name]) and arguments ~= false then
        seen = seen + 1
        check(name, nn[name](table.unpack(arguments or {})), SAYS[name], PASSES[name])
      end
    end
    assert.is_true(seen > 30)
  end)

  it("is refused by layers that do not know their input size yet", function()
    check("Linear", nn.Linear(3))
    check("Conv2d", nn.Conv2d(3, {kernel = 2}))
  end)
end)
