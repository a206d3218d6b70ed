--- net:remove_task(name): removes a task's head, its column, and the mixers' weights for this
-- column. The column stays if other tasks use it. The outputs of the other tasks change;
-- net:train_only{"mixers"} trains the connections that are left. The parameters become new tensors,
-- so make an optimizer afterwards. The mixers must have a method resize (help mtl.mixer); all of
-- Braid's have one.

local build <const> = require "braid.mtl.columns.build"
local check <const> = require "braid.check"
local groups <const> = require "braid.mtl.columns.groups"
local restrict <const> = require "braid.mtl.columns.restrict"

-- The names without `name`.
local function without(names, name)
  local left <const> = {}
  for _, other in ipairs(names) do
    if other ~= name then left[#left + 1] = other end
  end
  return left
end

return function(self, name)
  if not self.head then
    check.fail("remove_task: the heads are not made yet: call net:heads() first")
  end
  if not self.head[name] then
    check.fail("remove_task: there is no task '%s'; there is %s", tostring(name),
      table.concat(self.tasks.names, ", "))
  end
  if #self.tasks.names == 1 then
    check.fail("remove_task: '%s' is the only task, and a network has one or more", name)
  end
  local column <const> = groups.of(self, name)
  local serves <const> = #groups.served(self, column) > 1 -- other tasks use the column too
  restrict("remove_task", self, without(self.tasks.names, name),
    serves and build.names{names = self.names} or without(self.names, column))
  build.reconnect(self)
  return self
end
