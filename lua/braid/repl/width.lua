--- How a terminal shows characters: how wide each is, and where it ends. Text may be any bytes. A
-- byte that does not begin a UTF-8 character counts as a character of one column.

local M <const> = {}

-- Characters without a column of their own: combining marks, joiners, variation selectors.
local ZERO <const> = {
  {0x300, 0x36F}, {0x483, 0x489}, {0x591, 0x5BD}, {0x5BF, 0x5BF}, {0x5C1, 0x5C2}, {0x5C4, 0x5C5},
  {0x610, 0x61A}, {0x64B, 0x65F}, {0x670, 0x670}, {0x6D6, 0x6DC}, {0x6DF, 0x6E4}, {0x6E7, 0x6E8},
  {0x6EA, 0x6ED}, {0x711, 0x711}, {0x730, 0x74A}, {0x7A6, 0x7B0}, {0x93C, 0x93C}, {0x941, 0x948},
  {0x94D, 0x94D}, {0xE31, 0xE31}, {0xE34, 0xE3A}, {0xE47, 0xE4E}, {0x1AB0, 0x1AFF},
  {0x1DC0, 0x1DFF}, {0x200B, 0x200F}, {0x202A, 0x202E}, {0x2060, 0x2064}, {0x20D0, 0x20F0},
  {0x302A, 0x302D}, {0x3099, 0x309A}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF},
  {0x1F3FB, 0x1F3FF}, {0xE0100, 0xE01EF},
}

-- Characters that take two columns.
local WIDE <const> = {
  {0x1100, 0x115F}, {0x231A, 0x231B}, {0x23E9, 0x23EC}, {0x25FD, 0x25FE}, {0x2614, 0x2615},
  {0x2648, 0x2653}, {0x26A1, 0x26A1}, {0x26BD, 0x26BE}, {0x26C4, 0x26C5}, {0x26D4, 0x26D4},
  {0x26EA, 0x26EA}, {0x26F2, 0x26F3}, {0x26FA, 0x26FA}, {0x2705, 0x2705}, {0x270A, 0x270B},
  {0x2728, 0x2728}, {0x274C, 0x274C}, {0x2753, 0x2755}, {0x2757, 0x2757}, {0x2795, 0x2797},
  {0x2B1B, 0x2B1C}, {0x2B50, 0x2B50}, {0x2E80, 0x303E}, {0x3041, 0x33FF}, {0x3400, 0x4DBF},
  {0x4E00, 0x9FFF}, {0xA000, 0xA4CF}, {0xA960, 0xA97C}, {0xAC00, 0xD7A3}, {0xF900, 0xFAFF},
  {0xFE30, 0xFE6F}, {0xFF00, 0xFF60}, {0xFFE0, 0xFFE6}, {0x1F004, 0x1F004}, {0x1F0CF, 0x1F0CF},
  {0x1F18E, 0x1F18E}, {0x1F191, 0x1F19A}, {0x1F200, 0x1F265}, {0x1F300, 0x1F320},
  {0x1F32D, 0x1F335}, {0x1F337, 0x1F37C}, {0x1F37E, 0x1F393}, {0x1F3A0, 0x1F3CA},
  {0x1F3E0, 0x1F3F0}, {0x1F400, 0x1F43E}, {0x1F440, 0x1F440}, {0x1F442, 0x1F4FC},
  {0x1F4FF, 0x1F53D}, {0x1F550, 0x1F567}, {0x1F5FB, 0x1F64F}, {0x1F680, 0x1F6C5},
  {0x1F6CC, 0x1F6CC}, {0x1F6D0, 0x1F6D2}, {0x1F6EB, 0x1F6EC}, {0x1F6F4, 0x1F6FC},
  {0x1F7E0, 0x1F7EB}, {0x1F90C, 0x1F93A}, {0x1F93C, 0x1F945}, {0x1F947, 0x1F9FF},
  {0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD},
}

local function is_in(ranges, code)
  local low, high = 1, #ranges
  while low <= high do
    local middle <const> = (low + high) // 2
    local range <const> = ranges[middle]
    if code < range[1] then high = middle - 1
    elseif code > range[2] then low = middle + 1
    else return true end
  end
  return false
end

--- The columns of a code point: 0, 1 or 2.
function M.of_code(code)
  if code < 0x300 then return 1 end
  if is_in(ZERO, code) then return 0 end
  return is_in(WIDE, code) and 2 or 1
end

-- The code point that begins at a byte, and where the next one begins; nil if none begins there.
local function code_at(text, at)
  local first <const> = text:byte(at)
  local n <const> = first < 0x80 and 1 or first < 0xC2 and 0 or first < 0xE0 and 2
    or first < 0xF0 and 3 or first < 0xF5 and 4 or 0
  if n == 0 or not utf8.len(text, at, at) then return nil, at + 1 end
  return utf8.codepoint(text, at), at + n
end

--- The columns of the character at a byte, with its marks, and where the next character begins.
function M.char_at(text, at)
  if text:byte(at) == 9 then return 2, at + 1 end
  local code, behind = code_at(text, at)
  local columns <const> = code and code >= 32 and M.of_code(code) or 1
  while code and code >= 32 and behind <= #text and text:byte(behind) >= 0x80 do
    local mark <const>, next_at <const> = code_at(text, behind)
    if not mark or M.of_code(mark) > 0 then break end
    behind = next_at
  end
  return columns, behind
end

--- The columns of a text that is one line.
function M.of(text)
  local columns, at = 0, 1
  while at <= #text do
    local wide <const>, behind <const> = M.char_at(text, at)
    columns, at = columns + wide, behind
  end
  return columns
end

--- Breaks a line at blanks into lines of at most `width` columns. The later lines are indented by
-- `hang` columns.
function M.broken(line, width, hang)
  local indent <const> = (" "):rep(hang)
  local lines <const>, now = {}, nil
  for gap, word in line:gmatch("( *)([^ ]+)") do
    if now and M.of(now) + #gap + M.of(word) > width then
      lines[#lines + 1] = now
      now = indent .. word
    else
      now = (now or "") .. gap .. word
    end
  end
  lines[#lines + 1] = now
  return table.concat(lines, "\n")
end

--- Breaks the lines of a text of help that are longer than `width` columns. The lines of examples
-- stay whole, because they are code. paragraphs.lua also joins the lines of a paragraph.
function M.wrapped(text, width)
  local in_code = false
  return (text:gsub("[^\n]+", function(line)
    if line:find("^examples?:$") then in_code = true
    elseif not line:find("^ ") then in_code = false end
    return (in_code or M.of(line) <= width) and line
      or M.broken(line, width, #line:match("^ *") + 2)
  end))
end

--- The byte at which the character before a byte begins.
function M.before(text, at)
  local from = at - 1
  while from > 1 do -- goes back to a byte at which a character certainly begins
    local byte <const> = text:byte(from)
    if byte < 0x80 then break end
    from = from - 1
  end
  local begin = from
  while from < at do begin, from = from, select(2, M.char_at(text, from)) end
  return begin
end

return M
