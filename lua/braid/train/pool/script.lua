--- Finds the command that runs the script of this process again. The new process makes the same
-- networks, data and functions.

local prompt <const> = require "braid.prompt"

local M <const> = {}

-- The command line of this process, word by word.
local function command_line()
  local file <close> = io.open("/proc/self/cmdline", "rb")
  if not file then return nil end
  local words <const> = {}
  for word in file:read("a"):gmatch("([^\0]*)\0") do words[#words + 1] = word end
  return #words > 0 and words or nil
end

-- Whether this code runs at a prompt or was piped into Lua.
local function at_prompt()
  if prompt.waits then return true end
  local level = 2
  while true do
    local info <const> = debug.getinfo(level, "S")
    if not info then return false end
    if info.source == "=stdin" then return true end
    level = level + 1
  end
end

--- The command that runs the script again, as a list of words; or nil and a reason.
function M.command()
  local arguments <const> = rawget(_G, "arg")
  local script <const> = type(arguments) == "table" and arguments[0]
  if type(script) ~= "string" then return nil, "there is no script to run again" end
  if at_prompt() then return nil, "at a prompt there is no script to run again" end
  local words <const> = command_line()
  if not words then return nil, "/proc does not tell how this process was started" end
  for _, word in ipairs(words) do
    if word == "-i" then return nil, "at a prompt there is no script to run again" end
  end
  for i, word in ipairs(words) do
    local module <const> = words[i - 1] == "-m" and package.searchpath(word, package.path)
    if word == script or module == script then return words end
  end
  return nil, "the script is not the one that this process was started with"
end

return M
