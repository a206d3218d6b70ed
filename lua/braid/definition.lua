--- Definition files of networks: finding one and running it.
--
-- A definition is a short script that returns a function of the tasks and a table of
-- options and gives a module. It sees nn, mtl, class and braid, and of Lua's
-- library what computes but does not reach outside.

local check <const> = require "braid.check"
local saved <const> = require "braid.saved"

local M <const> = {}

local SAFE <const> = {"assert", "error", "ipairs", "math", "next", "pairs", "select", "tonumber",
  "tostring", "type"}

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

--- The path as given, or among the models that come with Braid.
function M.find(path)
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
  check.fail("model: there is no file %s", path)
end

-- The options as a definition sees them: what it reads is known from then on, so that an
-- option that it has no use for is an error and not passed over.
local function watched(options)
  local known <const> = {}
  local seen <const> = setmetatable({}, {
    __index = function(_, key)
      known[key] = true
      return options[key]
    end,
    __newindex = function(_, key, value) options[key] = value end,
    __pairs = function()
      for key in pairs(options) do known[key] = true end
      return next, options, nil
    end,
  })
  return seen, known
end

local function check_used(path, options, known)
  for _, key in ipairs(check.sorted_keys(options)) do
    if not known[key] then
      check.fail("model: %s has no option '%s'; it has %s", path, tostring(key),
        table.concat(check.sorted_keys(known), ", "))
    end
  end
end

--- What the text of a definition makes of tasks and options.
function M.define(text, path, tasks, options)
  local chunk <const>, message <const> = load(text, "@" .. path, "t", environment())
  if not chunk then check.fail("model: %s", message) end
  local f <const> = chunk()
  if type(f) ~= "function" then
    check.fail("model: %s returns a %s, not a function of the tasks", path, type(f))
  end
  local kept <const>, seen <const>, known <const> = {}, watched(options)
  local net <const> = f(tasks, seen)
  if type(net) == "table" then check_used(path, options, known) end
  for key, value in pairs(options) do kept[key] = value end
  if type(net) == "table" then saved.remember(net, text, tasks, kept) end
  return net
end

return M
