--- mem(): prints the memory that tensors and Lua use, in MB.

local core <const> = require "braid.core"
local format <const> = require "braid.format"

return function()
  local m <const> = core.memory()
  local mb <const> = 2 ^ 20
  print(format("tensors %.1f MB, at most %.1f MB; Lua %.1f MB", m.live / mb, m.peak / mb,
    collectgarbage("count") / 1024))
end
