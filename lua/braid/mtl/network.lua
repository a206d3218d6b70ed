--- mtl.network: makes a network of columns in a single call, for comparisons of networks that
-- differ in one option, such as the mixer.
-- @treturn mtl.columns
-- @usage
-- mtl.network{tasks = tasks, blocks = nn.backbone("dmt"), mixer = mtl.ttc{},
--   at = {"conv1", "conv3"}, heads = function(task, c) return nn.Linear(c, task.size) end}
-- mtl.network{tasks = tasks, blocks = "resnet18", columns = "shared"}
--
-- blocks is a backbone, its name, or a list {{name, function of channels}, ...}. mixer (default:
-- none) is put at the blocks that `at` names (default: "*", all blocks). heads is "linear"
-- (default) or another kind of mtl.heads. Options of mtl.columns: columns, split, single, init,
-- stacked, groups, pretrained.

local check <const> = require "braid.check"
local Backbone <const> = require "braid.nn.backbone"
local Columns <const> = require "braid.mtl.columns"
local head_kinds <const> = require "braid.mtl.columns.head_kinds"
local Mixer <const> = require "braid.mtl.mixer"
local Module <const> = require "braid.nn.module"

local OPTIONS <const> = check.declared["mtl.columns"]:called("mtl.network", {
  tasks = check.needed(check.kind("tasks as mtl.tasks gives them", function(v)
    return type(v) == "table" and v.names ~= nil
  end)),
  blocks = check.needed(check.either(check.text(),
    check.kind("a backbone or a list of blocks", function(v) return type(v) == "table" end))),
  mixer = check.kind("a mixer like mtl.cross_stitch{}", Mixer.is_recipe),
  at = check.either(check.text("*"), check.list{of = check.text()}), heads = head_kinds.OPTION,
})

return function(given)
  local o <const> = check.options(OPTIONS, given)
  local blocks = o.blocks
  local listed <const> = type(blocks) == "table" and not Module.is(blocks) and blocks[1] ~= nil
  if listed then blocks = Backbone(blocks) end
  local net <const> = Columns(o.tasks, blocks, {columns = o.columns, split = o.split,
    single = o.single, init = o.init, stacked = o.stacked, groups = o.groups,
    pretrained = o.pretrained})
  if o.mixer and o.columns ~= "shared" then net:mix(o.at, o.mixer) end
  return net:heads(o.heads)
end
