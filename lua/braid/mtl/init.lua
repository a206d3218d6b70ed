--- Multi-task learning: tasks, networks of columns, and the mixers in mtl/mixers.

local folder <const> = require "braid.folder"

local mixers <const> = folder "braid.mtl.mixers"

return folder("braid.mtl", {
  internal = {"apart", "build", "class_names", "eyes", "flips", "flow", "groups", "head_kinds",
    "held", "inputs", "linear_mix", "pretrained", "ratio", "restrict", "stages", "strands",
    "turns"},
  others = function() return mixers end,
})
