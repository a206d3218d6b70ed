--- Arguments of a script: --name value, over a table of defaults whose types they take.
-- @usage local o <const> = train.arguments(arg, {epochs = 30, out = "build/demo"})

local check <const> = require "braid.check"

local function fail(script, message, defaults)
  local known <const> = {}
  for _, name in ipairs(check.sorted_keys(defaults)) do
    known[#known + 1] = ("  --%s %s"):format(name, tostring(defaults[name]))
  end
  io.stderr:write(script, ": ", message, "\noptions and their defaults:\n",
    table.concat(known, "\n"), "\n")
  os.exit(2, true)
end

local function convert(text, default)
  if type(default) == "number" then
    local value <const> = tonumber(text)
    if value and math.type(default) == "integer" then return math.tointeger(value) end
    return value
  end
  if type(default) == "boolean" then
    if text == "yes" or text == "true" then return true end
    if text == "no" or text == "false" then return false end
    return nil
  end
  return text
end

return function(given, defaults)
  local script <const>, result <const> = given[0] or "script", {}
  for name, value in pairs(defaults) do result[name] = value end
  local i = 1
  while i <= #given do
    local name <const>, text <const> = given[i]:match("^%-%-(.+)$"), given[i + 1]
    if not name or defaults[name] == nil then
      fail(script, ("there is no option '%s'"):format(given[i]), defaults)
    end
    local value <const> = text and convert(text, defaults[name])
    if value == nil then
      fail(script, ("--%s wants a %s"):format(name, type(defaults[name])), defaults)
    end
    result[name] = value
    i = i + 2
  end
  return result
end
