--- Six faces as raw numbers, and their files in the format of every reader of landmarks.

local trees <const> = require "spec.support.reader_trees"
local data <const> = require("braid").data

local M <const> = {W = 80, H = 90} -- the size of reader_trees' pictures

local NAN <const> = 0 / 0

-- ---- faces as raw numbers -----------------------------------------------------------------

-- {points = {{x, y}, ...} from 0, box = {x0, y0, x1, y1}} for six faces. The third has no box,
-- and both eyes of the fourth are at one place. With `holes`, the fifth and the sixth each miss a
-- point of an eye.
function M.faces_of(count, eyes, holes)
  local faces <const> = {}
  for i = 1, 6 do
    local points <const> = {}
    for p = 1, count do
      points[p] = {22 + (37 * p + 11 * i * p) % 34, 26 + (23 * p + 5 * i * p * p) % 31}
    end
    faces[i] = {points = points, box = {15 - i, 13, 60 + i, 75 + i}}
  end
  faces[3].box = nil
  local function list(eye) return type(eye) == "table" and eye or {eye} end
  for _, eye in ipairs(eyes) do
    for _, p in ipairs(list(eye)) do faces[4].points[p] = {31, 40} end
  end
  if holes then
    faces[5].points[list(eyes[2])[1]] = {NAN, NAN}
    for p = 1, count do
      local of_eye = false
      for _, eye in ipairs(eyes) do
        for _, q in ipairs(list(eye)) do of_eye = of_eye or p == q end
      end
      if not of_eye then
        faces[6].points[p] = {NAN, NAN}
        break
      end
    end
  end
  return faces
end

-- ---- their files, reader by reader --------------------------------------------------------

