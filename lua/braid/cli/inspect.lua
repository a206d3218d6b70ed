--- `braid inspect FILE`: what is in a network's file, without running it.

local check <const> = require "braid.check"
local inspect <const> = require "braid.model.inspect"

return {usage = "inspect FILE               what is in a network's file, without running it",
  run = function(path, ...)
    if path == nil or ... ~= nil then check.fail("inspect: wants one file") end
    print(inspect(path))
  end}
