--- `braid help [NAME]`: explains the commands, one command, a network, or a name of Braid's.

local check <const> = require "braid.check"
local definition <const> = require "braid.model.definition"
local folder <const> = require "braid.folder"
local nearest <const> = require "braid.nearest"

local commands <const> = folder("braid.cli", {internal = {"launcher"}})

-- Prints the help of a name. An unknown name raises an error.
local function show(name)
  local lookup <const> = require "braid.repl.lookup"
  local session <const> = require "braid.repl.session" {}
  local last <const> = name:match("^[%w_.:]*%f[%w_]([%w_]+)$")
  if not last then check.fail("help: wants a name, not %s", check.shown(name)) end
  local named <const>, said <const> = lookup.search(last)
  if #named + #said + #lookup.classes(name) == 0 and session.env[name:match("^[%w_]+")] == nil then
    local known <const> = folder.names(commands)
    for model in pairs(definition.known()) do known[#known + 1] = model end
    for _, item in ipairs(lookup.search("")) do known[#known + 1] = item.chain[#item.chain] end
    check.fail("help: there is nothing with the name '%s'; %s", name, nearest.hint(last, known))
  end
  require "braid.repl.commands.help"(session, name)
end

-- Names the functions and methods of Lua that have the name of a command.
local function tell_of_lua(name)
  local lookup <const> = require "braid.repl.lookup"
  local list <const>, paths <const> = lookup.exact{name}, {}
  table.move(lookup.methods(name), 1, #lookup.methods(name), #list + 1, list)
  for i, item in ipairs(list) do paths[i] = "braid help " .. lookup.path_of(item) end
  if #paths > 0 then print("in Lua: " .. table.concat(paths, ", ")) end
end

return {usage = "help [NAME]                explain a command, a network, a function or a class",
  most = 1, words = {"topic"}, prints = "a text to read", run = function(_, name)
    local run <const> = require "braid.cli"
    if not name then
      run{"--help"}
    elseif folder.find(commands, name) then
      run{name, "-h"}
      tell_of_lua(name)
    elseif definition.known()[name] then
      run{"models", name}
    else
      show(name)
    end
  end}
