--- The user's modules, loaded again when their files have changed. Tables and classes stay the same
-- and get the new fields, so that code which holds them, or objects of them, has these too.

local check <const> = require "braid.check"
local class <const> = require "braid.class"

local M <const> = {}

local function is_plain(value) return type(value) == "table" and getmetatable(value) == nil end

-- The value that a module has from now on: the old value with the new fields if it can be changed,
-- otherwise the new value.
local function renewed(old, new)
  if class.is_class(old) and class.is_class(new) and old ~= new then
    class.renew(old, new)
    return old
  end
  if not (is_plain(old) and is_plain(new)) then return new end
  for key, value in next, new do
    local was <const> = old[key]
    new[key] = class.is_class(was) and class.is_class(value) and renewed(was, value) or value
  end
  for key in next, old do old[key] = nil end
  for key, value in next, new do old[key] = value end
  return old
end

-- Whether a module is Braid's own.
local function is_own(name) return name == "braid" or name:find("^braid%.") ~= nil end

--- Loads a module again. If that fails, the old module stays.
function M.reload(name)
  local old <const> = package.loaded[name]
  if type(name) ~= "string" or old == nil then
    check.fail("reload: %s is not loaded; require it first", check.shown(name))
  end
  if is_own(name) then check.fail("reload: %s is Braid's own and stays as it is", name) end
  package.loaded[name] = nil
  local fine <const>, new <const> = pcall(require, name)
  if not fine then
    package.loaded[name] = old
    error(new, 0)
  end
  package.loaded[name] = renewed(old, new)
  return package.loaded[name]
end

local function text_of(path)
  local file <close> = io.open(path, "rb")
  return file and file:read("a")
end

-- The texts of the files of the user's modules, by name.
local function texts()
  local all <const> = {}
  for name in next, package.loaded do
    local path <const> = type(name) == "string" and not is_own(name)
      and package.searchpath(name, package.path)
    all[name] = path and text_of(path) or nil
  end
  return all
end

--- A function that reloads the modules whose files have changed since its last call, and prints
-- their names.
function M.watch()
  local known = texts()
  return function()
    local now <const>, names <const> = texts(), {}
    for name, text in next, now do
      if known[name] and known[name] ~= text then names[#names + 1] = name end
    end
    known = now
    table.sort(names)
    for _, name in ipairs(names) do
      local fine <const>, message <const> = pcall(M.reload, name)
      print(fine and "reloaded " .. name or ("%s stays as it was: %s"):format(name, message))
    end
  end
end

return M
