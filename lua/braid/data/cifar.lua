--- What CIFAR-10 and CIFAR-100 share: records of so many label bytes and 3 planes of 32x32
-- bytes, red, green, blue.

local core <const> = require "braid.core"
local Dataset <const> = require "braid.data.dataset"
local files <const> = require "braid.io.files"

local SIDE <const> = 32
local PIXELS <const> = 3 * SIDE * SIDE

local M <const> = {}

-- The names of classes from a file, one a line; nil when there is no file.
local function names_of(path)
  local text <const> = files.read(path)
  if not text then return nil end
  local names <const> = {}
  for name in text:gmatch("[^\r\n]+") do names[#names + 1] = name end
  return names
end

-- uint8 (n, labels + pixels), or nil and a message.
local function records_of(path, width)
  local source <close>, message <const> = files.open(path)
  if not source then return nil, message end
  if source.size == 0 or source.size % width ~= 0 then
    return nil, ("%s: %d bytes are not a whole number of records of %d"):format(path, source.size,
      width)
  end
  local text <const>, at <const> = source:window(1, source.size)
  if not text then return nil, at end
  return core.from_packed(text, at, {source.size // width, width}, "uint8")
end

-- One of the labels (n), from 1; or nil and a message.
local function labels_of(path, records, column, task)
  local labels <const> = records[{ {}, column }]:to("int64") + 1
  if labels:max():item() > task.classes then
    for i, label in ipairs(labels:totable()) do
      if label > task.classes then
        return nil, ("%s: record %d: %s is %d, not from 0 to %d"):format(path, i, task.name,
          label - 1, task.classes - 1)
      end
    end
  end
  return labels
end

--- A data set from files, one after the other; or nil and a message.
-- @param tasks {{name =, classes = how many, names = file of their names}, ...} in the
--   order of the label bytes
function M.read(dir, names, tasks)
  local images <const>, columns <const>, labels <const>, classes <const> = {}, {}, {}, {}
  for c = 1, #tasks do columns[c] = {} end
  for f, name in ipairs(names) do
    local path <const> = dir .. "/" .. name
    local records <const>, message <const> = records_of(path, #tasks + PIXELS)
    if not records then return nil, message end
    for c, task in ipairs(tasks) do
      local column <const>, bad <const> = labels_of(path, records, c, task)
      if not column then return nil, bad end
      columns[c][f] = column
    end
    images[f] = records[{ {}, {#tasks + 1, #tasks + PIXELS} }]:reshape(-1, 3, SIDE, SIDE)
      :channels_last()
  end
  for c, task in ipairs(tasks) do
    labels[task.name] = core.ops.cat(columns[c], 1)
    classes[task.name] = names_of(dir .. "/" .. task.names)
  end
  local rows <const> = {}
  for f, batch in ipairs(images) do rows[f] = batch:permute(1, 3, 4, 2) end
  return Dataset{images = core.ops.cat(rows, 1):permute(1, 4, 2, 3), labels = labels,
    classes = classes}
end

--- The directory itself, or the one in it that the archive makes.
function M.root(dir, inner, name)
  for _, root in ipairs{dir, dir .. "/" .. inner} do
    local file <const> = io.open(root .. "/" .. name, "rb")
    if file then
      file:close()
      return root
    end
  end
  return nil, ("%s: there is no %s in it"):format(dir, name)
end

return M
