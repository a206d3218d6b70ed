--- resume(): continues the training run that Ctrl-C paused.

local check <const> = require "braid.check"

return function(session)
  if not session.paused then check.fail("resume: nothing is paused") end
  session.paused = "resume"
end
