--- Saves whole networks, each in one .safetensors file. Besides the tensors, the file's metadata
-- have everything that the network was made from (record.lua).

local cards <const> = require "braid.model.card"
local check <const> = require "braid.check"
local class <const> = require "braid.class"
local Columns <const> = require "braid.mtl.columns"
local files <const> = require "braid.io.files"
local form <const> = require "braid.model.saved.form"
local json <const> = require "braid.io.json"
local options_of <const> = require "braid.model.saved.options"
local origin <const> = require "braid.origin"
local plain <const> = require "braid.model.saved.plain"
local record <const> = require "braid.model.saved.record"
local safetensors <const> = require "braid.io.safetensors"
local state <const> = require "braid.nn.state"
local task <const> = require "braid.model.saved.task"
local Tasks <const> = require "braid.mtl.tasks"
local walk <const> = require "braid.nn.walk"

local M <const> = {}

-- ---- writing --------------------------------------------------------------------------

--- Keeps what M.write needs to know about a network: the text of its definition, its tasks, its
-- options, and the texts of other definitions that its definition takes, by name.
function M.remember(net, text, tasks, options, definitions)
  local unfit
  options = options_of.described(options)
  for _, name in ipairs(check.sorted_keys(options)) do
    unfit = unfit or plain.unfit("option " .. name, options[name])
  end
  unfit = unfit or plain.unfit("options", options)
  origin.set(net, {text = text, tasks = tasks, definitions = definitions, unfit = unfit,
    options = not unfit and json.encode(options) or nil, changes = {}, form = form.look(net),
    look = form.look})
end

local function check_metadata(given)
  if given == nil then return {} end
  if type(given) ~= "table" then
    check.fail("save: metadata must be a table of strings by name, not a %s", type(given))
  end
  local own <const> = {}
  for key, value in pairs(given) do
    if type(key) == "string" and key:sub(1, #record.PREFIX) == record.PREFIX then
      check.fail("save: metadata of a network cannot be called '%s': names that begin with '%s' "
        .. "are Braid's own", key, record.PREFIX)
    end
    if key ~= "card" then own[key] = value end
  end
  return own
end

--- Writes a network. Errors name braid.save.
-- @param given further metadata, strings by name, and `card`, fields of the card; or nil
-- @return true
function M.write(path, net, given)
  if not path:lower():find("%.safetensors$") then
    check.fail("save: a network is saved as a .safetensors file, not as %s", path)
  end
  local made <const>, name <const> = origin.of(net), getmetatable(net).__name
  if not made then
    check.fail("save: only a network that braid.model or braid.open made knows its definition; for "
      .. "this %s, braid.save(path, net:state_dict()) keeps the values", name)
  end
  local metadata <const> = check_metadata(given)
  local differs <const> = form.difference(made.form, form.look(net))
  if differs then
    check.fail("save: this %s was changed since its definition made it, and would not come back: "
      .. "%s. Write that into the definition or its options; braid.save(path, net:state_dict()) "
      .. "keeps the values alone", name, differs)
  end
  local card <const> = cards.of(net, rawget(net, "tasks") or made.tasks, given and given.card)
  for key, value in pairs(record.encode(made, card)) do metadata[key] = value end
  local ok <const>, why <const> = safetensors.write(path, state.state_dict(net), metadata)
  if not ok then check.fail("save: %s", why) end
  return true
end

-- ---- reading --------------------------------------------------------------------------

-- Repeats the saved network's changes on the new network.
local function change_again(net, changes)
  for i, c in ipairs(changes) do
    if not (class.is_a(net, Columns) and net.head) then
      check.fail("its definition makes no network of columns with heads, so its changes do not fit")
    end
    if c.add then
      local added <const>, why <const> = task.made(c.task)
      if not added then check.fail("its change %d: the task %s: %s", i, c.add, why) end
      net:add_task(c.add, added, {init = c.init, head = c.head, column = c.column})
    elseif c.mutual then
      net:mutual(c.mutual)
    elseif c.mix then
      net:mix(c.at, options_of.made(c.mix))
    else
      require("braid.mtl.columns.restrict")("braid.load", net, c.tasks, c.columns)
    end
  end
end

local function is_double(weights)
  for _, t in pairs(weights) do
    if t.dtype == "float64" then return true end
  end
  return false
end

local function fill(net, made, weights)
  change_again(net, made.changes)
  state.give_sizes(net, weights)
  if is_double(weights) then state.to(net, "float64") end
  state.load_state_dict(net, weights)
end

-- The record and the tensors in a file; or nil and a message.
local function contents(path)
  local weights <const>, metadata <const> = safetensors.read(path)
  if not weights then return nil, metadata .. files.hint(path) end
  if not record.is(metadata) then
    return nil, path .. ": it holds tensors, not a network; braid.load reads them, and "
      .. "net:load_state_dict puts them into the network that a script makes. For a whole network "
      .. "in one file write it as a definition that braid.model makes (examples/12_share.lua)"
  end
  local made <const>, why <const> = record.decode(metadata)
  if not made then return nil, ("%s: %s"):format(path, why) end
  return made, weights
end

--- Returns the network in a file, and its tasks or nil. Errors name braid.open. build(text, path,
-- tasks, options, definitions) makes the network from a definition.
function M.read(path, build)
  local made <const>, weights <const> = contents(path)
  if not made then check.fail("open: %s", weights) end
  local tasks <const>, wrong <const> = record.tasks(made.tasks)
  if wrong then check.fail("open: %s: %s", path, wrong) end
  local ok <const>, net <const> = check.caught(function()
    return build(made.definition, path, tasks, options_of.made(made.options),
      made.definitions or {})
  end)
  if not ok then check.fail("open: %s: %s", path, net) end
  if not walk.is_module(net) then
    check.fail("open: %s: its definition makes no network", path)
  end
  local filled <const>, unfit <const> = check.caught(fill, net, made, weights)
  if not filled then check.fail("open: %s: %s", path, unfit) end
  net.card = made.card
  local own <const> = rawget(net, "tasks")
  return net, tasks and class.is_a(own, Tasks) and own or tasks
end

return M
