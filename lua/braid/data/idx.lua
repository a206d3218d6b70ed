--- IDX: the files of MNIST, Fashion-MNIST and EMNIST, packed by gzip or not.
--
-- data.idx(dir) -> {train =, test =}: the directory holds train-images-idx3-ubyte and
-- train-labels-idx1-ubyte, and the same with t10k or test, each perhaps with .gz. `prefix`
-- stands before the names (EMNIST: "emnist-letters-").
-- data.idx(images, labels) -> {train =}: two files.
--
-- Label 0 of the files is class 1; first = 1 says that they count from 1 themselves, as
-- EMNIST's letters do. transposed = true turns pictures about their diagonal, as EMNIST's
-- have to be. The label is called `class`, or what `label` says.
-- http://yann.lecun.com/exdb/mnist/

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local Dataset <const> = require "braid.data.dataset"
local files <const> = require "braid.io.files"
local gzip <const> = require "braid.io.gzip"

local OPTIONS <const> = {
  first = 0, label = "class", prefix = "", transposed = false, classes = check.none,
}
local TYPES <const> = {
  [0x08] = {"uint8", 1}, [0x09] = {"int8", 1}, [0x0B] = {"int16", 2}, [0x0C] = {"int32", 4},
  [0x0D] = {"float32", 4}, [0x0E] = {"float64", 8},
}
local MOST_DIMENSIONS <const>, MOST_BYTES <const> = 4, 1 << 40

-- What the first bytes say: type, sizes, where values start, and where they end.
local function header_of(text)
  if #text < 4 then return nil, "it ends before it should" end
  local zero <const>, code <const>, dimensions <const> = string.unpack(">I2I1I1", text)
  local kind <const> = TYPES[code]
  if zero ~= 0 or not kind or dimensions < 1 or dimensions > MOST_DIMENSIONS then
    return nil, "it is no IDX file"
  end
  local start <const> = 4 + 4 * dimensions
  if #text < start then return nil, "it ends before it should" end
  local sizes <const>, bytes = {}, kind[2]
  for d = 1, dimensions do
    sizes[d] = string.unpack(">I4", text, 4 * d + 1)
    if sizes[d] > 0 and bytes > MOST_BYTES // sizes[d] then
      return nil, "its sizes are impossible"
    end
    bytes = bytes * sizes[d]
  end
  return {dtype = kind[1], sizes = sizes, start = start, finish = start + bytes}
end

local function check_size(head, size)
  if size == head.finish then return true end
  return nil, ("values of (%s) end at byte %d, but it has %d"):format(
    table.concat(head.sizes, ", "), head.finish, size)
end

-- A tensor of a text, or nil and what is wrong with it. The sizes are compared before
-- anything is unpacked.
local function parse(text)
  local bytes = text
  if gzip.is(text) then
    local why
    local found <const>, message <const> = gzip.open(text)
    if not found then return nil, message end
    bytes, why = gzip.start(text, found, 4 + 4 * MOST_DIMENSIONS)
    if not bytes then return nil, why end
    local head, bad = header_of(bytes)
    if head then head, bad = check_size(head, found.size) end
    if not head then return nil, bad end
    bytes, why = gzip.read(text, found)
    if not bytes then return nil, why end
  end
  local head <const>, message <const> = header_of(bytes)
  if not head then return nil, message end
  local fits <const>, bad <const> = check_size(head, #bytes)
  if not fits then return nil, bad end
  return core.from_packed(bytes, head.start + 1, head.sizes, head.dtype, true)
end

local function read(path)
  local text <const>, message <const> = files.read(path)
  if not text then return nil, message end
  local t <const>, why <const> = parse(text)
  if not t then return nil, ("%s: %s"):format(path, why) end
  return t
end

local function read_images(path, o)
  local t <const>, message <const> = read(path)
  if not t then return nil, message end
  local n <const>, dimensions <const> = t.shape[1], t:dim()
  if t.dtype ~= "uint8" or dimensions < 3 or dimensions == 4 and t:size(4) ~= 3
    or t:numel() == 0 then
    return nil, ("%s: pictures are uint8 (n, h, w) or (n, h, w, 3), not %s (%s)"):format(path,
      t.dtype, table.concat(t.shape, ", "))
  end
  local rows = t:reshape(n, t:size(2), t:size(3), -1)
  if o.transposed then rows = rows:transpose(2, 3):contiguous() end
  return rows:permute(1, 4, 2, 3)
end

local function read_labels(path, n, o)
  local t <const>, message <const> = read(path)
  if not t then return nil, message end
  if t:dim() ~= 1 or t.dtype:find("^float") then
    return nil, ("%s: labels are whole numbers (n), not %s (%s)"):format(path, t.dtype,
      table.concat(t.shape, ", "))
  end
  if #t ~= n then return nil, ("%s: %d labels for %d pictures"):format(path, #t, n) end
  local labels <const> = t:to("int64") + (1 - o.first)
  local least <const> = labels:min():item()
  if least < 1 then
    return nil, ("%s: label %d is below the first, %d"):format(path, least + o.first - 1, o.first)
  end
  return labels
end

local function pair(images_path, labels_path, o)
  local images <const>, bad_images <const> = read_images(images_path, o)
  if not images then return nil, bad_images end
  local labels <const>, bad_labels <const> = read_labels(labels_path, #images, o)
  if not labels then return nil, bad_labels end
  return Dataset{images = images, labels = {[o.label] = labels},
    classes = {[o.label] = o.classes}}
end

-- The path of a file that may end in .gz, or nil.
local function existing(stem)
  for _, path in ipairs{stem, stem .. ".gz"} do
    local file <const> = io.open(path, "rb")
    if file then
      file:close()
      return path
    end
  end
end

local function read_dir(dir, o)
  local sets <const> = {}
  for _, name in ipairs{"train", "t10k", "test"} do
    local stem <const> = ("%s/%s%s-"):format(dir, o.prefix, name)
    local images <const>, labels <const> = existing(stem .. "images-idx3-ubyte"),
      existing(stem .. "labels-idx1-ubyte")
    if images and labels then
      local set <const>, message <const> = pair(images, labels, o)
      if not set then return nil, message end
      sets[name == "train" and "train" or "test"] = set
    elseif images or labels then
      return nil, ("%s: there is no file of %s beside it"):format(images or labels,
        images and "labels" or "pictures")
    end
  end
  if not next(sets) then
    return nil, ("%s: there is no %strain-images-idx3-ubyte in it, nor such with .gz"):format(dir,
      o.prefix)
  end
  return sets
end

return function(images, labels, given)
  if type(labels) == "table" then labels, given = nil, labels end
  local o <const> = check.options("data.idx", given, OPTIONS)
  if type(images) ~= "string" then
    error("data.idx: wants a directory, or the files of pictures and labels", 2)
  end
  if not labels then return read_dir(images, o) end
  local set <const>, message <const> = pair(images, labels, o)
  if not set then return nil, message end
  return {train = set}
end
