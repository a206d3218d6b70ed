--- The text of a user's function, to tell whether a kept result came from another function. It has
-- the lines of the function, the numbers, texts and flags that the function uses from outside, and
-- the same for the functions that it calls. Outside tables and objects are left out.

local files <const> = require "braid.io.files"

local M <const> = {}

local HOME <const> = debug.getinfo(1, "S").source:match("^@(.*)train/pool/code%.lua$")

-- The lines of a file, or nil. Blanks around lines and empty lines are left out.
local function lines_of(path, known)
  if known[path] == nil then
    local text <const>, lines <const> = files.read(path), {}
    for line in ((text or "") .. "\n"):gmatch("([^\n]*)\n") do
      lines[#lines + 1] = line:match("^%s*(.-)%s*$")
    end
    known[path] = text and lines or false
  end
  return known[path]
end

-- texts that stand for functions of Braid itself
local notes <const> = setmetatable({}, {__mode = "k"})

local function add(list, f, seen, known)
  if notes[f] then list[#list + 1] = notes[f] end
  local info <const> = debug.getinfo(f, "Su")
  local path <const> = info.source:match("^@(.+)$")
  if seen[f] or info.what == "C" or path and path:sub(1, #HOME) == HOME then return end
  seen[f] = true
  local lines <const> = path and lines_of(path, known) or {}
  for i = info.linedefined, info.lastlinedefined do
    local line <const> = lines[i] or ""
    if line ~= "" and line:sub(1, 2) ~= "--" then list[#list + 1] = line end
  end
  for i = 1, info.nups do
    local name <const>, value <const> = debug.getupvalue(f, i)
    local kind <const> = type(value)
    if kind == "number" or kind == "string" or kind == "boolean" then
      list[#list + 1] = ("%s = %s"):format(name, tostring(value))
    elseif kind == "function" then
      add(list, value, seen, known)
    end
  end
end

--- Sets the text that stands for a function of Braid itself.
function M.note(f, text) notes[f] = text end

--- {lines = the list of lines that stand for a function}, or nil for other values.
function M.of(f)
  if type(f) ~= "function" then return nil end
  local list <const> = {}
  add(list, f, {}, {})
  for i, line in ipairs(list) do list[i] = utf8.len(line) and line or ("%q"):format(line) end
  return {lines = list}
end

return M
