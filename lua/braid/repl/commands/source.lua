--- source(f): prints the code of a function or class, or says that it is in C.

local calls <const> = require "braid.repl.calls"
local check <const> = require "braid.check"
local class <const> = require "braid.class"
local code <const> = require "braid.repl.code"
local lookup <const> = require "braid.repl.lookup"

-- The value that a name leads to, among the variables and then among Braid's own.
local function named(session, text)
  local chain <const> = {}
  for name in text:gmatch("[%w_]+") do chain[#chain + 1] = name end
  local value <const>, owner <const> = calls.value_of(session, chain)
  if value ~= nil or #chain == 0 then return value, owner, chain[#chain] end
  local item <const> = lookup.exact(chain)[1]
  if item then return item.value, item.place, chain[#chain] end
  check.fail("source: there is nothing with the name '%s'; %s", text, lookup.hint(chain[#chain]))
end

return function(session, f)
  local owner, name
  if type(f) == "string" then f, owner, name = named(session, f) end
  if type(f) ~= "function" and not class.is_class(f) then
    check.fail("source: wants a function, a class or the name of one, not %s", check.shown(f))
  end
  local lines <const>, where <const> = code.of(f, session.sources, owner, name)
  if #lines > 0 then print(table.concat(lines, "\n")) end
  print("(" .. where .. ")")
end
