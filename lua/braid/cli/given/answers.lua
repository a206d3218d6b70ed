--- A network's answers for a picture, as text in the terms of its tasks.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local format <const> = require "braid.format"
local ops <const> = core.ops

local M <const> = {}

local function kind_of(task) return tostring(task):match("^mtl%.([%w_]+)") end

-- The class that scores (n) choose, and its probability.
local function class_of(scores, names)
  local c <const> = ops.argmax(scores):item()
  return {class = c, name = names and names[c] or nil, share = ops.softmax(scores, 1)[c]:item()}
end

-- Points (p,2) in [-1, 1], relative to the square around a picture's middle, as pixels from 0.
local function pixels_of(points, h, w)
  local list <const>, side <const> = {}, math.max(h, w)
  for i, p in ipairs(points:totable()) do
    list[i] = {w / 2 + p[1] * side / 2 - 0.5, h / 2 + p[2] * side / 2 - 0.5}
  end
  return list
end

local KINDS <const> = {
  classes = function(task, output) return class_of(output, task.names) end,
  landmarks = function(task, output, h, w)
    return {points = pixels_of(task:places(ops.unsqueeze(output, 1))[1], h, w)}
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
}
KINDS.landmark_bins = KINDS.landmarks

--- Raises an error if the answers of a task's kind cannot be shown here.
function M.check(tasks)
  for name, task in tasks:each() do
    if not KINDS[kind_of(task)] then
      check.fail("predict: has no words for the task %s, of mtl.%s", name, kind_of(task))
    end
  end
end

--- The answers in the outputs for sample i, a picture of h x w pixels: {TASK = {class, name, share}
-- | {points = {{x, y}, ...} in pixels from 0} | {values} | {each}}.
function M.of(tasks, outputs, i, h, w)
  local answers <const> = {}
  for name, task in tasks:each() do
    answers[name] = KINDS[kind_of(task)](task, core.detach(outputs[name])[i], h, w)
  end
  return answers
end

--- An answer as a line of text.
function M.words(answer)
  local words <const> = {}
  for i, p in ipairs(answer.points or {}) do words[i] = format("(%.1f, %.1f)", p[1], p[2]) end
  for i, value in ipairs(answer.values or {}) do words[i] = format("%.4g", value) end
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
  for k, value in ipairs(answer.values or {}) do
    add(#answer.values > 1 and "." .. k or "", value)
  end
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
