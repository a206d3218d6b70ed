--- mtl.none: no mixing. Every column is a separate network (single-task networks trained together).
-- @usage
-- local net = mtl.columns(tasks, nn.backbone("tcdcn"))
-- net:mix("*", mtl.none{})

local class <const> = require "braid.class"
local Mixer <const> = require "braid.mtl.mixer"

local None <const> = class("none", Mixer)
None.alone = true

function None:init(at, _) self.names = at.names end
function None.list(_, xs) return xs end
function None.braid(_, x) return x end

function None:weights()
  local rows <const> = {}
  for i = 1, #self.names do
    rows[i] = {}
    for j = 1, #self.names do rows[i][j] = i == j and 1 or 0 end
  end
  return rows
end

function None:needs(i) return {self.names[i]} end
function None:resize(names) self.names = names end

return Mixer.define(None, {})
