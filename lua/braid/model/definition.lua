--- Finds the definition files of networks and runs them.
--
-- A definition is a short script. It returns a function that takes the tasks and a table of options
-- and returns a module. It runs in the sandbox (sandbox/init.lua says what it can use).

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local nearest <const> = require "braid.nearest"
local origin <const> = require "braid.origin"
local sandbox <const> = require "braid.sandbox"
local saved <const> = require "braid.model.saved"
local walk <const> = require "braid.nn.walk"

local M <const> = {}

local HOME <const> = debug.getinfo(1, "S").source:match("^@(.*)definition%.lua$")

local PLACES <const> = {HOME .. "../models/", HOME .. "../../../models/"}

--- The paths of the models that come with Braid, by name.
function M.shipped()
  local paths <const> = {}
  for _, place in ipairs(PLACES) do
    for _, file in ipairs(core.list_folder(place) or {}) do
      local name <const> = file:match("^([%w_]+)%.lua$")
      if name then paths[name] = paths[name] or place .. file end
    end
  end
  return paths
end

--- The path as given if a file is there, otherwise the path of Braid's own model of this name.
function M.find(path)
  local file <const> = io.open(path)
  if file then
    file:close()
    if core.path_kind(path) ~= "file" then check.fail("model: %s is a directory", path) end
    return path
  end
  local name <const>, shipped <const> = path:match("([^/]+)$") or path, M.shipped()
  local own <const> = shipped[name:gsub("%.lua$", "")]
  if own then return own end
  local near <const> = nearest.names(name:gsub("%.lua$", ""), check.sorted_keys(shipped))
  check.fail("model: there is no file %s%s", path,
    near[1] and "; did you mean " .. table.concat(near, " or ") .. "?" or "")
end

-- A copy of a table of options with the plain tables in it; `copies` maps tables to their copies.
local function copy_of(t, copies)
  local copy <const> = {}
  copies[t] = copy
  for key, value in next, t do
    local plain <const> = type(value) == "table" and debug.getmetatable(value) == nil
    copy[key] = plain and (copies[value] or copy_of(value, copies)) or value
  end
  return copy
end

-- The options as a definition sees them. They record which names are read, because an option that
-- the definition never reads is an error.
local function watched(options)
  local known <const> = {}
  local seen <const> = setmetatable({}, {
    __metatable = false,
    __index = function(_, key)
      known[key] = true
      return options[key]
    end,
    __newindex = function(_, key, value) options[key] = value end,
    __pairs = function()
      return function(_, key)
        local other <const>, value <const> = next(options, key)
        if other ~= nil then known[other] = true end
        return other, value
      end
    end,
  })
  return seen, known
end

local function check_used(path, options, known)
  for _, key in ipairs(check.sorted_keys(options)) do
    if not known[key] then
      local names <const> = check.sorted_keys(known)
      check.fail("model: %s has no option '%s'; it has %s", path, key,
        #names > 0 and table.concat(names, ", ") or "none")
    end
  end
end

--- Runs the text of a definition -> the network for these tasks and options.
function M.define(text, path, tasks, options)
  local kept <const> = copy_of(options, {})
  local seen <const>, known <const> = watched(kept)
  local net <const> = sandbox.run(text, path, function(f)
    if type(f) ~= "function" then
      check.fail("model: %s returns a %s, not a function of the tasks", path, type(f))
    end
    return (f(tasks, seen))
  end)
  if not walk.is_module(net) then return net end
  if origin.of(net) then check.fail("model: %s returns a network that it did not make", path) end
  check_used(path, kept, known)
  saved.remember(net, text, tasks, kept)
  return net
end

return M
