--- Text in pictures: replaces characters that cannot be drawn or written in XML, and measures
-- widths.

local M <const> = {}

-- Code points that take two columns of a terminal, and code points that take none.
local WIDE <const> = { {0x1100, 0x115F}, {0x2E80, 0xA4CF}, {0xAC00, 0xD7A3}, {0xF900, 0xFAFF},
  {0xFE30, 0xFE6F}, {0xFF00, 0xFF60}, {0xFFE0, 0xFFE6}, {0x1F300, 0x1FAFF}, {0x20000, 0x3FFFD} }
local NONE <const> = { {0x0300, 0x036F}, {0x200B, 0x200F}, {0xFE00, 0xFE0F} }

local function is_within(ranges, code)
  for _, r in ipairs(ranges) do
    if code >= r[1] and code <= r[2] then return true end
  end
  return false
end

--- Any value as UTF-8 for XML. Control characters become blanks, invalid bytes "?".
function M.clean(value)
  local text = tostring(value)
  local _, bad = utf8.len(text)
  while bad do
    text = text:sub(1, bad - 1) .. "?" .. text:sub(bad + 1)
    _, bad = utf8.len(text, bad)
  end
  text = text:gsub("%c", " "):gsub("\xEF\xBF[\xBE\xBF]", "?")
  return text
end

--- The number of terminal columns that a text takes.
function M.columns(text)
  local n = 0
  for _, code in utf8.codes(text) do
    n = n + (code < 0x300 and 1 or is_within(NONE, code) and 0 or is_within(WIDE, code) and 2 or 1)
  end
  return n
end

-- Widths of sans-serif letters in sixteenths of the font's size, rounded up.
local WIDTHS <const> = {}
for width, letters in pairs{[5] = " !'`,.:;|ijlI[]()/\\", [6] = "frt-\"{}", [14] = "mMW%@w"} do
  for letter in letters:gmatch(".") do WIDTHS[letter:byte()] = width end
end

--- The width of a text in a proportional font of this size.
function M.width(text, size)
  local sum = 0
  for _, code in utf8.codes(text) do
    sum = sum + (WIDTHS[code] or code < 128 and (code >= 65 and code <= 90 and 12 or 9.5)
      or is_within(WIDE, code) and 16 or is_within(NONE, code) and 0 or 10)
  end
  return sum * size / 16
end

--- As much of a text as fits into `room`, with ".." if it was cut; `measure` gives widths.
function M.fit(text, room, measure)
  if measure(text) <= room then return text end
  local ends <const> = {}
  for at in utf8.codes(text) do ends[#ends + 1] = at - 1 end
  for k = #ends, 1, -1 do
    local short <const> = text:sub(1, ends[k]) .. ".."
    if measure(short) <= room then return short end
  end
  return ""
end

--- Whether name a sorts before name b. Numbers in names compare by value: conv2 before conv10.
function M.is_before(a, b)
  local function key(s)
    return (s:gsub("%d+", function(d) return ("%020d"):format(tonumber(d) // 1 | 0) end))
  end
  local ok <const>, ka <const>, kb <const> = pcall(function() return key(a), key(b) end)
  if not ok or ka == kb then return a < b end
  return ka < kb
end

--- The keys of a table by name, in the order of is_before.
function M.names(t)
  local names <const> = {}
  for name in pairs(t) do names[#names + 1] = tostring(name) end
  table.sort(names, M.is_before)
  return names
end

local ESCAPES <const> = {["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;"}

--- A text as it is written in XML and HTML, in elements and in attributes with double quotes.
function M.escape(value) return (M.clean(value):gsub("[&<>\"]", ESCAPES)) end

return M
