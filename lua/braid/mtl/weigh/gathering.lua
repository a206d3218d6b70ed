--- Steps of several batches: weighing:gather adds up the gradients of the batches, and
-- weighing:backward() weighs the sums.

local check <const> = require "braid.check"
local Gathered <const> = require "braid.mtl.weigh.gathered"
local grad <const> = require "braid.grad"
local losses_by <const> = require "braid.mtl.weigh.losses"

local M <const> = {}

local OPTIONS <const> = check.declare("weighing: gather", {
  share = check.either(check.number{1, from = 0}, check.map(check.number{from = 0})),
  sample = check.whole{1, from = 1},
})

local function options_of(weighing, given)
  local o <const>, wanted <const> = check.options(OPTIONS, given), weighing:samples()
  if o.sample > wanted then
    check.fail("weighing: gather: sample is %d, but a step of %s takes %d sample%s", o.sample,
      tostring(weighing.method), wanted, wanted == 1 and "" or "s")
  end
  if weighing.method.options.on == "representation" then
    check.fail("weighing: gather: on = \"representation\" sends the weighed sum back through every "
      .. "batch's graph, so it would keep all of them: use one large batch, or on = \"parameters\"")
  end
  return o
end

--- Raises an error if backward gets a batch, but the method takes several batches, or batches were
-- gathered before.
function M.check_none(weighing)
  local wanted <const> = weighing:samples()
  if wanted > 1 then
    check.fail("weighing: backward: a step of %s takes %d independent batches: call "
      .. "weighing:gather(net(x), batch, {sample = i}) for each, then weighing:backward() "
      .. "(train.fit does that)",
      tostring(weighing.method), wanted)
  elseif weighing.gathered then
    check.fail("weighing: backward: gathered batches wait to be weighed: call weighing:backward() "
      .. "without arguments first")
  end
end

--- Adds the gradients of a batch to the gradients of other batches. weighing:backward() then weighs
-- the sums, as if all batches were one large batch. Use it if a large batch does not fit into
-- memory: only one batch's graph is there at a time. Each batch costs T backward passes, with any
-- method. Options: share, the factor of the batch's losses (1 / k for k batches of one size), or
-- {task = factor}; sample, the number of the sample that the batch belongs to, for a method that
-- wants several samples (weighing:samples() says how many).
-- @usage
-- for _, batch in ipairs(batches) do
--   weighing:gather(net(batch.image), batch, {share = 1 / #batches})
-- end
-- weighing:backward() opt:step()
function M:gather(outputs, batch, given)
  local o <const> = options_of(self, given)
  local total <const>, per_task <const> = losses_by.of(self, outputs, batch)
  local s <const>, losses <const>, weights <const> = losses_by.step(self, per_task)
  local _ <close> = grad.no_grad()
  self.gathered = self.gathered or Gathered(self.tasks.names, self.parameters, self.arenas)
  local factors <const>, share <const> = {}, o.share
  for i, w in ipairs(weights) do
    factors[i] = w * (type(share) == "table" and (share[s.names[i]] or 1) or share)
  end
  self.gathered:add(o.sample, s.names, losses, factors)
  return total, per_task
end

--- Weighs the gathered gradients.
function M.finish(weighing, weigh)
  local gathered <const> = weighing.gathered
  if not gathered then
    check.fail("weighing: backward: wants outputs and a batch, or losses by task, or batches that "
      .. "weighing:gather took before")
  end
  local _ <close> = setmetatable({}, {__close = function() weighing.gathered = nil end})
  local names <const>, losses <const> = gathered:tasks()
  weigh(weighing, losses_by.made(weighing, names, losses))
end

return M
