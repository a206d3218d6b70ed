--- CelebA (Liu, Luo, Wang and Tang 2015), as it was published or as others pack it.
--
-- data.celeba(dir) -> {train =, val =, test =} as list_eval_partition says; without that file
-- {train = all}. The directory, or folders in it (Anno, Eval, Img, celeba), has some of these:
--   img_align_celeba/, img_celeba/   the pictures, .jpg or .png: aligned, or as found (in the
--                                    wild). A folder with another name is known by its contents
--   list_attr_celeba                 40 labels of two classes: 1 no, 2 yes
--   list_landmarks_align_celeba      landmarks for aligned pictures: left eye, right eye, nose,
--                                    left and right mouth corner, as seen in the picture
--   list_landmarks_celeba            the same for pictures as found
--   list_bbox_celeba                 boxes for pictures as found; their width is label box_width
--   identity_CelebA                  identity, from 1
-- Each list is a .txt, or a .csv with a header. Labels without a list are left out. All lists must
-- have the same pictures in the same order.
--
-- Options: aligned = true or false chooses if both kinds of pictures are there. check = true opens
-- all pictures beforehand; pictures that are missing or cannot be read are left out and counted
-- (train.unreadable, first_unreadable). Otherwise pictures are read when they are needed. from = 0:
-- attributes are 0 and 1, not -1 and 1. missing = 0: a 0 marks a missing attribute. size is the
-- side of a loader's pictures, channels 1 or 3. crop = "whole" shows the whole of pictures with
-- boxes. orientation = false ignores the EXIF orientation of pictures (dataset.lua).
-- @treturn {train: data.dataset, val?: data.dataset, test?: data.dataset}
-- @usage data.celeba("celeba").train

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local damage <const> = require "braid.data.damage"
local Dataset <const> = require "braid.data.dataset"
local listing <const> = require "braid.data.listing"
local pictures <const> = require "braid.data.pictures"
local places <const> = require "braid.data.places"
local schemes <const> = require "braid.data.schemes"

local fail <const> = damage.fail
local OPTIONS <const> = check.declare("data.celeba", pictures.options{aligned = check.flag(),
  from = check.whole(), missing = check.whole(), check = check.flag(false)})
local SETS <const> = {"train", "val", "test"}
local PICTURES <const> = {jpg = true, jpeg = true, png = true}
local ALIGNED_W <const>, ALIGNED_H <const> = 178, 218

-- Reads a list, which must have the same pictures as the lists before it; nil if it is not there.
local function read(state, name, columns, counted)
  local path <const> = state.lists[name:lower()]
  if not path then return nil end
  local t <const> = listing.read(path, columns, counted)
  if not state.first then state.first = t end
  local difference <const> = state.first ~= t and listing.differ(state.first, t)
  if difference then fail("%s", difference) end
  return t
end

-- Raises an error for the first row where `bad` (n) or (n,k) is true.
local function check_rows(t, bad, what)
  if not bad:any():item() then return end
  local rows <const> = bad:dim() > 1 and bad:any(2) or bad
  fail("%s:%d: %s", t.path, listing.first_bad(t, rows), what)
end

local function add_attributes(state, o)
  local t <const> = read(state, "list_attr_celeba", nil, true)
  if not t then return end
  local scope <close> = core.scope() -- intermediate results are as large as the file
  local v <const>, no <const> = t.values, o.from or -1
  local yes <const> = o.from and no + 1 or 1
  local none <const> = o.missing and v:eq(o.missing) or v:ne(v)
  check_rows(t, v:ne(yes):logical_and(v:ne(no)):logical_and(none:logical_not()),
    ("attributes are %d and %d (from = 0: they are 0 and 1; missing = 0: 0 marks a missing one)")
      :format(no, yes))
  local classes <const> = core.keep((v:eq(yes):to("uint8") + 1):masked_fill(none, 0))
  scope:close()
  for i, name in ipairs(t.names) do
    if state.labels[name] or Dataset.taken[name] then
      fail("%s:%d: '%s' cannot be the name of an attribute here", t.path, t.first - 1, name)
    end
    state.labels[name] = classes[{ {}, i }]
    state.classes[name] = {"no", "yes"}
  end
end

local function add_landmarks(state)
  local t <const> = read(state, state.aligned and "list_landmarks_align_celeba"
    or "list_landmarks_celeba", 10, true)
  if t then state.labels.landmarks = t.values:reshape(-1, 5, 2) end
end

local function add_boxes(state)
  local t <const> = not state.aligned and read(state, "list_bbox_celeba", 4, true)
  if not t then return end
  local corner <const>, size <const> = t.values[{ {}, {1, 2} }], t.values[{ {}, {3, 4} }]
  -- A few faces of the published file have boxes without area, which count as missing.
  local empty <const> = size:le(0):any(2, {keepdim = true})
  local boxes <const> = core.ops.cat({corner, corner + size}, 2) - 0.5
  state.boxes = boxes:masked_fill(empty, 0 / 0)
end

local function add_identity(state)
  local t <const> = read(state, "identity_CelebA", 1, false)
  if not t then return end
  local v <const> = t.values[{ {}, 1 }]
  check_rows(t, v:lt(1):logical_or(v:ne(v:floor())), "identities are whole numbers from 1")
  state.labels.identity = v:to("int64")
end

-- The part (0, 1, 2) of each row, or nil.
local function add_partition(state)
  local t <const> = read(state, "list_eval_partition", 1, false)
  if not t then return nil end
  local v <const> = t.values[{ {}, 1 }]
  check_rows(t, v:ne(0):logical_and(v:ne(1)):logical_and(v:ne(2)),
    "the parts are 0 (train), 1 (val) and 2 (test)")
  return v:to("uint8"):totable()
