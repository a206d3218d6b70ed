--- The reader of ONNX files on thousands of randomly changed files: each gives a module, or is
-- refused with a message.

local braid <const> = require "braid"
local onnx <const> = require "spec.support.onnx"
local files <const> = require "braid.io.files"
local import <const> = require "braid.onnx.import.parse"

local function ints(...) return braid.tensor({...}, {dtype = "int64"}) end

-- A file with all that files may have: weights in raw and in packed fields, shapes, a graph within
-- a graph, and names of modules.
local function seed()
  braid.manual_seed(3)
  local branch <const> = onnx.graph{nodes = {{"Add", {"f", "f"}, {"out"}}}, outputs = {"out"}}
  return onnx.file{nodes = {
    {"Conv", {"x", "a.0.weight", "a.0.bias"}, {"a"}, {pads = {1, 1, 1, 1}, kernel_shape = {3, 3},
      group = 1, strides = {1, 1}}, name = "/a/a.0/Conv"},
    {"BatchNormalization", {"a", "bn.weight", "bn.bias", "bn.mean", "bn.var"}, {"b"},
      {epsilon = 1e-5}},
    {"Clip", {"b", "low", "high"}, {"c"}}, {"MaxPool", {"c"}, {"d"}, {kernel_shape = {2, 2},
      strides = {2, 2}, ceil_mode = 1}},
    {"Resize", {"d", "", "scales"}, {"r"}, {mode = "nearest"}},
    {"Shape", {"r"}, {"s"}}, {"Gather", {"s", "zero"}, {"n"}, {axis = 0}},
    {"Concat", {"n", "rest"}, {"shape"}, {axis = 0}}, {"Reshape", {"r", "shape"}, {"e"}},
    {"Slice", {"e", "from", "to", "axes"}, {"f"}}, {"ReduceSum", {"f"}, {"sum"}, {keepdims = 0}},
    {"Greater", {"sum", "low"}, {"more"}},
    {"If", {"more"}, {"g"}, {then_branch = branch, else_branch = branch}},
    {"Gemm", {"g", "fc.weight"}, {"y"}, {transB = 1}}},
    tensors = {["a.0.weight"] = braid.randn(2, 1, 3, 3), ["a.0.bias"] = braid.randn(2),
      ["bn.weight"] = braid.ones(2), ["bn.bias"] = braid.zeros(2), ["bn.mean"] = braid.zeros(2),
      low = braid.tensor(0), high = braid.tensor(6), scales = braid.tensor{1, 1, 2, 2},
      zero = ints(0), from = ints(0), to = ints(8), axes = ints(1),
      ["fc.weight"] = braid.randn(3, 8)},
    more = {{name = "rest", data_type = 7, dims = {1}, int64_data = {-1}},
      {name = "bn.var", data_type = 1, dims = {2}, float_data = {1, 2}}},
    inputs = {{"x", {"n", 1, 4, 4}}}, outputs = {"y", "sum"}}
end

-- Random numbers that do not depend on Braid's.
local function generator(state)
  return function(n)
    state = state * 6364136223846793005 + 1442695040888963407
    return (state >> 33) % n + 1
  end
end

local ODD <const> = {"\0", "\1", "\x7F", "\x80", "\xFF", "\xFF\xFF\xFF\xFF\x0F",
  ("\xFF"):rep(9) .. "\1", "\x80\x80\x80\x80\x08"}

-- Makes one random change: a bit or a byte changed; bytes removed, repeated, or copied from
-- elsewhere; a byte replaced by one of ODD; or the end cut off.
local function changed(bytes, random)
  local at <const>, kind <const> = random(#bytes), random(7)
  local length <const> = random(16)
  local before <const>, after <const> = bytes:sub(1, at - 1), bytes:sub(at + 1)
  if kind == 1 then return before .. string.char(bytes:byte(at) ~ 1 << random(8) - 1) .. after end
  if kind == 2 then return before .. string.char(random(256) - 1) .. after end
  if kind == 3 then return before .. bytes:sub(at + length) end
  if kind == 4 then return before .. bytes:sub(at, at + length) .. bytes:sub(at) end
  if kind == 5 then
    local from <const> = random(#bytes)
    return before .. bytes:sub(from, from + length - 1) .. bytes:sub(at + length)
  end
  if kind == 6 then return before .. ODD[random(#ODD)] .. after end
  return bytes:sub(1, at)
end

-- Whether a message is one of Braid's, without a trace or an error of Lua.
local function is_plain(message)
  return type(message) == "string" and not message:find("%.lua:%d+: .*%.lua:%d")
    and not message:find("attempt to") and not message:find("stack traceback")
end

-- Runs a network; tells whether it ran. If it fails, checks that the message is plain.
local function run(net, x)
  local _ <close> = braid.scope()
  local ok <const>, message <const> = pcall(function()
    local _ <close> = braid.no_grad()
    return net:eval()(x)
  end)
  if not ok then
    assert.is_true(is_plain(message), tostring(message))
    assert.is_nil(message:match("^[^:]*:%d+: (.*)$"):find("%.lua:%d"), message)
  end
  return ok
end

local function try(count, start)
  local bytes <const>, random <const> = seed(), generator(start)
  local x <const>, before <const> = braid.randn(1, 1, 4, 4), braid.limits.elements
  local read, refused, ran = 0, 0, 0
  braid.limits.elements = 100000
  local peak <const> = braid.memory().peak
  local ok <const>, message <const> = pcall(function()
    for _ = 1, count do
      local odd = bytes
      for _ = 1, random(2) do odd = changed(odd, random) end
      local net <const>, wrong <const> = import(files.view(odd, "file"))
      if net then
        read = read + 1
        ran = ran + (run(net, x) and 1 or 0)
      else
        refused = refused + 1
        assert.is_true(is_plain(wrong) and not wrong:find("%.lua:%d"), tostring(wrong))
      end
    end
  end)
  braid.limits.elements = before
  assert(ok, message)
  assert.is_true(braid.memory().peak - peak < 100e6)
  return read, refused, ran
end

describe("a changed ONNX file", function()
  it("gives a module that runs before it is changed", function()
    local net <const> = assert(import(files.view(seed(), "file")))
    assert.is_true(run(net, braid.randn(1, 1, 4, 4)))
  end)

  it("gives a module, or is refused with a message", function()
    local read <const>, refused <const>, ran <const> = try(100, 1)
    assert.is_true(read > 5 and refused > 50 and ran > 3,
      ("%d read, %d refused, %d ran"):format(read, refused, ran))
  end)

  it("gives a module, or is refused with a message, for 10000 changes #slow", function()
    for start = 2, 11 do try(1000, start) end
  end)

  it("that ends too early gives nil and a message", function()
    local net <const>, message <const> = import(files.view("\8", "file"))
    assert.is_nil(net)
    assert.equal("it ends too early", message)
  end)
end)
