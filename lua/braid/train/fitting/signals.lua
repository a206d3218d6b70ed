--- Signals while a loop runs: Ctrl-C and SIGTERM are noted, and asked for between steps. A second
-- one ends the process as it would have.

local core <const> = require "braid.core"
local prompt <const> = require "braid.prompt"

local M <const> = {}

local NAMES <const> = {[2] = "SIGINT", [15] = "SIGTERM"}

--- Until the returned value closes, signals are noted.
-- @usage local _ <close> = signals.watch()
function M.watch()
  local open = true
  core.watch_signals(true)
  return setmetatable({}, {__close = function()
    if open then core.watch_signals(false) end
    open = false
  end})
end

--- The name and the number of the signal that came, or nil.
function M.caught()
  local number <const> = core.caught_signal()
  if number then return NAMES[number], number end
end

--- Whether someone sits at a prompt, braid's or that of `lua -i`, to whom an ended loop returns.
function M.at_prompt()
  if prompt.waits then return true end
  local words <const> = type(rawget(_G, "arg")) == "table" and rawget(_G, "arg") or {}
  for i = -20, -1 do
    if words[i] == "-i" then return true end
  end
  return false
end

return M
