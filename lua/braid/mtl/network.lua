--- A network of columns in one call, for comparisons that change a word.
-- @usage
-- mtl.network{tasks = tasks, blocks = nn.backbone("dmt"), mixer = mtl.ttc{},
--   at = {"conv1", "conv3"}, heads = function(task, c) return nn.Linear(c, task.size) end}
-- mtl.network{tasks = tasks, blocks = "resnet18", columns = "shared"}
--
-- blocks is a backbone, its name, or a list {{name, function of channels}, ...}; mixer (none) at
-- some blocks ("*"); heads, unless given, are global average pooling where maps come in, and
-- one linear layer. Options of mtl.columns: columns, split, single, init, stacked.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local Backbone <const> = require "braid.nn.backbone"
local Columns <const> = require "braid.mtl.columns"
local Linear <const> = require "braid.nn.linear"
local Module <const> = require "braid.nn.module"

local OPTIONS <const> = {tasks = check.none, blocks = check.none, mixer = check.none, at = "*",
  heads = check.none, columns = "per_task", split = check.none, single = check.none,
  init = "fresh", stacked = check.none}

-- One linear layer on the mean of each channel.
local Readout <const> = class("Readout", Module)

function Readout:init(inputs, outputs) self.linear = Linear(inputs, outputs) end

function Readout:forward(x) return self.linear(x:dim() == 4 and x:mean({3, 4}) or x) end

return function(given)
  local o <const> = check.options("mtl.network", given, OPTIONS)
  if not o.tasks or not o.blocks then check.fail("mtl.network: tasks and blocks must be given") end
  local blocks = o.blocks
  local listed <const> = type(blocks) == "table" and not Module.is(blocks) and blocks[1] ~= nil
  if listed then blocks = Backbone(blocks) end
  local net <const> = Columns(o.tasks, blocks, {columns = o.columns, split = o.split,
    single = o.single, init = o.init, stacked = o.stacked})
  if o.mixer and o.columns ~= "shared" then net:mix(o.at, o.mixer) end
  return net:heads(o.heads or function(task, c) return Readout(c, task.size) end)
end
