--- Serves a notebook: braid -m braid.jupyter.kernel INPUT OUTPUT PARENT. The kernel (kernel.py)
-- starts it with the numbers of two descriptors, for requests and answers, and the number of the
-- kernel's own process: when that ends, this process ends too.

local Channel <const> = require "braid.jupyter.channel"
local core <const> = require "braid.core"

-- Serves until the kernel is gone or the user quits -> the exit status.
local function serve(input, output, parent)
  core.end_with(parent)
  core.ignore_interrupts()
  io.stdout:setvbuf("no") -- a dot of a progress bar appears as it is printed
  require "braid"
  require "braid.repl.interrupts"
  local channel <const> = Channel(input, output)
  local notebook <const> = require "braid.jupyter.notebook" (channel)
  channel:put{op = "ready", version = require "braid.version", lua = _VERSION:match("[%d.]+"),
    greeting = require "braid.repl.start".greeting()}
  notebook:serve()
  local over <const> = notebook.session.over
  return type(over) == "number" and over or 0
end

local input <const>, output <const>, parent <const> = ...
if tonumber(input) then -- this file is run, not required
  os.exit(serve(tonumber(input), tonumber(output), tonumber(parent)), true)
end

return serve
