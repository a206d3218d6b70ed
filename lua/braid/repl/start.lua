--- The beginning of a prompt: a line about Braid, and the user's start file.

local core <const> = require "braid.core"

local M <const> = {}

--- The first line.
function M.greeting()
  return ("Braid %s  %d thread%s  %s  help tells more"):format(require "braid.version",
    core.get_threads(), core.get_threads() == 1 and "" or "s", core.isa())
end

--- Runs the user's start file. Its errors are shown, and the prompt continues.
function M.config(session)
  local home <const> = os.getenv("XDG_CONFIG_HOME")
    or os.getenv("HOME") and os.getenv("HOME") .. "/.config"
  local path <const> = home and home .. "/braid/init.lua"
  local file <close> = path and io.open(path) or nil
  if file then session:script(file:read("a"), path) end
end

return M
