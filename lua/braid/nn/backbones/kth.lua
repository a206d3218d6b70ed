--- The shared layers of the network of Abrahamsson, Gruneau and Zuber (2017, section 3.2).
--
-- conv1 is 5x5x16 and conv2 5x5x32. Both have padding that keeps the size, and 2x2 pooling that
-- rounds up (150 -> 75 -> 38). fc has 1024 outputs. Weights start by Xavier's method, biases with a
-- small positive constant (section 3.3). Decisions: the constant is 0.1; ReLU, which the paper does
-- not mention, follows each layer.
-- Options: dropout (0; after fc), bias (0.1; the first value of all biases), width (1.0), channels
-- of the input (3), input (150).

local check <const> = require "braid.check"
local nn <const> = require "braid.nn"
local declare <const> = require("braid.nn.backbone_options").declare

local M <const> = {options = declare("kth", 3, 150, {
  dropout = check.number{0, from = 0, to = 1}, bias = check.number(0.1),
})}

function M.blocks(o)
  local function xavier(layer)
    nn.init.xavier_uniform(layer.weight)
    nn.init.constant(layer.bias, o.bias)
    return layer
  end
  local function wide(n) return math.floor(n * o.width + 0.5) end
  local function half(n) return (n + 1) // 2 end
  local area <const> = half(half(o.input[1])) * half(half(o.input[2]))
  local function conv(outputs)
    return function(c)
      return nn.Sequential{xavier(nn.Conv2d(c, wide(outputs), {kernel = 5, padding = 2})),
        nn.ReLU(), nn.MaxPool2d(2, {ceil_mode = true})}
    end
  end
  return {
    {"conv1", conv(16)},
    {"conv2", conv(32)},
    {"fc", function(c)
      local list <const> = {nn.Flatten(), xavier(nn.Linear(c * area, wide(1024))), nn.ReLU()}
      if o.dropout > 0 then list[4] = nn.Dropout(o.dropout) end
      return nn.Sequential(list)
    end},
  }
end

return M
