--- Activations as modules. Each applies the function of its name.

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local Module <const> = require "braid.nn.module"

local M <const> = {}

--- ReLU: max(x, 0).
-- @usage nn.ReLU()(x)
--- LeakyReLU: x if it is positive, else slope x (slope 0.01).
-- @usage nn.LeakyReLU(0.1)(x)
--- ELU: x if it is positive, else alpha (e^x - 1) (alpha 1).
-- @usage nn.ELU()(x)
--- GELU: x times the normal distribution function of x.
-- @usage nn.GELU()(x)
--- SiLU: x sigmoid(x).
-- @usage nn.SiLU()(x)
--- Sigmoid: 1 / (1 + e^-x).
-- @usage nn.Sigmoid()(x)
--- Tanh: hyperbolic tangent.
-- @usage nn.Tanh()(x)
--- AbsTanh: |tanh(x)|, the activation of TCDCN (Zhang, Luo, Loy and Tang 2014).
-- @usage nn.AbsTanh()(x)
--- Softplus: log(1 + e^x).
-- @usage nn.Softplus()(x)
--- Hardswish: x min(max(x + 3, 0), 6) / 6.
-- @usage nn.Hardswish()(x)

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
