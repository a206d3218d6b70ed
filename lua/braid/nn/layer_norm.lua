--- LayerNorm (Ba, Kiros and Hinton 2016): x normalised over its last dimensions.
-- @usage nn.LayerNorm(64)   nn.LayerNorm({8, 4}, {eps = 1e-5, affine = true, bias = true})

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local layer_norm <const> = require "braid.functional.layer_norm"
local Module <const> = require "braid.nn.module"

local LayerNorm <const> = class("LayerNorm", Module)

function LayerNorm:init(shape, given)
  local o <const> = check.options("LayerNorm", given, {eps = 1e-5, affine = true, bias = true})
  self.shape = type(shape) == "table" and shape or {shape}
  if #self.shape == 0 then error("LayerNorm: the shape to normalise over is missing", 3) end
  for _, size in ipairs(self.shape) do check.size("LayerNorm", "shape", size) end
  self.eps = o.eps
  if not o.affine then return end
  self.weight = Module.parameter(core.new(self.shape, "float32", 1))
  if o.bias then self.bias = Module.parameter(core.new(self.shape, "float32", 0)) end
end

function LayerNorm:forward(x)
  return (layer_norm(x, self.shape, self.weight, self.bias, {eps = self.eps}))
end

function LayerNorm:describe() return table.concat(self.shape, "x") end

return LayerNorm
