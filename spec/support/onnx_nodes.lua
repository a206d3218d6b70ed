--- Runs ONNX's own node tests, as onnx_nodes.py has written them, through braid.import:
--   build/braid spec/support/onnx_nodes.lua DIR [name]
-- Prints how many tests with one node and how many with several nodes passed, and why each of the
-- others did not.

local braid <const> = require "braid"
local files <const>, json <const> = require "braid.io.files", require "braid.io.json"

-- Returns nil if they agree, else how they differ.
local function difference(got, wanted, case)
  if not braid.is_tensor(got) then return "no result" end
  if table.concat(got.shape, ",") ~= table.concat(wanted.shape, ",") then
    return ("shape (%s), not (%s)"):format(table.concat(got.shape, ", "),
      table.concat(wanted.shape, ", "))
  end
  if got.dtype ~= wanted.dtype then return ("%s, not %s"):format(got.dtype, wanted.dtype) end
  if got:numel() == 0 then return nil end
  local a <const>, b <const> = got:to("float64"), wanted:to("float64")
  local both_nan <const> = a:ne(a):logical_and(b:ne(b))
  local close <const> = (a - b):abs():le(b:abs() * case.rtol + case.atol)
  if close:logical_or(a:eq(b)):logical_or(both_nan):all():item() then return nil end
  return ("values differ by up to %g"):format((a - b):abs():max():item())
end

local function run(directory, case, tensors)
  local net <const> = braid.import(("%s/%s.onnx"):format(directory, case.name)):eval()
  local given <const> = {}
  for i, name in ipairs(case.inputs) do given[i] = tensors[name] end
  local results = net(table.unpack(given))
  if #case.names == 1 then results = {[case.names[1]] = results} end
  for i, name in ipairs(case.outputs) do
    local wrong <const> = difference(results[case.names[i]], tensors[name], case)
    if wrong then return ("output %d: %s"):format(i, wrong) end
  end
end

local directory <const>, only <const> = arg[1], arg[2]
local all <const> = assert(json.decode(assert(files.read(directory .. "/cases.json"))))
local tensors <const> = assert(braid.load(directory .. "/tensors.safetensors"))
local counts <const> = {}
for _, kind in ipairs{true, false} do counts[kind] = {passed = 0, failed = 0, lacking = 0} end
for _, case in ipairs(all.cases) do
  if not only or case.name:find(only) then
    local count <const> = counts[case.single]
    local ok <const>, wrong <const> = pcall(run, directory, case, tensors)
    if ok and not wrong then
      count.passed = count.passed + 1
    elseif not ok and wrong:find("Braid does not have", 1, true) then
      count.lacking = count.lacking + 1
      print(("lacks   %s (%s): %s"):format(case.name, case.op, wrong:match("Braid does.*")))
    else
      count.failed = count.failed + 1
      print(("FAILED  %s (%s): %s"):format(case.name, case.op, tostring(wrong)))
    end
  end
end
for kind, text in pairs{[true] = "one node", [false] = "several nodes"} do
  local count <const> = counts[kind]
  print(("of %s: %d passed, %d failed, %d ask for what Braid does not have"):format(text,
    count.passed, count.failed, count.lacking))
end
