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

local MAX_DEPTH <const> = 8 -- of definitions that take each other
local PLACES <const> = {HOME .. "../models/", HOME .. "../../../models/"}

-- The directories in the environment variable BRAID_PATH, which are separated by colons.
local function own_places()
  local list <const> = {}
  for place in (os.getenv("BRAID_PATH") or ""):gmatch("[^:]+") do
    list[#list + 1] = (place:gsub("(.)/+$", "%1")) .. "/"
  end
  return list
end

--- The paths of definitions by name: the files in the directories of BRAID_PATH, and the models
-- that come with Braid.
function M.known()
  local paths <const>, places <const> = {}, own_places()
  for _, place in ipairs(table.move(PLACES, 1, #PLACES, #places + 1, places)) do
    for _, file in ipairs(core.list_folder(place) or {}) do
      local name <const> = file:match("^([%w_]+)%.lua$")
      if name then paths[name] = paths[name] or place .. file end
    end
  end
  return paths
end

--- The path as given if a file is there, otherwise the path of the known definition of this name.
function M.find(path)
  local file <const> = io.open(path)
  if file then
    file:close()
    if core.path_kind(path) ~= "file" then check.fail("model: %s is a directory", path) end
    return path
  end
  local name <const>, known <const> = path:match("([^/]+)$") or path, M.known()
  local own <const> = known[name:gsub("%.lua$", "")]
  if own then return own end
  local near <const> = nearest.names(name:gsub("%.lua$", ""), check.sorted_keys(known))
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

-- The text of the definition of this name. `texts` are the definitions in a network's file, which
-- has all that the network needs. Without `texts`, it is one of the known definitions.
local function text_of(name, texts)
  if type(name) ~= "string" or not name:find("^[%w_]+$") then
    check.fail("model: a definition takes another one by its name, such as \"dcnet\", not %s",
      check.shown(name))
  end
  if texts then
    return texts[name] or check.fail("model: the file has no definition '%s'", name)
  end
  local known <const> = M.known()
  if not known[name] then
    check.fail("model: there is no definition '%s'; %s", name,
      nearest.hint(name, check.sorted_keys(known)))
  end
  local file <close> = assert(io.open(known[name]))
  return file:read("a")
end

-- Calls the function that a definition has returned -> the network.
local function applied(f, path, tasks, options)
  if type(f) ~= "function" then
    check.fail("model: %s returns a %s, not a function of the tasks", path, type(f))
  end
  local seen <const>, read <const> = watched(options)
  local net <const> = f(tasks, seen)
  if walk.is_module(net) then
    if origin.of(net) then check.fail("model: %s returns a network that it did not make", path) end
    check_used(path, options, read)
  end
  return net
end

-- braid.model as a definition sees it: braid.model("dcnet", {tasks = tasks, width = 0.5}). The
-- texts that it runs are added to `used`. `depth` counts definitions that take each other.
local function inner_model(texts, used, depth)
  return function(name, given)
    local text <const>, options <const> = text_of(name, texts), {}
    if given ~= nil and type(given) ~= "table" then
      check.fail("model: options must be a table, not %s", type(given))
    end
    for key, value in next, copy_of(given or {}, {}) do
      if key ~= "tasks" then options[key] = value end
    end
    if depth == MAX_DEPTH then check.fail("model: definitions take each other without an end") end
    used[name] = text
    return applied(sandbox.value(text, name, inner_model(texts, used, depth + 1)), name,
      given and given.tasks, options)
  end
end

--- Runs the text of a definition -> the network for these tasks and options. `texts` are the
-- definitions that it may take by name, {name = text}; by default the known definitions.
function M.define(text, path, tasks, options, texts)
  local kept <const>, used <const> = copy_of(options, {}), {}
  local net <const> = sandbox.run(text, path, function(f)
    return applied(f, path, tasks, kept)
  end, inner_model(texts, used, 1))
  if walk.is_module(net) then saved.remember(net, text, tasks, kept, used) end
  return net
end

return M
