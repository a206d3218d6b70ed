--- An entry of a comparison: a function that makes a network, or such a function with its own
-- options of train.fit, or several functions whose networks train one by one and count as one.

local check <const> = require "braid.check"
local code <const> = require "braid.train.pool.code"
local mtl_widen <const> = require "braid.mtl.widen"
local walk <const> = require "braid.nn.walk"

local M <const> = {}

local function is_plain(v) return type(v) == "table" and not check.is_object(v) end

M.KIND = check.kind("a function (tasks, job) that makes a network, {f, ... options of train.fit} "
  .. "or {parts = {name = f, ...}}", function(v)
  if type(v) == "function" then return true end
  if not is_plain(v) then return false end
  if v.parts == nil then return type(v[1]) == "function" end
  if not is_plain(v.parts) or next(v.parts) == nil then return false end
  for name, f in pairs(v.parts) do
    if type(name) ~= "string" or type(f) ~= "function" then return false end
  end
  return v[1] == nil
end)

local function options_of(given)
  local options <const> = {}
  for key, value in pairs(type(given) == "table" and given or {}) do
    if key ~= 1 and key ~= "parts" then options[key] = value end
  end
  return options
end

--- Reads an entry that the user gave.
-- @return {name =, parts = {{name = or nil, make =}, ...}, options =}
function M.read(name, given)
  local entry <const> = {name = name, options = options_of(given), parts = {}}
  if type(given) == "function" or given.parts == nil then
    entry.parts[1] = {make = type(given) == "function" and given or given[1]}
  else
    for _, part in ipairs(check.sorted_keys(given.parts)) do
      entry.parts[#entry.parts + 1] = {name = part, make = given.parts[part]}
    end
  end
  for _, part in ipairs(entry.parts) do part.code = code.of(part.make) end
  return entry
end

--- Makes the network of a part; job has width and seed.
function M.make(what, entry, part, tasks, job)
  local net <const> = part.make(tasks, job)
  if not walk.is_module(net) then
    check.fail("%s: networks: the function of '%s' must return a network, not %s", what,
      part.name and entry.name .. "." .. part.name or entry.name, check.shown(net))
  end
  return net
end

--- The width at which an entry's network has about `count` parameters.
function M.width(what, entry, tasks, count)
  local part <const> = entry.parts[1]
  local ok <const>, _, width = check.caught(mtl_widen, function(w)
    return M.make(what, entry, part, tasks, {network = entry.name, seed = 1, width = w})
  end, count)
  if not ok then
    check.fail("%s: same = \"parameters\": the function of '%s' must give wider networks for a "
      .. "larger job.width: %s", what, entry.name, tostring(_))
  end
  return width
end

return M
