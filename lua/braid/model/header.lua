--- Reads the header of a definition file, which is the comment at its beginning.
--
-- The header begins with the network's name and, in brackets, its authors and year. Later parts
-- begin with "Decisions:", "Options:" and "Parameters".

local M <const> = {}

local PARTS <const> = {"Decisions?:", "Options:", "Parameters"}

-- The text without the comment's dashes.
local function text_of(path)
  local lines <const> = {}
  for line in io.lines(path) do
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
-- "21,285,698"}; the last two are nil if the header does not have them.
function M.read(path)
  local text <const> = text_of(path)
  local read <const> = {text = text, parts = parts_of(text)}
  read.title = title_of(read.parts[1])
  for _, part in ipairs(read.parts) do
    if part:find("^Parameters") then read.parameters = part:match("%d+,%d[%d,]*%d") end
  end
  return read
end

return M
