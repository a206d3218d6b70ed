--- Follow: how labels change when their picture is mirrored or turned.
--
-- The label's kind decides; ds.kinds[name] is one of
--   "class"     stays the same, or changes in a mirror image: flip lists the class that replaces
--               each class
--   "points"    (n,points,2) move with the picture; flip lists the point that replaces each point
--   "box"       (n,4), x0, y0, x1, y1 in pixels of the picture; in a batch it is the upright box
--               around its moved corners, in the units of points
-- or words, one for each of a sample's numbers or one for all numbers:
--   "real"      stays the same, or changes in a mirror image: flip is "negate", or a factor for
--               each number
--   "yaw"       degrees; negated in a mirror image
--   "pitch"     degrees; stays the same
--   "roll"      degrees in the plane of the picture, clockwise as seen: the direction from the eye
--               on the left to the eye on the right. It turns with the picture and is negated in a
--               mirror image. "-roll" counts anticlockwise
--   "width"     a horizontal length in pixels of the picture; in a batch it is in half widths of
--               the image
-- Decision: turning the picture does not change yaw and pitch, which are angles of the upright
-- head.
--
-- A label called yaw, pitch or roll has that kind, unless ds.kinds gives another. If the data set
-- only says "real", a task may name the angle: mtl.pose_bins{"heading", kind = "yaw"}.
--
-- flip comes from the first of these that has one: the label's own task; the task of the label that
-- it was binned from; ds.flips[name]; for points, ds.points[name].flip. If the task of a binned
-- angle has no flip, the angle is mirrored first and then binned. Nothing is guessed: if the flip
-- or the kind is not known, a loader that mirrors or turns raises an error. It also does so if a
-- task takes numbers of kind "real" as angles.

local check <const> = require "braid.check"
local core <const> = require "braid.core"

local M <const> = {}

local WHOLE <const> = {class = true, points = true, box = true}
-- For each word its rule in csrc/load/loader.h and its factor in a mirror image.
local WORDS <const> = {real = {0, 1}, yaw = {0, -1}, ["-yaw"] = {0, -1}, pitch = {0, 1},
  ["-pitch"] = {0, 1}, roll = {1, -1}, ["-roll"] = {2, -1}, width = {3, 1}}

local function fail(format, ...) check.fail("data.loader: " .. format, ...) end

