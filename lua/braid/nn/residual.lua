--- Residual (He, Zhang, Ren and Sun 2016): x + body(x), or shortcut(x) + body(x).
-- @usage nn.Residual(nn.Sequential{nn.Linear(8, 8), nn.ReLU()})
-- @usage nn.Residual(body, nn.Conv2d(16, 32, {kernel = 1, stride = 2}))

local class <const> = require "braid.class"
local Module <const> = require "braid.nn.module"

local Residual <const> = class("Residual", Module)
Residual.channelwise = true

function Residual:init(body, shortcut)
  if not Module.is(body) and type(body) ~= "function" then
    error(("Residual: the body is a %s, not a module or a function"):format(type(body)), 3)
  end
  self.body, self.shortcut = body, shortcut
end

function Residual:forward(x)
  local past <const> = self.shortcut and self.shortcut(x) or x
  return past + self.body(x)
end

function Residual:channels_after(channels)
  return Module.is(self.body) and self.body:channels_after(channels) or channels
end

return Residual
