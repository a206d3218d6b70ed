--- keys.next(bytes): the first key in the bytes that a terminal sent, and the bytes after it; nil
-- while the key is incomplete. Keys are "C-a", "M-b", "Up", "C-Right", "Enter" and so on. "text"
-- and "paste" come with their text as a third value.

local M <const> = {}

local FINAL <const> = {A = "Up", B = "Down", C = "Right", D = "Left", H = "Home", F = "End",
  Z = "BackTab", M = "Enter"}
local NUMBERED <const> = {["1"] = "Home", ["2"] = "Insert", ["3"] = "Delete", ["4"] = "End",
  ["5"] = "PageUp", ["6"] = "PageDown", ["7"] = "Home", ["8"] = "End"}
local NAMED <const> = {[8] = "Backspace", [9] = "Tab", [10] = "Enter", [13] = "Enter",
  [27] = "Escape", [28] = "C-\\", [29] = "C-]", [30] = "C-^", [31] = "C-_", [127] = "Backspace",
  [0] = "C-Space"}

local STRINGS <const> = {P = true, _ = true, ["]"] = true, ["^"] = true, X = true}
local LONGEST <const> = 4096 -- bytes of a reply

local PASTE_BEGINS <const>, PASTE_ENDS <const> = "\27[200~", "\27[201~"

M.PASTE_ENDS = PASTE_ENDS

--- Whether bytes begin a paste.
function M.is_paste(bytes) return bytes:sub(1, #PASTE_BEGINS) == PASTE_BEGINS end

-- The modifiers of "\27[1;5C": 1 + 1 for shift + 2 for Alt + 4 for Ctrl.
local function with_modifiers(name, modifiers)
  local bits <const> = (tonumber(modifiers) or 1) - 1
  if bits & 4 ~= 0 then return "C-" .. name end
  if bits & 2 ~= 0 then return "M-" .. name end
  return name
end

-- A paste: the text up to the mark of its end, with Lua's line ends.
local function paste(bytes, from)
  local stop <const>, behind <const> = bytes:find(PASTE_ENDS, from, true)
  if not stop then return nil end
  local text <const> = bytes:sub(from, stop - 1):gsub("\r\n?", "\n")
  return "paste", bytes:sub(behind + 1), text
end

-- The key of a sequence that begins with "\27[" or "\27O".
local function sequence(bytes)
  local letter = bytes:match("^\27O(.)")
  if letter then return FINAL[letter] or "unknown", bytes:sub(4) end
  local parameters <const>, final <const>, behind <const> =
    bytes:match("^\27%[([0-9;<=>?]*)[ -/]*([@-~])()")
  if not parameters then
    if #bytes > 64 then return "unknown", bytes:sub(3) end
    return nil
  end
  local first <const>, modifiers <const> = parameters:match("^(%d*);?(%d*)")
  if final ~= "~" then
    local name <const> = FINAL[final]
    return name and with_modifiers(name, modifiers) or "unknown", bytes:sub(behind)
  end
  if first == "200" then return paste(bytes, behind) end
  local name <const> = NUMBERED[first]
  return name and with_modifiers(name, modifiers) or "unknown", bytes:sub(behind)
end

-- Whether the bytes begin a UTF-8 character whose last bytes have not come yet.
local function is_torn(bytes)
  local first <const> = bytes:byte()
  local n <const> = first >= 0xF0 and 4 or first >= 0xE0 and 3 or first >= 0xC2 and 2 or 1
  return #bytes < n and bytes:find("^[\xC2-\xF4][\x80-\xBF]*$") ~= nil
end

local function escaped(bytes, patient)
  if #bytes == 1 then
    if patient then return nil end
    return "Escape", ""
  end
  local second <const> = bytes:sub(2, 2)
  if second == "[" or second == "O" then
    if #bytes == 2 and not patient then return "M-" .. second, "" end
    return sequence(bytes)
  end
  if second == "\27" then return "Escape", bytes:sub(2) end
  if #bytes > 2 and STRINGS[second] then -- a terminal's late reply
    local behind <const> = bytes:match("^\27[P_%]^X][^\27\7]*\27\\()")
      or bytes:match("^\27[P_%]^X][^\27\7]*\7()")
    if behind then return "unknown", bytes:sub(behind) end
    if patient and #bytes < LONGEST and not bytes:find("[\r\n]") then return nil end
  end
  local name <const>, rest <const>, text <const> = M.next(bytes:sub(2), patient)
  if not name then return nil end
  if name == "text" then
    return "M-" .. text, rest
  end
  return "M-" .. name, rest
end

--- With `patient`, a lone escape is not a key yet, because more bytes may follow at once.
function M.next(bytes, patient)
  local byte <const> = bytes:byte()
  if not byte then return nil end
  if byte == 27 then return escaped(bytes, patient) end
  if NAMED[byte] then return NAMED[byte], bytes:sub(2) end
  if byte < 32 then return "C-" .. string.char(byte + 96), bytes:sub(2) end
  if patient and is_torn(bytes) then return nil end
  local text <const> = bytes:match("^[\32-\126]") or bytes:match("^[\xC2-\xF4][\x80-\xBF]+")
    or bytes:sub(1, 1)
  return "text", bytes:sub(#text + 1), text
end

return M
