--- The search space of a sweep: its names, the values of each trial, and how the values become
-- options of train.fit.

local check <const> = require "braid.check"
local choice <const> = require "braid.train.space.choice"
local draws <const> = require "braid.train.sweeping.draws"
local options <const> = require "braid.train.fitting.options"
local Range <const> = require "braid.train.space.range"

local M <const> = {}

local function is_list(v) return type(v) == "table" and #v > 0 and not check.is_object(v) end

--- The kind of a space.
M.KIND = check.kind("a table by name of train.space.uniform(0, 1), .log(1e-4, 1e-2), .whole(1, 8) "
  .. "or a list of values", function(v)
  if type(v) ~= "table" or check.is_object(v) or next(v) == nil then return false end
  for name, range in pairs(v) do
    if type(name) ~= "string" or not (Range.is(range) or is_list(range)) then return false end
  end
  return true
end)

--- {names =, ranges =} of a space.
function M.read(space)
  local names <const>, ranges <const> = check.sorted_keys(space), {}
  for i, name in ipairs(names) do
    ranges[i] = Range.is(space[name]) and space[name] or choice(space[name])
  end
  return {names = names, ranges = ranges}
end

-- How many values each name has. A continuous range is an error.
local function counts_of(what, points)
  local counts <const>, total = {}, 1
  for i, range in ipairs(points.ranges) do
    counts[i] = range.values and #range.values
      or range.kind == "whole" and not range.logarithmic and range.high - range.low + 1
    if not counts[i] then
      check.fail("%s: method = \"grid\" wants lists of values; %s is %s", what, points.names[i],
        tostring(range))
    end
    total = total * counts[i]
  end
  return counts, total
end

--- How many trials a grid has.
function M.count(what, points) return select(2, counts_of(what, points)) end

--- The values of a trial by name.
function M.values(what, points, method, seed, trial)
  local at <const> = method == "grid" and draws.grid((counts_of(what, points)), trial)
    or draws[method == "halton" and "halton" or "random"](seed, trial, #points.names)
  local values <const> = {}
  for i, name in ipairs(points.names) do values[name] = points.ranges[i].at(at[i]) end
  return values
end

-- ---- into options ---------------------------------------------------------------------------

local function is_option(name) return options.fit.kinds[name] ~= nil end

local function copied(t)
  local copy <const> = {}
  for key, value in pairs(t) do copy[key] = value end
  return copy
end

--- The options with the values in them. "lr" is an option, "weights.smile" a field of an option.
-- The user's functions handle all other names.
function M.into(what, all, values)
  local with <const> = copied(all)
  for _, path in ipairs(check.sorted_keys(values)) do
    local first <const>, rest <const> = path:match("^([^.]+)%.(.+)$")
    if is_option(path) then
      with[path] = values[path]
    elseif first and is_option(first) then
      local inner <const> = with[first]
      if inner ~= nil and (type(inner) ~= "table" or check.is_object(inner)) then
        check.fail("%s: space: '%s' wants %s to be a table of options, not %s", what, path, first,
          check.shown(inner))
      end
      with[first] = inner and copied(inner) or {}
      with[first][rest] = values[path]
    end
  end
  return with
end

--- The values as a table that records in `read` which names were read.
function M.watched(values, read)
  return setmetatable({}, {__name = "values", __index = function(_, name)
    read[name] = true
    return values[name]
  end, __pairs = function()
    return function(_, key)
      local name <const>, value <const> = next(values, key)
      if name ~= nil then read[name] = true end
      return name, value
    end
  end})
end

--- The names that are not options, sorted. Some function must read them.
function M.free(points, own_run)
  local list <const> = {}
  for _, name in ipairs(points.names) do
    local first <const> = name:match("^([^.]+)%.")
    local taken <const> = is_option(name) or first and is_option(first)
    if own_run or not taken then list[#list + 1] = name end
  end
  return list
end

return M
