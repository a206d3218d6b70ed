--- mtl.heads: makes the heads of tasks. mtl.heads(kind, {maps = false}) returns a function(task,
-- channels, name) that makes a task's head for features (n,channels) or maps (n,channels,h,w).
--
-- kind is one of
--   "linear"   (default) mtl.readout
--   "deep"     the head of Trottier et al. 2018 (figure 2): global average pooling,
--              Linear(channels, floor((channels + outputs) / 2)), batch norm, ReLU, Linear
--   a function(task, channels, name) of your own that returns a module
-- With maps = true, "linear" and "deep" are made of 1x1 convolutions without pooling. Their outputs
-- are maps (n,outputs,h,w), which a network that slides over pictures needs. net:heads,
-- mtl.network, mtl.shared and the option `head` of definitions take the same kinds.
-- @usage
-- local net = mtl.columns(tasks, nn.backbone("tcdcn", {input = 40}))
-- net:heads(mtl.heads("deep"))      -- as net:heads("deep") does

local check <const> = require "braid.check"
local head_kinds <const> = require "braid.mtl.columns.head_kinds"

local OPTIONS <const> = check.declare("mtl.heads", {maps = check.flag(false)})

return function(kind, given)
  local o <const> = check.options(OPTIONS, given)
  return head_kinds.maker(kind == nil and "linear" or kind, o.maps)
end
