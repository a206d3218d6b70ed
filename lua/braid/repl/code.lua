--- The code of functions and classes, as it was written.

local calls <const> = require "braid.repl.calls"
local class <const> = require "braid.class"
local comments <const> = require "braid.repl.comments"
local core <const> = require "braid.core"
local folder <const> = require "braid.folder"
local names <const> = require "braid.repl.names"

local M <const> = {}

local function lines_of(text)
  local lines <const> = {}
  for line in (text .. "\n"):gmatch("(.-)\r?\n") do lines[#lines + 1] = line end
  return lines
end

-- The lines of a function, and the comment above it.
local function cut(lines, first, last)
  while first > 1 and lines[first - 1]:find("^%s*%-%-") do first = first - 1 end
  local out <const>, indent <const> = {}, (lines[first] or ""):match("^%s*")
  for i = first, math.min(last, #lines) do
    local line <const> = lines[i]
    out[#out + 1] = line:sub(1, #indent) == indent and line:sub(#indent + 1) or line
  end
  return out
end

-- The lines that a chunk was loaded from, and its name; nil if the lines are no longer known.
local function text_of(info, sources)
  local path <const> = info.source:match("^@(.*)")
  if path then
    local lines <const> = comments.lines(path)
    return #lines > 0 and lines or nil, comments.short(path)
  end
  local name <const> = info.source:match("^=(.*)")
  local kept <const> = name and sources[name]
  if kept then return lines_of(kept), name end
  if not name then return lines_of(info.source), info.short_src end
  return nil, name
end

-- The whole file of a class that has a file of its own, otherwise the class's constructor.
local function of_class(handle)
  local f <const> = calls.function_of(handle)
  for _, member in pairs(handle) do
    local info <const> = type(member) == "function" and debug.getinfo(member, "S")
    local path <const> = info and info.source:match("^@(.*)")
    if path then return comments.lines(path), comments.short(path) end
  end
  return nil, nil, f
end

local function where_in_c(f)
  for _, row in ipairs(core.rows) do
    if core.ops[row.name] == f or core.ops[row.name .. "_"] == f then
      return ("an operator of the core, in C: the row \"%s\" in csrc/op"):format(row.name)
    end
  end
  return "in C"
end

--- The lines of the code of a function or class, and where they are, in words. `sources` are the
-- texts of the entries by name; owner and name say where it was found, if that is known.
function M.of(value, sources, owner, name)
  if class.is_class(value) then
    local lines <const>, place <const>, f <const> = of_class(value)
    if lines then return lines, place end
    if not f then return {}, "a class without functions" end
    value = f
  end
  if not owner then
    local item <const> = names.of(value)
    owner, name = item and item.place, item and item.chain[#item.chain]
  end
  local origin, path
  if type(owner) == "table" and folder.is_named(owner) then
    origin, path = folder.origin(owner, name)
  end
  if type(origin) == "function" then value = origin end
  local f <const> = calls.function_of(value) or value
  local info <const> = debug.getinfo(f, "S")
  if path and info.source ~= "@" .. path then -- made by a function of another file
    return comments.lines(path), comments.short(path)
  end
  if info.what == "C" then return {}, where_in_c(value) end
  local lines <const>, place <const> = text_of(info, sources)
  local at <const> = ("%s:%d"):format(place, info.linedefined)
  if not lines then return {}, at .. ", but its text is no longer known" end
  if info.linedefined == 0 then return lines, place end
  return cut(lines, info.linedefined, info.lastlinedefined), at
end

return M
