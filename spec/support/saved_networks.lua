--- Networks for the specs of saved files.

local braid <const> = require "braid"
local file <const> = require "spec.support.file"
local files <const>, mtl <const> = require "braid.io.files", braid.mtl

local M <const> = {}

function M.with_file(f) file.with("net.safetensors", f) end

function M.tasks_of()
  return mtl.tasks{landmarks = mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4}},
    pose = mtl.classes{5, weight = 0.1}}
end

function M.small() return braid.model("models/tcdcn.lua", {tasks = M.tasks_of(), norm = true}) end

-- A network of a definition given as a text.
function M.defined(text, given)
  local path <const> = os.tmpname()
  assert(files.write(path, {text}))
  local ok <const>, net <const> = pcall(braid.model, path, given)
  os.remove(path)
  if not ok then error(net, 0) end
  return net
end

return M
