--- Turns options into plain values, to tell whether a stored result was made with the same options.
-- Numbers, texts and flags stay as they are; a data set becomes its size, a function its code.

local check <const> = require "braid.check"
local code <const> = require "braid.train.pool.code"

local M <const> = {}

local function object(value)
  local set <const> = value.labels and value or value.ds
  if type(set) == "table" then return ("%d samples"):format(#set) end
  local meta <const> = getmetatable(value)
  return ("a %s"):format(type(meta) == "table" and meta.__name or "table")
end

function M.value(value)
  local kind <const> = type(value)
  if kind == "function" then return code.of(value) end
  if kind == "table" and check.is_object(value) then return object(value) end
  if kind == "table" then
    local t <const> = {}
    for key, v in pairs(value) do t[tostring(key)] = M.value(v) end
    return t
  end
  if kind == "number" or kind == "boolean" or kind == "nil" then return value end
  if kind == "string" then return utf8.len(value) and value or ("%q"):format(value) end
  return kind
end

-- Options that do not change the result.
local FREE <const> = {tasks = true, log = true, every = true, profile = true, on = true}

return setmetatable(M, {__call = function(_, options)
  local t <const> = {}
  for key, value in pairs(options) do
    if not FREE[key] then t[key] = M.value(value) end
  end
  return t
end})
