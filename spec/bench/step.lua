--- The functions that the benchmark measures: a training step of a network, and inference of an
-- image.

local braid <const> = require "braid"

local M <const> = {}

local function labels(task, n)
  if task.points then return (braid.rand(n, task.points, 2) * 2 - 1):keep() end
  if task.count then return braid.randint(1, task.classes, {n, task.count}):keep() end
  return braid.randint(1, task.size, {n}):keep()
end

--- Returns the network, and a function that makes one training step. Every step has the same
-- random batch.
function M.train(network)
  local tasks <const>, net <const> = network.tasks, network.net()
  local opt <const> = braid.optim.Adam(net:parameters(), {lr = 1e-4})
  local batch <const> = {image = braid.randn(network.batch, table.unpack(network.image)):keep()}
  for name, task in tasks:each() do batch[name] = labels(task, network.batch) end
  return net, function()
    local _ <close> = braid.scope()
    local loss <const> = tasks:loss(net(batch.image), batch)
    opt:zero_grad()
    loss:backward()
    opt:step()
    return loss:item()
  end
end

--- Returns the network, and a function that makes one training step with a weighting.
function M.weigh(network, method)
  local tasks <const>, net <const> = network.tasks, network.net()
  local opt <const> = braid.optim.Adam(net:parameters(), {lr = 1e-4})
  local weighing <const> = tasks:weigh(net, braid.mtl.weighting[method]{})
  local batch <const> = {image = braid.randn(network.batch, table.unpack(network.image)):keep()}
  for name, task in tasks:each() do batch[name] = labels(task, network.batch) end
  return net, function()
    local _ <close> = braid.scope()
    opt:zero_grad()
    local loss <const> = weighing:backward(net(batch.image), batch)
    opt:step()
    return loss:item()
  end
end

--- Returns the network, and a function that runs it on one image.
function M.infer(network)
  local net <const> = network.net():eval()
  local image <const> = braid.randn(1, table.unpack(network.image)):keep()
  return net, function()
    local _ <close> = braid.scope()
    local _ <close> = braid.no_grad()
    net(image)
  end
end

return M
