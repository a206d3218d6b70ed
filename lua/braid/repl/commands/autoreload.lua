--- autoreload(on): from now on, reloads the modules whose files have changed, before each entry.

local modules <const> = require "braid.repl.modules"

return function(session, on)
  session.before = on ~= false and modules.watch() or false
end
