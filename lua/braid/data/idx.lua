--- data.idx: reads the files of MNIST, Fashion-MNIST and EMNIST (IDX), packed by gzip or not.
--
-- data.idx(dir) -> {train =, test =}. The directory, or one in it, has train-images-idx3-ubyte and
-- train-labels-idx1-ubyte (or train-images.idx3-ubyte ...), and for the test set t10k-... or
-- test-... A file may end in .gz, or be in a folder of its name. `prefix` is the beginning of all
-- names (EMNIST: "emnist-letters-").
-- data.idx(images, labels) -> {train =} reads two files.
--
-- Label 0 of the files becomes class 1. from = 1 says that labels in the files count from 1, as in
-- EMNIST's letters. missing = 255 says that 255 marks a missing label. transposed = true mirrors
-- pictures at their diagonal, which EMNIST needs. `label` is the name of the label (class); classes
-- = {"zero", ...} names its classes.
-- http://yann.lecun.com/exdb/mnist/
-- @treturn {train: data.dataset, val?: data.dataset, test?: data.dataset}
-- @usage data.idx("idx").train[1]

local check <const> = require "braid.check"
local damage <const> = require "braid.data.damage"
local Dataset <const> = require "braid.data.dataset"
local files <const> = require "braid.io.files"
local idx <const> = require "braid.io.idx"
local places <const> = require "braid.data.places"

local fail <const> = damage.fail
local OPTIONS <const> = check.declare("data.idx", {
  images = check.argument(check.text()), labels = check.argument(check.optional(check.text())),
  from = check.whole(0), missing = check.whole(), label = check.text("class"),
  prefix = check.text(""), transposed = check.flag(false), classes = check.list{of = check.text()},
})
local DEEPEST <const> = 3

local function read(path)
  local text <const>, message <const> = files.read(path, "elements")
  if not text then fail("%s", message) end
  local t <const>, why <const> = idx.parse(text)
  if not t then fail("%s: %s", path, why) end
  return t
end

local function read_images(path, o)
  local t <const> = read(path)
  local n <const>, dimensions <const> = t.shape[1], t:dim()
  if t.dtype ~= "uint8" or dimensions < 3 or dimensions == 4 and t:size(4) ~= 3
    or t:numel() == 0 then
    fail("%s: pictures are uint8 (n, h, w) or (n, h, w, 3), not %s (%s)", path, t.dtype,
      table.concat(t.shape, ", "))
  end
  local rows = t:reshape(n, t:size(2), t:size(3), -1)
  if o.transposed then rows = rows:transpose(2, 3):contiguous() end
  return rows:permute(1, 4, 2, 3)
end

-- The position of the first label for which `bad` (n) is true.
local function first_of(bad)
  for i, is_bad in ipairs(bad:to("uint8"):totable()) do
    if is_bad == 1 then return i end
  end
end

-- Labels from 1, with 0 for a missing one.
local function read_labels(path, n, o)
  local t <const> = read(path)
  if t:dim() ~= 1 or t.dtype:find("^float") then
    fail("%s: labels are whole numbers (n), not %s (%s)", path, t.dtype,
      table.concat(t.shape, ", "))
  end
  if #t ~= n then fail("%s: %d labels for %d pictures", path, #t, n) end
  local given <const> = t:to("int64")
  local none <const> = o.missing and given:eq(o.missing) or given:ne(given)
  local classes <const> = given + (1 - o.from)
  local most <const> = o.classes and #o.classes or math.maxinteger
  local bad <const> = classes:lt(1):logical_or(classes:gt(most)):logical_and(none:logical_not())
  if bad:any():item() then
    local i <const> = first_of(bad)
    fail("%s: label %d is %d, not from %d%s (from = the first class, missing = the mark of a "
      .. "missing label)", path, i, given[i]:item(), o.from,
      o.classes and (" to %d"):format(o.from + most - 1) or "")
  end
  return classes:masked_fill(none, 0)
end

local function pair(images_path, labels_path, o)
  local images <const> = read_images(images_path, o)
  return Dataset{images = images, labels = {[o.label] = read_labels(labels_path, #images, o)},
    classes = {[o.label] = o.classes}, missing = 0}
end

-- The path of a file, or nil. The file may end in .gz, or be in a folder of its name.
local function existing(stem, kind)
  for _, mark in ipairs{"-", "."} do
    local path <const> = stem .. mark .. kind
    local inner <const> = path .. "/" .. path:match("[^/]*$")
    for _, candidate in ipairs{path, path .. ".gz", inner, inner .. ".gz"} do
      if places.kind(candidate) == "file" then return candidate end
    end
  end
end

-- The directory that has the files: dir itself, or one in it.
local function root_of(dir, o)
  local names <const> = {}
  for _, mark in ipairs{"-", "."} do
    for _, set in ipairs{"train", "t10k", "test"} do
      for _, ending in ipairs{"", ".gz"} do
        names[#names + 1] = ("%s%s-images%sidx3-ubyte%s"):format(o.prefix, set, mark, ending)
      end
    end
  end
  return places.find(dir, names, DEEPEST)
end

local function read_dir(dir, o)
  local root <const>, sets <const> = root_of(dir, o) or dir, {}
  for _, name in ipairs{"train", "t10k", "test"} do
    local stem <const> = ("%s/%s%s-"):format(root, o.prefix, name)
    local images <const>, labels <const> = existing(stem .. "images", "idx3-ubyte"),
      existing(stem .. "labels", "idx1-ubyte")
    if images and labels then
      sets[name == "train" and "train" or "test"] = pair(images, labels, o)
    elseif images or labels then
      fail("%s: there is no file of %s beside it", images or labels,
        images and "labels" or "pictures")
    end
  end
  if not next(sets) then
    places.absent(dir, ("there is no %strain-images-idx3-ubyte in it, with or without .gz"):format(
      o.prefix))
  end
  return sets
end

return damage.reader("data.idx", function(images, labels, given)
  if given == nil and type(labels) == "table" then labels, given = nil, labels end
  local o <const> = check.options(OPTIONS, given, {images = images, labels = labels})
  local path <const> = damage.path("data.idx", images,
    "a directory, or the files of pictures and labels")
  if labels ~= nil then
    return {train = pair(path, damage.path("data.idx", labels, "the file of labels"), o)}
  end
  if places.kind(path) == "file" then
    check.fail("data.idx: %s: this is a file: give the file of labels too, or the directory", path)
  end
  return read_dir(path, o)
end)
