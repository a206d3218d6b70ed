--- Dataset: pictures with labels. Any label may be missing.
--
-- Fields, for n = #ds samples:
--   labels    {name = tensor of n rows}. Class labels, int64 or uint8 (n), count from 1; a missing
--             one is -100, or `missing` if that is given. Points, float32 (n,points,2), are x, y in
--             pixels of the stored picture, with pixel centres at whole numbers from 0. Other
--             labels are float32 (n) or (n,k). In points and other labels NaN marks a missing
--             value. The label box_width, float32 (n), is the width of each sample's box in pixels
--             of the stored picture, NaN without a box; by default it is computed from the boxes
--   points    {name = {points =, flip =, eyes =}}, facts about a label of points: their number, the
--             point that each becomes in a mirror image, the eyes (for mtl.landmarks{of = ds})
--   kinds     {name = "class", "points", "box", or words such as "real" and "yaw", one for each
--             number}: the kind tells how a label changes with its picture (follow.lua)
--   flips     {name = list}: how mirroring changes labels that are not points, if their task does
--             not tell
--   classes   {name = {"cat", "dog", ...}}, the names of classes
--   images    uint8 (m,c,h,w), channels last in memory; or
--   inputs    samples without pictures: float32 (n,...), rows of numbers, which a loader gives as
--             batch.input; or {name = tensor of n rows}, inputs by name; or
--   getter    an object that makes each sample when it is needed (data.of); or
--   table     the rows of a table (data.table) and how they become inputs (tabular/part.lua); or
--   files     Paths (paths.lua) relative to root; channels is 1, 3, or nil for each file's own
--   encoded   true: files are not paths, but the bytes of PNG and JPEG files themselves
--   orientation  false: pictures of files are shown as they are stored; otherwise they are turned
--             as their EXIF data say. Points and boxes are places in the picture after that
--   index     int64 (n): the picture of sample i is images[index[i]] or files:at(index[i]);
--             nil: sample i has picture i. ds:rows gives the numbers in both cases
--   boxes     float32 (n,4) or nil: x0, y0, x1, y1 of the visible part, in pixels of the picture. A
--             row of NaN stands for the whole picture
--   shifts    float32 (n,2) or nil: how far the visible part of a sample moves to the right and
--             down, in shares of its width and height (ds:copied)
--   crop      "whole": a loader shows the whole of each picture, even if it has a box
--   size      the default side of a loader's pictures
--   inner     with images: the side of the middle square that a loader shows; pixels around it
--             appear when a cut is rotated or shifted
-- A subset has its own labels and boxes, and shares the pictures with the whole set.
-- @usage data.dataset{inputs = x, labels = {class = labels}}[1]

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local chosen_of <const> = require "braid.data.chosen"
local class <const> = require "braid.class"
local follow <const> = require "braid.data.follow"
local Paths <const> = require "braid.data.paths"
local named <const> = require "braid.data.named"
local own <const> = require "braid.data.labels"
local record <const> = require "braid.record"
local samples <const> = require "braid.data.samples"

local Dataset <const> = class("Dataset")

local TABLE <const> = check.kind("a table", function(v) return type(v) == "table" end)
local TENSORS <const> = check.map(check.tensor())
local FIELDS <const> = check.declare("Dataset", {
  images = check.tensor(), files = TABLE, root = check.text(),
  channels = check.optional(check.choice{1, 3}), index = check.tensor(), labels = TENSORS,
  kinds = check.map(check.text()), flips = TABLE, classes = TABLE, points = TABLE,
  boxes = check.tensor(),
  inner = check.number{above = 0}, size = check.whole{from = 1, to = 4096},
  crop = check.optional(check.choice{"box", "whole"}), shifts = check.tensor(),
  missing = check.whole(core.missing_class), unreadable = check.whole{0, from = 0},
  first_unreadable = check.text(), orientation = check.flag(true), table = TABLE,
  inputs = check.either(check.tensor(), TENSORS), getter = TABLE, encoded = check.flag(false),
})
-- Names that labels must not have.
Dataset.taken = {image = true, input = true, box = true, path = true, count = true, inputs = true,
  units = true, task = true}

local function fail(what, ...) check.fail("Dataset: " .. what, ...) end

-- Adds a label of n rows to a data set; `facts` is the entry of `points` for it, or nil.
local function add_label(self, name, t, kind, missing, facts)
  if Dataset.taken[name] then fail("'%s' cannot be the name of a label", name) end
  kind = kind or own.kind_of(name, t)
  local wrong <const> = follow.wrong(kind, t)
  if wrong then fail("kinds.%s: %s", name, wrong) end
  if kind == "points" then self.points[name] = own.facts_of(t, facts) end
  self.kinds[name] = kind
  self.labels[name] = core.keep(kind == "class" and own.kept_classes(name, t, missing) or t)
