--- A table whose fields are the modules of one of Braid's folders. A new file needs no entry in any
-- list. A module is read when its field is first used.
--
-- The folder is listed once, at its first use, and a module is read from that place. package.path
-- is not searched, so no name can run another file. An unknown name raises an error that lists
-- similar names.
-- @usage return folder("braid.data")   -- data.mtfl is what braid/data/mtfl.lua returns
--
-- Options:
--   as                 the name of the table in messages
--   file_of(name)      the file of a field (default: the field's name)
--   internal           a list of files that are not fields
--   rooms              a list of folders inside this one whose files are fields too
--   others             a function that returns a table (or a folder's table) of further fields
--   fits(name, value)  whether the value of a file is the field of that name
--   made(value, name)  turns the value of a file into the field

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local nearest <const> = require "braid.nearest"

local HOME <const> = debug.getinfo(1, "S").source:match("^@(.*)folder%.lua$")

local M <const> = {}
local tables <const> = setmetatable({}, {__mode = "k"})

local function always() return true end

-- The modules of a folder, as {module, path} by field: its files without ".lua", its folders with
-- an init.lua, and the files of its rooms.
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

-- Reads a module from its file. The value is the value that `require` would give.
local function read(found)
  local module <const>, path <const> = table.unpack(found)
  local value = package.loaded[module]
  if value ~= nil then return value end
  value = assert(loadfile(path, "t"))(module, path)
  package.loaded[module] = package.loaded[module] or value
  return package.loaded[module]
end

local function origin_in(f, name)
  local found <const> = f.files[f.file_of(name)]
  if found then return read(found), found[2] end
  local others <const> = f.others and f.others()
  if tables[others] then return M.origin(others, name) end
  return others and rawget(others, name)
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

-- All names of fields. If the names are not those of files, this reads all files of the folder.
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

--- Whether this module made the table t.
function M.is_named(t) return tables[t] ~= nil end

--- The field `name` of a table of names, or nil if there is none.
function M.find(t, name)
  local value <const> = rawget(t, name)
  if value ~= nil then return value end
  return tables[t].find(name)
end

--- The names of t's fields, sorted.
function M.names(t) return tables[t].names() end

--- The value that the file of a field returned, as it was before any wrapping, and the file's path;
-- nil if the field has no file of its own.
function M.origin(t, name)
  local origin <const> = tables[t].origin
  if origin then return origin(name) end
end

--- Turns t into a table of names; messages call it `what`. find(name) returns a field that t does
-- not have yet, or nil. names() returns all names. Any other name raises an error that lists
-- similar ones, or says what elsewhere(name) returns about it.
function M.named(t, what, find, names, elsewhere)
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
      check.fail("%s has no '%s'; %s", what, name,
        elsewhere and elsewhere(name) or nearest.hint(name, names()))
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
  M.named(t, o.as or prefix, function(name) return find_in(f, name) end,
    function() return names_in(t, f) end)
  tables[t].origin = function(name) return origin_in(f, name) end
  return t
end

return setmetatable(M, {__call = new})
