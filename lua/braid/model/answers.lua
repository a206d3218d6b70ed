--- A network's answers for a picture, as text in the terms of its tasks.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local format <const> = require "braid.format"
local ops <const> = core.ops

local M <const> = {}

local function kind_of(task) return tostring(task):match("^mtl%.([%w_]+)") end

-- The class that scores (n) choose, its probability, and those of all classes.
local function class_of(scores, names)
  local c <const>, shares <const> = ops.argmax(scores):item(), ops.softmax(scores, 1):totable()
  return {class = c, name = names and names[c] or nil, share = shares[c], shares = shares}
end

-- Points (p,2) as the network sees them, as pixels of the picture.
local function pixels_of(points, to_pixels)
  local list <const> = {}
  for i, p in ipairs(points:totable()) do list[i] = {to_pixels(p[1], p[2])} end
  return list
end

local KINDS <const> = {
  classes = function(task, output, _, names) return class_of(output, task.names or names) end,
  landmarks = function(task, output, to_pixels)
    return {points = pixels_of(task:places(ops.unsqueeze(output, 1))[1], to_pixels)}
  end,
  real = function(_, output) return {values = output:reshape(-1):totable()} end,
  attributes = function(task, output)
    local each <const>, scores <const> = {}, output:reshape(-1, 2)
    for i = 1, task.count do
      each[i] = class_of(scores[i], task.names)
      each[i].label = task.labels and task.labels[i] or tostring(i)
    end
    return {each = each}
  end,
  pose_bins = function(task, output)
    return {angles = task:degrees(ops.unsqueeze(output, 1))[1]:totable()}
  end,
}
KINDS.landmark_bins = KINDS.landmarks

--- Raises an error if the answers of a task's kind cannot be shown here.
function M.check(tasks)
  for name, task in tasks:each() do
    if not KINDS[kind_of(task)] then
      check.fail("predict: has no words for the task %s, of mtl.%s", name, kind_of(task))
    end
    if name == "picture" then
      check.fail("predict: a task called picture has the name of a field of every answer")
    end
  end
end

--- The answers in the outputs for sample i, {TASK = answer}; predict.lua says what an answer has.
-- to_pixels(x, y) are the pixels of a place that the network sees; classes are {TASK = names}.
function M.of(tasks, outputs, i, to_pixels, classes)
  local answers <const> = {}
  for name, task in tasks:each() do
    if not core.is_tensor(outputs[name]) then
      check.fail("predict: the network has no output '%s'", name)
    end
    answers[name] = KINDS[kind_of(task)](task, core.detach(outputs[name])[i], to_pixels,
      classes[name])
  end
  return answers
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

return M