end

function Dataset:init(given)
  local o <const> = check.options(FIELDS, given)
  local sources <const> = (o.images and 1 or 0) + (o.files and 1 or 0) + (o.inputs and 1 or 0)
    + (o.table and 1 or 0) + (o.getter and 1 or 0)
  if sources ~= 1 then fail("wants images or files, or inputs") end
  self.images, self.files, self.table = o.images and core.keep(o.images), o.files, o.table
  self.getter = o.getter
  self.inputs = o.inputs and named.kept(o.inputs, fail)
  if type(o.files) == "table" and not o.files.ends then self.files = Paths(o.files) end
  self.root, self.channels = o.files and (o.root or ""), o.channels
  self.index = o.index and core.keep(o.index)
  self.boxes = o.boxes and core.keep(o.boxes)
  self.size, self.crop, self.shifts = o.size, o.crop or "box", o.shifts and core.keep(o.shifts)
  self.orientation, self.encoded = o.orientation, o.encoded
  self.inner = o.inner or o.images and o.images:size(3)
  self.unreadable, self.first_unreadable = o.unreadable, o.first_unreadable
  self.n = o.table and o.table.frame.n or o.inputs and named.count(o.inputs)
    or self.index and #self.index or o.getter and o.getter.n or #(self.images or self.files)
  if o.boxes and (o.boxes:size(1) ~= self.n or o.boxes:size(2) ~= 4) then
    fail("boxes must be (%d, 4), not (%s)", self.n, table.concat(o.boxes.shape, ", "))
  end
  self.labels, self.kinds, self.points = {}, {}, {}
  self.classes, self.flips = o.classes or {}, o.flips or {}
  for name, t in pairs(own.with_widths(o.labels, o.boxes)) do
    if t:size(1) ~= self.n then
      fail("%d %s, but %d of %s", self.n, self:has_pictures() and "images" or "inputs", t:size(1),
        name)
    end
    add_label(self, name, t, o.kinds and o.kinds[name], o.missing, o.points and o.points[name])
  end
end

Dataset.__len = function(self) return self.n end

