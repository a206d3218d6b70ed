--- Puts mixers between the columns of a network whose heads are made (net:mix).

local build <const> = require "braid.mtl.columns.build"
local check <const> = require "braid.check"
local flow <const> = require "braid.mtl.columns.flow"
local optimizer_check <const> = require "braid.mtl.columns.optimizer_check"
local origin <const> = require "braid.origin"
local walk <const> = require "braid.nn.walk"

local M <const> = {}

--- Raises an error for a mixer that decides which layers a network has.
function M.check(self, recipe)
  local kind <const> = recipe.kind
  if not self.columns then
    check.fail("mix: all blocks are shared by the tasks; there is no column")
  end
  if kind.structural or kind.shared_stream then
    check.fail("mix: mtl.%s decides which layers are made, and the heads are made already: mix it "
      .. "before net:heads", kind.__name)
  end
  for _, block in ipairs(self.recipe.plan.names) do
    local c <const> = self.recipe.backbones[self.names[1]]:channels(block)
    if recipe:widths(c) ~= c then
      check.fail("mix: mtl.%s gives maps of %d channels for %d, and the layers that take them are "
        .. "made already: mix it before net:heads", kind.__name, recipe:widths(c), c)
    end
  end
end

-- Gives new mixers the form of the columns. Columns are put in a list if a mixer has no stacked
-- form.
local function suit(self, made)
  if not self.columns:is_stacked() then return end
  for _, mixer in pairs(made) do
    local ok <const>, why <const> = mixer:can_stack()
    if not ok and self.recipe.stacked then
      check.fail("mix: stacked = true, but %s", why)
    elseif not ok then
      self:unstack()
      return
    end
  end
  for _, mixer in pairs(made) do mixer:stack() end
end

--- Attaches a mixer at blocks that have no mixer.
function M.mixer(self, blocks, recipe)
  local done <const>, made <const> = origin.changing(self), {}
  local _ <close> = build.adopting(self)
  local dtype <const> = walk.dtype(self)
  if #self.names > 1 then -- a single column gets its mixers together with a second column
    for _, block in ipairs(blocks) do made[block] = build.mixer(self, recipe, block):to(dtype) end
  end
  suit(self, made)
  local mixers <const> = build.own_recipe(self).mixers
  for _, block in ipairs(blocks) do
    mixers[block], self.mixer[block] = recipe, made[block]
    if made[block] and flow.is_first_stage(self) then made[block]:freeze() end
  end
  optimizer_check.renew(self, "mix")
  build.settle(self)
  done{mix = recipe, at = blocks}
end

return M
