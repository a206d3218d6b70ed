--- Loads the networks that torchvision_weights.py wrote under torchvision's own names and compares
-- outputs:  build/braid spec/support/torchvision_weights.lua DIR

local braid <const> = require "braid"

for _, name in ipairs{"resnet18", "alexnet", "vgg16"} do
  local net <const> = braid.model(("models/%s.lua"):format(name), {})
  net:load_state_dict(assert(braid.load(("%s/%s.safetensors"):format(arg[1], name))))
  local values <const> = assert(braid.load(("%s/%s_values.safetensors"):format(arg[1], name)))
  local y <const> = braid.no_grad(function() return net:eval()(values.x) end)
  print(("%-9s %11d parameters   largest difference %.2g of outputs up to %.3g"):format(name,
    net:count_parameters(), (y - values.y):abs():max():item(), values.y:abs():max():item()))
end
