--- down(): after debug(), looks at the next call inwards, which the present call made.

local frames <const> = require "braid.repl.frames"

return function(session) frames.move(session, "down", -1) end
