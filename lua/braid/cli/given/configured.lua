--- Puts the arguments in --config FILE before a command's own arguments, which then win.
--
-- The file is JSON, or Lua that returns a table: {epochs = 30, tasks = "pose"}. Lua runs in the
-- sandbox of definitions. A table in it stands for settings: options = {width = 0.5}.

local check <const> = require "braid.check"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"
local settings <const> = require "braid.cli.given.settings"

local DEEPEST <const> = 8

-- A copy of a table of the sandbox without what could run code.
local function plain(value, depth)
  if type(value) ~= "table" then return value end
  local copy <const> = {}
  if depth > DEEPEST then check.fail("its tables are too deep") end
  for key, v in next, value do copy[key] = plain(v, depth + 1) end
  return copy
end

local function read(path)
  local text <const>, why <const> = files.read(path)
  if not text then return nil, why end
  if not path:find("%.lua$") then
    local value <const>, message <const> = json.decode(text)
    if value == nil then return nil, ("%s: %s"):format(path, message) end
    return value
  end
  local _ <const> = require "braid" -- the sandbox shows it
  local ok <const>, value <const> = check.caught(require "braid.sandbox".run, text, path,
    function(value) return plain(value, 1) end)
  if not ok then return nil, (value:gsub("^model: ", "")) end
  return value
end

local PLAIN <const> = {string = true, number = true, boolean = true, table = true}

-- Whether a value is made of numbers, texts, flags and tables.
local function is_plain(value)
  if value == json.null or not PLAIN[type(value)] then return false end
  for _, v in next, type(value) == "table" and value or {} do
    if not is_plain(v) then return false end
  end
  return true
end

local function added(list, path)
  local value <const>, why <const> = read(path)
  if why then return why end
  if type(value) ~= "table" or #value > 0 then
    return ("%s must hold options by name"):format(path)
  end
  for _, name in ipairs(check.sorted_keys(value)) do
    if not is_plain(value[name]) then
      return ("%s: %s must be a number, a text, true, false or a table of them"):format(path, name)
    end
    list[#list + 1] = ("--%s=%s"):format(name, settings.text(value[name]))
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
