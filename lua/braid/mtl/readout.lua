--- mtl.readout(task, channels): the default head, one linear layer on the mean of each channel, x
-- (n,c,h,w) or (n,c) -> (n, task.size).
-- @treturn Module
-- @usage mtl.readout(mtl.classes{2}, 64)

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local Linear <const> = require "braid.nn.linear"

local linear_forward <const> = Linear.forward

local Readout <const> = class("Readout", Linear)

function Readout:forward(x) return linear_forward(self, x:dim() == 4 and x:mean({3, 4}) or x) end

local ARGUMENTS <const> = check.declare("mtl.readout", {
  task = check.argument(check.kind("a task such as mtl.classes{2}", function(v)
    return type(v) == "table" and math.type(v.size) == "integer"
  end)),
  channels = check.argument(check.whole{from = 1}),
})

return function(task, channels)
  check.options(ARGUMENTS, nil, {task = task, channels = channels})
  return Readout(channels, task.size)
end
