--- Buffers that follow the data, such as running means and variances.
--
-- statistics.recompute(net, batches) computes the running statistics of batch norm again, as means
-- over batches of equal weight. It changes nothing else in the network. Dropout is off, as in
-- evaluation, and frozen layers keep their statistics.

local asked <const> = require "braid.data.asked"
local BatchNorm <const> = require "braid.nn.batch_norm"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local grad <const> = require "braid.grad"
local Module <const> = require "braid.nn.module"
local walk <const> = require "braid.nn.walk"

local M <const> = {}

--- Iterates over the buffers of a module that follow the data: the name, the buffer and its owner.
function M.each(module)
  local owners <const>, i = {}, 0
  local names <const>, values <const> = walk.collect(module, function(value, owner, key)
    local fits <const> = core.is_tensor(value) and owner.buffer_names[key] == "statistic"
    if fits then owners[value] = owner end
    return fits
  end)
  return function()
    i = i + 1
    return names[i], values[i], owners[values[i]]
  end
end

function M.recompute(net, batches)
  local _ <close> = grad.no_grad()
  local _ <close> = Module.evaluating(net)
  local layers <const> = {}
  for _, layer in ipairs(Module.find(net, BatchNorm)) do
    if not layer.frozen then
      layers[#layers + 1] = {layer, layer.momentum, layer.num_batches_tracked:clone()}
      layer.momentum, layer.training = false, true
      layer.running_mean:fill_(0)
      layer.running_var:fill_(1)
      layer.num_batches_tracked:fill_(0)
    end
  end
  local _ <close> = setmetatable({}, {__close = function()
    for _, entry in ipairs(layers) do
      entry[1].momentum = entry[2]
      entry[1].num_batches_tracked:copy_(entry[3])
    end
  end})
  local count = 0
  for batch in batches do
    local _ <close> = grad.scope()
    net(core.is_tensor(batch) and batch or asked(batch))
    count = count + 1
  end
  if count == 0 and #layers > 0 then
    check.fail("recompute: there is no batch: an iterator runs once, make it anew")
  end
end

return M
