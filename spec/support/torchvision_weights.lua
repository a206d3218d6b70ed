--- Loads the networks that torchvision_weights.py wrote under torchvision's own names. Compares
-- outputs, and the maps of each column, trunk and stream that begins with these networks:
--   build/braid spec/support/torchvision_weights.lua DIR

local braid <const> = require "braid"
local mtl <const> = braid.mtl

local tasks <const> = mtl.tasks{pose = mtl.classes{5}, smile = mtl.classes{2}}
local COLUMNS <const> = {"dcnet", "cross_stitch", "hard_sharing", "nddr", "sluice", "progressive",
  "soft_sharing", "smtn", "mtan", "cascade"}

local function difference(a, b) return (a - b):abs():max():item() end

-- The largest difference of the maps of all backbones in a network.
local function of_columns(definition, name, path, values)
  local net <const> = braid.model(("models/%s.lua"):format(definition), {tasks = tasks,
    backbone = name, pretrained = path, variant = definition == "smtn" and "channelwise" or nil})
  net:eval()
  local parts <const> = {net.trunk, net.shared}
  if net.columns then
    net:unstack()
    for _, column in ipairs(net.names) do parts[#parts + 1] = net.columns[column] end
  end
  local x <const>, largest = values.x:narrow(1, 1, 1):narrow(3, 1, 96):narrow(4, 1, 96), 0
  for _, part in pairs(parts) do
    largest = math.max(largest, difference(part(x), values.maps))
  end
  return largest, net.pretrained
end

local _ <close> = braid.no_grad()
for _, name in ipairs{"resnet18", "alexnet", "vgg16"} do
  local path <const> = ("%s/%s.safetensors"):format(arg[1], name)
  local values <const> = braid.load(("%s/%s_values.safetensors"):format(arg[1], name))
  local net <const> = braid.model(("models/%s.lua"):format(name), {pretrained = path})
  local y <const> = net:eval()(values.x)
  for key, t in pairs(braid.load(("%s/%s.pth"):format(arg[1], name))) do -- the same by torch.save
    local own <const> = net:state_dict()[key]
    assert(key:find("num_batches_tracked$") or difference(t, own) == 0, key)
  end
  print(("%-9s %11d parameters   largest difference %.2g of outputs up to %.3g"):format(name,
    net:count_parameters(), difference(y, values.y), values.y:abs():max():item()))
  for _, definition in ipairs(COLUMNS) do
    print(("  %-13s largest difference of maps %.2g (of %.3g)"):format(definition,
      (of_columns(definition, name, path, values)), values.maps:abs():max():item()))
  end
end