--- The words of a kind, one for each of `width` numbers; or nil and what is wrong.
function M.words(kind, width)
  local words <const> = {}
  for word in kind:gmatch("%S+") do
    if not WORDS[word] then
      return nil, ("'%s' is not a kind of number; there is real, yaw, pitch, roll, width (and "
        .. "class, points, box for whole labels)"):format(word)
    end
    words[#words + 1] = word
  end
  if #words ~= 1 and #words ~= width then
    return nil, ("'%s' has %d words for %d numbers"):format(kind, #words, width)
  end
  for i = #words + 1, width do words[i] = words[1] end
  return words
end

--- The words of a kind if they are angles or "real".
function M.angles(kind, width)
  for word in kind:gmatch("%S+") do
    if not WORDS[word] or word == "width" then
      return nil, ("'%s' is not a kind of angle; there is yaw, pitch, roll, -yaw, -pitch, -roll, "
        .. "real"):format(word)
    end
  end
  return M.words(kind, width)
end

--- Whether a mirror image negates the numbers of a word such as "yaw".
function M.negates(word) return WORDS[word][2] < 0 end

--- A text about what is wrong with a label's kind, or nil. `t` is the label of n samples.
function M.wrong(kind, t)
  local float <const> = t.dtype == "float32" or t.dtype == "float64"
  if float ~= (kind ~= "class") then return ("'%s' does not fit %s"):format(kind, t.dtype) end
  if kind == "box" and not (t:dim() == 2 and t:size(2) == 4) then return "a box is (n, 4)" end
  if kind == "points" and not (t:dim() == 3 and t:size(3) == 2) then
    return "points are (n, points, 2)"
  end
  if WHOLE[kind] then return nil end
  local width = 1
  for d = 2, t:dim() do width = width * t:size(d) end
  local _, message <const> = M.words(kind, width)
  return message
end

-- Checks that a flip lists `n` numbers of classes or points.
local function places(flip, n, name, what)
  if type(flip) ~= "table" or n and #flip ~= n then
    fail("flip of task '%s' must be a list%s, not %s", name,
      n and (" of the %d %s"):format(n, what) or "", check.shown(flip))
  end
  return core.from_table(flip, "int64")
end

-- The factors in a task's flip of numbers, or nil.
local function factors(flip, width, name)
  if flip == nil then return nil end
  local list <const> = {}
  for i = 1, width do list[i] = type(flip) == "table" and flip[i] or -1 end
  if flip ~= "negate" and (type(flip) ~= "table" or #flip ~= width) then
    fail("flip of task '%s' must be \"negate\" or a factor for each of its %d numbers, not %s",
      name, width, check.shown(flip))
  end
  return list
end

-- The name of the first task that takes a label as angles, and the kinds of angle that it names.
local function asked_of(tasks, label)
  local by
  for _, name in ipairs(tasks and tasks.names or {}) do
    if tasks[name].angles_of then
      local takes <const>, kinds <const> = tasks[name]:angles_of(label, name)
      if kinds then return name, kinds end
      by = by or takes and name
    end
  end
  return by
end

-- Replaces each word "real" by the kind that a task names. Other words must agree with the task's.
local function add_asked(words, asked, field, by)
  local list <const>, wrong <const> = M.words(asked, field.width)
  if wrong then fail("kind of tasks.%s, for '%s': %s", by, field.from, wrong) end
  for i, word in ipairs(list) do
    local own <const>, other <const> = WORDS[words[i]], WORDS[word]
    if words[i] == "real" then
      words[i] = word
    elseif own[1] ~= other[1] or own[2] ~= other[2] then
      fail("number %d of '%s' is \"%s\" in the data set but \"%s\" in tasks.%s: leave kind out of "
        .. "the task, or give the data set kinds = {%s = ...}", i, field.from, words[i], word, by,
        field.from)
    end
  end
end

-- Sets a field's rules for a label of numbers, and notes if mirroring or turning is not known.
local function of_reals(field, ds, own, source, tasks)
  local by <const>, asked <const> = asked_of(tasks, field.from)
  local said <const> = field.angle or ds.kinds[field.from]
  if own and field.bin and own ~= "negate" then
    field.flip = places(own, field.bins, field.name, "bins")
  else
    source = own or source
  end
  local factor <const> = factors(source, field.width, field.from)
  field.turn_unknown = (field.bin or by) and not asked and said == "real"
  field.taken = by
  field.mirror_unknown = field.turn_unknown and not factor and not field.flip
  local words <const> = assert(M.words(said, field.width))
  if asked and not field.angle then add_asked(words, asked, field, by) end
  local rules <const> = {}
  for i, word in ipairs(words) do
    local mirrored = factor and factor[i] or WORDS[word][2]
    if field.flip then mirrored = 1 end -- the bins themselves change places
    rules[2 * i - 1], rules[2 * i] = WORDS[word][1], mirrored
  end
  field.follow, field.said = core.from_table(rules, "float32"), table.concat(words, " ")
end

local function flip_of(tasks, name)
  local task <const> = tasks and tasks[name]
  return type(task) == "table" and task.flip or nil
end

--- Adds to a field of a loader's plan (name, from, kind, width, bin, bins, angle) how its label
-- changes: flip, follow, mirror_unknown, turn_unknown; and `said`, the label's kind.
function M.complete(field, ds, tasks)
  local own <const> = flip_of(tasks, field.name)
  local source <const> = field.name ~= field.from and flip_of(tasks, field.from) or nil
  local points <const> = ds.points[field.from]
  local stored = points and points.flip
  if stored == nil then stored = ds.flips[field.from] end
  if field.kind == "real" then
    of_reals(field, ds, own, source or stored, tasks)
  elseif field.kind == "points" then
    local flip <const> = own or source or stored
    field.mirror_unknown = flip == nil
    field.flip = flip and places(flip, field.width // 2, field.name, "points")
  elseif field.kind == "class" then
    local flip <const> = own or stored
    field.flip = flip and places(flip, nil, field.name)
  end
  field.said = field.said or field.kind
  return field
end

local function listed(t) return t and table.concat(t:totable(), " ") end

--- Marks mirroring as unknown in a field if another data set mirrors the same label differently.
function M.compare(field, other)
  local differs <const> = listed(field.flip) ~= listed(other.flip)
    or listed(field.follow) ~= listed(other.follow)
  field.mirror_unknown = field.mirror_unknown or other.mirror_unknown or differs
end

local UNKNOWN <const> = {
  points = "tasks.%s a flip = {...}, the point that replaces each point, or the data set points = "
    .. "{%s = {flip = {...}}}",
  real = "the data set kinds = {%s = \"yaw\"} (or pitch, roll), or for mirroring tasks.%s a flip",
  class = "tasks.%s a flip = {...}, because the data sets have different ones",
  taken = "tasks.%s a kind = \"yaw\" (or pitch, roll; a word for each of several angles), or the "
    .. "data set kinds = {%s = \"yaw\"}",
}

local function hint_for(f)
  if f.taken then return UNKNOWN.taken:format(f.taken, f.from) end
  if f.kind ~= "real" then return UNKNOWN[f.kind]:format(f.from, f.from) end
  return UNKNOWN.real:format(f.from, f.name)
    .. (f.bin and (", or use data.pose_bins(\"%s\", {kind = \"yaw\"})"):format(f.from) or "")
end

--- Raises an error if the transforms change a label in a way that is not known.
function M.check(fields, steps)
  local flips, turns = false, false
  for _, s in ipairs(steps) do flips, turns = flips or s.flips, turns or s.turns end
  for _, f in ipairs(fields) do
    local mirrored <const> = flips and f.mirror_unknown
    if mirrored or turns and f.turn_unknown then
      fail("%s changes '%s', but nothing says how: give %s", mirrored and "mirroring"
        or "turning", f.name, hint_for(f))
    end
  end
end

return M