end

-- ---- finding the files --------------------------------------------------------------------

-- Finds lists, by name without ending, and folders with pictures: {path, first = the first name,
-- pictures = names}.
local function look(dir)
  local lists <const>, folders <const> = {}, {}
  places.walk(dir, function(folder, names)
    local path <const>, found <const> = dir .. "/" .. folder, {pictures = {}}
    for _, name in ipairs(names) do
      local ending <const> = name:match("%.(%w+)$")
      if ending and PICTURES[ending:lower()] then
        found.pictures[#found.pictures + 1] = name
        if not found.first or name < found.first then found.first = name end
      elseif ending == "txt" or ending == "csv" then
        local stem <const> = name:sub(1, -5):lower()
        if stem:find("celeba$") or stem == "list_eval_partition" then
          lists[stem] = lists[stem] or path .. name
        end
      end
    end
    found.path = path:sub(1, -2)
    if found.first then folders[#folders + 1] = found end
  end, true)
  return lists, folders
end

-- Whether the pictures of a folder are aligned. The name of the folder or of the one above decides;
-- otherwise the size of its first picture, and then the lists that exist.
local function is_aligned(folder, lists)
  local name <const> = folder.path:match("[^/]*$"):lower()
  local above <const> = folder.path:lower():match("([^/]*)/[^/]*$") or ""
  for _, word in ipairs{name, above} do
    if word:find("align") then return true end
    if word:find("img_celeba") or word:find("wild") then return false end
  end
  local h <const>, w <const> = core.image_probe(folder.path .. "/" .. folder.first)
  if h == ALIGNED_H and w == ALIGNED_W then return true end
  return not (lists["list_landmarks_celeba"] and not lists["list_landmarks_align_celeba"])
end

local function stem_of(name) return name:match("^(.*)%.%w+$") or name end

-- The pictures of a folder by their names without ending.
local function by_stem(folder)
  local files <const> = {}
  for _, name in ipairs(folder.pictures) do files[stem_of(name)] = name end
  return files
end

-- The folder of the wanted kind. If both kinds exist, aligned pictures are preferred.
local function choose(dir, folders, lists, wanted)
  local best
  for _, folder in ipairs(folders) do
    local aligned <const> = is_aligned(folder, lists)
    if wanted == nil or aligned == wanted then
      local better <const> = not best or aligned and not best.aligned
        or aligned == best.aligned and #folder.pictures > #best.pictures
      folder.aligned = aligned
      if better then best = folder end
    end
  end
  if best then return best end
  local names <const> = wanted == nil and "img_align_celeba or img_celeba"
    or wanted and "img_align_celeba" or "img_celeba"
  places.absent(dir, ("there is no %s in it"):format(names))
end

-- Whether the first, the middle and the last of the listed pictures are in a folder.
local function as_listed(paths, folder)
  for _, i in ipairs{1, #paths // 2 + 1, #paths} do
    if places.kind(folder.path .. "/" .. paths:at(i)) ~= "file" then return false end
  end
  return true
end

-- The name of each row's picture file. In the folder it may have another ending than in the list,
-- such as .png.
local function names_of(state, folder)
  local paths <const>, names <const>, found = state.first.paths, {}, false
  if as_listed(paths, folder) then return paths end
  local files <const>, usual <const> = by_stem(folder), folder.first:match("%.%w+$")
  for i, name in paths:each() do
    local file <const> = files[stem_of(name)]
    names[i], found = file or stem_of(name) .. usual, found or file ~= nil
  end
  if not found then
    fail("%s: none of the pictures that %s lists is in it", folder.path, state.first.path)
  end
  return names
end

local function sets_of(all, parts, rows)
  if not parts then return {train = all} end
  local lists <const>, sets <const> = { {}, {}, {} }, {}
  for i = 1, #all do table.insert(lists[parts[rows and rows[i] or i] + 1], i) end
  for s, name in ipairs(SETS) do
    local list <const> = lists[s]
    local first <const>, last <const> = list[1], list[#list]
    if first and last - first + 1 == #list then
      sets[name] = all:subset(first, last)
    elseif first then
      sets[name] = all:subset(list)
    end
  end
  return sets
end

return damage.reader("data.celeba", function(given_dir, given)
  local o <const> = check.options(OPTIONS, given)
  local dir <const> = damage.path("data.celeba", given_dir, "the directory of the data")
  local lists <const>, folders <const> = look(dir)
  local folder <const> = choose(dir, folders, lists, o.aligned)
  local state <const> = {lists = lists, labels = {}, classes = {}, aligned = folder.aligned}
  add_attributes(state, o)
  add_landmarks(state)
  add_boxes(state)
  add_identity(state)
  local parts <const> = add_partition(state)
  if not state.first then
    places.absent(dir, "there is no list_attr_celeba.txt in it, nor another")
  end
  local list <const> = state.first
  pictures.check_inside(list.paths, function(i)
    return ("%s:%d"):format(list.path, list.first + i - 1)
  end)
  local all = pictures.dataset(o, {files = names_of(state, folder), root = folder.path,
    labels = state.labels, classes = state.classes, boxes = state.boxes,
    points = {landmarks = schemes.FIVE}, missing = 0})
  if not o.check then return sets_of(all, parts) end
  local rows <const>, absent <const>, first <const> = pictures.readable(all)
  if #rows == 0 then fail("%s: none of its pictures can be read: %s", folder.path, first) end
  if absent > 0 then all = all:subset(rows) end
  local sets <const> = sets_of(all, parts, rows)
  for _, set in pairs(sets) do set.unreadable, set.first_unreadable = absent, first end
  return sets
end)
