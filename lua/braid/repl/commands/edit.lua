--- edit(path): opens a file in $EDITOR; edit() opens the last entry and then runs it.

local check <const> = require "braid.check"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local function open(path)
  local editor <const> = os.getenv("VISUAL") or os.getenv("EDITOR") or "vi"
  if not os.execute(("%s '%s'"):format(editor, path:gsub("'", "'\\''"))) then
    check.fail("edit: %s failed; set EDITOR to the editor to run", editor)
  end
end

return function(session, path)
  if path ~= nil then
    if type(path) ~= "string" then check.fail("edit: wants a path, not %s", check.shown(path)) end
    return open(path)
  end
  local name <const> = os.tmpname()
  do
    local file <close> = assert(io.open(name, "wb"))
    file:write(session.good[#session.good] or "", "\n")
  end
  open(name)
  local text <const> = read(name):gsub("%s+$", "")
  os.remove(name)
  print(text)
  session:run(text)
end
