--- The calls of the last error, with their variables. The user looks at one call at a time, and
-- entries run as if they were inside that call.

local check <const> = require "braid.check"
local printing <const> = require "braid.repl.printing"

local M <const> = {}

local LIMIT <const> = 12 -- how many variables are listed

-- An environment that looks up names first in a call, then in the session.
local function env_of(session, call)
  return setmetatable({}, {
    __index = function(_, name)
      local index <const> = call.index[name]
      if index then return call.values[index] end
      return session.env[name]
    end,
    __newindex = function(_, name, value)
      local index <const> = call.index[name]
      if index then call.values[index] = value else session.env[name] = value end
    end,
  })
end

local function cut(text, width)
  return #text <= width and text or text:sub(1, math.max(width - 4, 1)) .. " ..."
end

local function describe(session)
  local calls <const>, at <const> = session.frame.calls, session.frame.at
  local call <const> = calls[at]
  print(("call %d of %d: %s:%d, in %s"):format(at, #calls, call.place, call.line, call.name))
  for i = 1, math.min(#call.names, LIMIT) do
    local value <const> = call.values[call.index[call.names[i]]]
    print(("  %s = %s"):format(call.names[i], cut(printing.line(value), session.width() - 6)))
  end
  if #call.names > LIMIT then print(("  ... and %d more"):format(#call.names - LIMIT)) end
end

-- Goes to a call. Call 1 is the one that failed.
local function go_to(session, at)
  local calls <const> = session.frame.calls
  if at < 1 or at > #calls then
    print(at < 1 and "this is where the error was" or "this is the outermost call")
    return
  end
  session.frame = {calls = calls, at = at, env = env_of(session, calls[at])}
  describe(session)
end

--- Begins to look at the calls of the last error; on = false ends it.
function M.enter(session, on)
  if on == false then
    session.frame = false
    return
  end
  local failure <const> = session.failure
  if not failure or #failure.calls == 0 then
    check.fail("debug: there is no error yet, so there are no calls to look at")
  end
  local calls <const> = {}
  for i, call in ipairs(failure.calls) do
    if call.names then calls[i] = call end
  end
  session.frame = {calls = calls}
  go_to(session, 1)
end

--- Moves outwards by a number of calls.
function M.move(session, name, by)
  if not session.frame then check.fail("%s: works only after debug()", name) end
  go_to(session, session.frame.at + by)
end

--- The variables of the function at a level of the caller's stack: their names, and their places
-- among the values.
function M.variables(level)
  local names <const>, index <const>, values <const> = {}, {}, {}
  local function add(name, value)
    if not name:find("^[%a_][%w_]*$") or name == "_ENV" then return end
    if not index[name] then names[#names + 1] = name end
    index[name] = index[name] or #names
    values[index[name]] = value
  end
  local f <const>, i = debug.getinfo(level + 1, "f").func, 1
  while true do
    local name <const>, value <const> = debug.getupvalue(f, i)
    if not name then break end
    add(name, value)
    i = i + 1
  end
  i = 1
  while true do
    local name <const>, value <const> = debug.getlocal(level + 1, i)
    if not name then break end
    add(name, value)
    i = i + 1
  end
  return names, index, values
end

return M
