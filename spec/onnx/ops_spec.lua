--- The operators of ONNX that braid.import knows, against values that other programs computed
-- (spec/support/golden_onnx.py).

local braid <const> = require "braid"
local core <const> = require "braid.core"
local files <const> = require "braid.io.files"
local operators <const> = require "braid.onnx.import.operators"
local parse <const> = require "braid.onnx.import.parse"

local golden <const> = braid.load("spec/golden/onnx.safetensors")

-- The names of cases, such as "Conv.2", by operator.
local function cases()
  local by_op <const> = {}
  for name in pairs(golden) do
    local op <const>, case <const> = name:match("^((%w+)%.%d+)%.model$")
    if op then
      by_op[case] = by_op[case] or {}
      table.insert(by_op[case], op)
    end
  end
  for _, list in pairs(by_op) do table.sort(list) end
  return by_op
end

local function difference(got, wanted)
  if not braid.is_tensor(got) then return "there is no output" end
  if table.concat(got.shape, ",") ~= table.concat(wanted.shape, ",") then
    return ("shape (%s), not (%s)"):format(table.concat(got.shape, ", "),
      table.concat(wanted.shape, ", "))
  end
  if got.dtype ~= wanted.dtype then return ("%s, not %s"):format(got.dtype, wanted.dtype) end
  local a <const>, b <const> = got:to("float64"), wanted:to("float64")
  -- The tolerance is for float32 sums in another order.
  local close <const> = (a - b):abs():le(b:abs() * 1e-4 + 1e-5):logical_or(a:eq(b))
  local same <const> = close:logical_or(a:ne(a):logical_and(b:ne(b)))
  if same:all():item() then return nil end
  return ("values differ by up to %g"):format((a - b):abs():max():item())
end

-- Says how the outputs of a case differ; nil if they do not.
local function wrong_in(name)
  local net <const>, message <const> =
    parse(files.view(core.bytes(golden[name .. ".model"]), name))
  if not net then return message end
  local inputs <const> = {}
  while golden[("%s.in.%d"):format(name, #inputs + 1)] do
    inputs[#inputs + 1] = golden[("%s.in.%d"):format(name, #inputs + 1)]
  end
  local ok <const>, out = pcall(net:eval().forward, net, table.unpack(inputs))
  if not ok then return out end
  if braid.is_tensor(out) then out = {out0 = out} end
  local k = 0
  while golden[("%s.out%d"):format(name, k)] do
    local wrong <const> = difference(out["out" .. k], golden[("%s.out%d"):format(name, k)])
    if wrong then return ("output %d: %s"):format(k, wrong) end
    k = k + 1
  end
  if k == 0 then return "the case has no output" end
end

describe("the operators of ONNX", function()
  local by_op <const> = cases()

  it("all have cases in spec/golden/onnx.safetensors", function()
    local missing <const> = {}
    for op in pairs(operators) do
      if not by_op[op] then missing[#missing + 1] = op end
    end
    assert.same({}, missing)
  end)

  it("compute the same as other programs", function()
    local found, count <const> = {}, {}
    for _, list in pairs(by_op) do
      for _, name in ipairs(list) do
        local wrong <const> = wrong_in(name)
        if wrong then found[#found + 1] = name .. ": " .. tostring(wrong) end
        count[#count + 1] = name
      end
    end
    table.sort(found)
    assert.same({}, found)
    assert.is_true(#count > 200)
  end)

  it("raise an error with the node's name if inputs do not fit", function()
    local net <const> = parse(files.view(core.bytes(golden["MatMul.1.model"]), "m"))
    assert.error_matches(function() net(braid.ones(2, 3, 4), braid.ones(3, 5)) end,
      "node 'number 1' %(MatMul%): ")
  end)
end)
