--- Signals while a loop runs. Ctrl-C and SIGTERM are noted, and the loop asks for them between
-- steps. A second signal ends the process as usual.

local core <const> = require "braid.core"
local prompt <const> = require "braid.prompt"

local M <const> = {}

local NAMES <const> = {[2] = "SIGINT", [15] = "SIGTERM"}

--- Notes signals until the returned value is closed.
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

--- A prompt sets this function; without a prompt it is false. pause(fit) lets the user look at the
-- run and change it, and returns true if the run continues.
M.pause = false

--- Whether an interrupted run continues, after a user at a prompt has looked at it.
function M.goes_on(fit)
  if not M.pause or M.caught() ~= "SIGINT" or not M.pause(fit) then return false end
  core.forget_signal()
  return true
end

--- Whether an ended loop returns to a user at a prompt, braid's or that of `lua -i`.
function M.at_prompt()
  if prompt.waits or M.pause then return true end
  local words <const> = type(rawget(_G, "arg")) == "table" and rawget(_G, "arg") or {}
  for i = -20, -1 do
    if words[i] == "-i" then return true end
  end
  return false
end

return M
