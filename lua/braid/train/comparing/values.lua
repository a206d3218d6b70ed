--- Metrics of results by path: "landmarks.failure" is the number in {landmarks = {failure = 0.2}},
-- "score" the number in {score = 1}.

local check <const> = require "braid.check"
local core <const> = require "braid.core"

local M <const> = {}

local DIRECTIONS <const> = {min = true, max = true}

--- The kind of an option that names a metric.
M.METRIC = check.kind("the name of a metric, or {name =, direction = \"min\" | \"max\", percent = "
  .. "true}", function(v)
  return type(v) == "string" or type(v) == "table" and type(v.name) == "string"
    and (v.direction == nil or DIRECTIONS[v.direction] == true)
end)

-- Metrics between 0 and 1 that are shown as percents.
local SHARES <const> = {accuracy = true, balanced = true, failure = true, box_failure = true,
  point_accuracy = true, precision = true, recall = true}
local LESS <const> = {error = true, failure = true, box_error = true, box_failure = true,
  distance = true, mae = true, rmse = true, mse = true, loss = true, ece = true}
local MORE <const> = {accuracy = true, balanced = true, auc = true, point_accuracy = true,
  r2 = true, f1 = true, precision = true, recall = true, pearson = true}

--- The number at a path, or nil.
function M.at(metrics, path)
  local value <const> = metrics[path]
  if type(value) == "number" then return value end
  local first <const>, rest <const> = path:match("^([^.]+)%.(.+)$")
  local inner <const> = first and metrics[first]
  local own <const> = type(inner) == "table" and inner[rest] or nil
  return type(own) == "number" and own or nil
end

--- Adds all paths in a table of metrics to `set`.
function M.paths(metrics, set)
  for key, value in pairs(metrics) do
    if type(key) == "string" and type(value) == "number" then set[key] = true end
    for inner, v in pairs(type(value) == "table" and value or {}) do
      if type(inner) == "string" and type(v) == "number" then set[key .. "." .. inner] = true end
    end
  end
  return set
end

--- The metrics that a user's function returned, as numbers, texts and tables. Tensors of one value
-- become numbers; other values, such as a report's functions, are left out.
function M.plain(metrics)
  if type(metrics) ~= "table" or core.is_tensor(metrics) then return nil end
  local t <const> = {}
  for key, value in next, metrics do
    if core.is_tensor(value) and value:numel() == 1 then value = value:item() end
    local inner <const> = type(value) == "table" and not core.is_tensor(value) and M.plain(value)
    if type(key) == "string" then
      t[key] = (type(value) == "number" or type(value) == "string") and value or inner or nil
    end
  end
  return next(t) and t or nil
end

-- The tasks' description of a metric, or nil if they do not know it.
local function said(tasks, path)
  if not (tasks and tasks.metric) then return nil end
  local ok <const>, found <const> = pcall(tasks.metric, tasks, path)
  return ok and found or nil
end

--- How a metric is shown, {name =, direction =, percent =}: as the tasks say, or by its name.
function M.described(path, tasks)
  local last <const> = path:match("[^.]+$")
  local known <const> = said(tasks, path)
  return {name = path, percent = SHARES[last] or nil,
    direction = known and known.direction or LESS[last] and "min" or MORE[last] and "max" or nil}
end

--- The metrics that a table shows by default: for each task the metric that judges it.
function M.usual(all, tasks)
  local list <const> = {}
  if tasks and tasks.metrics then
    local of <const> = tasks:metrics()
    for _, name in ipairs(tasks.names) do
      local first <const> = of[name] and of[name][1]
      local path <const> = first and name .. "." .. first.name
      if path and all[path] then list[#list + 1] = path end
    end
    if #list > 0 then return list end
  end
  local names <const> = {}
  for path in pairs(all) do
    if not path:find("%.loss$") then names[#names + 1] = path end
  end
  table.sort(names)
  return names
end

return M
