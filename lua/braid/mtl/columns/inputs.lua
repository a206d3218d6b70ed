--- Convolutions whose input is the columns' maps side by side, when columns come and go.

local core <const> = require "braid.core"
local grad <const> = require "braid.grad"
local hints <const> = require "braid.nn.hints"

local M <const> = {}

--- Gives a convolution over `old` columns of c channels the inputs of `names`. Channels of
-- columns that were there keep their weights, those of new ones have weight 0.
function M.resize(conv, old, names, c)
  local place <const> = {}
  for i, name in ipairs(old) do place[name] = i end
  local w <const> = conv.weight
  local _ <close> = grad.no_grad()
  local new <const> = core.new({w:size(1), #names * c, w:size(3), w:size(4)}, w.dtype, 0)
  for i, name in ipairs(names) do
    if place[name] then
      core.ops.narrow(new, 2, (i - 1) * c + 1, c):copy_(
        core.ops.narrow(core.detach(w), 2, (place[name] - 1) * c + 1, c))
    end
  end
  conv.weight = hints.replace(w, new)
end

return M
