--- Functions of tables for definitions: Lua's own, for lists of at most MAX_ELEMENTS elements whose
-- tables have no metamethod __len.

local check <const> = require "braid.check"
local charged <const> = require "braid.sandbox.charged"

local M <const> = {pack = table.pack}

local MAX_ELEMENTS <const> = 1000000

local function need_list(name, t)
  if type(t) ~= "table" then check.fail("table.%s: wants a table, not a %s", name, type(t)) end
  local meta <const> = debug.getmetatable(t)
  if meta and rawget(meta, "__len") then
    check.fail("table.%s: wants a list without a __len of its own", name)
  end
  return t
end

local function need_range(name, first, last)
  if math.type(first) ~= "integer" or math.type(last) ~= "integer" then
    check.fail("table.%s: the range must be of whole numbers", name)
  end
  if last >= first and (last - first < 0 or last - first >= MAX_ELEMENTS) then
    check.fail("table.%s: a range of more than %d elements", name, MAX_ELEMENTS)
  end
end

for _, name in ipairs{"insert", "remove", "sort"} do
  local f <const> = charged(table[name])
  M[name] = function(t, ...)
    need_range(name, 1, rawlen(need_list(name, t)))
    return f(t, ...)
  end
end

local join <const>, list <const> = charged(table.concat), charged(table.unpack)

function M.concat(t, separator, first, last)
  need_list("concat", t)
  first, last = first or 1, last or rawlen(t)
  need_range("concat", first, last)
  return join(t, separator, first, last)
end

function M.unpack(t, first, last)
  first, last = first or 1, last or (type(t) == "table" and rawlen(t) or #t)
  need_range("unpack", first, last)
  return list(t, first, last)
end

local move <const> = charged(table.move)

function M.move(t, first, last, to, other)
  need_list("move", t)
  if other ~= nil then need_list("move", other) end
  need_range("move", first, last)
  return move(t, first, last, to, other or t)
end

return M
