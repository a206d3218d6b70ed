--- The head that networks have unless told otherwise: mtl.readout(task, channels), one linear
-- layer on the mean of each channel, x (n,c,h,w) or (n,c) -> (n, task.size).

local class <const> = require "braid.class"
local Linear <const> = require "braid.nn.linear"
local Module <const> = require "braid.nn.module"

local Readout <const> = class("Readout", Module)

function Readout:init(inputs, outputs) self.linear = Linear(inputs, outputs) end

function Readout:forward(x) return self.linear(x:dim() == 4 and x:mean({3, 4}) or x) end

return function(task, channels) return Readout(channels, task.size) end
