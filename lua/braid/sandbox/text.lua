--- Functions of strings for definitions: Lua's own, with limits on the time of a pattern match and
-- the length of a result. While a definition runs, they are the methods of all strings.

local basics <const> = require "braid.sandbox.basics"
local check <const> = require "braid.check"
local charged <const> = require "braid.sandbox.charged"

local M <const> = {}

local MAX_STEPS <const> = 1e8 -- steps of a match in the worst case
local MAX_BYTES <const> = 1 << 26

-- This file, and what these functions call, must write string.find(s, ...) and never s:find(...):
-- the method would be the limited function itself.

-- An upper bound on the steps of a match: each repeated item may go through the whole text, once
-- for each place where the item before it ends.
local function steps(s, pattern)
  local n <const>, at, total = #s + 1, 1, 1.0
  if string.sub(pattern, 1, 1) ~= "^" then total = total * n end
  local bare <const> = string.gsub(string.gsub(pattern, "%%.", "x"), "%[%^?%]?[^%]]*%]", "x")
  while at do
    at = string.find(bare, "[*+?-]", at)
    if at then
      total = total * (string.sub(bare, at, at) == "?" and 2 or n)
      at = at + 1
    end
  end
  if string.find(pattern, "%%[b%d]") then total = total * n end
  return total
end

local function need_string(what, value)
  if type(value) == "number" then return tostring(value) end
  if type(value) == "string" then return value end
  check.fail("%s: wants a string, not a %s", what, type(value))
end

-- string[name] with an error for patterns that might take too long.
local function matcher(name)
  local f <const> = charged(string[name])
  return function(s, pattern, ...)
    local text <const>, p <const> = need_string(name, s), need_string(name, pattern)
    if #p > 1000 or steps(text, p) > MAX_STEPS then
      check.fail("%s: the pattern may take too long on %d characters; a definition's patterns "
        .. "repeat few items over short texts", name, #text)
    end
    return f(text, p, ...)
  end
end

for _, name in ipairs{"byte", "char", "len", "lower", "reverse", "sub", "upper"} do
  M[name] = string[name]
end
for _, name in ipairs{"match", "gmatch", "gsub"} do M[name] = matcher(name) end

local find <const>, plainly <const> = matcher("find"), charged(string.find)

function M.find(s, pattern, first, plain)
  if plain then return plainly(s, pattern, first, true) end
  return find(s, pattern, first)
end

local repeated <const> = charged(string.rep)

function M.rep(s, n, separator)
  local length <const> = #need_string("rep", s) + #(separator or "")
  if type(n) == "number" and n > 0 and length > 0 and n > MAX_BYTES / length then
    check.fail("rep: %.0f times %d bytes are more than a definition's strings may have", n, length)
  end
  return repeated(s, n, separator)
end

function M.format(format, ...)
  local values <const> = table.pack(...)
  for i = 1, values.n do
    if type(values[i]) == "table" then values[i] = basics.tostring(values[i]) end
  end
  return string.format(format, table.unpack(values, 1, values.n))
end

return M
