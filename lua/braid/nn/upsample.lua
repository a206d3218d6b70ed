--- Upsample: resizes x (n,c,h,w) -> (n,c,oh,ow), by the nearest pixel or bilinearly.
-- @usage nn.Upsample{scale_factor = 2}   nn.Upsample{size = {48, 64}, mode = "bilinear"}

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local interpolate <const> = require "braid.functional.interpolate"
local Module <const> = require "braid.nn.module"

local Upsample <const> = class("Upsample", Module)
Upsample.channelwise = true

local OPTIONS <const> = check.declared.interpolate:called("Upsample")

function Upsample:init(given) self.options = check.options(OPTIONS, given) end

function Upsample:forward(x) return (interpolate(x, self.options)) end

function Upsample:describe()
  local o <const> = self.options
  local value <const> = o.size or o.scale_factor
  return ("%s = %s, %s"):format(o.size and "size" or "scale_factor",
    type(value) == "table" and table.concat(value, "x") or tostring(value), o.mode)
end

return Upsample
