--- net:transfer(): how much the columns take from each other, as {names, tasks, blocks, weights}.
--
-- weights[block][i][j] is how much column i takes from column j's map (a mean over channels).
-- Blocks whose mixer has no such weights are missing. net:transfer(batch) adds
-- gradients[block][i][j], which shows how much task i depends on column j: the norm of the gradient
-- of task i's loss at column j's map before mixing, as a share of the row's sum.

local asked <const> = require "braid.data.asked"
local build <const> = require "braid.mtl.columns.build"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local flow <const> = require "braid.mtl.columns.flow"
local grad <const> = require "braid.grad"

local function column_blocks(self) return self.recipe.plan:list(nil, self.recipe.split) end

local function shares(row)
  local total = 0
  for _, value in ipairs(row) do total = total + value end
  for j, value in ipairs(row) do row[j] = total > 0 and value / total or 0 end
  return row
end

-- For each block and task, the norms of the gradients at all columns' maps.
local function gradient_flow(self, batch)
  if type(batch) ~= "table" or not asked(batch) then
    check.fail("transfer: wants a batch with an input and labels, not a %s", type(batch))
  end
  if not core.is_recording() then
    check.fail("transfer: gradients are off; call it outside braid.no_grad")
  end
  flow.check_columns_run(self, "transfer")
  local _ <close> = grad.scope()
  local _ <close> = self:evaluating() -- statistics must not change
  local maps <const>, places <const> = {}, {}
  local out <const> = self(asked(batch), function(block, name, x)
    if name == "shared" then return end
    if not x.requires_grad then x = core.requires_grad(core.detach(x)) end
    maps[#maps + 1], places[#maps + 1] = x, {block = block, name = name}
    return x
  end)
  local losses <const> = self.tasks:losses(out, batch)
  local norms <const>, column <const> = {}, {}
  for j, name in ipairs(self.names) do column[name] = j end
  for _, block in ipairs(column_blocks(self)) do norms[block] = {} end
  for i, task in ipairs(self.tasks.names) do
    local grads <const> = grad.grad(losses[task], maps, {retain_graph = true, allow_unused = true})
    for _, block in ipairs(column_blocks(self)) do norms[block][i] = {} end
    for k, g in ipairs(grads) do
      local at <const> = places[k]
      norms[at.block][i][column[at.name]] = g and g:square():sum():sqrt():item() or 0
    end
    for _, block in ipairs(column_blocks(self)) do shares(norms[block][i]) end
  end
  return norms
end

return function(self, batch)
  if not self.head then
    check.fail("transfer: the heads are not made yet: call net:heads() first")
  end
  if not self.columns then
    check.fail("transfer: all blocks are shared, so nothing flows between columns; build the "
      .. "network with columns")
  end
  local result <const> = {names = table.move(self.names, 1, #self.names, 1, {}),
    tasks = build.names(self.tasks), blocks = column_blocks(self), weights = {}}
  for _, block in ipairs(result.blocks) do
    local mixer <const> = self.mixer[block]
    result.weights[block] = mixer and mixer.weights and mixer:weights() or nil
  end
  if batch then result.gradients = gradient_flow(self, batch) end
  return result
end
