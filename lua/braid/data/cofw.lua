--- COFW: Caltech Occluded Faces in the Wild (Burgos-Artizzu, Perona and Dollar 2013), as lists.
--
-- data.cofw(dir) -> {train =, test =}, as far as there are lists. The directory, or one in it, has
-- cofw_train.txt and cofw_test.txt. A line has the path of a picture, relative to its list; x y w h
-- of the face's box, which all lines may leave out; and x, y and 1 or 0 for each of 29 points: 1 if
-- something hides the point. Pixels are counted from 1, as in MATLAB.
-- Labels: landmarks, 29 points (the eyes are the pupils, points 17 and 18); occlusion, the share of
-- points that are hidden; box_width. hidden = "missing" makes hidden points missing.
--
-- COFW is published as COFW_train_color.mat and COFW_test_color.mat. These are files of MATLAB 7.3,
-- HDF5, which Braid does not read. These lines of Python, with h5py and Pillow, make the lists:
--   import h5py, numpy as np; from PIL import Image
--   for part, end in ("train", "Tr"), ("test", "T"):
--       f = h5py.File(f"COFW_{part}_color.mat"); rows = open(f"cofw_{part}.txt", "w")
--       for i, ref in enumerate(f["Is" + end][0]):
--           Image.fromarray(np.array(f[ref]).T).save(f"{part}_{i + 1}.png")
--           p, b = f["phis" + end][:, i].reshape(3, 29).T.ravel(), f["bboxes" + end][:, i]
--           print(f"{part}_{i + 1}.png", *b, *p, file=rows)
--
-- The loader cuts out each face by its box; crop = "whole" shows the whole picture. size is the
-- side of the result in pixels, channels 1 or 3. orientation = false ignores the EXIF orientation.
-- @treturn {train: data.dataset, val?: data.dataset, test?: data.dataset}
-- @usage data.cofw("cofw").train

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local damage <const> = require "braid.data.damage"
local lines <const> = require "braid.data.lines"
local pictures <const> = require "braid.data.pictures"
local places <const> = require "braid.data.places"
local schemes <const> = require "braid.data.schemes"

local fail <const> = damage.fail
local OPTIONS <const> = check.declare("data.cofw", pictures.options{
  hidden = check.choice{"kept", "missing"}})
local DEEPEST <const>, POINTS <const>, NAN <const> = 2, 29, 0 / 0

-- Adds the points of a line, which are the numbers from v[first] on, to a list; returns how many of
-- them are hidden.
local function add_points(path, line, v, first, o, into)
  local count = 0
  for k = first, #v, 3 do
    local hidden <const> = v[k + 2]
    if hidden ~= 0 and hidden ~= 1 then
      fail("%s:%d: point %d: 1 for a hidden point, or 0, wanted, not %s", path, line[2],
        (k - first) // 3 + 1, tostring(hidden))
    end
    local left_out <const> = hidden == 1 and o.hidden == "missing"
    count = count + hidden
    into[#into + 1] = left_out and NAN or v[k] - 1
    into[#into + 1] = left_out and NAN or v[k + 1] - 1
  end
  return count
end

-- x y w h from 1 -> the box's corners, appended to a list.
local function add_box(path, line, v, into)
  local x <const>, y <const>, w <const>, h <const> = table.unpack(v, 1, 4)
  if w <= 0 or h <= 0 then
    fail("%s:%d: the box %s %s %s %s has no area", path, line[2], x, y, w, h)
  end
  table.move({x - 1.5, y - 1.5, x + w - 1.5, y + h - 1.5}, 1, 4, #into + 1, into)
end

-- Reads a list -> {paths =, lines =, points =, boxes =, occlusion =}.
local function read(path, o)
  local all <const> = {paths = {}, lines = {}, points = {}, boxes = {}, occlusion = {}}
  local rows <const>, width = lines.read(path), nil
  for i, line in ipairs(rows) do
    local _, words <const> = line[1]:gsub("%S+", "")
    width = width or (words >= 3 * POINTS + 5 and 4 or 0)
    local picture <const>, v <const> = lines.row(path, line, 3 * POINTS + width)
    all.paths[i], all.lines[i] = picture, line[2]
    if width == 4 then add_box(path, line, v, all.boxes) end
    all.occlusion[i] = add_points(path, line, v, width + 1, o, all.points) / POINTS
  end
  if #rows == 0 then fail("%s: there are no faces in it", path) end
  return all
end

local function make(dir, name, o)
  local list <const> = dir .. "/" .. name
  local all <const> = read(list, o)
  return pictures.dataset(o, {files = all.paths, root = dir,
    where = function(i) return ("%s:%d"):format(list, all.lines[i]) end,
    boxes = #all.boxes > 0 and core.from_table(all.boxes, "float32"):reshape(-1, 4) or nil,
    labels = {landmarks = core.from_table(all.points, "float32"):reshape(-1, POINTS, 2),
      occlusion = core.from_table(all.occlusion, "float32")},
    points = {landmarks = schemes.COFW}, missing = 0})
end

-- Says that there is no list; names the files of MATLAB that are there instead.
local function absent(top)
  for _, name in ipairs((places.list(top))) do
    if name:lower():find("^cofw.*%.mat$") then
      fail("%s/%s: it is HDF5 of MATLAB 7.3, which is not read here: make cofw_train.txt and "
        .. "pictures of it; help(data.cofw) has the lines of Python for that", top, name)
    end
  end
  places.absent(top, "there is no cofw_train.txt in it")
end

return damage.reader("data.cofw", function(path, given)
  local o <const> = check.options(OPTIONS, given)
  local top <const> = damage.path("data.cofw", path, "the directory of the data")
  local dir <const>, sets <const> = places.find(top, {"cofw_train.txt"}, DEEPEST), {}
  if not dir then absent(top) end
  for _, part in ipairs{"train", "test"} do
    local name <const> = ("cofw_%s.txt"):format(part)
    if places.kind(dir .. "/" .. name) then sets[part] = make(dir, name, o) end
  end
  return sets
end)
