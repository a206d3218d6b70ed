--- Reads the space of a search from one argument: "lr=log(1e-4, 1e-2) batch={32, 64} width=0.5..2".

local check <const> = require "braid.check"
local settings <const> = require "braid.cli.given.settings"
local space <const> = require "braid.train.space"

-- A range of train.space, or a list of values.
local function range_of(name, value)
  local low <const>, high <const> = tostring(value):match("^(.-)%.%.%.?([^.].*)$")
  local from <const>, to <const> = tonumber(low), tonumber(high)
  if from and to then
    local whole <const> = math.type(from) == "integer" and math.type(to) == "integer"
    return (whole and space.whole or space.uniform)(from, to)
  end
  if type(value) ~= "table" then
    check.fail("--space: %s must be log(1e-4, 1e-2), uniform(0, 1), whole(1, 8), 1..8 or a list "
      .. "{32, 64}, not '%s'", name, tostring(value))
  end
  local kind <const> = value.kind
  if not kind then return value end
  if kind == "choice" then return space.choice(table.move(value, 1, #value, 1, {})) end
  local ok <const>, made <const> = check.caught(function()
    return space[kind](value[1], value[2], value[3] == "log" and {log = true} or nil)
  end)
  if not ok then check.fail("--space: %s: %s", name, made) end
  return made
end

--- The space of train.sweep that a text describes.
return function(text)
  local ranges <const> = {}
  local written <const> = text:gsub("=%s*(%a+)%(([^()]*)%)", "={kind=%1 %2}")
  for name, value in pairs(settings("space", written)) do ranges[name] = range_of(name, value) end
  if next(ranges) == nil then
    check.fail("--space is empty; it must be such as \"lr=log(1e-4, 1e-2) batch={32, 64}\"")
  end
  return ranges
end
