--- cd(path): goes to a directory, or home.

local check <const> = require "braid.check"
local core <const> = require "braid.core"

return function(_, path)
  path = path or os.getenv("HOME") or "/"
  local home <const> = os.getenv("HOME")
  local whole <const> = type(path) == "string" and home and path:gsub("^~", home, 1) or path
  if type(whole) ~= "string" then check.fail("cd: wants a path, not %s", check.shown(path)) end
  local ok <const>, why <const> = core.change_folder(whole)
  if not ok then check.fail("cd: %s", why) end
end
