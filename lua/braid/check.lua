--- Checks of arguments: messages that name what was given and what is known.

local M <const> = {}

local function sorted_keys(t)
  local keys <const> = {}
  for key in pairs(t) do keys[#keys + 1] = tostring(key) end
  table.sort(keys)
  return keys
end

local HOME <const> = debug.getinfo(1, "S").source:match("^(.*)check%.lua$")

-- The level of the innermost function that is not Braid's own.
local function callers_level()
  local level = 2
  while true do
    local info <const> = debug.getinfo(level, "S")
    if not info then return 0 end
    if info.what ~= "C" and info.source:sub(1, #HOME) ~= HOME then return level - 1 end
    level = level + 1
  end
end

--- The caller's mistake, at the line that called Braid.
function M.fail(format, ...) error(format:format(...), callers_level()) end

--- The options with their defaults filled in. An option that `defaults` does not name is an
-- error. A default of `M.none` stands for "may be given, is nil otherwise".
M.none = setmetatable({}, {__tostring = function() return "none" end})

function M.options(what, given, defaults)
  local result <const> = {}
  for key, value in pairs(defaults) do
    if value ~= M.none then result[key] = value end
  end
  if given ~= nil and type(given) ~= "table" then
    M.fail("%s: options must be a table, not %s", what, type(given))
  end
  for key, value in pairs(given or {}) do
    if defaults[key] == nil then
      M.fail("%s: there is no option '%s'; there is %s", what, tostring(key),
        table.concat(sorted_keys(defaults), ", "))
    end
    result[key] = value
  end
  return result
end

--- A copy of the options given, for those that leave some to another function.
function M.copy(what, given)
  local copy <const> = {}
  if given ~= nil and type(given) ~= "table" then
    M.fail("%s: options must be a table, not %s", what, type(given))
  end
  for key, value in pairs(given or {}) do copy[key] = value end
  return copy
end

--- A positive whole number, or an error that names it.
function M.size(what, name, value)
  if math.type(value) ~= "integer" or value < 1 then
    M.fail("%s: %s must be a whole number from 1, not %s", what, name, tostring(value))
  end
  return value
end

--- An optional weight and bias, either of which the table of options may stand in place of.
-- @return weight or nil, bias or nil, options or nil
function M.affine(weight, bias, given)
  if type(weight) == "table" then return nil, nil, weight end
  if type(bias) == "table" then return weight, nil, bias end
  return weight, bias, given
end

M.sorted_keys = sorted_keys

return M
