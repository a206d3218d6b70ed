--- A table whose fields are the modules of a folder of Braid's, each read when it is first named:
-- a new file is found without being listed anywhere.
--
-- The names are those of the files that stood in the folder when it was first asked for, and a
-- module is read from there: package.path is not searched, so that no name can run another
-- file. An unknown name raises an error that lists similar names.
-- @usage return folder("braid.data")   -- data.mtfl is what braid/data/mtfl.lua returns
--
-- Options: as, the name that messages call the table by; file_of(name) gives a field's file (the
-- name itself unless given); internal, a list of files that are no fields; rooms, folders inside
-- whose files are fields too; others, a function that gives a table (or a folder's table) of
-- further fields; fits(name, value), whether what a file returns goes by that name; made(value,
-- name), what becomes of it.

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local nearest <const> = require "braid.nearest"

local HOME <const> = debug.getinfo(1, "S").source:match("^@(.*)folder%.lua$")

local M <const> = {}
local tables <const> = setmetatable({}, {__mode = "k"})

local function always() return true end

-- A folder's modules, as {module, path} by their fields' names: its files without ".lua", the
-- folders in it that have an init.lua, and the files of its rooms.
local function modules_in(prefix, o)
  local path <const>, found <const> = HOME .. prefix:gsub("^braid%.", ""):gsub("%.", "/"), {}
  local files <const>, folders <const> = core.list_folder(path)
  for _, file in ipairs(files or {}) do
    local name <const> = file:match("^([%w_]+)%.lua$")
    if name and name ~= "init" then found[name] = {prefix .. "." .. name, path .. "/" .. file} end
  end
  for _, name in ipairs(folders or {}) do
    local init <const> = path .. "/" .. name .. "/init.lua"
    if core.path_kind(init) == "file" then found[name] = {prefix .. "." .. name, init} end
  end
  for _, room in ipairs(o.rooms or {}) do
    for name, module in next, modules_in(prefix .. "." .. room, {}) do found[name] = module end
  end
  for _, name in ipairs(o.internal or {}) do found[name] = nil end
  return found
end

-- A module's value as require would give it, read from its file.
local function read(found)
  local module <const>, path <const> = table.unpack(found)
  local value = package.loaded[module]
  if value ~= nil then return value end
  value = assert(loadfile(path, "t"))(module, path)
  package.loaded[module] = package.loaded[module] or value
  return package.loaded[module]
end

local function fixed(what, value)
  return type(value) == "function" and check.fixed(what, value) or value
end

local function find_in(f, name)
  local value
  local file <const> = f.file_of(name)
  if f.files[file] then
    value = read(f.files[file])
    if not f.fits(name, value) then return nil end
    local what <const> = f.what .. name
    value = fixed(what, f.made(fixed(what, value), name))
  elseif f.others then
    local others <const> = f.others()
    if tables[others] then value = M.find(others, name) else value = rawget(others, name) end
  end
  return value
end

-- If names are not those of files, all files of the folder are read.
local function names_in(t, f)
  local set <const> = {}
  for name in next, t do set[name] = true end
  for file, found in next, f.files do
    local value <const> = f.fits ~= always and read(found)
    local own <const> = type(value) == "table" and value.__name or nil
    if value and f.fits(file, value) or f.fits == always then
      set[file] = true
    elseif own and f.file_of(own) == file then
      set[own] = true
    end
  end
  local others <const> = f.others and f.others() or {}
  for name in next, others do set[name] = true end
  for _, name in ipairs(tables[others] and M.names(others) or {}) do set[name] = true end
  return check.sorted_keys(set)
end

--- Whether t is a table of names made here.
function M.is_named(t) return tables[t] ~= nil end

--- The field `name` of a table of names, or nil where there is none.
function M.find(t, name)
  local value <const> = rawget(t, name)
  if value ~= nil then return value end
  return tables[t].find(name)
end

--- The names of its fields, sorted.
function M.names(t) return tables[t].names() end

--- Makes of t the table of names that messages call `what`: find(name) gives a field that is not in
-- it yet, or nil; names() those there are. Any other name is an error that says which are near.
function M.named(t, what, find, names)
  tables[t] = {find = find, names = names}
  return setmetatable(t, {
    __name = what,
    __index = function(_, name)
      if type(name) ~= "string" or name:sub(1, 2) == "__" then return nil end
      local value <const> = find(name)
      if value ~= nil then
        t[name] = value
        return value
      end
      check.fail("%s has no '%s'; %s", what, name, nearest.hint(name, names()))
    end,
    __tostring = function() return ("%s: %s"):format(what, table.concat(names(), ", ")) end,
  })
end

local function new(_, prefix, o)
  o = o or {}
  -- The name as the user writes it.
  local what <const> = o.as and o.as:gsub("^braid%.", "") .. "."
    or (prefix:match("^braid%.(%a+)") .. "."):gsub("^functional%.", "")
  local t <const>, f <const> = {}, {what = what, files = modules_in(prefix, o), others = o.others,
    file_of = o.file_of or function(name) return name end,
    fits = o.fits or always, made = o.made or function(value) return value end}
  return M.named(t, o.as or prefix, function(name) return find_in(f, name) end,
    function() return names_in(t, f) end)
end

return setmetatable(M, {__call = new})
