--- Networks from definition files.
--
-- A definition is a short script that returns a function of the tasks and a table of
-- options and gives a module. It sees nn, mtl, class and braid, and of Lua's
-- library what computes but does not reach outside.

local check <const> = require "braid.check"

local SAFE <const> = {"assert", "error", "ipairs", "math", "next", "pairs", "select", "tonumber",
  "tostring", "type"}

-- Options that definitions do not see.
local OWN <const> = {tasks = true, single = true, parameters = true}

local function environment()
  local braid <const> = require "braid"
  local env <const> = {
    nn = braid.nn, mtl = braid.mtl, class = require "braid.class",
    braid = {F = braid.F, cat = braid.cat, stack = braid.stack, zeros = braid.zeros,
      ones = braid.ones},
  }
  for _, name in ipairs(SAFE) do env[name] = _G[name] end
  env.table = {concat = table.concat, insert = table.insert, sort = table.sort,
    unpack = table.unpack}
  env.string = {format = string.format}
  return env
end

-- The path as given, or among the models that come with Braid.
local function find(path)
  local file <const> = io.open(path)
  if file then
    file:close()
    return path
  end
  local here <const> = package.searchpath("braid.model", package.path)
  local base <const>, name <const> = here and here:match("^(.*)/model%.lua$"),
    path:match("([^/]+)$")
  for _, place in ipairs{base .. "/models/", base .. "/../../models/"} do
    local candidate <const> = io.open(place .. name)
    if candidate then
      candidate:close()
      return place .. name
    end
  end
  error(("model: there is no file %s"):format(path), 3)
end

--- The network that a definition file describes: braid.model("models/tcdcn.lua", {tasks =
-- tasks}). Two options work for every definition: single = "pose" is the network of that task
-- alone, parameters = 5e6 the width at which it has about as many. Other options are the
-- definition's own; its header tells them.
return function(path, given)
  if given ~= nil and type(given) ~= "table" then
    error(("model: options must be a table, not %s"):format(type(given)), 2)
  end
  given = given or {}
  local chunk <const>, message <const> = loadfile(find(path), "t", environment())
  if not chunk then error("model: " .. message, 2) end
  local define <const> = chunk()
  if type(define) ~= "function" then
    error(("model: %s returns a %s, not a function of the tasks"):format(path, type(define)), 2)
  end
  local options <const> = {}
  for _, key in ipairs(check.sorted_keys(given)) do
    if not OWN[key] then options[key] = given[key] end
  end
  local tasks = given.tasks
  if given.single ~= nil then
    if not tasks then error("model: single wants tasks to choose from", 2) end
    tasks = require("braid.mtl.build").only(tasks, {given.single}, "model")
  end
  if given.parameters == nil then return define(tasks, options) end
  local widened <const> = require "braid.mtl.widen"(function(width)
    options.width = width
    return define(tasks, options)
  end, given.parameters)
  return widened
end
