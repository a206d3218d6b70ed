--- The base of layers with a weight and a bias.

local fresh <const> = require "braid.nn.fresh"
local initial <const> = require "braid.nn.initial"
local Module <const> = require "braid.nn.module"

local M <const> = {}

--- Makes layer.weight of this shape and, if `bias` is a number, layer.bias with `bias` values. Both
-- are parameters that start as nn.init.default makes them.
function M.make(layer, shape, bias, dtype)
  layer.weight = fresh(layer, shape, dtype)
  layer.bias = bias and fresh(layer, {bias}, dtype) or nil
  initial.default(layer.weight, layer.bias)
  Module.parameter(layer.weight)
  if layer.bias then Module.parameter(layer.bias) end
end

--- A relation of options: `groups` must divide the outputs, and the inputs if they are given.
function M.groups_divide(o)
  if o.inputs and o.inputs % o.groups ~= 0 or o.outputs % o.groups ~= 0 then
    return ("groups = %d must divide %s and %d outputs"):format(o.groups,
      o.inputs and o.inputs .. " inputs" or "the inputs", o.outputs)
  end
end

return M
