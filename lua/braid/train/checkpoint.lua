--- braid.checkpoint(path, parts) saves the state of a run in one .safetensors file.
-- braid.resume(path, parts) continues from it.
--
-- parts is a table of everything that the run consists of. Networks, optimizers, schedules,
-- averages, loaders and any object with state_dict and load_state_dict are saved by their state.
-- Tables, numbers (integers and doubles to the bit, NaN and infinity too), strings, flags and
-- tensors are saved as they are. A value that a file cannot hold, such as a function, raises an
-- error that names its place, before anything is written. Random streams (braid.random_state) are
-- always saved. The file is replaced in one step: it is either the whole old or the whole new one.
-- @treturn true
-- @usage
-- braid.checkpoint("last.safetensors", {net = net, opt = opt, at = {epoch = 3}})
-- local at = braid.resume("last.safetensors", {net = net, opt = opt}).at

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local json <const> = require "braid.io.json"
local safetensors <const> = require "braid.io.safetensors"
local tree <const> = require "braid.io.tree"
local version <const> = require "braid.version"

return check.public("checkpoint", function(path, parts)
  check.path("checkpoint", path)
  if not path:lower():find("%.safetensors$") then
    check.fail("checkpoint: a checkpoint is a .safetensors file, not %s", path)
  end
  if type(parts) ~= "table" or check.is_object(parts) then
    check.fail("checkpoint: wants a table of what the run is made of, such as {net = net, "
      .. "opt = opt}, not %s", check.shown(parts))
  end
  local seed <const>, stream <const> = core.random_state()
  local text <const>, tensors <const> = tree.encode("checkpoint", parts)
  local ok <const>, why <const> = safetensors.write(path, tensors, {
    ["braid.checkpoint"] = "1", ["braid.version"] = version, ["braid.tree"] = text,
    ["braid.random"] = json.encode{seed = seed, stream = stream},
  })
  if not ok then check.fail("checkpoint: %s", why) end
  return true
end)
