--- Turns a network's outputs into answers in the terms of its tasks, such as the name of a class.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local format <const> = require "braid.format"
local ops <const> = core.ops

local M <const> = {}

local function kind_of(task) return tostring(task):match("^mtl%.([%w_]+)") end

-- The class that is chosen, its probability, and the probabilities of all classes.
local function class_of(c, shares, names)
  return {class = c, name = names and names[c] or nil, share = shares[c], shares = shares}
end

-- For each kind the answers for a batch of outputs, by sample.
local KINDS <const> = {
  classes = function(task, output, _, names)
    local chosen <const> = ops.argmax(output, 2):totable()
    local list <const> = ops.softmax(output, 2):totable()
    for i, shares in ipairs(list) do
      list[i] = class_of(chosen[i], shares, task.names or names)
    end
    return list
  end,
  landmarks = function(task, output, o)
    local list <const> = task:places(output):totable()
    for i, points in ipairs(list) do
      for k, p in ipairs(o.maps and points or {}) do points[k] = {o.maps[i](p[1], p[2])} end
      list[i] = {points = points}
    end
    return list
  end,
  real = function(_, output, o)
    local list <const> = output:reshape(o.count, -1):totable()
    for i, values in ipairs(list) do list[i] = {values = values} end
    return list
  end,
  attributes = function(task, output, o)
    local scores <const>, list <const> = output:reshape(-1, 2), {}
    local chosen <const> = ops.argmax(scores, 2):totable()
    local shares <const> = ops.softmax(scores, 2):totable()
    for i = 1, o.count do
      local each <const> = {}
      for k = 1, task.count do
        local row <const> = (i - 1) * task.count + k
        each[k] = class_of(chosen[row], shares[row], task.names)
        each[k].label = task.labels and task.labels[k] or tostring(k)
      end
      list[i] = {each = each}
    end
    return list
  end,
  pose_bins = function(task, output)
    local list <const> = task:degrees(output):totable()
    for i, angles in ipairs(list) do list[i] = {angles = angles} end
    return list
  end,
}
KINDS.landmark_bins = KINDS.landmarks

--- Raises an error if the answers of a task's kind cannot be shown here.
function M.check(tasks)
  for name, task in tasks:each() do
    if not KINDS[kind_of(task)] then
      check.fail("predict: has no words for the task %s, of mtl.%s", name, kind_of(task))
    end
    if name == "picture" or name == "row" then
      check.fail("predict: a task called %s has the name of a field of every answer", name)
    end
  end
end

--- An answer as a line of text.
function M.words(answer)
  local words <const> = {}
  for i, p in ipairs(answer.points or {}) do words[i] = format("(%.1f, %.1f)", p[1], p[2]) end
  for i, value in ipairs(answer.values or answer.angles or {}) do
    words[i] = format("%.4g", value)
  end
  for i, each in ipairs(answer.each or {}) do
    words[i] = format("%s %s %.0f%%", each.label, each.name or each.class, 100 * each.share)
  end
  if answer.class then
    words[1] = format("%s %.0f%%", answer.name or answer.class, 100 * answer.share)
  end
  return table.concat(words, " ")
end

--- An answer as a list of {name, value}: columns of a table.
function M.columns(name, answer)
  local list <const> = {}
  local function add(key, value) list[#list + 1] = {name .. key, value} end
  for k, p in ipairs(answer.points or {}) do
    add(".x" .. k, p[1])
    add(".y" .. k, p[2])
  end
  local numbers <const> = answer.values or answer.angles or {}
  for k, value in ipairs(numbers) do add(#numbers > 1 and "." .. k or "", value) end
  for _, each in ipairs(answer.each or {}) do
    add("." .. each.label, each.name or each.class)
    add("." .. each.label .. ".share", each.share)
  end
  if answer.class then
    add("", answer.name or answer.class)
    add(".share", answer.share)
  end
  return list
end

local Answer <const> = {__name = "answer"}

function Answer.__tostring(self)
  local words <const>, picture <const>, row <const> = {}, self.picture, self.row
  for _, name in ipairs(check.sorted_keys(self)) do
    if name ~= "picture" and name ~= "row" then
      words[#words + 1] = name .. " " .. M.words(self[name])
    end
  end
  return (picture and (picture.path or "picture " .. picture.number) or "row " .. row.number)
    .. ": " .. table.concat(words, "; ")
end

--- The answers in the outputs for a batch, a list of {TASK = answer}; predict.lua says what an
-- answer has. o.count is the number of samples and o.classes {TASK = names}; o.maps[i](x, y) turns
-- the network's coordinates in sample i into pixels of the picture.
function M.all(tasks, outputs, o)
  local list <const> = {}
  for i = 1, o.count do list[i] = setmetatable({}, Answer) end
  for name, task in tasks:each() do
    if not core.is_tensor(outputs[name]) then
      check.fail("predict: the network has no output '%s'", name)
    end
    local own <const> = KINDS[kind_of(task)](task, core.detach(outputs[name]), o, o.classes[name])
    for i, answer in ipairs(own) do list[i][name] = answer end
  end
  return list
end

return M
