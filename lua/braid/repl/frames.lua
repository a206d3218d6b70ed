--- The calls of the last error, or of code that called debug(), with their variables. The user
-- looks at one call at a time, and entries run as if they were inside that call.

local check <const> = require "braid.check"
local printing <const> = require "braid.repl.printing"

local M <const> = {}

local LIMIT <const> = 12 -- how many variables are listed
local KEPT <const> = 20 -- calls whose variables are kept
local DEEP <const> = 200 -- calls that are looked through
local HOME <const> = debug.getinfo(1, "S").source:match("^(.*)repl/frames%.lua$")
local SESSION <const> = HOME .. "repl/session.lua"

-- ---- reading the stack --------------------------------------------------------------------

-- The number of calls on the stack, including the call of this function. It is found by halving,
-- because a stack may be deep, and Lua reaches a level by going through all levels before it.
local function depth()
  local most = 1
  while debug.getinfo(most, "l") do most = 2 * most end
  local least = most // 2
  while most - least > 1 do
    local middle <const> = (least + most) // 2
    if debug.getinfo(middle, "l") then least = middle else most = middle end
  end
  return least
end

-- The variables of the function at a level of the caller's stack: their names, their places among
-- the values, and for each a function that sets it while the function runs. A local is found again
-- by its level, counted from the bottom of the stack.
local function variables(level, from_below)
  local v <const> = {names = {}, index = {}, values = {}, set = {}}
  local function add(name, value, set)
    if not name:find("^[%a_][%w_]*$") or name == "_ENV" then return end
    if not v.index[name] then v.names[#v.names + 1] = name end
    local at <const> = v.index[name] or #v.names
    v.index[name], v.values[at], v.set[at] = at, value, set
  end
  local f <const>, i = debug.getinfo(level + 1, "f").func, 1
  while true do
    local name <const>, value <const> = debug.getupvalue(f, i)
    if not name then break end
    local at <const> = i
    add(name, value, function(now) debug.setupvalue(f, at, now) end)
    i = i + 1
  end
  i = 1
  while true do
    local name <const>, value <const> = debug.getlocal(level + 1, i)
    if not name then break end
    local at <const> = i
    add(name, value, function(now) debug.setlocal(depth() - from_below, at, now) end)
    i = i + 1
  end
  return v
end

--- The user's calls on the stack of the caller's caller, innermost first, up to the entry. With
-- `live` the calls still run, so that their variables can be set.
function M.calls(live)
  local list <const>, all <const> = {}, live and depth() or 0
  for level = 3, DEEP do
    local info <const> = debug.getinfo(level, "Slnt")
    if not info or info.source == SESSION then break end
    if info.what ~= "C" and info.source:sub(1, #HOME) ~= HOME then
      local call <const> = #list < KEPT and variables(level, all - level) or {}
      call.place, call.line = info.short_src, info.currentline
      call.name = info.what == "main" and "main chunk" or info.name or "?"
      list[#list + 1] = call
    end
  end
  return list
end

-- ---- looking at calls ---------------------------------------------------------------------

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
      if index then
        call.values[index] = value
        call.changed = call.changed or {}
        call.changed[index] = true
      else
        session.env[name] = value
      end
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

-- Goes to a call. Call 1 is the call that failed, or that called debug().
local function go_to(session, at)
  local frame <const> = session.frame
  local calls <const> = frame.calls
  if at < 1 or at > #calls then
    print(at < 1 and "this is the innermost call" or "this is the outermost call")
    return
  end
  session.frame = {calls = calls, held = frame.held, at = at, env = env_of(session, calls[at])}
  describe(session)
end

-- The calls whose variables are known.
local function kept(calls)
  local list <const> = {}
  for i, call in ipairs(calls) do
    if call.names then list[i] = call end
  end
  return list
end

-- Looks at the calls of the last error.
local function enter(session)
  local failure <const> = session.failure
  if not failure or #failure.calls == 0 then
    check.fail("debug: there is no error yet, so there are no calls to look at")
  end
  session.frame = {calls = kept(failure.calls)}
  go_to(session, 1)
end

--- Looks at the calls of the last error, if it has any.
function M.look(session)
  if session.failure and #session.failure.calls > 0 then enter(session) end
end

-- Writes the variables that entries have changed back into the calls.
local function write_back(calls)
  for _, call in ipairs(calls) do
    for index in pairs(call.changed or {}) do call.set[index](call.values[index]) end
  end
end

-- Lets the user look at running code until continue().
local function hold(session, calls)
  local outer <const> = session.frame
  session.frame = {calls = kept(calls), held = true}
  go_to(session, 1)
  session.hold()
  session.frame = outer
  write_back(calls)
end

--- Lua's table debug, which can also be called. In a function or a file it holds the code there;
-- as an entry it looks at the calls of the last error, and debug(false) ends the look.
function M.callable(session)
  return setmetatable({}, {__index = debug, __call = function(_, on)
    if on == false then
      session.frame = false
      return
    end
    local calls <const> = M.calls(true)
    local is_entry <const> = #calls == 0 or #calls == 1 and session.is_entry(calls[1].place)
    if is_entry or not session.hold then return enter(session) end
    hold(session, calls)
  end})
end

--- Moves outwards by a number of calls.
function M.move(session, name, by)
  if not session.frame then check.fail("%s: works only after debug()", name) end
  go_to(session, session.frame.at + by)
end

--- Lets held code go on; after an error it ends looking at the calls.
function M.go_on(session)
  if not session.frame then check.fail("continue: only after debug()") end
  if session.frame.held then session.release() else session.frame = false end
end

return M
