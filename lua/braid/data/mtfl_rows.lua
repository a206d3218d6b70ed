--- Reads the rows of MTFL's files: annotations and boxes.

local damage <const> = require "braid.data.damage"
local files <const> = require "braid.io.files"
local limits <const> = require "braid.limits"
local places <const> = require "braid.data.places"
local texts <const> = require "braid.io.text"

local M <const> = {}
local schemes <const> = require "braid.data.schemes"

local fail <const> = damage.fail
M.TASKS = {"gender", "smile", "glasses", "pose"}
M.CLASSES = schemes.CLASSES

-- Iterates over the lines that are not blank: line number, path, and the last `count` words, which
-- are numbers. All words before them belong to the path, which may have blanks.
local function rows_of(path, count)
  local bytes <const>, message <const> = files.read(path)
  if not bytes then fail("%s", message) end
  local text <const>, why <const> = texts.decode(bytes)
  if not text then fail("%s: %s", path, why) end
  local rows <const>, number = {}, 0
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    number = number + 1
    limits.bound("line", #line, "bytes in line %d of %s", number, path)
    local words <const> = {}
    for word, past in line:gmatch("(%S+)()") do words[#words + 1] = {word, past} end
    if #words > 0 then
      local names <const> = #words - count
      local spare <const> = names > 1 and tonumber(words[names][1])
      if names < 1 or spare then
        fail("%s:%d: a path and %d numbers wanted, %d words found", path, number, count, #words)
      end
      local row <const> = {number = number,
        image = texts.trimmed(line:sub(1, words[names][2] - 1)):gsub("\\", "/")}
      for i = 1, count do row[i] = words[names + i][1] end
      rows[#rows + 1] = row
    end
  end
  return rows
end

local function numbers_of(path, row, count)
  local values <const> = {}
  for i = 1, count do
    local value <const> = tonumber(row[i])
    if not value or value ~= value or math.abs(value) > 1e6 then
      fail("%s:%d: '%s' is not a number from -1e6 to 1e6", path, row.number, row[i]:sub(1, 40))
    end
    values[i] = value
  end
  return values
end

--- The boxes in a file, {path = {x0, y0, x1, y1}}; empty if there is no file.
function M.boxes(path)
  local boxes <const> = {}
  for _, row in ipairs(places.kind(path) and rows_of(path, 4) or {}) do
    local box <const> = numbers_of(path, row, 4)
    if box[3] <= box[1] or box[4] <= box[2] then
      fail("%s:%d: the box has no area", path, row.number)
    end
    boxes[row.image] = box
  end
  return boxes
end

-- A class from 1, or 0 for a missing one.
local function class_of(path, row, task, label, text, o)
  if label == o.missing then return 0 end
  local class <const> = math.tointeger(label - o.from + 1)
  if class and class >= 1 and class <= #M.CLASSES[task] then return class end
  fail("%s:%d: %s is %s, not a class from %d to %d%s", path, row.number, task, text, o.from,
    o.from + #M.CLASSES[task] - 1, o.from == 1 and label == 0 and
    " (counted from 0? say from = 0; if it marks a missing label, missing = 0)" or "")
end

--- The rows of an annotation file, as a list of {image =, points = {x1, y1, ...}, gender =, ...}.
function M.faces(path, o)
  local faces <const> = {}
  for i, row in ipairs(rows_of(path, 14)) do
    local v <const> = numbers_of(path, row, 14)
    local face <const> = {image = row.image, points = {}}
    for p = 1, 5 do face.points[2 * p - 1], face.points[2 * p] = v[p] - 1, v[5 + p] - 1 end
    for t, task in ipairs(M.TASKS) do
      face[task] = class_of(path, row, task, v[10 + t], row[10 + t], o)
    end
    faces[i] = face
  end
  if #faces == 0 then fail("%s: no faces in it", path) end
  return faces
end

return M
