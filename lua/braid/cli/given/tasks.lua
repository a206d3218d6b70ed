--- Reads an argument of tasks, "landmarks pose smile*0.1": labels of the data with their weights.

local check <const> = require "braid.check"
local mtl <const> = require "braid.mtl"
local nearest <const> = require "braid.nearest"

-- The number of a label's classes: of their names, or the largest class in any part of the data.
local function class_count(sets, name)
  local count = #(sets.train.classes[name] or {})
  for _, set in pairs(sets) do
    local t <const> = type(set) == "table" and set.labels and set.labels[name]
    if t and #t > 0 then count = math.max(count, math.tointeger(t:max():item())) end
  end
  return count
end

-- Makes the task for a label of the data, by the label's kind.
local function task_of(sets, name, weight)
  local set <const> = sets.train
  local kind <const> = set.kinds[name]
  if kind == "points" then
    return mtl.landmarks{points = set.points[name].points, flip = set.points[name].flip,
      eyes = set.points[name].eyes, weight = weight}
  elseif kind == "class" then
    local names <const> = set.classes[name]
    return mtl.classes{class_count(sets, name), names = names and #names > 0 and names or nil,
      flip = set.flips[name], weight = weight}
  end
  local t <const> = set.labels[name]
  return mtl.real{t:dim() > 1 and t:size(2) or 1, weight = weight}
end

--- The tasks that a text names. Without names: a task for each label, except the width of boxes.
return function(text, sets)
  local set <const>, tasks <const> = sets.train, {}
  if not set.labels then check.fail("--tasks: the data have no labels of their own") end
  local known <const> = {}
  for _, name in ipairs(check.sorted_keys(set.labels)) do
    if name ~= "box_width" then known[#known + 1] = name end
  end
  if not text:find("%S") then text = table.concat(known, " ") end
  for item in text:gmatch("[^%s,]+") do
    local name <const>, times <const> = item:match("^([%w_]+)(.*)$")
    local weight <const> = times == "" and 1 or times and tonumber(times:match("^%*(.+)$") or "")
    if not name or not weight or weight < 0 or weight - weight ~= 0 then
      check.fail("--tasks: '%s' must be NAME or NAME*WEIGHT, with a weight of 0 or more", item)
    end
    if not set.labels[name] or name == "box_width" then
      check.fail("--tasks: the data have no '%s'; %s", name, nearest.hint(name, known))
    end
    if tasks[name] then check.fail("--tasks: %s is there twice", name) end
    tasks[name] = task_of(sets, name, weight)
  end
  return mtl.tasks(tasks)
end
