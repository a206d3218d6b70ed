--- Makes series of numbers from the data that a user gives: lists, tensors, tables, runs,
-- histories.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local text <const> = require "braid.plot.draw.text"

local M <const> = {}

--- Whether a value is a run's history, or another object with the same method curve.
function M.is_history(value)
  return type(value) == "table" and check.is_object(value) and type(value.events) == "table"
    and type(value.curve) == "function"
end

-- Numbers in a report that are counts and not measures of quality.
local COUNTS <const> = {counted = true, missing = true, samples = true, n = true, undefined = true,
  left_out = true, notes = true, unseen = true, without_eyes = true, without_points = true,
  without_box = true}

--- Whether the number of this name in a report is a count.
function M.is_count(name) return COUNTS[name:match("^[^.]+")] == true end

local function fault(what, name, form, ...)
  check.fail("%s: %s%s", what, name and ("'%s' "):format(name) or "", form:format(...))
end

local function is_plain(value) return type(value) == "table" and getmetatable(value) == nil end

--- A list of numbers from a list or a tensor (n).
function M.numbers(what, name, value)
  if core.is_tensor(value) then
    if value:dim() ~= 1 then
      fault(what, name, "must have one dimension, not shape (%s)", table.concat(value.shape, ", "))
    end
    return value.dtype == "bool" and value:to("uint8"):totable() or value:totable()
  end
  if not is_plain(value) then
    fault(what, name, "must be a list of numbers or a tensor, not %s", check.shown(value))
  end
  for i, v in ipairs(value) do
    if type(v) ~= "number" then
      fault(what, name, "must hold numbers; value %d is %s", i, check.shown(v))
    end
  end
  for key in next, value do
    if math.type(key) ~= "integer" or key < 1 or key > #value then
      fault(what, name, "must be a list, but it has a field %s (write a missing value as 0/0)",
        check.shown(key))
    end
  end
  return value
end

-- Whether a value is several lists of numbers, one for each repeated run.
local function is_runs(value)
  if core.is_tensor(value) then return value:dim() == 2 end
  return is_plain(value) and (core.is_tensor(value[1]) or is_plain(value[1]))
end

-- The mean over several lists, and the mean minus and plus the deviation. After the end of a
-- shorter list only the longer lists count.
local function over_runs(what, name, value)
  if core.is_tensor(value) then value = value:totable() end
  local runs <const>, n = {}, 0
  for k, run in ipairs(value) do
    runs[k] = M.numbers(what, name or "run " .. k, run)
    n = math.max(n, #runs[k])
  end
  local y <const>, low <const>, high <const> = {}, {}, {}
  for i = 1, n do
    local sum, count, squares = 0, 0, 0
    for _, run in ipairs(runs) do
      local v <const> = run[i]
      if v and v == v then sum, count = sum + v, count + 1 end
    end
    local mean <const> = count > 0 and sum / count or 0 / 0
    for _, run in ipairs(runs) do
      local v <const> = run[i]
      if v and v == v then squares = squares + (v - mean) ^ 2 end
    end
    local deviation <const> = count > 1 and math.sqrt(squares / (count - 1)) or 0
    y[i], low[i], high[i] = mean, mean - deviation, mean + deviation
  end
  return y, low, high
end

local FIELDS <const> = {x = true, y = true, low = true, high = true, name = true}

-- Checks a table of the fields x, y, low and high, and completes it.
local function whole(what, name, given)
  for _, key in ipairs(check.sorted_keys(given)) do
    if not FIELDS[key] then
      fault(what, name, "has a field '%s'; a series has x, y, low, high, name", key)
    end
  end
  local s <const> = {name = given.name or name}
  if is_runs(given.y) then
    s.y, s.low, s.high = over_runs(what, name, given.y)
  else
    s.y = M.numbers(what, (name or "") .. ".y", given.y)
  end
  for _, key in ipairs{"x", "low", "high"} do
    if given[key] ~= nil then s[key] = M.numbers(what, (name or "") .. "." .. key, given[key]) end
    if s[key] and #s[key] ~= #s.y then
      fault(what, name, "has %d values of y and %d of %s", #s.y, #s[key], key)
    end
  end
  if (s.low == nil) ~= (s.high == nil) then fault(what, name, "has only one of low and high") end
  return s
end

--- A single series, from a list, a tensor, runs, or a table with y.
function M.one(what, name, value)
  if is_plain(value) and value.y ~= nil then return whole(what, name, value) end
  local s <const> = {name = name}
  if is_runs(value) then
    s.y, s.low, s.high = over_runs(what, name, value)
  else
    s.y = M.numbers(what, name, value)
  end
  return s
end

local function fill_x(s)
  if s.x then return s end
  s.x = {}
  for i = 1, #s.y do s.x[i] = i end
  return s
end

-- Series of curves. One history gives a series for each path; several give one for each history.
local function of_histories(what, data, o)
  local paths = o.of
  if type(paths) == "string" then paths = {paths} end
  local one <const>, list <const> = M.is_history(data), {}
  local histories <const> = one and {data} or data
  if not paths then
    if not one then
      check.fail("%s: each history gives one curve: of = \"val.TASK.METRIC\" chooses it",
        what)
    end
    paths = {}
    for _, path in ipairs(data:names()) do
      if path:find("^train%.loss%.") or path:find("^loss%.") then paths[#paths + 1] = path end
    end
  end
  for _, name in ipairs(one and {1} or text.names(histories)) do
    for _, path in ipairs(paths) do
      local x <const>, y <const> = histories[name]:curve(path)
      local label <const> = one and path or #paths == 1 and name or name .. " " .. path
      list[#list + 1] = {name = label, x = x, y = y}
    end
  end
  return list
end

--- All series in the user's data: {{name =, x =, y =, low =, high =}, ...}.
function M.all(what, data, o)
  o = o or {}
  local list = {}
  local first <const> = is_plain(data) and select(2, next(data))
  if M.is_history(data) or M.is_history(first) then
    list = of_histories(what, data, o)
  elseif core.is_tensor(data) and data:dim() == 2 then
    for i, row in ipairs(data:totable()) do list[i] = {name = tostring(i), y = row} end
  elseif core.is_tensor(data) or is_plain(data) and (type(data[1]) == "number"
    or data.y ~= nil) then
    list[1] = M.one(what, nil, data)
  elseif is_plain(data) and (core.is_tensor(data[1]) or is_plain(data[1])) then
    for i, value in ipairs(data) do
      list[i] = M.one(what, "series " .. i, value)
      list[i].name = is_plain(value) and value.name or tostring(i)
    end
  elseif is_plain(data) then
    for _, name in ipairs(text.names(data)) do
      list[#list + 1] = M.one(what, name, data[name])
    end
  else
    check.fail("%s: wants lists of numbers, tensors, or a table of these by name, not %s", what,
      check.shown(data))
  end
  for i, s in ipairs(list) do
    if o.names and o.names[i] then s.name = o.names[i] end
    fill_x(s)
  end
  return list
end

--- The legend of series that have names, if there are several.
function M.legend(list, filled)
  local legend <const> = {}
  for i, s in ipairs(list) do
    if s.name then legend[#legend + 1] = {name = s.name, series = i, filled = filled} end
  end
  return (#list > 1 or #legend > 0 and list[1].name ~= "1") and legend or {}
end

return M
