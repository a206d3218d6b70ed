--- Hard sharing: one trunk for all tasks, and a head for each.
-- @usage mtl.shared(tasks, trunk, function(task) return nn.Linear(100, task.size) end)

local class <const> = require "braid.class"
local Module <const> = require "braid.nn.module"

local Shared <const> = class("Shared", Module)

function Shared:init(tasks, trunk, head)
  self.trunk, self.heads = trunk, {}
  for name, task in tasks:each() do self.heads[name] = head(task, name) end
end

--- x (n,c,h,w) -> {task = output}
function Shared:forward(x)
  local features <const>, outputs <const> = self.trunk(x), {}
  for name, head in pairs(self.heads) do outputs[name] = head(features) end
  return outputs
end

return Shared
