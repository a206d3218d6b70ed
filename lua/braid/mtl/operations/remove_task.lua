--- net:remove_task(name): takes away a task's head and column, and what mixers took from it.
-- The others change by that; net:train_only{"mixers"} trains what connects those left. The
-- parameters are new tensors: make an optimizer afterwards.

local build <const> = require "braid.mtl.build"
local check <const> = require "braid.check"
local Strands <const> = require "braid.mtl.strands"

return function(self, name)
  if not self.head then check.fail("remove_task: the heads are not made yet") end
  if not self.head[name] then
    check.fail("remove_task: there is no task '%s'; there is %s", tostring(name),
      table.concat(self.tasks.names, ", "))
  end
  if #self.tasks.names == 1 then check.fail("remove_task: '%s' is the only task", name) end
  local was <const> = self:stacked()
  self:unstack()
  local left <const>, names <const>, modules <const> = {}, {}, {}
  for _, other in ipairs(self.tasks.names) do
    if other ~= name then left[#left + 1] = other end
  end
  self.tasks, self.head[name] = build.only(self.tasks, left, "remove_task"), nil
  if self.shared_head then self.shared_head[name] = nil end
  if self.columns then
    for _, other in ipairs(self.names) do
      if other ~= name then names[#names + 1], modules[other] = other, self.columns[other] end
    end
    for _, block in ipairs(check.sorted_keys(self.mixer)) do self.mixer[block]:resize(names) end
    self.columns, self.names = Strands(names, modules), names
  else
    self.names = left
  end
  if was then self:stack() end
  return self
end
