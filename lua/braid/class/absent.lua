--- Answers for names that an object does not have. The answer is nil, because some fields of a
-- class are optional. A name that looks like a typing mistake raises an error, except in Braid's
-- own code, which may ask for the name that the user gave a task or a label.

local check <const> = require "braid.check"
local nearest <const> = require "braid.nearest"

local AT_HAND <const> = 250 -- more than the local variables that a Lua function can have

-- The names of an object's fields and of its class's methods.
local function names_of(records, r, fields)
  local names <const> = {}
  for key in next, fields do
    if type(key) == "string" then names[#names + 1] = key end
  end
  while r do
    for key in next, r.methods do names[#names + 1] = tostring(key) end
    r = records[r.base]
  end
  return names
end

--- Makes the __index at the end of every class's methods. `records` are the records of classes,
-- `stores` the fields of guarded objects; is_own(source) tells whether code is Braid's.
return function(records, stores, is_own)
  local quiet <const> = {} -- names that gave nil before

  -- The record and the fields of the object that is asked for a field. __index does not get the
  -- object itself, so this looks for it among the local variables of the asking function. That is
  -- slow, but happens only once for each name.
  local function asked(name)
    for i = 1, AT_HAND do
      local label <const>, value <const> = debug.getlocal(3, i)
      if not label then return nil end
      local r <const> = type(value) == "table" and records[getmetatable(value)]
      local fields <const> = stores[value] or value
      if r and rawget(fields, name) == nil then return r, fields end
    end
  end

  -- Whether Braid's own code asks. class.lua reads the fields of a guarded object; in that case its
  -- caller counts.
  local function is_asked_inside()
    local source <const> = debug.getinfo(3, "S").source
    return is_own(source:find("class.lua", -9, true) and debug.getinfo(4, "S").source or source)
  end

  return function(_, name)
    if quiet[name] or type(name) ~= "string" then return nil end
    local r <const>, fields <const> = asked(name)
    local right <const> = r and nearest.slip(name, names_of(records, r, fields))
    if right and not is_asked_inside() then
      check.fail("%s has no field or method '%s'; did you mean %s?", r.name, name, right)
    end
    quiet[name] = not right or nil
    return nil
  end
end
