--- Returns a session of the prompt without a terminal, a function that runs entries in it and
-- returns what they wrote, and a function that adds a text to what they wrote.

local Session <const> = require "braid.repl.session"

return function()
  local out = {}
  local session <const> = Session {write = function(text) out[#out + 1] = text end,
    width = function() return 60 end}
  return session, function(...)
    out = {}
    for _, entry in ipairs{...} do session:run(entry) end
    return table.concat(out)
  end, function(text) out[#out + 1] = text end
end
