--- log(path): from here on writes to a script what is entered, and what was; log() ends it.

local check <const> = require "braid.check"

-- The entry as a script has it: an expression prints there what it gives.
local function as_script(text)
  if load(text, "=entry", "t", {}) then return text .. "\n" end
  return ("print(%s)\n"):format((text:gsub("^%s*=", ""):gsub(";%s*$", "")))
end

return function(session, path)
  if session.log then session.log.file:close() end
  session.log = false
  if path == nil then return end
  local exists <close> = io.open(path)
  if exists then check.fail("log: %s is there already; choose another name", path) end
  local file <const>, message <const> = io.open(path, "w")
  if not file then check.fail("log: cannot write %s", message) end
  file:write('local braid <const> = require "braid"\n')
  for _, name in ipairs(session.NAMES) do
    file:write(("local %s <const> = braid.%s\n"):format(name, name))
  end
  local function put(text)
    file:write(as_script(text))
    file:flush()
  end
  for _, text in ipairs(session.good) do put(text) end
  session.log = {file = file, put = put}
end
