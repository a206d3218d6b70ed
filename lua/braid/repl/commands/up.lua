--- up(): after debug(), looks at the call around this one.

local frames <const> = require "braid.repl.frames"

return function(session) frames.move(session, "up", 1) end
