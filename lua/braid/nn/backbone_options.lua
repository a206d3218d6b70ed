--- The options that all backbones have: width, channels, input and pretrained.

local check <const> = require "braid.check"
local weights <const> = require "braid.nn.weights"

local SIDE <const> = check.whole{from = 1}
local INPUT <const> = check.either(SIDE, check.list{of = SIDE, n = 2})

local M <const> = {}

--- Declares the options of a named backbone. `input` is its usual side in pixels, or nil if it
-- needs none; `more` are kinds of its own options.
function M.declare(name, channels, input, more)
  local side <const> = input and check.whole{input, from = 1}
  local known <const> = {
    width = check.number{1, above = 0, to = 100}, channels = check.whole{channels, from = 1},
    input = side and check.either(side, check.list{of = SIDE, n = 2}) or INPUT,
    pretrained = weights.kind,
  }
  for key, kind in pairs(more or {}) do known[key] = kind end
  return check.declare("backbone " .. name, known)
end

--- The options of a backbone that is made of the user's blocks.
M.plain = check.declare("backbone", {
  channels = check.whole{3, from = 1}, input = INPUT, names = check.list{of = check.text()},
  at = check.list{of = check.text(), least = 1},
  pretrained = weights.kind,
})

return M
