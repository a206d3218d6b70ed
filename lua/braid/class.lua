--- Classes: single inheritance, a constructor by call, names for messages.
-- @usage
-- local Point <const> = class("Point")
-- function Point:init(x, y) self.x, self.y = x, y end
-- print(Point(1, 2).x)
--
-- class() returns a handle. Methods are in another table, metamethods in the metatable of the
-- instances; neither table can be reached from a handle or an instance. Braid's own classes are
-- sealed after their file was read: nothing can change them then. getmetatable(object) is the
-- handle of the object's class.

local check <const> = require "braid.check"
local guard <const> = require "braid.guard"
local shown <const> = require "braid.class.shown"

local M <const> = {}

local HOME <const> = debug.getinfo(1, "S").source:match("^(.*)class%.lua$")

-- By handle: {name, base, methods, meta, own (is Braid's), strange (is a definition's), sealed}.
local records <const> = setmetatable({}, {__mode = "k"})
local stores <const> = setmetatable({}, {__mode = "k"}) -- the fields of guarded objects
local unsealed <const> = {} -- handles of Braid's own classes that can still be written to
local extensions <const> = {} -- methods by the name of one of Braid's classes

local function is_own(source) return source:sub(1, #HOME) == HOME end

local absent <const> = require "braid.class.absent"(records, stores, is_own)

-- Finds `key` in the class of record r or in its parents. Returns the value and the nearest record.
local function lookup(r, key)
  while r do
    local value <const> = rawget(r.methods, key)
    if value ~= nil then return value, r end
    r = records[r.base]
  end
end

-- Whether the function that accesses a field is from the user's script. Functions of a definition
-- do not count, nor do Braid's, because a definition may have called them.
local function is_users()
  local info <const> = debug.getinfo(3, "S")
  return info.what ~= "C" and not is_own(info.source)
    and not guard.is_strange_source(info.source)
end

-- ---- the handle ---------------------------------------------------------------------------

local function sealed_error(r)
  check.fail("%s is Braid's own class and stays as it is; derive one: class(\"Mine\", %s)",
    shown.where(r), shown.where(r))
end

-- A copy of a table that can be read but not written.
local function read_only(t)
  return setmetatable({}, {__index = t, __metatable = false, __len = function() return #t end,
    __pairs = function()
      return function(_, key) return next(t, key) end
    end,
    __newindex = function() check.fail("this table of Braid's can only be read") end})
end

M.read_only = read_only

local UNDERSCORE <const> = ("_"):byte()
local HIDDEN <const> = {__index = true, __metatable = true, __newindex = true, __gc = true}

-- Reads from a handle: methods, constants, the base, and metamethods that reach no other table.
local function read(handle, key)
  local r <const> = records[handle]
  local value <const> = lookup(r, key)
  if value ~= nil then return value end
  if key == "base" then return r.base end
  if HIDDEN[key] or type(key) ~= "string" or key:byte() ~= UNDERSCORE then return nil end
  return rawget(r.meta, key)
end

local function write(handle, key, value)
  local r <const> = records[handle]
  if r.sealed then sealed_error(r) end
  if not (r.own or r.strange or is_users()) then
    check.fail("%s is a class of the user's script; only the script can change it", r.name)
  end
  if r.allows then value = r.allows(r, key, value) end
  if type(key) == "string" and key:sub(1, 2) == "__" then
    r.meta[key] = value
  elseif r.own and type(value) == "table" and getmetatable(value) == nil then
    r.methods[key] = read_only(value)
  else
    r.methods[key] = value
  end
end

--- Seals Braid's own classes: nothing can change them from here on.
function M.seal()
  for i = #unsealed, 1, -1 do
    records[unsealed[i]].sealed = true
    unsealed[i] = nil
  end
end

-- ---- objects whose fields a definition can read but not write ----------------------------

local making <const> = setmetatable({}, {__mode = "k"})

local function copy_of(t)
  local copy <const> = {}
  for key, value in next, t do
    local plain <const> = type(value) == "table" and getmetatable(value) == nil
    copy[key] = plain and copy_of(value) or value
  end
  return copy
end

-- The user gets the table itself. Others get a copy, so that they cannot write to it.
local function for_reader(value, whole)
  if type(value) ~= "table" or getmetatable(value) ~= nil or whole then return value end
  return copy_of(value)
end

local function keep_fields(r)
  local meta <const>, methods <const> = r.meta, r.methods
  r.guarded = true
  function meta.__index(object, key)
    local value <const> = stores[object][key]
    if value == nil then return methods[key] end
    return type(value) ~= "table" and value or for_reader(value, is_users())
  end
  function meta.__newindex(object, key, value)
    if not making[object] and not is_users() then
      check.fail("%s: only the user's script can change its '%s'", r.name, tostring(key))
    end
    stores[object][key] = value
  end
  function meta.__pairs(object)
    local store <const>, whole <const> = stores[object], is_users()
    return function(_, key)
      local other <const>, value <const> = next(store, key)
      return other, for_reader(value, whole)
    end, object
  end
end

--- Makes an object of a class from a table of its fields, without calling init.
function M.adopt(handle, fields)
  local r <const> = records[handle]
  if not r.guarded then return setmetatable(fields, r.meta) end
  local object <const> = setmetatable({}, r.meta)
  stores[object] = fields
  return object
end

--- Sets a field of an object whose fields are guarded. Braid calls this only in functions that no
-- definition can reach.
function M.set(object, key, value) stores[object][key] = value end

--- Iterates over the fields of an object, regardless of its metamethods.
function M.fields(object) return next, stores[object] or object end

-- ---- making objects -----------------------------------------------------------------------

-- How many arguments a constructor takes. A constructor that is not Braid's own takes any number.
local function most_of(r)
  local init <const>, from <const> = lookup(r, "init")
  local info <const> = from and from.own and debug.getinfo(init, "u")
  return info and not info.isvararg and math.max(info.nparams - 1, 0) or math.huge
end

local function construct(handle, ...)
  local r <const> = records[handle]
  if r.own then r.sealed = true end
  local most <const> = r.most or most_of(r)
  if r.own then r.most = most end
  if select("#", ...) > most then check.none_beyond(shown.called(r), most, ...) end
  if not r.guarded then
    local object <const> = setmetatable({}, r.meta)
    object:init(...)
    return object
  end
  local object <const> = M.adopt(handle, {})
  making[object] = true
  object:init(...)
  making[object] = nil
  return object
end

local INHERITED_NOT <const> = {__index = true, __newindex = true, __pairs = true}

local function new(name, base, source)
  local handle <const>, from <const> = {}, records[base]
  if base ~= nil and not from then
    check.fail("class: the base of %s is a %s, not a class", tostring(name), type(base))
  end
  local r <const> = {name = name, base = base, methods = {}, meta = {}, source = source}
  for key, value in next, from and from.meta or {} do
    if not (from.guarded and INHERITED_NOT[key]) then r.meta[key] = value end
  end
  if not from then
    r.meta.__tostring = function(object) return shown.object(records[getmetatable(object)],
      M.fields(object)) end
    function r.methods.init() end
  end
  setmetatable(r.methods, {__index = from and from.methods or absent})
  local index <const> = r.meta.__index
  r.meta.__name, r.meta.__metatable = name, handle
  if not from or index == from.methods then r.meta.__index = r.methods end
  if from and from.guarded then keep_fields(r) end
  r.own = source:sub(1, #HOME) == HOME
  records[handle] = r
  if r.own then unsealed[#unsealed + 1] = handle end
  for key, f in next, r.own and not from and extensions[name] or {} do r.methods[key] = f end
  return setmetatable(handle, {__index = read, __newindex = write, __call = construct,
    __pairs = function() -- only the class's own fields, not those of its base
      return function(_, key) return next(r.methods, key) end
    end,
    __name = "class", __metatable = "class",
    __tostring = function() return shown.class(r, records[base]) end}), r
end

--- Gives one of Braid's classes methods that belong to a higher layer.
M.extend = require "braid.class.extend" (records, extensions)
--- Makes a class for a definition. allows(record, key, value) -> value raises an error for fields
-- that the class must not have.
function M.strange(name, base, allows)
  local handle <const>, r <const> = new(name, base, "=definition")
  r.strange, r.allows = true, allows
  return handle
end

--- Lets a definition read the fields of objects of a class (or of derived ones), but not write
-- them.
function M.guarded(handle)
  keep_fields(records[handle])
  return handle
end

-- ---- questions ----------------------------------------------------------------------------

--- Whether a value is a class.
function M.is_class(value) return records[value] ~= nil end

--- The class of an object, or nil.
function M.of(value)
  local handle <const> = type(value) == "table" and getmetatable(value)
  return records[handle] and handle or nil
end

--- Whether a value is an object of a class or of a class derived from it.
function M.is_a(value, handle)
  local r = type(value) == "table" and records[getmetatable(value)]
  local wanted <const> = records[handle]
  while r and r ~= wanted do r = records[r.base] end
  return r ~= nil and r ~= false and wanted ~= nil
end

--- Gives a class what its changed file defines now.
M.renew = require "braid.class.renew" (records, keep_fields)
--- The names of Braid's own classes by handle, such as nn.Linear.
function M.names() return shown.names(records) end

--- The value that the class itself defines, not one from its base; or nil.
function M.own(handle, key) return rawget(records[handle].methods, key) end

--- The metatable of the objects of a class.
function M.metatable(handle) return records[handle].meta end

--- An object's method of this name; a misspelt name raises an error.
function M.method(object, name) return records[getmetatable(object)].methods[name] end

--- An object's method as Braid or the user defines it. Classes of a definition are skipped.
function M.trusted(object, name)
  local r = records[getmetatable(object)]
  while r do
    local value <const> = not r.strange and rawget(r.methods, name)
    if value then return value end
    r = records[r.base]
  end
end

--- The value of this name in the nearest class of Braid's that a definition's class derives from.
function M.braids(r, key) return (lookup(records[r.base], key)) end

--- A __newindex that raises an error for fields with the name of one of Braid's methods. The names
-- in `free` are allowed.
function M.shield(free)
  return function(object, key, value)
    local own <const> = records[getmetatable(object)]
    local found <const>, r <const> = lookup(own, key)
    if found ~= nil and r.own and not free[key]
      and (type(found) == "function" or type(found) == "table") then
      check.fail("%s: '%s' is a method of every %s; choose another name for the field", own.name,
        key, r.name)
    end
    rawset(object, key, value)
  end
end

return setmetatable(M, {
  __call = function(_, name, base) return (new(name, base, debug.getinfo(2, "S").source)) end,
})
