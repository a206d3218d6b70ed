--- Reads arguments that name networks: "models/dcnet.lua", "dcnet width=0.5", "wide=dcnet width=2".

local braid <const> = require "braid"
local check <const> = require "braid.check"
local code <const> = require "braid.train.pool.code"
local definition <const> = require "braid.model.definition"
local files <const> = require "braid.io.files"
local settings <const> = require "braid.cli.given.settings"

local M <const> = {}

local function copied(t)
  local copy <const> = {}
  for key, value in pairs(t) do copy[key] = value end
  return copy
end

-- The function(tasks, job) that makes a network of a definition. job.width, and with `free` the
-- names in job.values, are options of the definition.
local function maker(path, own, free)
  local function make(tasks, job)
    local options <const> = copied(own)
    for _, name in ipairs(job.values and free or {}) do options[name] = job.values[name] end
    if job.width and job.width ~= 1 then options.width = (options.width or 1) * job.width end
    options.tasks = tasks
    return braid.model(path, options)
  end
  code.note(make, (files.read(definition.find(path)) or "") .. settings.text(own))
  return make
end

--- Reads words as a list of {name =, make = function(tasks, job)}. `common` is the text of settings
-- that all definitions get. `free` lists the names for which each trial has values.
function M.read(words, common, free)
  local list <const>, seen <const> = {}, {}
  for i, word in ipairs(words) do
    local label <const>, rest <const> = word:match("^([%w_.+-]+)=(.*)$")
    local path <const>, text <const> = (rest or word):match("^(%S+)%s*(.*)$")
    if not path then check.fail("'%s' must be a network such as \"dcnet width=0.5\"", word) end
    local name <const>, own <const> = label or path:match("([^/]+)$"):gsub("%.lua$", ""),
      settings("options", common)
    for key, value in pairs(settings("options", text)) do own[key] = value end
    if seen[name] then
      check.fail("two networks have the name %s; \"NAME=%s\" gives one another name", name, word)
    end
    seen[name], list[i] = true, {name = name, make = maker(path, own, free)}
  end
  return list
end

--- The sets, the tasks, and the networks by name as train.compare takes them. Each network has a
-- loader that makes the data fit it.
function M.matched(o, list)
  local matched <const> = require "braid.cli.given.matched"
  local training <const> = require "braid.cli.given.training"
  local tasks
  local sets <const>, loaders <const> = matched.open(o, function(sets)
    tasks = require "braid.cli.given.tasks"(o.tasks, sets)
    local nets <const> = {}
    for i, each in ipairs(list) do
      braid.manual_seed(1)
      nets[i] = each.make(tasks, {network = each.name, seed = 1, width = 1.0})
    end
    return nets
  end)
  local by_name <const> = {}
  for i, each in ipairs(list) do
    by_name[each.name] = {each.make, loader = training.loader(o, loaders[i])}
  end
  return sets, tasks, by_name
end

return M
