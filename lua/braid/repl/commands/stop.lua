--- stop(): ends the run that Ctrl-C paused; train.fit returns its history.

local check <const> = require "braid.check"

return function(session)
  if not session.paused then check.fail("stop: nothing is paused") end
  session.paused = "stop"
end
