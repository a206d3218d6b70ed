--- who(): lists the variables of this session and the memory they hold, the largest first.
--
-- A network, optimizer or table holds the tensors in it. Memory that several variables share counts
-- for each of them, and once in the sum.

local core <const> = require "braid.core"
local format <const> = require "braid.format"
local printing <const> = require "braid.repl.printing"

local VISITED <const> = 100000 -- tables that are looked into for each variable

-- Adds the memory of the tensors in a value to held {number = bytes}, without calling anything of
-- the user's. Tables in `seen` are left out.
local function add_held(held, value, seen)
  local list <const>, visited = {value}, 0
  while #list > 0 and visited < VISITED do
    local v <const> = table.remove(list)
    if core.is_tensor(v) then
      local number <const>, bytes <const> = core.memory_of(v)
      if number then held[number] = bytes end
      list[#list + 1] = core.has_grad(v) and v.grad or nil
    elseif type(v) == "table" and not seen[v] then
      seen[v], visited = true, visited + 1
      for key, inner in next, v do
        list[#list + 1] = inner
        if type(key) == "table" or core.is_tensor(key) then list[#list + 1] = key end
      end
    end
  end
end

local function sum_of(held)
  local sum = 0
  for _, bytes in next, held do sum = sum + bytes end
  return sum
end

-- The tables that do not belong to a variable: Lua's, the session's, and the modules'.
local function common(session)
  local seen <const> = {[_G] = true, [session.env] = true, [package.loaded] = true}
  for _, module in next, package.loaded do
    if type(module) == "table" then seen[module] = true end
  end
  return seen
end

local function kilobytes(bytes) return format("%9.1f kB", bytes / 1024) end

return function(session)
  local rows <const>, all <const>, width = {}, {}, 4
  for name, value in next, session.env do
    if type(name) == "string" and session.given[name] ~= value and not name:find("^_") then
      local held <const> = {}
      add_held(held, value, common(session))
      for number, bytes in next, held do all[number] = bytes end
      rows[#rows + 1] = {name = name, bytes = sum_of(held), text = printing.line(value)}
      width = math.max(width, #name)
    end
  end
  table.sort(rows, function(a, b)
    if a.bytes ~= b.bytes then return a.bytes > b.bytes end
    return a.name < b.name
  end)
  for _, row in ipairs(rows) do
    local size <const> = row.bytes > 0 and kilobytes(row.bytes) or (" "):rep(12)
    local line <const> = ("%s%s %s  %s"):format(row.name, (" "):rep(width - #row.name), size,
      row.text)
    print(#line < session.width() and line or line:sub(1, session.width() - 5) .. " ...")
  end
  if next(all) then print("sum" .. (" "):rep(width - 3) .. " " .. kilobytes(sum_of(all))) end
end
