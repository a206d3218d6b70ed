--- time(f, ...): runs f repeatedly for a second; prints the median time, its spread and the memory.

local check <const> = require "braid.check"
local format <const> = require "braid.format"
local timing <const> = require "braid.profile.timing"

local SECONDS <const> = 1
local LIMIT <const> = 10000

local UNITS <const> = {{1, "s"}, {1e-3, "ms"}, {1e-6, "us"}, {0, "ns"}}

local function shown(seconds)
  for _, unit in ipairs(UNITS) do
    if seconds >= unit[1] then
      return format("%.3g %s", seconds / (unit[1] > 0 and unit[1] or 1e-9), unit[2])
    end
  end
end

return function(_, f, ...)
  if type(f) ~= "function" then
    check.fail("time: takes a function, such as time(function() return x:sum() end), not %s",
      check.shown(f))
  end
  local arguments <const> = table.pack(...)
  local t <const> = timing(function() f(table.unpack(arguments, 1, arguments.n)) end,
    {seconds = SECONDS, most = LIMIT})
  print(format("%s (%s to %s in the middle half) over %d runs; tensors took %.3g MB",
    shown(t.median), shown(t.low), shown(t.high), t.runs, t.memory / 2 ^ 20))
end
