--- Compares what braid.import makes of torchvision's networks with onnxruntime. The files are from
-- onnx_torchvision.py:
--   build/braid spec/support/onnx_torchvision.lua DIR [name]
-- Each must agree within 1e-4 (of the largest output, if that is above 1) for a batch and for one
-- picture, give every parameter a gradient, and run in float64.

local braid <const> = require "braid"
local core <const> = require "braid.core"

local MOST <const> = 1e-4

local function largest(t) return t:abs():max():item() end

local function run(stem)
  local net <const> = braid.import(stem .. ".onnx"):eval()
  local expected <const> = braid.load(stem .. ".safetensors")
  local function output(x)
    local _ <close> = braid.no_grad()
    return net(x)
  end
  local unit <const> = math.max(1, largest(expected.logits))
  local apart <const> = largest(output(expected.image) - expected.logits) / unit
  local one <const> = largest(output(expected.image:narrow(1, 1, 1))
    - expected.logits:narrow(1, 1, 1)) / unit
  local opt <const> = braid.optim.SGD(net:train():parameters(), {lr = 1e-6})
  local loss <const> = net(expected.image):square():mean()
  loss:backward()
  opt:step()
  local trained = 0
  for _, p in net:named_parameters() do trained = trained + (p.grad and 1 or 0) end
  net:eval():to("float64")
  local wide <const> = output(expected.image:narrow(1, 1, 1):to("float64"))
  return apart, one, trained, #net:parameters(), wide.dtype
end

local directory <const>, only <const> = arg[1], arg[2] or ""
local failed = false
for _, file in ipairs((core.list_folder(directory))) do
  local name <const> = file:match("^(.*)%.onnx$")
  local written <const> = name and io.open(("%s/%s.safetensors"):format(directory, name))
  if written then written:close() end
  if written and name:find(only, 1, true) then
    local ok <const>, apart <const>, one <const>, trained <const>, all <const>, dtype <const> =
      pcall(run, directory .. "/" .. name)
    local good <const> = ok and apart < MOST and one < MOST and trained == all
      and dtype == "float64"
    failed = failed or not good
    print(ok and ("%-28s %.1e, alone %.1e; %d of %d parameters learn%s"):format(name, apart, one,
      trained, all, good and "" or "  FAILED") or ("%-28s FAILED: %s"):format(name, apart))
    collectgarbage()
  end
end
os.exit(not failed)
