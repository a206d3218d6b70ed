--- WFLW: Wider Facial Landmarks in the Wild (Wu, Qian, Yang, Wang, Cai and Zhou 2018).
--
-- data.wflw(dir) -> {train =, test =}, as far as there are lists. The directory, or folders in it,
-- has list_98pt_rect_attr_train.txt and list_98pt_rect_attr_test.txt, as published. Pictures are in
-- WFLW_images, in images, or beside the lists. A line has x and y of 98 points, the rectangle x0 y0
-- x1 y1, six attributes of 0 or 1, and the path of the picture. A sample is a face.
-- Labels: landmarks, 98 points (as in the publication's measure, the eyes are their outer corners,
-- points 61 and 73); pose, expression, illumination, makeup, occlusion and blur with classes;
-- box_width. Decision: points count pixels from 0.
-- The loader cuts out each face by its rectangle; crop = "whole" shows the whole picture. size is
-- the side of the result in pixels, channels 1 or 3. orientation = false ignores the EXIF
-- orientation.
-- @treturn {train: data.dataset, val?: data.dataset, test?: data.dataset}
-- @usage data.wflw("wflw").train

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local damage <const> = require "braid.data.damage"
local lines <const> = require "braid.data.lines"
local pictures <const> = require "braid.data.pictures"
local places <const> = require "braid.data.places"
local schemes <const> = require "braid.data.schemes"

local fail <const> = damage.fail
local OPTIONS <const> = check.declare("data.wflw", pictures.options{})
local NAME <const>, DEEPEST <const> = "list_98pt_rect_attr_%s.txt", 3
local POINTS <const> = 98
-- The attributes in their order, with the names of 0 and 1.
local ATTRIBUTES <const> = {"pose", "expression", "illumination", "makeup", "occlusion", "blur"}
local CLASSES <const> = {pose = {"usual", "large"}, expression = {"usual", "exaggerated"},
  illumination = {"usual", "extreme"}, makeup = {"no", "yes"}, occlusion = {"no", "yes"},
  blur = {"no", "yes"}}

-- Reads a list -> {paths =, lines =, points =, boxes =, labels =}.
local function read(path)
  local all <const> = {paths = {}, lines = {}, points = {}, boxes = {}, labels = {}}
  for _, name in ipairs(ATTRIBUTES) do all.labels[name] = {} end
  for i, line in ipairs(lines.read(path)) do
    local picture <const>, v <const> = lines.row(path, line, 2 * POINTS + 4 + #ATTRIBUTES, true)
    all.paths[i], all.lines[i] = picture, line[2]
    table.move(v, 1, 2 * POINTS, #all.points + 1, all.points)
    local x0 <const>, y0 <const>, x1 <const>, y1 <const> =
      table.unpack(v, 2 * POINTS + 1, 2 * POINTS + 4)
    if x1 <= x0 or y1 <= y0 then
      fail("%s:%d: the rectangle %s %s %s %s has no area", path, line[2], x0, y0, x1, y1)
    end
    table.move({x0, y0, x1, y1}, 1, 4, #all.boxes + 1, all.boxes)
    for k, name in ipairs(ATTRIBUTES) do
      all.labels[name][i] = lines.class(path, line, name, v[2 * POINTS + 4 + k], CLASSES[name])
    end
  end
  if #all.paths == 0 then fail("%s: there are no faces in it", path) end
  return all
end

local function make(top, dir, part, o)
  local list <const> = dir .. "/" .. NAME:format(part)
  local all <const>, labels <const> = read(list), {}
  for name, column in pairs(all.labels) do labels[name] = core.from_table(column, "int64") end
  labels.landmarks = core.from_table(all.points, "float32"):reshape(-1, POINTS, 2)
  return pictures.dataset(o, {files = all.paths,
    root = places.root({top, dir}, {"/WFLW_images", "/images", ""}, all.paths[1]),
    where = function(i) return ("%s:%d"):format(list, all.lines[i]) end,
    boxes = core.from_table(all.boxes, "float32"):reshape(-1, 4), labels = labels,
    points = {landmarks = schemes.WFLW}, classes = CLASSES, missing = 0})
end

return damage.reader("data.wflw", function(path, given)
  local o <const> = check.options(OPTIONS, given)
  local top <const> = damage.path("data.wflw", path, "the directory of the data")
  local sets <const> = {}
  for _, part in ipairs{"train", "test"} do
    local dir <const> = places.find(top, {NAME:format(part)}, DEEPEST)
    -- As published, the lists are in a folder, and the folder of pictures is beside it.
    local above <const> = dir and places.find(top, {"WFLW_images", "images"}, 1) or top
    if dir then sets[part] = make(above, dir, part, o) end
  end
  if not sets.train then
    places.list(top)
    places.absent(top, ("there is no %s in it"):format(NAME:format("train")))
  end
  return sets
end)
