--- Checks of arguments: messages that name what was given and what is known.

local M <const> = {}

local function sorted_keys(t)
  local keys <const> = {}
  for key in pairs(t) do keys[#keys + 1] = tostring(key) end
  table.sort(keys)
  return keys
end

--- The options with their defaults filled in. An option that `defaults` does not name is an
-- error. A default of `M.none` stands for "may be given, is nil otherwise".
M.none = setmetatable({}, {__tostring = function() return "none" end})

function M.options(what, given, defaults)
  local result <const> = {}
  for key, value in pairs(defaults) do
    if value ~= M.none then result[key] = value end
  end
  if given ~= nil and type(given) ~= "table" then
    error(("%s: options must be a table, not %s"):format(what, type(given)), 3)
  end
  for key, value in pairs(given or {}) do
    if defaults[key] == nil then
      error(("%s: there is no option '%s'; there is %s"):format(what, tostring(key),
        table.concat(sorted_keys(defaults), ", ")), 3)
    end
    result[key] = value
  end
  return result
end

--- A positive whole number, or an error that names it.
function M.size(what, name, value)
  if math.type(value) ~= "integer" or value < 1 then
    error(("%s: %s must be a whole number from 1, not %s"):format(what, name, tostring(value)), 3)
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

local HOME <const> = debug.getinfo(1, "S").source:match("^(.*)check%.lua$")

--- The caller's mistake: an error at the innermost line that is not Braid's own.
function M.fail(format, ...)
  local level = 2
  local info = debug.getinfo(level, "S")
  while info and (info.what == "C" or info.source:sub(1, #HOME) == HOME) do
    level = level + 1
    info = debug.getinfo(level, "S")
  end
  error(format:format(...), info and level or 0)
end

M.sorted_keys = sorted_keys

return M
