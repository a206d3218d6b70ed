--- Activations as modules. Each applies the function of its name.

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local Module <const> = require "braid.nn.module"

local M <const> = {}

-- Class, operator, and the name of the class's setting, if it has one.
local KINDS <const> = {
  {"ReLU", "relu"}, {"LeakyReLU", "leaky_relu", "slope"}, {"ELU", "elu", "alpha"},
  {"GELU", "gelu"}, {"SiLU", "silu"}, {"Sigmoid", "sigmoid"}, {"Tanh", "tanh"},
  {"AbsTanh", "abs_tanh"}, {"Softplus", "softplus"}, {"Hardswish", "hardswish"},
}

for _, kind in ipairs(KINDS) do
  local name <const>, f <const>, setting <const> = kind[1], core.ops[kind[2]], kind[3]
  local Activation <const> = class(name, Module)
  Activation.channelwise = true

  local OPTIONS <const> = setting and check.declare(name, {
    [setting] = check.argument(check.optional(check.number())),
  })

  function Activation:init(value)
    if setting then
      self[setting] = check.options(OPTIONS, nil, {[setting] = value})[setting]
    elseif value ~= nil then
      check.fail("%s takes no arguments, not %s", name, check.shown(value))
    end
  end

  function Activation:forward(x)
    if setting and self[setting] then return f(x, self[setting]) end
    return f(x)
  end

  Activation.straight = Activation.forward

  M[name] = Activation
end

return M
