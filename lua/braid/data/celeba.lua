--- CelebA (Liu, Luo, Wang and Tang 2015), as published.
--
-- data.celeba(dir) -> {train =, val =, test =} after list_eval_partition.txt; without that
-- file {train = all}. The directory, or Anno, Eval and Img in it, holds some of
--   img_align_celeba/ or img_celeba/              the pictures; aligned = true or false
--                                                 chooses when there are both
--   list_attr_celeba.txt                          40 labels of two classes: 1 no, 2 yes
--   list_landmarks_align_celeba.txt, or list_landmarks_celeba.txt for pictures as found
--                                                 landmarks: left eye, right eye, nose, left
--                                                 and right mouth corner, as seen
--   list_bbox_celeba.txt                          boxes, for pictures as found
--   identity_CelebA.txt                           identity, from 1
-- What is absent is left out. All files must list the same pictures in the same order.
-- Pictures are read when they are asked for.

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local damage <const> = require "braid.data.damage"
local Dataset <const> = require "braid.data.dataset"
local listing <const> = require "braid.data.listing"

local fail <const> = damage.fail
local OPTIONS <const> = {aligned = check.none, channels = check.none}
local PLACES <const> = {"", "/Anno", "/Eval", "/Img"}
local SETS <const> = {"train", "val", "test"}

-- Whether something is there; a directory can be opened, too.
local function exists(path)
  local file <const> = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

-- dir/name, or dir/Anno/name and so on; nil when there is none.
local function find(dir, name)
  for _, inner in ipairs(PLACES) do
    local path <const> = dir .. inner .. "/" .. name
    if exists(path) then return path end
  end
end

-- A listing that has the same pictures as those before it, or nil.
local function read(state, name, columns, counted)
  local path <const> = find(state.dir, name)
  if not path then return nil end
  local t <const>, message <const> = listing.read(path, columns, counted)
  if not t then fail("%s", message) end
  if not state.first then state.first = t end
  local difference <const> = state.first ~= t and listing.differ(state.first, t)
  if difference then fail("%s", difference) end
  return t
end

-- Raises for the first row where `bad` (n) or (n,k) is true.
local function check_rows(t, bad, what)
  if not bad:any():item() then return end
  local rows <const> = bad:dim() > 1 and bad:any(2) or bad
  fail("%s:%d: %s", t.path, listing.first_bad(t, rows), what)
end

local function add_attributes(state)
  local t <const> = read(state, "list_attr_celeba.txt", nil, true)
  if not t then return end
  local v <const> = t.values
  check_rows(t, v:ne(1):logical_and(v:ne(-1)), "attributes are -1 and 1")
  local classes <const> = v:gt(0):to("uint8") + 1
  for i, name in ipairs(t.names) do
    if state.labels[name] or Dataset.taken[name] then
      fail("%s:2: '%s' cannot be the name of an attribute here", t.path, name)
    end
    state.labels[name] = classes[{ {}, i }]
    state.classes[name] = {"no", "yes"}
  end
end

local function add_landmarks(state)
  local name <const> = state.aligned and "list_landmarks_align_celeba.txt"
    or "list_landmarks_celeba.txt"
  local t <const> = read(state, name, 10, true)
  if t then state.labels.landmarks = t.values:reshape(-1, 5, 2) end
end

local function add_boxes(state)
  local t <const> = not state.aligned and read(state, "list_bbox_celeba.txt", 4, true)
  if not t then return end
  local corner <const>, size <const> = t.values[{ {}, {1, 2} }], t.values[{ {}, {3, 4} }]
  -- A few faces of the published file have boxes of no size: they count as missing.
  local empty <const> = size:le(0):any(2, {keepdim = true})
  local boxes <const> = core.ops.cat({corner, corner + size}, 2) - 0.5
  state.boxes = boxes:masked_fill(empty, 0 / 0)
end

local function add_identity(state)
  local t <const> = read(state, "identity_CelebA.txt", 1, false)
  if not t then return end
  local v <const> = t.values[{ {}, 1 }]
  check_rows(t, v:lt(1):logical_or(v:ne(v:floor())), "identities are whole numbers from 1")
  state.labels.identity = v:to("int64")
end

-- Numbers of the rows in each set, as a range where they follow one another.
local function add_partition(state)
  local t <const> = read(state, "list_eval_partition.txt", 1, false)
  if not t then return nil end
  local v <const> = t.values[{ {}, 1 }]
  check_rows(t, v:ne(0):logical_and(v:ne(1)):logical_and(v:ne(2)),
    "the parts are 0 (train), 1 (val) and 2 (test)")
  local rows <const> = { {}, {}, {} }
  for i, part in ipairs(v:to("uint8"):totable()) do table.insert(rows[part + 1], i) end
  return rows
end

local function find_pictures(state, given)
  for _, inner in ipairs(PLACES) do
    for _, aligned in ipairs{true, false} do
      local path <const> = state.dir .. inner .. (aligned and "/img_align_celeba" or "/img_celeba")
      if given ~= not aligned and not state.root and exists(path) then
        state.root, state.aligned = path, aligned
      end
    end
  end
  if not state.root then
    fail("%s: there is no %s in it", state.dir, given == nil and "img_align_celeba or img_celeba"
      or given and "img_align_celeba" or "img_celeba")
  end
end

local function load(dir, o)
  local state <const> = {dir = dir, labels = {}, classes = {}}
  find_pictures(state, o.aligned)
  add_attributes(state)
  add_landmarks(state)
  add_boxes(state)
  add_identity(state)
  local rows <const> = add_partition(state)
  if not state.first then fail("%s: there is no list_attr_celeba.txt in it, nor another", dir) end
  local all <const> = Dataset{files = state.first.paths, root = state.root,
    channels = o.channels, labels = state.labels, classes = state.classes, boxes = state.boxes}
  if not rows then return {train = all} end
  local sets <const> = {}
  for s, name in ipairs(SETS) do
    local list <const> = rows[s]
    local first <const>, last <const> = list[1], list[#list]
    if first and last - first + 1 == #list then
      sets[name] = all:subset(first, last)
    elseif first then
      sets[name] = all:subset(list)
    end
  end
  return sets
end

return function(dir, given)
  local o <const> = check.options("data.celeba", given, OPTIONS)
  if type(dir) ~= "string" then error("data.celeba: wants the directory of the data", 2) end
  return damage.caught(load, dir, o)
end
