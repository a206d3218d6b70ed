--- described(m): the text of a module's describe, which is printed in brackets after its name. For
-- a definition's class, describe runs within a budget, and a long text is cut.

local check <const> = require "braid.check"
local guard <const> = require "braid.guard"

local MAX_LETTERS <const> = 200

return function(m)
  local describe <const> = m.describe
  local text <const> = guard.call("describe", describe, m)
  if not guard.is_strange(describe) then return text end
  if type(text) ~= "string" then
    check.fail("%s: describe must return a string, not a %s", getmetatable(m).__name, type(text))
  end
  return (text:sub(1, MAX_LETTERS):gsub("%c", "?"))
end
