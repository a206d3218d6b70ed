--- Reads the header of a definition file, which is the comment at its beginning.
--
-- The header begins with the network's name and, in brackets, its authors and year. Later parts
-- begin with "Decisions:", "Options:" and "Parameters".

local check <const> = require "braid.check"
local files <const> = require "braid.io.files"

local M <const> = {}

local PARTS <const> = {"Decisions?:", "Options:", "Parameters"}

-- The comment at the beginning of a source, without its dashes.
local function text_of(source)
  local lines <const> = {}
  for line in source:gmatch("([^\n]*)\n?") do
    local text <const> = line:match("^%-%-%-? ?(.*)$")
    if not text then break end
    lines[#lines + 1] = text
  end
  return table.concat(lines, "\n")
end

-- The parts in order, each with its first word; the first part has none.
local function parts_of(text)
  local starts <const> = {1}
  for _, word in ipairs(PARTS) do starts[#starts + 1] = text:find("%f[%w]" .. word) end
  table.sort(starts)
  local parts <const> = {}
  for i, from in ipairs(starts) do parts[i] = text:sub(from, (starts[i + 1] or 0) - 1) end
  return parts
end

-- Returns "Name (authors year)", the start of the first sentence.
local function title_of(text)
  local head <const> = text:gsub("\n", " "):match("^.-%(.-%d%d%d%d.-%)")
  return head and head:match("^([^:]*):") or head
end

--- {text =, parts = the texts of the parts, title = "Name (authors year)", parameters =
-- "21,285,698"} of a source; the last two are nil if its header does not have them.
function M.of(source)
  local text <const> = text_of(source)
  local read <const> = {text = text, parts = parts_of(text)}
  read.title = title_of(read.parts[1])
  for _, part in ipairs(read.parts) do
    if part:find("^Parameters") then read.parameters = part:match("%d+,%d[%d,]*%d") end
  end
  return read
end

--- As M.of, for the file at a path.
function M.read(path)
  local source <const>, why <const> = files.read(path)
  if not source then check.fail("model: %s", why) end
  return M.of(source)
end

return M
