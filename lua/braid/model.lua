--- Networks from definition files, and from directories that hold one with its weights.
--
-- A definition is a short script that returns a function of the tasks and a table of
-- options and gives a module. It sees nn, mtl, class and braid, and of Lua's
-- library what computes but does not reach outside.

local check <const> = require "braid.check"
local saved <const> = require "braid.saved"

local M <const> = {}

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

-- What the text of a definition makes of tasks and options.
local function define(text, path, tasks, options, level)
  local chunk <const>, message <const> = load(text, "@" .. path, "t", environment())
  if not chunk then error("model: " .. message, level + 1) end
  local f <const> = chunk()
  if type(f) ~= "function" then
    error(("model: %s returns a %s, not a function of the tasks"):format(path, type(f)), level + 1)
  end
  local net <const>, kept <const> = f(tasks, options), {}
  for key, value in pairs(options) do kept[key] = value end
  if type(net) == "table" then saved.remember(net, text, tasks, kept) end
  return net
end

--- The network that a definition file describes: braid.model("models/tcdcn.lua", {tasks =
-- tasks}). Two options work for every definition: single = "pose" is the network of that task
-- alone, parameters = 5e6 the width at which it has about as many. Other options are the
-- definition's own; its header tells them.
function M.model(path, given)
  if given ~= nil and type(given) ~= "table" then
    error(("model: options must be a table, not %s"):format(type(given)), 2)
  end
  given = given or {}
  local options <const>, place <const> = {}, find(path)
  for _, key in ipairs(check.sorted_keys(given)) do
    if not OWN[key] then options[key] = given[key] end
  end
  local file <const> = assert(io.open(place))
  local text <const> = file:read("a")
  file:close()
  local tasks = given.tasks
  if given.single ~= nil then
    if not tasks then error("model: single wants tasks to choose from", 2) end
    tasks = require("braid.mtl.build").only(tasks, {given.single}, "model")
  end
  if given.parameters == nil then return define(text, place, tasks, options, 2) end
  local widened <const> = require "braid.mtl.widen"(function(width)
    options.width = width
    return define(text, place, tasks, options, 3)
  end, given.parameters)
  return widened
end

--- The network that net:save(directory) wrote, and its tasks (nil when it had none); or nil
-- and a message. The definition runs in the same sandbox as any.
-- @usage local net, tasks = assert(braid.open("build/net"))
function M.open(directory)
  if type(directory) ~= "string" then
    error(("open: wants the path of a directory, not a %s"):format(type(directory)), 2)
  end
  return saved.open(directory, function(text, path, tasks, options)
    return define(text, path, tasks, options, 2)
  end)
end

return M
