--- DMT: a subnet for each of five tasks (CIFAR-10's pairs), whose layers after the first take
-- a mixture of all subnets' maps, x_i + sum over j ~= i of sigmoid(beta_ij) x_j.

local braid <const> = require "braid"
local nn <const>, mtl <const> = braid.nn, braid.mtl
local class <const> = require "braid.class"

local tasks <const> = mtl.tasks{
  airplane_ship = mtl.classes{2}, automobile_truck = mtl.classes{2}, bird_frog = mtl.classes{2},
  cat_dog = mtl.classes{2}, deer_horse = mtl.classes{2},
}
local TOWERS <const> = #tasks.names

-- Transfer connections: tensors of one shape, one for each tower -> the same, mixed.
local Transfer <const> = class("Transfer", nn.Module)
Transfer.buffer_names = {own = true}

function Transfer:init()
  self.beta = self.parameter(braid.full({TOWERS, TOWERS}, -2))
  self.own = braid.eye(TOWERS):keep()
end

function Transfer:forward(x)
  local shape <const> = x[1].shape
  local alpha <const> = self.beta:sigmoid() * (1 - self.own) + self.own
  local mixed <const> = alpha:matmul(braid.stack(x):reshape(TOWERS, -1))
  local y <const> = {}
  for t = 1, TOWERS do y[t] = mixed[t]:reshape(shape) end
  return y
end

local function stage(inputs, outputs, kernel, padding, pool)
  return nn.Sequential{
    nn.Conv2d(inputs, outputs, {kernel = kernel, padding = padding}), nn.BatchNorm2d(outputs),
    nn.ReLU(), pool and nn.MaxPool2d(2) or nn.Flatten(),
  }
end

local function subnet()
  return {
    stage(3, 40, 5, 2, true), stage(40, 60, 5, 2, true), stage(60, 80, 3, 1, true),
    stage(80, 100, 3, 1, true), stage(100, 140, 2, 0, false),
    nn.Sequential{nn.Linear(140, 360), nn.ReLU()}, nn.Linear(360, 2),
  }
end

local Dmt <const> = class("Dmt", nn.Module)

function Dmt:init()
  self.towers, self.transfers = {}, {}
  for t = 1, TOWERS do self.towers[t] = subnet() end
  for layer = 2, #self.towers[1] do self.transfers[layer - 1] = Transfer() end
end

function Dmt:forward(image)
  local x = {}
  for layer = 1, #self.towers[1] do
    if layer > 1 then x = self.transfers[layer - 1](x) end
    local y <const> = {}
    for t = 1, TOWERS do y[t] = self.towers[t][layer](x[t] or image) end
    x = y
  end
  local outputs <const> = {}
  for t, name in ipairs(tasks.names) do outputs[name] = x[t] end
  return outputs
end

return {
  title = "DMT 5 towers 32x32", batch = 64, image = {3, 32, 32}, tasks = tasks, net = Dmt,
}