-- All coordinates of a face as texts, each plus `shift`; `none` for a missing one.
local function words_of(face, shift, none)
  local words <const> = {}
  for _, p in ipairs(face.points) do
    for d = 1, 2 do
      words[#words + 1] = p[d] == p[d] and tostring(p[d] + shift) or none
    end
  end
  return words
end

local function name_of(i) return ("%06d.png"):format(i) end

local function with_pictures(faces, folder, tree)
  for i = 1, #faces do tree[folder .. name_of(i)] = "picture" end
  return tree
end

-- Rows of text, one for each face.
local function rows_of(faces, f)
  local rows <const> = {}
  for i, face in ipairs(faces) do rows[i] = f(i, face) end
  return table.concat(rows)
end

function M.mtfl_files(faces)
  local function rows(i, face)
    local w <const>, xs <const>, ys <const> = words_of(face, 1), {}, {}
    for k = 1, 9, 2 do xs[#xs + 1], ys[#ys + 1] = w[k], w[k + 1] end
    return ("%s %s %s 1 2 1 3\n"):format(name_of(i), table.concat(xs, " "), table.concat(ys, " "))
  end
  local boxes <const> = rows_of(faces, function(i, face)
    return face.box and ("%s %s\n"):format(name_of(i), table.concat(face.box, " ")) or ""
  end)
  local text <const> = rows_of(faces, rows)
  return with_pictures(faces, "", {["training.txt"] = text, ["testing.txt"] = text,
    ["boxes_training.txt"] = boxes, ["boxes_testing.txt"] = boxes})
end

function M.celeba_files(aligned)
  return function(faces)
    local folder <const> = aligned and "img_align_celeba/" or "img_celeba/"
    local list <const> = ("list_landmarks_%sceleba.txt"):format(aligned and "align_" or "")
    local head <const> = "6\n" .. ("a "):rep(10) .. "\n"
    return with_pictures(faces, folder, {
      [list] = head .. rows_of(faces, function(i, face)
        return ("%s %s\n"):format(name_of(i), table.concat(words_of(face, 0), " "))
      end),
      ["list_bbox_celeba.txt"] = "6\na b c d\n" .. rows_of(faces, function(i, face)
        local b <const> = face.box or {0, 0, 0, 0}
        return ("%s %d %d %d %d\n"):format(name_of(i), b[1], b[2], b[3] - b[1], b[4] - b[2])
      end),
    })
  end
end

function M.aflw_files(faces)
  local head <const> = trees.readers.aflw["aflw.csv"]:match("^[^\n]*\n")
  return with_pictures(faces, "flickr/", {["aflw.csv"] = head .. rows_of(faces, function(i, face)
    local b <const> = face.box or {0, 0, 0, 0}
    return ("%s,%d,%d,%d,%d,%s\n"):format(name_of(i), b[1], b[2], b[3] - b[1], b[4] - b[2],
      table.concat(words_of(face, 0, ""), ","))
  end)})
end

function M.pts_files(faces)
  local tree <const> = with_pictures(faces, "", {})
  for i, face in ipairs(faces) do
    local w <const>, lines <const> = words_of(face, 1, "nan"), {}
    for k = 1, #w, 2 do lines[#lines + 1] = w[k] .. " " .. w[k + 1] end
    tree[("%06d.pts"):format(i)] = ("n_points: %d\n{\n%s\n}\n"):format(#lines,
      table.concat(lines, "\n"))
  end
  return tree
end

function M.wflw_files(faces)
  local text <const> = rows_of(faces, function(i, face)
    return ("%s %s 0 0 0 0 0 0 %s\n"):format(table.concat(words_of(face, 0), " "),
      table.concat(face.box or {0, 0, M.W, M.H}, " "), name_of(i))
  end)
  return with_pictures(faces, "WFLW_images/", {["list_98pt_rect_attr_train.txt"] = text})
end

function M.cofw_files(faces)
  local function row(i, face)
    local w <const>, triples <const> = words_of(face, 1), {}
    for k = 1, #w, 2 do triples[#triples + 1] = w[k] .. " " .. w[k + 1] .. " 0" end
    return ("%s %s\n"):format(name_of(i), table.concat(triples, " "))
  end
  return with_pictures(faces, "", {["cofw_train.txt"] = rows_of(faces, row)})
end

function M.coco_files(faces)
  local images <const>, annotations <const> = {}, {}
  for i, face in ipairs(faces) do
    local b <const>, w <const>, triples <const> = face.box or {0, 0, M.W, M.H},
      words_of(face, 0, false), {}
    for k = 1, #w, 2 do
      triples[#triples + 1] = w[k] and ("%s, %s, 2"):format(w[k], w[k + 1]) or "0, 0, 0"
    end
    images[i] = ('{"id": %d, "file_name": "%s"}'):format(90 - i, name_of(i))
    annotations[i] = ('{"image_id": %d, "bbox": [%s, %s, %s, %s], "keypoints": [%s]}'):format(
      90 - i, b[1], b[2], b[3] - b[1], b[4] - b[2], table.concat(triples, ", "))
  end
  return with_pictures(faces, "train2017/", {["annotations/person_keypoints_train2017.json"] =
    ('{"images": [%s], "annotations": [%s]}'):format(table.concat(images, ", "),
      table.concat(annotations, ", "))})
end

function M.csv_files(faces)
  local names <const> = {"image", "x0", "y0", "x1", "y1"}
  for k = 1, 2 * #faces[1].points do names[#names + 1] = "p" .. k end
  return with_pictures(faces, "", {["t.csv"] = table.concat(names, ",") .. "\n"
    .. rows_of(faces, function(i, face)
      return ("%s,%s,%s\n"):format(name_of(i), face.box and table.concat(face.box, ",") or ",,,",
        table.concat(words_of(face, 0, ""), ","))
    end)})
end

function M.read_csv(count)
  return function(dir)
    local points <const> = {}
    for k = 1, 2 * count do points[k] = "p" .. k end
    return data.csv(dir .. "/t.csv", {points = {landmarks = points},
      box = {"x0", "y0", "x1", "y1"}}).train
  end
end

function M.jsonl_files(faces)
  return with_pictures(faces, "", {["t.jsonl"] = rows_of(faces, function(i, face)
    return ('{"image": "%s", "points": [%s]}\n'):format(name_of(i),
      table.concat(words_of(face, 0, "null"), ", "))
  end)})
end

-- How readers cut out a face: the middle, half the side, and the width of its box if it has one.
function M.whole() return (M.W - 1) / 2, (M.H - 1) / 2, math.max(M.W, M.H) / 2 end

function M.by_box(margin, shift)
  return function(face)
    local b <const> = face.box
    if not b then return M.whole() end
    return (b[1] + b[3]) / 2 - shift, (b[2] + b[4]) / 2 - shift,
      math.max(b[3] - b[1], b[4] - b[2]) / 2 * margin, b[3] - b[1]
  end
end

-- The same for readers whose faces always have a box: the whole picture if the file has no box.
local function boxed(shift)
  return function(face)
    return M.by_box(1, shift){box = face.box or {0, 0, M.W, M.H}}
  end
end

local function first(f, options)
  return function(dir) return f(dir, options).train end
end

local LEFT <const>, RIGHT <const> = {37, 38, 39, 40, 41, 42}, {43, 44, 45, 46, 47, 48}

-- knows: the reader knows which points are eyes; boxes: faces have boxes; holes: points may be
-- missing; all_boxed: the format has no face without a box.
M.READERS = {
  ["mtfl, 5 points"] = {n = 5, eyes = {1, 2}, knows = true, boxes = true, files = M.mtfl_files,
    read = function(dir) return data.mtfl(dir, {val = 1}).test end, frame = M.by_box(1.1, 0)},
  ["celeba aligned, 5 points"] = {n = 5, eyes = {1, 2}, knows = true, files = M.celeba_files(true),
    read = first(data.celeba), frame = M.whole},
  ["celeba as found, 5 points"] = {n = 5, eyes = {1, 2}, knows = true, boxes = true,
    files = M.celeba_files(false), read = first(data.celeba), frame = M.by_box(1, 0.5)},
  ["aflw, 21 points"] = {n = 21, eyes = {8, 11}, knows = true, boxes = true, holes = true,
    files = M.aflw_files, read = first(data.aflw), frame = M.by_box(1, 0)},
  ["pts, 68 points"] = {n = 68, eyes = {LEFT, RIGHT}, knows = true, holes = true,
    files = M.pts_files, read = first(data.pts), frame = M.whole},
  ["pts, 19 points"] = {n = 19, eyes = {{8, 9}, 11}, holes = true, files = M.pts_files,
    read = first(data.pts), frame = M.whole},
  ["wflw, 98 points"] = {n = 98, eyes = {61, 73}, knows = true, boxes = true,
    all_boxed = true, files = M.wflw_files, read = first(data.wflw), frame = boxed(0)},
  ["cofw, 29 points"] = {n = 29, eyes = {17, 18}, knows = true, files = M.cofw_files,
    read = first(data.cofw), frame = M.whole},
  ["coco, 17 points"] = {n = 17, eyes = {3, 2}, knows = true, boxes = true, holes = true,
    all_boxed = true, files = M.coco_files, read = first(data.coco), frame = boxed(0.5)},
  ["csv, 6 points"] = {n = 6, eyes = {5, 2}, boxes = true, holes = true, files = M.csv_files,
    read = M.read_csv(6), frame = M.by_box(1, 0)},
  ["csv, 2 points"] = {n = 2, eyes = {1, 2}, boxes = true, files = M.csv_files,
    read = M.read_csv(2), frame = M.by_box(1, 0)},
  ["jsonl, 98 points"] = {n = 98, eyes = {97, 98}, holes = true, files = M.jsonl_files,
    read = function(dir)
      return data.jsonl(dir .. "/t.jsonl", {points = {landmarks = "points"}}).train
    end, frame = M.whole},
}

function M.middle(points, eye)
  local x, y, n = 0, 0, 0
  for _, p in ipairs(type(eye) == "table" and eye or {eye}) do
    x, y, n = x + points[p][1], y + points[p][2], n + 1
  end
  return x / n, y / n
end

return M
