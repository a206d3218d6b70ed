--- Imports the networks that onnx_torchvision.py has written, and prints how far their outputs are
-- from onnxruntime's:
--   build/braid spec/support/onnx_torchvision.lua DIR
-- Ends with status 1 if a network cannot be imported or differs by more than 1e-4 of its largest
-- output.

local braid <const> = require "braid"
local core <const> = require "braid.core"

local BOUND <const> = 1e-4

local directory <const> = arg[1]
if not directory then
  io.stderr:write("usage: build/braid spec/support/onnx_torchvision.lua DIR\n")
  os.exit(2)
end

local function compared(path)
  local net <const> = braid.import(path):eval()
  local values <const> = assert(braid.load((path:gsub("%.onnx$", ".safetensors"))))
  local _ <close> = braid.no_grad()
  local _ <close> = braid.scope()
  local apart <const> = (net(values.image) - values.logits):abs():max():item()
  return apart / values.logits:abs():max():item()
end

local failed = 0
local names <const> = assert(core.list_folder(directory))
table.sort(names)
for _, name in ipairs(names) do
  if name:find("%.onnx$") then
    local ok <const>, result <const> = pcall(compared, directory .. "/" .. name)
    if not ok or not (result <= BOUND) then failed = failed + 1 end
    print(("%-32s %s"):format(name, ok and ("%.1e"):format(result) or result))
    collectgarbage()
  end
end
print(failed == 0 and "all agree" or failed .. " do not agree")
os.exit(failed == 0, true)
