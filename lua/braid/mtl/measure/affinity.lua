--- mtl.affinity: cosines between the gradients of tasks at the parameters that they share. 1 means
-- that two tasks agree; below 0 they conflict.
--
-- mtl.affinity(losses, net) -> {names, cosine = T rows of T, norm = {task = length}}. losses is
-- {task = loss}, the second result of tasks:loss. A parameter is shared if two or more losses
-- depend on it. net may also be a list of parameters. The graph is kept, so that a backward pass
-- can follow.
-- @usage
-- local _, losses = tasks:loss(net(batch.image), batch)
-- mtl.affinity(losses, net).cosine

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local grad <const> = require "braid.grad"
local Module <const> = require "braid.nn.module"

local function trainable(net)
  if type(net) ~= "table" then
    check.fail("mtl.affinity: wants a network or a list of parameters, not a %s", type(net))
  end
  local list <const> = {}
  for _, p in ipairs(Module.is(net) and net:parameters() or net) do
    if p.requires_grad then list[#list + 1] = p end
  end
  if #list == 0 then
    check.fail("mtl.affinity: there is no parameter that trains: net:unfreeze() first?")
  end
  return list
end

local function dot(a, b, shared)
  local total = 0
  for k in ipairs(shared) do
    if shared[k] and a[k] and b[k] then total = total + (a[k] * b[k]):sum():item() end
  end
  return total
end

return function(losses, net)
  if type(losses) ~= "table" or next(losses) == nil then
    check.fail("mtl.affinity: wants {task = loss}, the second result of tasks:loss")
  end
  local params <const>, names <const> = trainable(net), check.sorted_keys(losses)
  local _ <close> = grad.scope()
  local grads <const>, shared <const> = {}, {}
  for i, name in ipairs(names) do
    if not core.is_tensor(losses[name]) then
      check.fail("mtl.affinity: the loss '%s' is a %s, not a tensor", name, type(losses[name]))
    end
    grads[i] = grad.grad(losses[name], params, {retain_graph = true, allow_unused = true})
  end
  for k in ipairs(params) do
    local users = 0
    for i in ipairs(names) do users = users + (grads[i][k] and 1 or 0) end
    shared[k] = users > 1
  end
  local result <const> = {names = names, cosine = {}, norm = {}}
  local lengths <const> = {}
  for i, name in ipairs(names) do
    lengths[i] = math.sqrt(dot(grads[i], grads[i], shared))
    result.norm[name] = lengths[i]
  end
  for i in ipairs(names) do
    result.cosine[i] = {}
    for j in ipairs(names) do
      local product <const> = lengths[i] * lengths[j]
      result.cosine[i][j] = product > 0 and dot(grads[i], grads[j], shared) / product or 0
    end
  end
  return result
end
