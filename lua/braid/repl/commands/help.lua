--- help(x): explains a function, class, object or name; x? and ?x are the same.

local calls <const> = require "braid.repl.calls"
local check <const> = require "braid.check"
local commands <const> = require "braid.repl.commands"
local docs <const> = require "braid.repl.docs"
local nearest <const> = require "braid.nearest"
local printing <const> = require "braid.repl.printing"

local KEYS <const> = [[
Enter runs an entry, or goes on with it while it is incomplete. Expressions print what they give;
a semicolon at the end prints nothing. _ is the last result, _1 _2 ... the last and those before.
Outermost locals last. After an error _err is its value, :trace shows all calls, and debug() looks
at their variables, with up(), down() and debug(false).
Keys are those of readline: Tab completes, Ctrl-R searches the history, Right takes the grey hint,
Ctrl-_ undoes, Alt-Enter begins a line, Ctrl-C clears the line or interrupts what runs, Ctrl-D ends.
]]

local function of_the_prompt()
  local lines <const> = {KEYS}
  for _, name in ipairs(commands.names()) do lines[#lines + 1] = "  " .. commands.said(name) end
  print(table.concat(lines, "\n"))
end

local function chain_of(text)
  local chain <const> = {}
  for name in text:gmatch("[%w_]+") do chain[#chain + 1] = name end
  return chain
end

-- Looks a name up among the variables, then among Braid's own names.
local function of_name(session, text)
  local chain <const> = chain_of(text)
  if #chain == 0 then check.fail("help: wants a name, not %s", check.shown(text)) end
  local value <const> = calls.value_of(session, chain)
  local said <const> = value ~= nil and (docs.text(value, chain)
    or printing.text(value, session.width()))
  if said then return print(said) end
  local last <const> = chain[#chain]
  local found <const>, exact <const>, names <const> = docs.search(last), {}, {}
  for i, other in ipairs(found) do
    names[i] = table.concat(other, ".")
    if other[#other] == last then exact[#exact + 1] = other end
  end
  for _, other in ipairs(exact) do print(docs.text(calls.value_of(session, other), other) or "") end
  if #exact > 0 then return end
  if #names > 0 then return print(table.concat(names, "\n")) end
  local known <const> = {}
  for i, other in ipairs(docs.search("")) do known[i] = other[#other] end
  print(("nothing is called '%s'; %s"):format(text, nearest.hint(last, known)))
end

return function(session, ...)
  if select("#", ...) == 0 then return of_the_prompt() end
  local x <const> = ...
  if type(x) == "string" then return of_name(session, x) end
  local name <const> = printing.text(x, 60):match("^function braid%.([%w_.]+) ")
    or tostring(x):match("^class ([%w_.]+)")
  print(docs.text(x, chain_of(name or "function")) or printing.text(x, session.width()))
end
