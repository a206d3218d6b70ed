--- Arguments of a script: --name value, over a table of defaults whose types they take.
--
-- A default may have bounds, {30, from = 1} (from, above, to, below), or be the first of those
-- there are, {"plain", "channelwise"}. A wrong argument ends the script before it does anything
-- else, with what it takes and exit status 2.
-- @usage local o <const> = train.arguments(arg, {epochs = {30, from = 1}, out = "build/demo"})

local check <const> = require "braid.check"

local function fail(script, message, defaults)
  local known <const> = {}
  for _, name in ipairs(check.sorted_keys(defaults)) do
    local default <const> = defaults[name]
    local list <const> = type(default) == "table" and default or {default}
    known[#known + 1] = ("  --%s %s%s"):format(name, tostring(list[1]),
      #list > 1 and (" (or %s)"):format(table.concat(list, ", ", 2)) or "")
  end
  io.stderr:write(script, ": ", message, "\noptions and their defaults:\n",
    table.concat(known, "\n"), "\n")
  os.exit(2, true)
end

-- The kind of a default, and its first value.
local function kind_of(default)
  local first <const> = type(default) == "table" and default[1] or default
  if type(default) == "table" and #default > 1 then return check.choice(default), first end
  if type(first) == "number" then
    local kind <const> = math.type(first) == "integer" and check.whole or check.number
    return kind(default), first
  end
  if type(first) == "boolean" then return check.flag(first), first end
  return check.text(first), first
end

local WORDS <const> = {yes = true, ["true"] = true, no = false, ["false"] = false}

local function convert(text, first)
  if type(first) == "number" then
    local value <const> = tonumber(text)
    return value and math.type(first) == "integer" and math.tointeger(value) or value
  end
  if type(first) == "boolean" then return WORDS[text] end
  return text
end

return function(given, defaults)
  local script <const>, result <const>, kinds <const> = given[0] or "script", {}, {}
  for name, default in pairs(defaults) do kinds[name], result[name] = kind_of(default) end
  local i = 1
  while i <= #given do
    local name <const>, text <const> = given[i]:match("^%-%-(.+)$"), given[i + 1]
    if not name or defaults[name] == nil then
      fail(script, ("there is no option '%s'"):format(given[i]), defaults)
    end
    local value <const> = text and convert(text, result[name])
    if not kinds[name].accepts(value) then
      fail(script, ("--%s must be %s, not %s"):format(name, kinds[name].says,
        text and ("'%s'"):format(text) or "missing"), defaults)
    end
    result[name] = value
    i = i + 2
  end
  return result
end
