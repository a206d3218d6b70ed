--- `braid inspect PATH ...`: shows what is in files and directories, and what opening them would
-- run, without running any of it.

local inspect <const> = require "braid.inspect"
local machine <const> = require "braid.cli.given.machine"

return {usage = "inspect PATH ...           show what is in files or runs, without running it",
  least = 1, most = math.huge, words = {"file"}, options = {json = false},
  said = {json = "print JSON, an object for each path"},
  more = "it reads networks, tensors (.safetensors .npy .npz .pth .caffemodel), pictures, IDX, "
    .. "definitions and other Lua, runs, metrics.jsonl, data, lists and tables",
  run = function(o, ...)
    for _, path in ipairs{...} do
      local found <const> = inspect(path)
      print(o.json and machine.text(found) or found)
    end
  end}
