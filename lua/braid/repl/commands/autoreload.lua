--- autoreload(on): from now on, loads modules whose files changed again before each entry.

local modules <const> = require "braid.repl.modules"

return function(session, on)
  session.before = on ~= false and modules.watch() or false
end
