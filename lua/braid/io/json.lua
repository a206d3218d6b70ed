--- JSON: the part of it that files need, with integers kept whole and floats exact.

local M <const> = {}

local ESCAPES <const> = {["\""] = "\\\"", ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f",
  ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t"}
local UNESCAPES <const> = {["\""] = "\"", ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n",
  r = "\r", t = "\t"}
local DEPTH <const> = 100

local function quote(s)
  return "\"" .. s:gsub("[%c\"\\\127]", function(c)
    return ESCAPES[c] or ("\\u%04x"):format(c:byte())
  end) .. "\""
end

local function is_list(t)
  local n = 0
  for _ in pairs(t) do n = n + 1 end
  return n == #t
end

local function encode(value, depth)
  local kind <const> = type(value)
  if depth > DEPTH then error("json: tables nest too deeply", 0) end
  if kind == "string" then return quote(value) end
  if kind == "boolean" then return tostring(value) end
  if math.type(value) == "integer" then return ("%d"):format(value) end
  if kind == "number" then
    if value ~= value or value == math.huge or value == -math.huge then
      error("json: there is no " .. tostring(value) .. " in it", 0)
    end
    return ("%.17g"):format(value)
  end
  if kind ~= "table" then error("json: a " .. kind .. " cannot be written", 0) end
  local parts <const> = {}
  if is_list(value) and #value > 0 then
    for i, v in ipairs(value) do parts[i] = encode(v, depth + 1) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  local keys <const> = {}
  for key in pairs(value) do
    if type(key) ~= "string" then error("json: keys must be strings", 0) end
    keys[#keys + 1] = key
  end
  table.sort(keys)
  for i, key in ipairs(keys) do parts[i] = quote(key) .. ":" .. encode(value[key], depth + 1) end
  return "{" .. table.concat(parts, ",") .. "}"
end

--- The text of a value; keys sorted, an empty table is an object.
function M.encode(value) return encode(value, 1) end

local decode

local function fail(at, what) error({message = ("json: %s at byte %d"):format(what, at)}, 0) end

local function skip(text, at) return text:find("[^ \t\r\n]", at) or #text + 1 end

local function decode_string(text, at)
  local parts <const> = {}
  local from = at + 1
  while true do
    local stop <const> = text:find("[\"\\%c]", from)
    local c <const> = stop and text:sub(stop, stop)
    if not stop then fail(at, "a string without an end") end
    parts[#parts + 1] = text:sub(from, stop - 1)
    if c == "\"" then return table.concat(parts), stop + 1 end
    if c ~= "\\" then fail(stop, "a control character in a string") end
    local e <const> = text:sub(stop + 1, stop + 1)
    if e == "u" then
      local code = tonumber(text:match("^%x%x%x%x", stop + 2) or fail(stop, "a bad \\u"), 16)
      from = stop + 6
      local low <const> = code >= 0xD800 and code < 0xDC00
        and text:match("^\\u([dD][c-fC-F]%x%x)", from)
      if low then
        code = 0x10000 + ((code - 0xD800) << 10) + (tonumber(low, 16) - 0xDC00)
        from = from + 6
      end
      parts[#parts + 1] = utf8.char(code)
    else
      parts[#parts + 1] = UNESCAPES[e] or fail(stop, "a bad escape")
      from = stop + 2
    end
  end
end

local function decode_number(text, at)
  local word <const> = text:match("^-?%d[%d%.eE+-]*", at)
  if not word or word:find("^-?0%d") then fail(at, "a bad number") end
  local value <const> = word:find("[%.eE]") and tonumber(word) or math.tointeger(tonumber(word))
    or tonumber(word)
  if not value then fail(at, "a bad number") end
  return value, at + #word
end

local function decode_list(text, at, depth)
  local list = {}
  at = skip(text, at + 1)
  if text:sub(at, at) == "]" then return list, at + 1 end
  while true do
    list[#list + 1], at = decode(text, at, depth + 1)
    at = skip(text, at)
    local c <const> = text:sub(at, at)
    if c == "]" then return list, at + 1 end
    if c ~= "," then fail(at, "a comma or ] is missing") end
    at = at + 1
  end
end

local function decode_object(text, at, depth)
  local object = {}
  at = skip(text, at + 1)
  if text:sub(at, at) == "}" then return object, at + 1 end
  while true do
    local key
    at = skip(text, at)
    if text:sub(at, at) ~= "\"" then fail(at, "a key is missing") end
    key, at = decode_string(text, at)
    at = skip(text, at)
    if text:sub(at, at) ~= ":" then fail(at, "a colon is missing") end
    if object[key] ~= nil then fail(at, "the key '" .. key .. "' again") end
    object[key], at = decode(text, at + 1, depth + 1)
    at = skip(text, at)
    local c <const> = text:sub(at, at)
    if c == "}" then return object, at + 1 end
    if c ~= "," then fail(at, "a comma or } is missing") end
    at = at + 1
  end
end

local WORDS <const> = {["true"] = true, ["false"] = false, ["null"] = M}

-- null becomes the module table itself inside, and nil at the door.
function decode(text, at, depth)
  at = skip(text, at)
  if depth > DEPTH then fail(at, "nested too deeply") end
  local c <const> = text:sub(at, at)
  if c == "{" then return decode_object(text, at, depth) end
  if c == "[" then return decode_list(text, at, depth) end
  if c == "\"" then return decode_string(text, at) end
  local word <const> = text:match("^%a+", at)
  if word and WORDS[word] ~= nil then return WORDS[word], at + #word end
  return decode_number(text, at)
end

--- What null is in a decoded table.
M.null = M

--- The value that a text stands for, or nil and a message.
function M.decode(text)
  local ok <const>, value <const>, at <const> = pcall(decode, text, 1, 1)
  if not ok then
    return nil, type(value) == "table" and value.message or tostring(value)
  end
  if skip(text, at) <= #text then
    return nil, ("json: more than one value, at byte %d"):format(at)
  end
  return value
end

return M
