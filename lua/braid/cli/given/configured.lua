--- Puts the arguments in --config FILE before a command's own arguments, which then win.
--
-- The file is JSON, or Lua that returns a table and sees no globals: {epochs = 30, tasks = "pose"}.

local check <const> = require "braid.check"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"

local function read(path)
  local text <const>, why <const> = files.read(path)
  if not text then return nil, why end
  if not path:find("%.lua$") then
    local value <const>, message <const> = json.decode(text)
    if value == nil then return nil, ("%s: %s"):format(path, message) end
    return value
  end
  local chunk <const>, message <const> = load(text, "@" .. path, "t", {})
  if not chunk then return nil, message end
  local ok <const>, value <const> = pcall(chunk)
  if not ok then return nil, tostring(value) end
  return value
end

local function added(list, path)
  local value <const>, why <const> = read(path)
  if why then return why end
  if type(value) ~= "table" or #value > 0 then
    return ("%s must hold options by name"):format(path)
  end
  for _, name in ipairs(check.sorted_keys(value)) do
    local v = value[name]
    if type(v) == "boolean" then v = v and "yes" or "no" end
    if type(v) ~= "string" and type(v) ~= "number" then
      return ("%s: %s must be a number, a text, true or false"):format(path, name)
    end
    list[#list + 1] = ("--%s=%s"):format(name, v)
  end
end

--- The arguments; or nil and what is wrong.
return function(arguments)
  local list <const>, own <const>, i = {}, {}, 1
  while i <= #arguments do
    local path = arguments[i]:match("^%-%-config=(.*)$")
    if arguments[i] == "--" then
      table.move(arguments, i, #arguments, #own + 1, own)
      break
    end
    if arguments[i] == "--config" then i, path = i + 1, arguments[i + 1] or "" end
    if path then
      local why <const> = path == "" and "wants a file" or path ~= "" and added(list, path)
      if why then return nil, "--config: " .. why end
    else
      own[#own + 1] = arguments[i]
    end
    i = i + 1
  end
  return table.move(own, 1, #own, #list + 1, list)
end
