--- The pictures that net:predict is asked about, as data sets.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local Dataset <const> = require "braid.data.dataset"

local M <const> = {}

local ENDINGS <const> = {png = true, jpg = true, jpeg = true}

local function fail(...) check.fail("predict: " .. (...), select(2, ...)) end

-- Adds the pictures of a directory, in the order of their names.
local function add_directory(items, dir)
  local before <const> = #items
  for _, name in ipairs(core.list_folder(dir) or {}) do
    local ending <const> = (name:match("%.(%w+)$") or ""):lower()
    if ENDINGS[ending] then items[#items + 1] = dir .. "/" .. name end
  end
  if #items == before then fail("there is no .png, .jpg or .jpeg file in %s", dir) end
  table.sort(items, function(a, b) return a < b end)
end

local function add_tensor(items, t)
  if t.dtype ~= "uint8" then
    fail("a picture is a tensor of bytes from 0 to 255, not of %s; x:to(\"uint8\") makes bytes",
      t.dtype)
  end
  local dims <const> = t:dim()
  if dims == 2 then t = t:unsqueeze(1) end
  if dims == 4 then
    for i = 1, t:size(1) do add_tensor(items, t[i]) end
    return
  end
  if t:dim() ~= 3 or t:size(1) ~= 1 and t:size(1) ~= 3 then
    fail("a picture is (h, w), (1, h, w) or (3, h, w), and several are (n, 1 or 3, h, w), not (%s)",
      table.concat(t.shape, ", "))
  end
  items[#items + 1] = t
end

--- A list of paths and tensors (c,h,w), and whether the user asked about only one picture.
function M.listed(given)
  local items <const> = {}
  local function add(item)
    if core.is_tensor(item) then return add_tensor(items, item) end
    if type(item) ~= "string" then
      fail("a picture is the path of a file or a tensor of bytes, not %s", check.shown(item))
    end
    if core.path_kind(item) == "directory" then
      local own <const> = {}
      add_directory(own, item)
      table.move(own, 1, #own, #items + 1, items)
    else
      items[#items + 1] = item
    end
  end
  if type(given) == "table" and getmetatable(given) == nil then
    for _, item in ipairs(given) do add(item) end
    if #items == 0 then fail("there is no picture") end
    return items, false
  end
  add(given)
  return items, type(given) == "string" and items[1] == given
    or core.is_tensor(given) and given:dim() < 4
end

-- Numbers as a box x0, y0, x1, y1.
local function box_of(value)
  for i = 1, 4 do
    local x <const> = value[i]
    if type(x) ~= "number" or x ~= x or math.abs(x) > 1e7 then
      fail("boxes: a box is {x0, y0, x1, y1} in pixels, not %s", check.shown(value))
    end
  end
  if #value ~= 4 or value[3] <= value[1] or value[4] <= value[2] then
    fail("boxes: a box is {x0, y0, x1, y1} with x0 < x1 and y0 < y1, not {%s}",
      table.concat(value, ", "))
  end
  return value
end

-- The boxes of one picture, as a list.
local function boxes_of(value)
  if core.is_tensor(value) then value = value:totable() end
  if type(value) ~= "table" then
    fail("boxes: a picture's boxes are a list of {x0, y0, x1, y1}, not %s", check.shown(value))
  end
  if type(value[1]) == "number" then return {box_of(value)} end
  local list <const> = {}
  for i, box in ipairs(value) do
    list[i] = box_of(core.is_tensor(box) and box:totable() or box)
  end
  return list
end

--- The boxes of each picture: one list for each, or nil without boxes.
function M.boxes(given, count, alone)
  if given == nil then return nil end
  if alone then return {boxes_of(given)} end
  if type(given) ~= "table" or #given ~= count then
    fail("boxes: wants a list for each of the %d pictures, and has %s", count,
      type(given) == "table" and #given or check.shown(given))
  end
  local lists <const> = {}
  for i, each in ipairs(given) do lists[i] = boxes_of(each) end
  return lists
end

--- A picture as uint8 (c,h,w).
function M.read(item)
  if core.is_tensor(item) then return item end
  local image <const>, why <const> = core.image_read(item, 3)
  if not image then fail("%s", why) end
  return image
end

-- The samples of the pictures first .. last, which are all paths or one tensor. Adds a fact about
-- each sample to `facts`.
local function set_of(items, first, last, boxes, facts)
  local index <const>, rows <const> = {}, {}
  for i = first, last do
    local image <const> = M.read(items[i])
    local path <const> = type(items[i]) == "string" and items[i] or nil
    for _, box in ipairs(boxes and boxes[i] or {false}) do
      index[#index + 1], rows[#rows + 1] = i - first + 1, box or {0 / 0, 0 / 0, 0 / 0, 0 / 0}
      facts[#facts + 1] = {path = path, number = i, height = image:size(2), width = image:size(3),
        box = box or nil}
    end
  end
  if #index == 0 then return nil end
  local own <const> = {index = core.from_table(index, "int64"),
    boxes = boxes and core.from_table(rows, "float32")}
  if core.is_tensor(items[first]) then
    own.images = items[first]:unsqueeze(1)
  else
    own.files = table.move(items, first, last, 1, {})
  end
  return Dataset(own)
end

--- The pictures as data sets: paths that follow each other are one set, and a tensor is a set by
-- itself. -> a list of sets; for all samples in order {path =, number =, height =, width =, box =}
function M.sets(items, boxes)
  local sets <const>, facts <const>, first = {}, {}, 1
  while first <= #items do
    local last = first
    local paths <const> = type(items[first]) == "string"
    while paths and type(items[last + 1]) == "string" do last = last + 1 end
    sets[#sets + 1] = set_of(items, first, last, boxes, facts)
    first = last + 1
  end
  return sets, facts
end

--- Whether a value is a data set of pictures.
function M.is_set(value)
  if not class.is_a(value, Dataset) then return false end
  if not value:has_pictures() then
    fail("this data set has rows and no pictures, and the network was trained on pictures")
  end
  return true
end

--- The facts about the samples of a data set.
function M.facts(ds)
  local list <const> = {}
  for i = 1, #ds do
    local box <const> = ds:box(i)
    list[i] = {path = ds:path(i), number = i, box = box and box:totable() or nil}
  end
  return list
end

return M
