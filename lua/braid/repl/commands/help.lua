--- help(x): explains a function, class or object, as x? does; help "word" searches.

local calls <const> = require "braid.repl.calls"
local check <const> = require "braid.check"
local class <const> = require "braid.class"
local commands <const> = require "braid.repl.commands"
local core <const> = require "braid.core"
local docs <const> = require "braid.repl.docs"
local folder <const> = require "braid.folder"
local lookup <const> = require "braid.repl.lookup"
local members <const> = require "braid.repl.members"
local names <const> = require "braid.repl.names"
local paragraphs <const> = require "braid.repl.paragraphs"
local printing <const> = require "braid.repl.printing"

local MOST <const> = 20 -- names of each kind that a search prints

local KEYS <const> = [[
Enter runs an entry, or goes on with it while it is incomplete. Expressions print what they give;
a semicolon at the end prints nothing. _ is the last result, _1 _2 ... the last and those before.
Outermost locals last. After an error _err is its value, :trace shows all calls, and debug() looks
at their variables, with up(), down() and continue(). In a function, debug() holds it there.
conv2d? and ?conv2d help on a name, help "landmark" searches, source(f) shows the code.
Keys are those of readline: Tab completes, Ctrl-R searches the history, Right takes the grey hint,
Ctrl-_ undoes, Alt-Enter begins a line, Ctrl-C clears the line or interrupts what runs, Ctrl-D ends.
]]

local function of_the_prompt(session)
  local lines = {}
  for line in KEYS:gmatch("([^\n]*)\n") do lines[#lines + 1] = line end
  lines = paragraphs.filled(lines, session.width())
  lines[#lines + 1] = ""
  for _, name in ipairs(commands.names()) do lines[#lines + 1] = "  " .. commands.said(name) end
  session.tell(table.concat(lines, "\n"))
end

local function chain_of(text)
  local chain <const> = {}
  for name in text:gmatch("[%w_]+") do chain[#chain + 1] = name end
  return chain
end

local function is_function(value) return type(value) == "function" or class.is_class(value) end

-- The text on a value that the user reaches by this chain of names.
local function of_value(session, value, chain, owner)
  local is_place <const> = type(owner) == "table" and folder.is_named(owner)
  local is_method <const> = owner ~= nil and not is_place and not class.is_class(owner)
    and (core.is_tensor(owner) or class.of(owner) ~= nil) and is_function(value)
  local text <const> = docs.text(value, chain, is_place and owner or nil, is_method,
    session.width())
  if text then return text end
  local shown <const> = printing.text(value, session.width())
  if not core.is_tensor(value) then return shown end
  return printing.filled(shown .. "\nmethods: " .. table.concat(members.names(value), ", "),
    session.width())
end

local function tell_found(session, word)
  local named <const>, said <const> = lookup.search(word)
  local lines <const> = lookup.lines(named, session.width(), MOST)
  if #said > 0 then
    lines[#lines + 1] = #named > 0 and "also found in the descriptions of:" or nil
    local more <const> = lookup.lines(said, session.width(), MOST)
    table.move(more, 1, #more, #lines + 1, lines)
  end
  if #lines > 0 then session.tell(table.concat(lines, "\n")) end
  return #lines > 0
end

-- Explains the method that a text names, or lists the methods of that name. -> whether there is one
local function tell_methods(session, text)
  local found <const> = lookup.methods(text)
  if #found == 1 then
    local item <const> = found[1]
    session.tell(docs.text(item.value, names.shown(item), nil, true, session.width()))
  elseif #found > 1 then
    session.tell(table.concat(lookup.lines(found, session.width(), MOST), "\n"))
  end
  return #found > 0
end

-- Looks a name up among the variables, then among Braid's own names, then in their descriptions.
local function of_name(session, text)
  local chain <const> = chain_of(text)
  if #chain == 0 then check.fail("help: wants a name, not %s", check.shown(text)) end
  local first <const> = chain[1]
  if #chain == 1 and commands.has(first) and session.env[first] == session.given[first] then
    return session.tell(commands.text(first, session.width()))
  end
  local value <const>, owner <const> = calls.value_of(session, chain)
  if value ~= nil then return session.tell(of_value(session, value, chain, owner)) end
  local printed <const>, found = {}, lookup.exact(chain)
  if #found == 0 then found = lookup.classes(text) end
  for _, item in ipairs(found) do
    if not printed[item.value] then
      session.tell(docs.text(item.value, names.shown(item), item.place, item.method,
        session.width()) or tostring(item.value))
    end
    printed[item.value] = true
  end
  if next(printed) or tell_methods(session, text) or tell_found(session, text) then return end
  session.tell(("there is nothing with the name '%s'; %s"):format(text, lookup.hint(chain[#chain])))
end

return function(session, ...)
  if select("#", ...) == 0 then return of_the_prompt(session) end
  local x <const> = ...
  if type(x) == "string" then return of_name(session, x) end
  local item <const> = names.of(x)
  if item then
    return session.tell(docs.text(x, names.shown(item), item.place, item.method, session.width()))
  end
  for _, name in ipairs(commands.names()) do
    if x ~= nil and rawequal(x, session.given[name]) then
      return session.tell(commands.text(name, session.width()))
    end
  end
  local name <const> = class.is_class(x) and tostring(x):match("^class ([%w_.]+)") or "function"
  session.tell(of_value(session, x, chain_of(name)))
end
