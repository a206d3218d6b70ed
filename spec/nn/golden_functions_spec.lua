--- Functions and layers against PyTorch's values and gradients in float64, which
-- spec/support/golden_functions.py wrote.

local braid <const> = require "braid"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"

local PATH <const> = "spec/golden/functions.safetensors"
local TOLERANCE <const> = 1e-11 -- sums of some hundred products in another order

local golden <const> = assert(braid.load(PATH))

local function read_cases()
  local text <const> = assert(files.read(PATH))
  local header <const> = assert(json.decode((string.unpack("<s8", text))))
  return assert(json.decode(header.__metadata__.cases))
end

local function compare(what, actual, expected)
  assert.same(expected.shape, actual.shape, what)
  local difference <const> = (actual - expected):abs():max():item()
  local limit <const> = TOLERANCE * (1 + expected:abs():max():item())
  if not (difference <= limit) then
    error(("%s differs by %g, more than %g"):format(what, difference, limit), 0)
  end
end

-- The tensors of a case by name. Those with expected gradients require a gradient.
local function tensors_of(case)
  local t <const> = {}
  local prefix <const> = case.key .. "."
  for key, value in pairs(golden) do
    if key:sub(1, #prefix) == prefix then t[key:sub(#prefix + 1)] = value end
  end
  for _, name in ipairs(case.grads) do t[name] = t[name]:detach():requires_grad_() end
  return t
end

local calls <const> = {}

calls["function"] = function(case, t)
  local args <const> = {}
  for i, arg in ipairs(case.args) do
    args[i] = type(arg) == "string" and t[arg:match("^%$(.*)")] or arg
  end
  return braid.F[case.name](table.unpack(args))
end

function calls.layer(case, t)
  local m <const> = braid.nn[case.name](table.unpack(case.args))
  local names <const> = {}
  for name in pairs(m:state_dict()) do names[#names + 1] = name end
  table.sort(names)
  assert.same(case.state, names)
  for _, name in ipairs(names) do
    assert.same(t["state." .. name].shape, m[name].shape)
    m[name] = t["state." .. name]
  end
  local inputs <const> = {}
  for i, name in ipairs(case.inputs) do inputs[i] = t[name] end
  return m(table.unpack(inputs))
end

describe("Braid agrees with PyTorch on", function()
  for _, case in ipairs(read_cases()) do
    it(("%s (%s) and its gradients"):format(case.name, case.key), function()
      local t <const> = tensors_of(case)
      local y <const> = calls[case.kind](case, t)
      compare("y", y, t.y)
      if t.dy then y:backward {gradient = t.dy} end
      for _, name in ipairs(case.grads) do
        compare("the gradient of " .. name, t[name].grad, t["d." .. name])
      end
    end)
  end

  it("batch norm that averages over all batches (momentum = false)", function()
    local m <const> = braid.nn.BatchNorm2d(3, {momentum = false})
    -- The running statistics are float32.
    for i = 1, 3 do
      local y <const> = m(golden["average.x" .. i]:to("float32")):to("float64")
      assert.is_true((y - golden["average.y" .. i]):abs():max():item() < 1e-5)
    end
    for _, name in ipairs {"running_mean", "running_var"} do
      local difference <const> = m[name]:to("float64") - golden["average." .. name]
      assert.is_true(difference:abs():max():item() < 1e-6)
    end
  end)
end)