Dataset.__tostring = function(self)
  local names <const> = check.sorted_keys(self.labels)
  return ("data.dataset: %d samples%s"):format(self.n,
    #names > 0 and " with " .. table.concat(names, ", ") or "")
end

-- ds[i] is {image = uint8 (c,h,w), landmarks = (points,2), gender = 1, ..., path =, box = (4)}.
-- Missing labels are nil, and so is the image of a file that cannot be read.
Dataset.__index = function(self, key)
  if math.type(key) ~= "integer" then
    if key == "inputs" or key == "input_names" then return named.of_table(self, key) end
    return class.method(self, key)
  end
  if key < 1 or key > #self then return nil end
  local sample <const> = {image = (self:image(key)), path = self:path(key), box = self:box(key)}
  for name, t in next, named.of(self) do sample[name] = t[key] end
  for name, value in next, samples.made(self, key) do sample[name] = value end
  for name in pairs(self.labels) do sample[name] = samples.label(self, name, key) end
  return record(sample, "sample")
end

local function number_of(self, i)
  if math.type(i) ~= "integer" or i < 1 or i > self.n then
    check.fail("Dataset: there is no sample %s of %d", tostring(i), self.n)
  end
  return self.index and self.index[i]:item() or i
end

--- Whether the samples are pictures, and not rows of numbers.
function Dataset:has_pictures()
  if self.getter then return self.getter:has_pictures() end
  return self.images ~= nil or self.files ~= nil
end

--- The path of the picture of sample i; nil if pictures are in memory.
-- @treturn string?
function Dataset:path(i)
  local row <const> = number_of(self, i)
  if not self.files or self.encoded then return nil end
  local path <const> = self.files:at(row)
  if self.root == "" or path:sub(1, 1) == "/" then return path end
  return self.root .. "/" .. path
end

--- The picture of sample i, uint8 (c,h,w), as it is stored; or nil and a message.
-- @treturn Tensor?
function Dataset:image(i)
  local row <const> = number_of(self, i)
  if self.images then return self.images[row] end
  if self.getter then return self.getter:at(row).image end
  if not self:has_pictures() then return nil, "a table of numbers has no pictures" end
  if self.encoded then
    return core.image_decode(self.files:at(row), self.channels, not self.orientation)
  end
  return core.image_read(self:path(i), self.channels, not self.orientation)
end

--- The box of sample i, float32 (4), or nil.
-- @treturn Tensor?
function Dataset:box(i)
  number_of(self, i)
  local box <const> = self.boxes and self.boxes[i]
  return box and box:eq(box):all():item() and box or nil
end

--- The numbers of the pictures of some samples: chosen int64 (k), from 1 -> int64 (k).
-- @treturn Tensor
function Dataset:rows(chosen)
  return self.index and self.index:index_select(1, chosen) or chosen
end

-- ---- parts ----------------------------------------------------------------------------

local function all(t) return t end

-- Whether a part keeps the numbers of its samples, and not copies of their rows.
local function is_indexed(self) return self.images or self.files or self.getter end

-- A data set of some of the samples: take(t) gives their rows of a tensor t. `images` and `index`
-- are the fields of the result.
local function part_of(self, take, images, index)
  local labels <const> = {}
  for name, t in pairs(self.labels) do labels[name] = take(t) end
  return Dataset{images = images, files = self.files, root = self.root,
    channels = self.channels, index = index, labels = labels, kinds = self.kinds,
    classes = self.classes, points = self.points, flips = self.flips, inner = self.inner,
    size = self.size, crop = self.crop, missing = 0, orientation = self.orientation,
    encoded = self.encoded,
    boxes = self.boxes and take(self.boxes), shifts = self.shifts and take(self.shifts),
    inputs = rawget(self, "inputs") and named.taken(self.inputs, take),
    getter = self.getter,
    table = self.table and (take == all and self.table or self.table:cut(take))}
end

local FUNCTION <const> = check.call()

--- A data set with further labels, {name = tensor of n rows}, and their kinds.
-- @treturn data.dataset
function Dataset:labelled(labels, kinds)
  check.value("labelled", "labels", labels, TABLE)
  local result <const> = part_of(self, all, self.images, self.index)
  for name, t in pairs(labels) do
    if Dataset.taken[name] or not core.is_tensor(t) or t:size(1) ~= self.n then
      check.fail("labelled: '%s' must be %d rows of a label", tostring(name), self.n)
    end
    add_label(result, name, t, kinds and kinds[name], 0)
  end
  return result
end

--- A data set of the samples from number first to last, or of the samples whose numbers are in a
-- list or an int64 tensor.
-- @treturn data.dataset
function Dataset:subset(first, last)
  if type(first) ~= "number" then
    local chosen <const> = chosen_of(first, self.n)
    return part_of(self, function(t) return t:index_select(1, chosen) end, self.images,
      is_indexed(self) and self:rows(chosen) or nil)
  end
  if math.type(first) ~= "integer" or math.type(last) ~= "integer" or first < 1
    or last > self.n or last < first then
    check.fail("subset: there is no range %s to %s in %d samples", tostring(first),
      tostring(last), self.n)
  end
  local function take(t) return t[{ {first, last} }] end
  if self.images and not self.index then return part_of(self, take, take(self.images)) end
  local index = self.index and take(self.index)
  if not index and is_indexed(self) then
    local numbers <const> = {}
    for i = first, last do numbers[#numbers + 1] = i end
    index = core.from_table(numbers, "int64")
  end
  return part_of(self, take, self.images, index)
end

--- A data set with shifted copies of the samples after the samples themselves (copies.lua).
-- @treturn data.dataset
-- @usage local more <const> = faces.train:copied{shift = {0.1, 0}}
function Dataset:copied(given) return require("braid.data.copies")(self, given) end

--- A data set of the samples for which f(sample, i) is true. The sample has the fields of ds[i]. A
-- field is read when f uses it, so a picture is decoded only if f looks at it.
-- @treturn data.dataset
-- @usage local glad <const> = ds:filter(function(s) return s.smile == 1 end)
function Dataset:filter(f)
  check.value("filter", "the function that chooses samples", f, FUNCTION)
  return self:subset(samples.chosen(self, f))
end

--- Splits the samples in two data sets. The second has the fraction `share` of the samples, or
-- `share` samples if it is 1 or more: the last ones, or with a seed random ones. With `stratify`
-- they are drawn so that the classes of this label keep their proportions.
-- @treturn data.dataset
-- @treturn data.dataset
-- @usage local train <const>, val <const> = ds:split(0.1, {stratify = "pose", seed = 7})
function Dataset:split(share, given) return require("braid.data.split")(self, share, given) end

--- The same rows of a table, prepared with the means, deviations and classes of other rows. `by` is
-- the data set that has them, or the recipe in a network's card, net.card.preprocessing. Without
-- `by` they are computed from these rows.
-- @treturn data.dataset
-- @usage data.table{ {x = 1, y = 2}, {x = 3, y = 5} }.train:prepared()
function Dataset:prepared(by)
  local result <const> = part_of(self, all, self.images, self.index)
  named.prepare(result, by, Dataset)
  return result
end

--- A summary of the data, as a table that prints (stats.lua).
-- @usage print(ds:stats())
function Dataset:stats(given) return require("braid.data.stats")(self, given) end

return Dataset
