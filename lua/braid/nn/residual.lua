--- Residual (He, Zhang, Ren and Sun 2016): x + body(x), or shortcut(x) + body(x).
-- @usage nn.Residual(nn.Sequential{nn.Linear(8, 8), nn.ReLU()})
-- @usage
-- nn.Residual(nn.Conv2d(16, 32, {kernel = 3, stride = 2, padding = 1}),
--   nn.Conv2d(16, 32, {kernel = 1, stride = 2}))

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local Module <const> = require "braid.nn.module"
local modules_kind <const> = require "braid.nn.modules_kind"

local Residual <const> = class("Residual", Module)
Residual.channelwise = true

local OPTIONS <const> = check.declare("Residual", {
  body = check.argument(modules_kind.of),
  shortcut = check.argument(check.optional(modules_kind.of)),
})

function Residual:init(body, shortcut)
  check.options(OPTIONS, nil, {body = body, shortcut = shortcut})
  self.body, self.shortcut = body, shortcut
end

function Residual:forward(x)
  local past <const> = self.shortcut and self.shortcut(x) or x
  return core.ops.add(past, self.body(x))
end

function Residual:channels_after(channels)
  return Module.is(self.body) and self.body:channels_after(channels) or channels
end

return Residual
