--- Finds the network that an argument names: a file, or a run's directory, whose best network it
-- takes.

local check <const> = require "braid.check"
local config <const> = require "braid.train.fitting.config"
local core <const> = require "braid.core"
local open <const> = require "braid.model.open"

local M <const> = {}

--- The loader options of the run at the path, which is the run's directory or a file in it.
function M.loader(path)
  local dir <const> = core.path_kind(path) == "directory" and path or path:match("^(.*)/[^/]*$")
    or "."
  local run <const> = config.read(dir) or {}
  local loader <const> = type(run.options) == "table" and run.options.loader
  return type(loader) == "table" and loader or {}
end

--- The network, and its tasks; nil in place of tasks if the network has none.
function M.read(path)
  local kind <const> = core.path_kind(path)
  if not kind then check.fail("there is no %s", path) end
  if kind == "directory" then
    if not config.read(path) then check.fail("%s is not the directory of a run", path) end
    path = path .. "/best.safetensors"
    if not core.path_kind(path) then
      check.fail("there is no %s: the run has no best network (it had no val, or no epoch has "
        .. "ended)", path)
    end
  end
  return open(path)
end

--- The network and its tasks. A network without tasks is an error.
function M.open(path)
  local net <const>, tasks <const> = M.read(path)
  if not tasks then check.fail("the network of %s has no tasks", path) end
  return net, tasks
end

return M
