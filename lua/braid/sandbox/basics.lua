--- Lua's own functions for definitions, without any that can reach out of the sandbox.

local check <const> = require "braid.check"
local core <const> = require "braid.core"

local M <const> = {}

-- ---- metatables ---------------------------------------------------------------------------

-- The metamethods that a definition's tables may have. Metamethods that close or collect objects
-- are left out, and so are metamethods that other code calls to print or iterate.
local OPERATIONS <const> = {"__add", "__band", "__bnot", "__bor", "__bxor", "__call", "__concat",
  "__div", "__eq", "__idiv", "__index", "__le", "__len", "__lt", "__mod", "__mul", "__newindex",
  "__pow", "__shl", "__shr", "__sub", "__unm"}
local REFUSED <const> = {"__gc", "__close", "__mode"}

local given <const> = setmetatable({}, {__mode = "k"}) -- table -> the definition's metatable
local made <const> = setmetatable({}, {__mode = "k"}) -- definition's metatable -> the real one

-- A new metatable that does what `wanted` says. The definition cannot reach it, so it cannot add to
-- it later.
local function stands_for(wanted)
  local meta = made[wanted]
  if not meta then
    meta = {}
    made[wanted] = meta
  end
  for _, name in ipairs(REFUSED) do
    if rawget(wanted, name) ~= nil then
      check.fail("setmetatable: a definition's tables have no %s", name)
    end
  end
  for _, name in ipairs(OPERATIONS) do meta[name] = rawget(wanted, name) end
  meta.__metatable = false
  return meta
end

function M.setmetatable(t, wanted)
  if type(t) ~= "table" then check.fail("setmetatable: wants a table, not a %s", type(t)) end
  if wanted ~= nil and type(wanted) ~= "table" then
    check.fail("setmetatable: the metatable must be a table or nil, not a %s", type(wanted))
  end
  if debug.getmetatable(t) ~= nil and given[t] == nil then
    check.fail("setmetatable: this table is not the definition's own")
  end
  given[t] = wanted
  return debug.setmetatable(t, wanted and stands_for(wanted))
end

function M.getmetatable(t)
  local wanted <const> = type(t) == "table" and given[t]
  if not wanted then return nil end
  local says <const> = rawget(wanted, "__metatable")
  return says == nil and wanted or says
end

local function operation(t, name)
  local wanted <const> = type(t) == "table" and given[t]
  return wanted and rawget(wanted, name) or nil
end

function M.tostring(value)
  local f <const> = operation(value, "__tostring")
  if f == nil then return tostring(value) end
  local text <const> = f(value)
  if type(text) ~= "string" then check.fail("tostring: __tostring must return a string") end
  return text
end

function M.pairs(t)
  local f <const> = operation(t, "__pairs")
  if f == nil then return pairs(t) end
  return f(t)
end

-- ---- errors -------------------------------------------------------------------------------

-- Whether pcall must not catch an error, because the budget is spent or the user interrupted.
local function must_go_on(message)
  if core.must_stop() then return true end
  return type(message) == "string" and string.find(message, "interrupted!", 1, true)
end

local function caught(ok, ...)
  if not ok and must_go_on(...) then error(..., 0) end
  return ok, ...
end

function M.pcall(f, ...) return caught(pcall(f, ...)) end

local function handled(handler, ok, ...)
  if ok then return true, ... end
  return false, handler(...)
end

-- The handler runs after the error and not during it, because steps are not counted then.
function M.xpcall(f, handler, ...) return handled(handler, M.pcall(f, ...)) end

-- ---- numbers ------------------------------------------------------------------------------

--- Lua's math with random numbers of its own, which are the same for each definition.
function M.math()
  local copy <const>, state = {}, 0x9E3779B97F4A7C15
  for name, value in next, math do copy[name] = value end
  copy.randomseed = nil
  -- splitmix64 (Steele, Lea and Flood 2014)
  local function draw()
    state = state + 0x9E3779B97F4A7C15
    local z = state
    z = (z ~ (z >> 30)) * 0xBF58476D1CE4E5B9
    z = (z ~ (z >> 27)) * 0x94D049BB133111EB
    return z ~ (z >> 31)
  end
  function copy.random(low, high)
    if low == nil then return (draw() >> 11) * 2.0 ^ -53 end
    if high == nil then low, high = 1, low end
    if math.type(low) ~= "integer" or math.type(high) ~= "integer" or low > high then
      check.fail("random: wants whole numbers, the first no more than the second")
    end
    local span <const> = high - low + 1
    if span <= 0 then return draw() end
    return low + (draw() >> 1) % span
  end
  return copy
end

-- ---- print --------------------------------------------------------------------------------

local LINES <const>, LETTERS <const> = 100, 500

--- A print to standard error that limits the number and length of its lines.
function M.print()
  local lines = 0
  return function(...)
    lines = lines + 1
    if lines > LINES then return end
    local words <const> = table.pack(...)
    for i = 1, words.n do words[i] = M.tostring(words[i]):sub(1, LETTERS) end
    local text <const> = table.concat(words, "\t"):sub(1, LETTERS)
    io.stderr:write((text:gsub("[^\t\n\x20-\x7E\x80-\xFF]", "?")), "\n")
    if lines == LINES then io.stderr:write("(it prints more, which is not shown)\n") end
  end
end

return M
