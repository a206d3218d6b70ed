--- profile(f): runs f and prints how much time each operator took.

local check <const> = require "braid.check"
local profile <const> = require "braid.profile"

return function(_, f)
  if type(f) ~= "function" then
    check.fail("profile: takes a function, such as profile(function() return net(x) end), not %s",
      check.shown(f))
  end
  print(profile(f))
end
