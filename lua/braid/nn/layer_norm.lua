--- LayerNorm (Ba, Kiros and Hinton 2016): normalises x over its last dimensions.
-- @usage nn.LayerNorm(64)   nn.LayerNorm({8, 4}, {eps = 1e-5, affine = true, bias = true})

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local fresh <const> = require "braid.nn.fresh"
local layer_norm <const> = require "braid.functional.layer_norm"
local Module <const> = require "braid.nn.module"

local argument <const>, either <const>, flag <const> = check.argument, check.either, check.flag
local list <const>, number <const>, whole <const> = check.list, check.number, check.whole

local LayerNorm <const> = class("LayerNorm", Module)

local OPTIONS <const> = check.declare("LayerNorm", {
  shape = argument(either(whole{from = 1}, list{of = whole{from = 1}, least = 1})),
  eps = number{1e-5, above = 0}, affine = flag(true), bias = flag(true),
})

function LayerNorm:init(shape, given)
  local o <const> = check.options(OPTIONS, given, {shape = shape})
  self.shape = type(o.shape) == "table" and o.shape or {o.shape}
  self.eps = o.eps
  if not o.affine then return end
  self.weight = Module.parameter(fresh(self, self.shape, "float32", 1))
  if o.bias then self.bias = Module.parameter(fresh(self, self.shape, "float32", 0)) end
end

function LayerNorm:forward(x)
  return (layer_norm(x, self.shape, self.weight, self.bias, {eps = self.eps}))
end

function LayerNorm:describe() return table.concat(self.shape, "x") end

return LayerNorm
