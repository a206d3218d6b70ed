--- Runs the command braid on one thread, so that a script on one thread must give the same numbers.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"

local M <const> = {}

--- Runs the command with these arguments. Returns what shell.run returns.
function M.run(arguments)
  return shell.run("OMP_NUM_THREADS=1 " .. shell.braid .. " " .. arguments)
end

--- Calls f with a new directory, which is removed afterwards, while this process has one thread.
function M.in_directory(f)
  local threads <const> = braid.get_threads()
  local _ <close> = setmetatable({}, {__close = function() braid.set_threads(threads) end})
  braid.set_threads(1)
  shell.in_directory(f)
end

return M
