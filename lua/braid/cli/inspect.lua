--- `braid inspect FILE`: shows what is in a network's file, without running it.

local inspect <const> = require "braid.model.inspect"

return {usage = "inspect FILE               what is in a network's file, without running it",
  least = 1, most = 1, words = {"file"}, run = function(_, path) print(inspect(path)) end}
