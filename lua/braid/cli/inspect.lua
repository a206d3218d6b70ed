--- `braid inspect PATH ...`: shows what is in files and directories, and what opening them would
-- run, without running any of it.

local inspect <const> = require "braid.inspect"
local machine <const> = require "braid.cli.given.machine"

return {usage = "inspect PATH ...           what is in a file or a run, running none of it",
  least = 1, most = math.huge, words = {"file"}, options = {json = false},
  said = {json = "for machines: an object for each path"},
  more = "networks, tensors (.safetensors .npy .npz .caffemodel), pictures, IDX, definitions and "
    .. "other Lua, runs, metrics.jsonl, data, lists and tables",
  run = function(o, ...)
    for _, path in ipairs{...} do
      local found <const> = inspect(path)
      print(o.json and machine.text(found) or found)
    end
  end}
