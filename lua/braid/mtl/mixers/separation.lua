--- mtl.separation: separation multi-task networks (Matsui, Yamashita and Fujiyoshi 2019). A stream
-- that all tasks share runs beside the columns. At each block its map is concatenated to the map of
-- every column.
--
-- Options:
--   form         "plain": the next layer takes twice the channels; "channelwise": a 1x1 convolution
--                restores their number
--   end_to_end   true trains the stream and the columns at once. Otherwise net:stage(1) trains the
--                shared stream with its own heads, as a hard-sharing network, and net:stage(2)
--                freezes the stream and trains the columns
--   fine_tune    true starts the columns at the second stage from the stream's weights; it needs
--                form = "channelwise"
-- @usage
-- local net = mtl.columns(tasks, nn.backbone("tcdcn"))
-- net:mix("*", mtl.separation{})

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local Conv2d <const> = require "braid.nn.conv2d"
local Mixer <const> = require "braid.mtl.mixer"
local Pair <const> = require "braid.mtl.columns.stack.pair"
local PerColumn <const> = require "braid.mtl.columns.per_column"

local Separation <const> = class("separation", Mixer)
Separation.shared_stream = true

function Separation.widths(o, c) return o.form == "plain" and 2 * c or c end

local function reduction(c) return Conv2d(2 * c, c, {kernel = 1}) end

function Separation:init(at, o)
  self.names, self.width = at.names, at.channels
  self.appends = o.form == "plain"
  if self.appends then return end
  local parts <const> = {}
  for _, name in ipairs(at.names) do parts[name] = reduction(at.channels) end
  self.reduce, self.wants_maps = PerColumn(at.names, parts), true
end

function Separation:list(xs, z)
  if self.reduce then return self.reduce:run_each(xs, z) end
  local ys <const> = {}
  for i, x in ipairs(xs) do ys[i] = core.ops.cat({x, z}, 2) end
  return ys
end

function Separation:braid(x, z)
  local pair <const> = Pair(x, z, #self.names)
  return self.reduce and self.reduce.stacked(pair) or pair
end

function Separation:needs(i) return {self.names[i]} end

function Separation:resize(names)
  if self.reduce then
    self.reduce = self.reduce:extended(names, function() return reduction(self.width) end)
  end
  self.names = names
end

return Mixer.define(Separation, {
  form = check.choice{"plain", "channelwise"}, fine_tune = check.flag(false),
  end_to_end = check.flag(false),
}, function(o)
  if o.fine_tune and (o.form == "plain" or o.end_to_end) then
    return "fine_tune wants form = \"channelwise\" and two stages"
  end
end)
