--- A definition's view of Braid: read-only tables of functions and classes.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local folder <const> = require "braid.folder"

local M <const> = {}

-- Functions of `braid` that make, join or inspect tensors.
local MAKERS <const> = {"Function", "arange", "cat", "chunk", "einsum", "empty", "empty_like",
  "eye", "full", "full_like", "is_tensor", "linspace", "ones", "ones_like", "one_hot", "outer",
  "rand", "rand_like", "randint", "randn", "randn_like", "randperm", "roll", "split", "stack",
  "take", "tensor", "tile", "where", "zeros", "zeros_like"}

-- Names that belong to training, not to a network.
local NOT_OFFERED <const> = {early_stopping = true, ttc_update = true, affinity = true}

-- The form in which a definition sees a value, or nil: functions and classes as they are, tables of
-- functions as a view.
local function seen(what, value)
  if type(value) == "function" or class.is_class(value) then return value end
  if not folder.is_named(value) then return nil end
  local copy <const> = {}
  for name, f in next, value do
    if type(f) == "function" then copy[name] = f end
  end
  return M.view(what, copy)
end

--- A read-only table with the fields of `known` and the results of find(name), if given. names()
-- returns all names.
function M.view(what, known, find, names)
  names = names or function() return check.sorted_keys(known) end
  folder.named(known, what, function(name)
    local value <const> = find and find(name)
    return value ~= nil and seen(what .. "." .. name, value) or nil
  end, names)
  return setmetatable({}, {__index = known, __metatable = false, __name = what,
    __newindex = function() check.fail("a definition cannot change %s", what) end,
    __tostring = function() return tostring(known) end,
    __pairs = function()
      local list <const>, i = names(), 0
      return function()
        i = i + 1
        if list[i] then return list[i], known[list[i]] end
      end
    end})
end

-- A view of one of Braid's folders. It reads a file when the file is first named, and seals the
-- classes that the file makes.
local function of_folder(what, t, hidden)
  return M.view(what, {}, function(name)
    local value <const> = not (hidden and hidden[name]) and folder.find(t, name) or nil
    class.seal()
    return value
  end, function()
    local list <const> = {}
    for _, name in ipairs(folder.names(t)) do
      local offered <const> = not (hidden and hidden[name]) and seen(what, folder.find(t, name))
      if offered then list[#list + 1] = name end
    end
    class.seal()
    return list
  end)
end

--- The views that every definition gets: nn, mtl and braid. braid.model differs from
-- definition to definition, so it is given as a function.
function M.all(braid)
  local known <const> = {}
  for _, name in ipairs(MAKERS) do known[name] = braid[name] end
  -- It needs a function, because a mode that is left on would outlive the definition.
  function known.no_grad(f, ...)
    if type(f) ~= "function" then
      check.fail("no_grad: in a definition it takes the function to run")
    end
    local arguments <const> = table.pack(...)
    return braid.no_grad(function() return f(table.unpack(arguments, 1, arguments.n)) end)
  end
  local nn <const> = of_folder("nn", braid.nn)
  local mtl <const> = of_folder("mtl", braid.mtl, NOT_OFFERED)
  known.nn, known.mtl = nn, mtl
  known.F = M.view("F", {}, function(name) return folder.find(braid.F, name) end,
    function() return folder.names(braid.F) end)
  return {nn = nn, mtl = mtl, braid = function(model)
    local own <const> = {model = model}
    for name, value in next, known do own[name] = value end
    return M.view("braid", own)
  end}
end

return M
