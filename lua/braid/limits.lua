--- braid.limits: how much memory and work a file that nobody has checked may ask for.
--
-- A table of whole numbers. Every reader checks them before it allocates. A value over a limit
-- raises an error that names the limit, the value, and how to raise the limit. The limits hold for
-- the whole process. Setting one to nil restores its usual value; math.huge sets the largest
-- possible one. csrc/base/limits.c has the names and usual values; print(braid.limits) lists them.
-- @usage braid.limits.pixels = 500e6   -- a scan of 20,000 x 25,000 may be read

local check <const> = require "braid.check"
local core <const> = require "braid.core"

local ROWS <const>, NUMBERS <const> = core.limits(), {}
for i, row in ipairs(ROWS) do NUMBERS[row.name] = i end

local function number_of(name)
  local names <const> = {}
  for i, row in ipairs(ROWS) do names[i] = row.name end
  return NUMBERS[name] or check.fail("limits: there is no limit '%s'; there is %s",
    tostring(name), table.concat(names, ", "))
end

-- limits.over(name, value, what): the message about a value over the limit, or nil. `what` follows
-- the number in the message, such as "bytes of text".
local function over(name, value, what)
  local limit <const> = core.limit(NUMBERS[name])
  if value <= limit then return nil end
  return ("%d %s, and braid.limits.%s is %d; if you trust the file: braid.limits.%s = %d"):format(
    value, what, name, limit, name, value)
end

-- limits.bound(name, value, what, ...): raises {message =} for a value over the limit, as readers
-- do internally. `what` and the arguments after it are formatted.
local function bound(name, value, what, ...)
  if value > core.limit(NUMBERS[name]) then
    error({message = over(name, value, what:format(...))}, 0)
  end
end

--- A text with a line for each limit: its name, its value, and what it limits.
local function described()
  local lines <const> = {}
  for i, row in ipairs(ROWS) do
    lines[i] = ("%-9s %14d  %s"):format(row.name, core.limit(i), row.what)
  end
  return table.concat(lines, "\n")
end

return setmetatable({}, {
  __index = function(_, name)
    if name == "over" then return over end
    if name == "bound" then return bound end
    return core.limit(number_of(name))
  end,
  __newindex = function(_, name, value)
    local i <const> = number_of(name)
    local row <const> = ROWS[i]
    if value == nil then value = row.usual end
    if value == math.huge then value = row.most end
    local whole <const> = type(value) == "number" and math.tointeger(value)
    if not whole or whole < 1 or whole > row.most then
      check.fail("limits.%s: must be a whole number from 1 to %d (%s), not %s", name, row.most,
        row.what, tostring(value))
    end
    core.limit(i, whole)
  end,
  __pairs = function()
    local i = 0
    return function()
      i = i + 1
      if ROWS[i] then return ROWS[i].name, core.limit(i) end
    end
  end,
  __tostring = described,
})
