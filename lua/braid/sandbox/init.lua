--- The sandbox of definitions: everything that the text of a definition can see.
--
-- It has functions, copies and views. Its classes are handles of sealed classes. A class that the
-- definition makes may define forward, init and describe, but no other method of Braid's. Its
-- tables have no finalizers. No name leads to a file, to package.path, to another network's
-- classes, or to a table of the user's. Budgets (braid.guard) hold while it builds, and whenever
-- its code runs outside forward. Within forward an endless loop can be interrupted, but no budget
-- holds.

local basics <const> = require "braid.sandbox.basics"
local check <const> = require "braid.check"
local class <const> = require "braid.class"
local folder <const> = require "braid.folder"
local guard <const> = require "braid.guard"
local lists <const> = require "braid.sandbox.lists"
local text <const> = require "braid.sandbox.text"
local views <const> = require "braid.sandbox.views"

local M <const> = {}

guard.string_methods = folder.named(text, "string", function() end,
  function() return check.sorted_keys(text) end)

-- ---- classes ------------------------------------------------------------------------------

-- Braid's methods that a definition's class may replace.
local ITS_OWN <const> = {init = true, forward = true, describe = true, widths = true}
-- Further names that Braid uses.
local BRAIDS <const> = {own_state = true, set_inputs = true, straight = true,
  takes_shared = true, can_join = true, is_module = true, base = true}
local OPERATIONS <const> = {__add = true, __sub = true, __mul = true, __div = true, __idiv = true,
  __mod = true, __pow = true, __unm = true, __concat = true, __eq = true, __lt = true, __le = true}

local function allowed(r, key, value)
  if type(key) == "string" and key:sub(1, 2) == "__" then
    if OPERATIONS[key] then return value end
    check.fail("class %s: a definition's class has no %s", r.name, key)
  end
  local found <const> = class.braids(r, key)
  if BRAIDS[key] or type(found) == "function" and not ITS_OWN[key] then
    check.fail("class %s: '%s' is Braid's own and not for a definition to replace; it may have "
      .. "init, forward, describe and names of its own", r.name, tostring(key))
  end
  if type(found) ~= "table" then return value end
  if type(value) ~= "table" or debug.getmetatable(value) ~= nil then
    check.fail("class %s: %s must be a plain table, not a %s", r.name, key, type(value))
  end
  local copy <const> = {}
  for name, is in next, value do copy[name] = is end
  return class.read_only(copy)
end

local function new_class(name, base)
  if type(name) ~= "string" or #name > 60 or not name:find("^[%a_][%w_ ]*$") then
    check.fail("class: the name must be a word, not %s", type(name) == "string"
      and ("%q"):format(name:sub(1, 60)) or type(name))
  end
  return class.strange(name, base, allowed)
end

-- ---- the environment ----------------------------------------------------------------------

local SAFE <const> = {"assert", "error", "ipairs", "next", "rawequal", "rawlen", "select",
  "tonumber", "type"}
local OURS <const> = {"getmetatable", "pairs", "pcall", "setmetatable", "tostring", "xpcall"}

local shared -- the views, which all definitions share

-- A copy that the definition owns. It raises an error for a missing name.
local function named_copy(what, t)
  local copy <const> = {}
  for name, value in next, t do copy[name] = value end
  return views.view(what, copy)
end

--- A fresh environment for a definition. `model` is its braid.model, or nil.
function M.environment(model)
  shared = shared or views.all(require "braid")
  local env <const> = {nn = shared.nn, mtl = shared.mtl, braid = shared.braid(model),
    class = new_class,
    math = named_copy("math", basics.math()),
    string = named_copy("string", text), table = named_copy("table", lists),
    print = basics.print()}
  for _, name in ipairs(SAFE) do env[name] = _G[name] end
  for _, name in ipairs(OURS) do env[name] = basics[name] end
  local known <const> = check.sorted_keys(env)
  return setmetatable(env, {__metatable = false, __index = function(_, name)
    check.fail("there is no '%s' in a definition; %s", tostring(name), check.nearest(name, known))
  end})
end

-- ---- running ------------------------------------------------------------------------------

-- The name of a definition's chunk, for messages and the guard.
local function chunk_name(path)
  local shown = path:gsub("[%c]", "?")
  if #shown > 55 then shown = "..." .. shown:sub(-52) end
  return "=" .. (shown:find("/", 1, true) and shown or "./" .. shown)
end

--- Runs the text of a definition that a running definition asks for -> what it returns.
function M.value(code, path, model)
  local source <const> = chunk_name(path)
  guard.mark(source)
  local chunk <const>, message <const> = load(code, source, "t", M.environment(model))
  if not chunk then error("model: " .. message, 0) end
  return chunk()
end

--- Runs the text of a definition within the budgets and calls use(what it returns) -> result.
-- `model` is the definition's braid.model, or nil.
function M.run(code, path, use, model)
  class.seal()
  return guard.run("model: " .. chunk_name(path):sub(2), function()
    return use(M.value(code, path, model))
  end)
end

return M
