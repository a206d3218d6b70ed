--- mtl.shared: hard sharing with one trunk for all tasks and a head for each. `head` is a kind of
-- mtl.heads or a function(task, channels, name); `channels` is the number of the trunk's output
-- channels.
-- @usage mtl.shared(tasks, trunk, "deep", 512)
-- @usage mtl.shared(tasks, trunk, function(task) return nn.Linear(100, task.size) end)

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local head_kinds <const> = require "braid.mtl.columns.head_kinds"
local Module <const> = require "braid.nn.module"

local Shared <const> = class("Shared", Module)

function Shared:init(tasks, trunk, head, channels)
  if type(head) == "string" then check.size("mtl.shared", "the channels of the trunk", channels) end
  local make <const> = head_kinds.maker(head)
  self.trunk, self.heads, self.names = trunk, {}, tasks.names
  for name, task in tasks:each() do self.heads[name] = make(task, channels, name) end
end

--- Runs the network: x (n,c,h,w) -> {task = output}. The heads run in the order of their names,
-- because the order in which gradients are added changes rounding.
function Shared:forward(x)
  local features <const>, outputs <const> = self.trunk(x), {}
  for _, name in ipairs(self.names) do outputs[name] = self.heads[name](features) end
  return outputs
end

return Shared
