--- A network's answers for single samples: pictures with points drawn on them, words, the samples
-- with the largest losses, and confusion matrices.

local asked <const> = require "braid.data.asked"
local core <const> = require "braid.core"
local format <const> = require "braid.format"
local grad <const> = require "braid.grad"
local Module <const> = require "braid.nn.module"
local ops <const> = core.ops

local M <const> = {}

local TRUE <const>, PREDICTED <const> = {40, 220, 90}, {255, 60, 60}
local SIDE <const> = 112 -- the least length in pixels of a picture's longer side
local MAX_CLASSES <const> = 40 -- with more classes, there is no confusion matrix

local BASE64 <const> = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

--- Bytes as base64.
function M.base64(bytes)
  local out <const> = {}
  for at = 1, #bytes, 3 do
    local a <const>, b <const>, c <const> = bytes:byte(at, at + 2)
    local n <const> = a << 16 | (b or 0) << 8 | (c or 0)
    for k = 0, 3 do
      local digit <const> = n >> (18 - 6 * k) & 63
      out[#out + 1] = (k < 2 or k == 2 and b or k == 3 and c) and BASE64:sub(digit + 1, digit + 1)
        or "="
    end
  end
  return table.concat(out)
end

-- ---- pictures ----------------------------------------------------------------------------

-- An image (c,h,w) of any range as a canvas whose longer side has SIDE pixels or more.
local function canvas_of(image)
  local x = core.detach(image):to("float32")
  if x:size(1) ~= 1 and x:size(1) ~= 3 then x = ops.narrow(x, 1, 1, 1) end
  local low <const>, high <const> = x:min():item(), x:max():item()
  if not (low >= 0 and high <= 255 and high > 1.5) then
    x = high > low and (x - low) * (255 / (high - low)) or x * 0 + 128
  end
  local pixels <const> = ops.permute(x:round():clamp(0, 255):to("uint8"), 2, 3, 1)
  local h <const>, w <const> = pixels:size(1), pixels:size(2)
  local factor <const> = math.max(1, SIDE / math.max(h, w))
  local canvas <const> = core.image_resize(ops.contiguous_copy(pixels),
    math.floor(h * factor + 0.5), math.floor(w * factor + 0.5))
  if canvas:size(3) == 3 then return canvas end
  return ops.contiguous_copy(ops.expand(canvas, canvas:size(1), canvas:size(2), 3))
end

-- Calls draw(x, y) in pixels for each of the points, which have x and y in [-1, 1].
local function each_point(points, canvas, draw)
  for _, p in ipairs(ops.reshape(points, -1, 2):totable()) do
    draw((p[1] + 1) / 2 * canvas:size(2) - 0.5, (p[2] + 1) / 2 * canvas:size(1) - 0.5)
  end
end

local function draw_points(canvas, truth, said)
  local unit <const> = math.max(canvas:size(1), canvas:size(2))
  each_point(truth, canvas, function(x, y)
    core.draw_circle(canvas, x, y, unit / 30, unit / 70, TRUE)
  end)
  each_point(said, canvas, function(x, y) core.draw_disk(canvas, x, y, unit / 45, PREDICTED) end)
end

-- ---- words -------------------------------------------------------------------------------

local function kind_of(task) return tostring(task):match("^mtl%.([%w_]+)") end

-- The points in a task's output for one sample, or nil.
local function points_of(task, output)
  local kind <const> = kind_of(task)
  if kind == "landmarks" then return output end
  return kind == "landmark_bins" and task:places(ops.unsqueeze(output, 1)) or nil
end

local function class_name(names, c) return names and names[c] or tostring(c) end

-- The names of each task's classes: the task's own, or those in `known`, {TASK = names}, as a data
-- set and a network's card have them.
local function names_of(tasks, known)
  local all <const> = {}
  for name, task in tasks:each() do
    local other <const> = known and known[name]
    all[name] = task.names or other and #other == task.size and other or nil
  end
  return all
end

-- A task's answer for a sample as text, and whether it is right. This second result is nil if the
-- label is missing, or if answers are not right or wrong, such as points.
local function said_of(task, output, target, image, names)
  local kind <const> = kind_of(task)
  if kind == "classes" then
    local c <const> = ops.argmax(output):item()
    local share <const> = ops.softmax(output, 1)[c]:item()
    local label <const> = target:item()
    local words <const> = format("%s %.0f%%", class_name(names, c), 100 * share)
    if label == task.ignore then return words, nil end
    return c == label and words or words .. ", is " .. class_name(names, label), c == label
  elseif image and points_of(task, output) then
    local d <const> = ops.reshape(points_of(task, output), -1,
      2):to("float64") - ops.reshape(target, -1,
      2):to("float64")
    local sum, n = 0.0, 0
    for _, p in ipairs(d:totable()) do
      local far <const> = math.sqrt((p[1] * image:size(3) / 2) ^ 2 + (p[2] * image:size(2) / 2) ^ 2)
      if far == far then sum, n = sum + far, n + 1 end
    end
    return n > 0 and format("%.2f pixels off", sum / n) or "no points", nil
  end
  return nil
end

-- ---- going over the data -----------------------------------------------------------------

local function target_of(task, batch, name)
  if task.target then return task:target(batch, name) end
  return batch[name]
end

-- The weighted sum of the losses for each sample of a batch, and each task's losses.
local function losses_of(tasks, outputs, targets, n)
  local totals <const>, parts <const> = {}, {}
  for i = 1, n do totals[i], parts[i] = 0.0, {} end
  for name, task in tasks:each() do
    -- a weight that is a function of the epoch counts as 1
    local weight <const> = type(task.weight) == "number" and task.weight or 1
    for i = 1, n do
      local loss <const> = task:loss(ops.narrow(outputs[name], 1, i, 1),
        ops.narrow(targets[name], 1, i, 1)):item()
      parts[i][name] = loss
      if loss == loss then
        totals[i] = totals[i] + weight * loss
      else
        totals[i] = math.huge
      end
    end
  end
  return totals, parts
end

local function add_confusion(result, tasks, outputs, targets, names)
  for name, task in tasks:each() do
    if kind_of(task) == "classes" and task.size <= MAX_CLASSES then
      local c = result.confusion[name]
      if not c then
        c = {counts = {}, names = {}}
        for i = 1, task.size do
          c.counts[i], c.names[i] = {}, class_name(names[name], i)
          for k = 1, task.size do c.counts[i][k] = 0 end
        end
        result.confusion[name] = c
      end
      local said <const>, labels <const> = ops.argmax(outputs[name], 2):totable(),
        targets[name]:totable()
      for i, label in ipairs(labels) do
        if label ~= task.ignore then
          c.counts[label][said[i]] = c.counts[label][said[i]] + 1
        end
      end
    end
  end
end

-- A sample with its picture and words, ready for the page.
local function entry_of(tasks, image, outputs, targets, i, total, parts, number, names)
  local canvas <const>, words <const> = image and canvas_of(image), {}
  local drawn = false
  for name, task in tasks:each() do
    local output <const>, target <const> = outputs[name][i], targets[name][i]
    local points <const> = canvas and points_of(task, output)
    if points then
      draw_points(canvas, target, points)
      drawn = true
    end
    local text <const>, right <const> = said_of(task, output, target, image, names[name])
    words[#words + 1] = {task = name, right = right,
      text = text or format("loss %.4g", parts[name])}
  end
  return {number = number, loss = total, words = words, points = drawn,
    picture = canvas and M.base64(core.image_encode(canvas)) or nil,
    width = canvas and canvas:size(2) or nil, height = canvas and canvas:size(1) or nil}
end

-- Adds an entry to the list of the samples with the largest losses, if it belongs there.
local function keep_worst(list, total, most, make)
  if #list == most and (most == 0 or total <= list[most].loss) then return end
  local at = #list + 1
  while at > 1 and list[at - 1].loss < total do at = at - 1 end
  table.insert(list, at, make())
  list[most + 1] = nil
end

--- Runs the network over batches -> {samples, worst = lists of {number, loss, words, picture in
-- base64, points = whether it shows points}, confusion = {TASK = {counts, names}}, count}.
-- o.classes, {TASK = names}, are names of classes for tasks that have none themselves.
function M.collect(net, tasks, batches, o)
  local result <const> = {samples = {}, worst = {}, confusion = {}, count = 0}
  local names <const> = names_of(tasks, o.classes)
  local _ <close> = Module.is(net) and Module.evaluating(net) or nil
  local _ <close> = grad.no_grad()
  for batch in batches do
    local _ <close> = grad.scope()
    local image <const> = rawget(batch, "image") -- a table of numbers has no image
    local outputs <const>, targets <const> = net(asked(batch)), {}
    for name, task in tasks:each() do targets[name] = target_of(task, batch, name) end
    local totals <const>, parts <const> = losses_of(tasks, outputs, targets, batch.count)
    add_confusion(result, tasks, outputs, targets, names)
    for i = 1, batch.count do
      local number <const> = result.count + i
      local function make()
        return entry_of(tasks, image and image[i], outputs, targets, i, totals[i], parts[i], number,
          names)
      end
      if #result.samples < o.samples then result.samples[#result.samples + 1] = make() end
      keep_worst(result.worst, totals[i], o.worst, make)
    end
    result.count = result.count + batch.count
  end
  return result
end

return M
