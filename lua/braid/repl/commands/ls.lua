--- ls(path): lists the folders and files at a path, or here.

local check <const> = require "braid.check"
local core <const> = require "braid.core"

return function(_, path)
  local files <const>, folders <const> = core.list_folder(path or ".")
  if not files then check.fail("ls: %s cannot be listed", check.shown(path or ".")) end
  table.sort(files)
  table.sort(folders)
  for _, name in ipairs(folders) do print(name .. "/") end
  for _, name in ipairs(files) do print(name) end
end
