--- Limits the time and memory that the code of strangers' definitions may use. The limits hold
-- while the code builds a network, and whenever it runs outside forward.

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local limits <const> = require "braid.limits"

local M <const> = {}

-- The methods of strings while a definition runs; sandbox/text.lua puts its limited functions here.
M.string_methods = string

local LONGEST <const> = 8000 -- characters of a message

local SAYS <const> = {
  steps = "took more than %s steps", seconds = "took more than %s seconds",
  memory = "took more than %s bytes of memory", tensors = "made tensors of more than %s bytes",
  calls = "made more than %s calls within calls",
}

-- A number with commas: 500000000 gives "500,000,000".
local function grouped(n)
  return (("%d"):format(n):reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", ""))
end

-- A stranger's message, cut to LONGEST characters and without control characters.
local function tamed(message)
  return (message:sub(1, LONGEST):gsub("[^\n\t\x20-\x7E\x80-\xFF]", "?"))
end

local function settle(what, ok, ...)
  if ok then return ... end
  local message <const>, spent <const> = ...
  if not spent then error(tamed(message), 0) end
  local limit <const> = limits[spent]
  check.fail("%s %s: its budget is spent; if you trust the definition: braid.limits.%s = %d", what,
    SAYS[spent]:format(grouped(limit)), spent, 2 * limit)
end

--- Calls f(...) within the budgets. `what` is the name of this code in error messages. Inside
-- another such call the outer call's budgets count.
function M.run(what, f, ...)
  if core.is_guarded() then return f(...) end
  return settle(what, core.guarded(limits.steps, limits.seconds, limits.memory, limits.tensors,
    M.string_methods, f, ...))
end

local any = false -- whether this process has loaded a definition

--- Notes the name of a definition's chunk, by which its functions are recognized.
function M.mark(source)
  any = true
  core.mark_strange(source)
end

--- Whether a function is a definition's.
function M.is_strange(f) return any and core.is_strange(f) end

--- Whether a chunk of that name is a definition's.
function M.is_strange_source(source) return any and core.is_strange(source) end

--- Whether a definition's code is running.
function M.is_inside() return any and core.is_inside() end

local HOME <const> = debug.getinfo(1, "S").source:match("^(.*)guard%.lua$")

--- Calls f(...). The budgets apply if f is a definition's function, or one of Braid's that may call
-- a definition's code.
function M.call(what, f, ...)
  if not any then return f(...) end
  local source <const> = debug.getinfo(f, "S").source
  if source:sub(1, #HOME) == HOME or core.is_strange(source) then return M.run(what, f, ...) end
  return f(...)
end

return M
