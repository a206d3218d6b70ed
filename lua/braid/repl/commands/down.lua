--- down(): after debug(), looks at the call inside this one.

local frames <const> = require "braid.repl.frames"

return function(session) frames.move(session, "down", -1) end
