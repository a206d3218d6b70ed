--- The speed of a network on this machine: a training step, a batch and one picture.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local grad <const> = require "braid.grad"
local optim <const> = require "braid.optim"
local tensor <const> = require "braid.tensor"
local timing <const> = require "braid.profile.timing"

local M <const> = {}

-- Random labels of a task for n pictures.
local function labels_of(task, n)
  if task.points then return tensor.rand(n, task.points, 2) * 2 - 1 end
  if task.count then return tensor.randint(1, task.classes, {n, task.count}) end
  if tostring(task):find("^mtl%.real") then return tensor.randn(n, task.size) end
  return tensor.randint(1, task.size, {n})
end

-- The mean of the squares of all outputs: the loss of a network without tasks.
local function squares(y)
  if core.is_tensor(y) then return y:square():mean() end
  local sum
  for _, name in ipairs(check.sorted_keys(y)) do
    local own <const> = squares(y[name])
    sum = sum and sum + own or own
  end
  return sum
end

local function trainer(net, tasks, x, batch)
  local opt <const> = optim.Adam(net:parameters(), {lr = 1e-5})
  return function()
    local _ <close> = grad.scope()
    local y <const> = net(x)
    local loss <const> = tasks and tasks:loss(y, batch) or squares(y)
    opt:zero_grad()
    loss:backward()
    opt:step()
  end
end

-- The function that runs a network on pictures, without gradients.
local function asker(net, x)
  return function()
    local _ <close> = grad.scope()
    local _ <close> = grad.no_grad()
    net(x)
  end
end

local function row_of(what, n, macs, t)
  return {what = what, pictures = n, ms = t.median * 1e3, low_ms = t.low * 1e3,
    high_ms = t.high * 1e3, runs = t.runs, rate = n / t.median,
    gflops = 2e-9 * macs * n / t.median, mb = t.memory / 2 ^ 20}
end

--- A function that makes one training step of the network, on random pictures (n,c,h,w) with random
-- labels for its tasks.
function M.step(net, tasks, shape, n)
  local x <const> = tensor.randn(n, table.unpack(shape))
  local batch <const> = {image = x}
  if tasks then
    for name, task in tasks:each() do batch[name] = labels_of(task, n) end
  end
  net:train()
  return trainer(net, tasks, x, batch)
end

--- The rows of a network: {what, pictures, ms (median), low_ms and high_ms (quartiles), runs,
-- rate (pictures in a second), gflops (of convolutions and products; three times as many are
-- counted in a training step), mb (that the tensors of a call take)}.
function M.rows(net, tasks, shape, n, seconds)
  local macs <const> = net:summary(shape).macs
  local o <const>, rows <const> = {seconds = seconds, least = 3}, {}
  local trains <const> = #net:parameters() > 0
  if trains then
    local step <const> = M.step(net, tasks, shape, n)
    step() -- makes the optimizer's memory, which stays
    rows[1] = row_of("training step", n, 3 * macs, timing(step, o))
  end
  local _ <close> = net:evaluating()
  local x <const> = tensor.randn(n, table.unpack(shape))
  rows[#rows + 1] = row_of("inference", n, macs, timing(asker(net, x), o))
  if n > 1 then
    rows[#rows + 1] = row_of("inference", 1, macs, timing(asker(net, x[{ {1, 1} }]:clone()), o))
  end
  return rows, macs
end

return M
