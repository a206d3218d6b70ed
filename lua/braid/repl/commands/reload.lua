--- reload(name): loads a module again; its table stays the same and gets the new fields.

local check <const> = require "braid.check"

return function(_, name)
  local old <const> = package.loaded[name]
  if type(name) ~= "string" or old == nil then
    check.fail("reload: %s is not loaded; require it first", check.shown(name))
  end
  if name == "braid" or name:find("^braid%.") then
    check.fail("reload: %s is a part of Braid and cannot be reloaded", name)
  end
  package.loaded[name] = nil
  local fine <const>, new <const> = pcall(require, name)
  if not fine then
    package.loaded[name] = old
    error(new, 0)
  end
  if type(old) == "table" and type(new) == "table" and getmetatable(old) == nil then
    for key in next, old do old[key] = nil end
    for key, value in next, new do old[key] = value end
    package.loaded[name] = old
    return old
  end
  return new
end
