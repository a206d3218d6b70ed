--- Tests the readers of published lists: WFLW, COFW, COCO, UTKFace, 300-W, and CelebA in the
-- folders that torchvision makes. The pictures are rendered faces, and the points are shapes of
-- known symmetry.

local braid <const> = require "braid"
local eyes_of <const> = require "braid.data.eyes"
local schemes <const> = require "braid.data.schemes"
local shapes <const> = require "spec.support.shapes"
local shell <const> = require "spec.support.shell"
local trees <const> = require "spec.support.reader_trees"
local data <const>, mtl <const> = braid.data, braid.mtl

local SIDE <const> = 64
local FACES <const> = data.faces{n = 4, size = SIDE, val = 1, test = 1}.train

-- ---- schemes --------------------------------------------------------------------------------

local FLAT <const> = {FIVE = function()
  return { {-0.4, -0.3}, {0.4, -0.3}, {0, 0.1}, {-0.3, 0.5}, {0.3, 0.5} }
end, MULTI_PIE = shapes.multi_pie, WFLW = shapes.wflw, COFW = shapes.cofw, COCO = shapes.coco}

describe("the scheme of points", function()
  for name, scheme in pairs(schemes) do
    if type(scheme) == "table" and scheme.flip then
      local shape <const> = FLAT[name]()

      it(name .. " has in flip the point that replaces each point in a mirror image", function()
        assert.equal(#shape, #scheme.flip)
        for p, other in ipairs(scheme.flip) do
          assert.equal(p, scheme.flip[other])
          assert.near(-shape[other][1], shape[p][1], 1e-9, "point " .. p)
          assert.near(shape[other][2], shape[p][2], 1e-9, "point " .. p)
        end
      end)

      it(name .. " has in eyes the points of the left eye, then those of the right", function()
        assert.is_nil(eyes_of.wrong(scheme.eyes, #shape))
        local t <const> = braid.tensor{shape}
        local left <const>, right <const> = eyes_of.middle(t, scheme.eyes[1]):totable()[1],
          eyes_of.middle(t, scheme.eyes[2]):totable()[1]
        assert.is_true(left[1] < 0)
        assert.near(-left[1], right[1], 1e-6)
        assert.near(left[2], right[2], 1e-6)
      end)
    end
  end
end)

-- ---- fixtures: pictures of rendered faces, points of known shapes -------------------------------

-- The points of picture i in pixels from 0: a shape around the middle of that face's five points.
local function points_of(shape, i)
  local own <const> = FACES.labels.landmarks[i]:totable()
  local x, y = 0, 0
  for _, p in ipairs(own) do x, y = x + p[1] / #own, y + p[2] / #own end
  local points <const> = {}
  for k, p in ipairs(shape) do
    points[k] = {math.floor(4 * (x + 12 * p[1])) / 4, math.floor(4 * (y + 12 * p[2])) / 4}
  end
  return points
end

local function save(dir, name, i)
  os.execute("mkdir -p " .. shell.quote(dir .. "/" .. (name:match("^(.*)/") or "")))
  assert(braid.save(dir .. "/" .. name, FACES.images[i]) ~= false)
end

local function words(points, shift, more)
  local list <const> = {}
  for _, p in ipairs(points) do
    list[#list + 1] = ("%g %g%s"):format(p[1] + shift, p[2] + shift, more or "")
  end
  return table.concat(list, " ")
end

-- Checks the points of sample i of a data set.
local function check_points(wanted, set, i)
  for k, p in ipairs(set.labels.landmarks[i]:totable()) do
    assert.near(wanted[k][1], p[1], 1e-4)
    assert.near(wanted[k][2], p[2], 1e-4)
  end
end

-- Checks that the points in a mirrored picture are the mirrored points.
local function check_mirrored(set)
  local plain <const> = data.loader(set, {batch = #set, size = 32, enlarge = true})()
  local flipped <const> = data.loader(set, {batch = #set, size = 32, enlarge = true,
    augment = {flip = 1}})()
  local flip <const> = braid.tensor(set.points.landmarks.flip, {dtype = "int64"})
  local back <const> = flipped.landmarks:index_select(2, flip)
  assert.near(0, (back * braid.tensor{-1, 1} - plain.landmarks):abs():max():item(), 1e-4)
end

-- ---- the readers ----------------------------------------------------------------------------

local function put_wflw(dir, change)
  local lists <const> = {train = {}, test = {}}
  for i = 1, 3 do
    local name <const> = ("5--Car/a b_%d.png"):format(i)
    save(dir, "WFLW_images/" .. name, i)
    table.insert(lists[i < 3 and "train" or "test"], ("%s 10 12 50 54 %d 0 1 0 1 0 %s"):format(
      words(points_of(shapes.wflw(), i), 0), i % 2, name))
  end
  local folder <const> = dir .. "/WFLW_annotations/list_98pt_rect_attr_train_test"
  os.execute("mkdir -p " .. shell.quote(folder))
  if change then lists.train[2] = change(lists.train[2]) end
  for part, list in pairs(lists) do
    shell.write(("%s/list_98pt_rect_attr_%s.txt"):format(folder, part),
      table.concat(list, "\n") .. "\n")
  end
  return folder .. "/list_98pt_rect_attr_train.txt"
end

describe("data.wflw", function()
  it("reads points, boxes and attributes of the published lists", function()
    shell.in_directory(function(dir)
      put_wflw(dir)
      local sets <const> = data.wflw(dir, {size = 32, channels = 3})
      assert.same({2, 1}, {#sets.train, #sets.test})
      check_points(points_of(shapes.wflw(), 2), sets.train, 2)
      assert.same({10, 12, 50, 54}, sets.test[1].box:totable())
      assert.same({2, 1, 1, 2, 1, 2, 1}, {sets.train[1].pose, sets.train[2].pose,
        sets.train[1].expression, sets.train[1].illumination, sets.train[1].makeup,
        sets.train[1].occlusion, sets.train[1].blur})
      assert.same({"usual", "large"}, sets.train.classes.pose)
      assert.same({2, 3, 32, 32}, data.loader(sets.train)().image.shape)
      assert.same({1, 3, 48, 48}, data.loader(data.wflw(dir, {crop = "whole", size = 48}).test)()
        .image.shape)
      assert.equal("landmarks", sets.train:stats().labels.landmarks.kind == "points"
        and "landmarks")
      check_mirrored(sets.train)
      local task <const> = mtl.landmarks{of = sets.train}
      assert.same({98, {61, 73}}, {task.points, task.eyes})
    end)
  end)
end)

local function put_cofw(dir, change, boxed)
  local lists <const> = {train = {}, test = {}}
  for i = 1, 3 do
    save(dir, ("%d.png"):format(i), i)
    local points <const> = words(points_of(shapes.cofw(), i), 1, i == 2 and " 1" or " 0")
    table.insert(lists[i < 3 and "train" or "test"],
      ("%d.png%s %s"):format(i, boxed and " 11 13 40 42" or "", points))
  end
  if change then lists.train[2] = change(lists.train[2]) end
  for part, list in pairs(lists) do
    shell.write(("%s/cofw_%s.txt"):format(dir, part), table.concat(list, "\n") .. "\n")
  end
  return dir .. "/cofw_train.txt"
end

describe("data.cofw", function()
  it("reads lists with and without boxes, and which points are hidden", function()
    for _, boxed in ipairs{false, true} do
      shell.in_directory(function(dir)
        put_cofw(dir, nil, boxed)
        local sets <const> = data.cofw(dir)
        assert.same({2, 1}, {#sets.train, #sets.test})
        check_points(points_of(shapes.cofw(), 1), sets.train, 1)
        assert.same({0, 1}, trees.column(sets.train, "occlusion"))
        assert.same(boxed and {9.5, 11.5, 49.5, 53.5} or nil,
          boxed and sets.test[1].box:totable() or nil)
        check_mirrored(sets.train)
        local hidden <const> = data.cofw(dir, {hidden = "missing"}).train
        assert.same({29, 0}, {hidden:filter(function(_, i) return i == 1 end).labels.landmarks
          :size(2), hidden.labels.landmarks[2]:eq(hidden.labels.landmarks[2]):sum():item()})
      end)
    end
  end)

  it("says how to convert the .mat files of MATLAB", function()
    assert.equal("DIR/COFW_train_color.mat: it is HDF5 of MATLAB 7.3, which is not read here: make "
      .. "cofw_train.txt and pictures of it; help(data.cofw) has the lines of Python for that",
      trees.said({["COFW_train_color.mat"] = "MATLAB 7.3 MAT-file"}, data.cofw))
  end)
end)

-- The keypoints of a person in COCO. Every fifth point is hidden, every seventh not labelled.
local function keypoints_of(points)
  local list <const> = {}
  for k, p in ipairs(points) do
    list[k] = k % 7 == 0 and "0,0,0" or ("%g,%g,%d"):format(p[1], p[2], k % 5 == 0 and 1 or 2)
  end
  return table.concat(list, ",")
end

local function put_coco(dir, change)
  local images <const>, people <const> = {}, {}
  for i = 1, 3 do
    local name <const> = ("%012d.png"):format(i)
    save(dir, "val2017/" .. name, i)
    images[i] = ('{"file_name": "%s", "height": 64, "id": %d}'):format(name, 100 + i)
  end
  for i, image in ipairs{101, 103, 103} do
    people[i] = ('{"segmentation": [[1, 2, 3]], "iscrowd": 0, "image_id": %d, '
      .. '"bbox": [10.5, 12, 40, 42], "category_id": 1, "id": %d, "keypoints": [%s]}'):format(image,
      900 + i, keypoints_of(points_of(shapes.coco(), i)))
  end
  people[4] = '{"iscrowd": 1, "image_id": 102, "bbox": [1, 2, 30, 30], "keypoints": [], '
    .. '"segmentation": {"counts": [3, 4], "size": [64, 64]}}'
  people[5] = ('{"iscrowd": 0, "image_id": 102, "bbox": [1, 2, 9, 9], "keypoints": [%s0]}'):format(
    ("0, "):rep(50))
  if change then people[2] = change(people[2]) end
  os.execute("mkdir -p " .. shell.quote(dir .. "/annotations"))
  local path <const> = dir .. "/annotations/person_keypoints_val2017.json"
  shell.write(path, ('{"info": {"year": 2017}, "licenses": [], "annotations": [%s], '
    .. '"images": [%s], "categories": [{"name": "person"}]}'):format(table.concat(people, ", "),
    table.concat(images, ", ")))
  return path
end

describe("data.coco", function()
  it("reads people: points by visibility, boxes, several people in a picture; no crowds", function()
    shell.in_directory(function(dir)
      put_coco(dir)
      local sets <const> = data.coco(dir, {size = 32})
      local set <const> = sets.val
      assert.is_nil(sets.train)
      assert.same({3, 2}, {#set, set.omitted})
      assert.same({"000000000001.png", "000000000003.png", "000000000003.png"}, trees.names(set))
      assert.same({1, 2, 2}, set:rows(braid.tensor({1, 2, 3}, {dtype = "int64"})):totable())
      assert.same({10, 11.5, 50, 53.5}, set[1].box:totable())
      local points <const> = points_of(shapes.coco(), 3)
      for k, p in ipairs(set.labels.landmarks[3]:totable()) do
        if k % 7 == 0 then
          assert.is_true(p[1] ~= p[1] and p[2] ~= p[2])
        else
          assert.same(points[k], p)
        end
      end
      assert.near(3 / 15, set[1].occlusion, 1e-6)
      local seen <const> = data.coco(dir, {hidden = "missing"}).val.labels.landmarks
      assert.equal(3 * 12 * 2, seen:eq(seen):sum():item())
      assert.equal(0, #trees.names(data.coco(dir, {least = 15}).val) - 3)
      assert.matches("all of its 5 annotations are left out",
        select(2, pcall(data.coco, dir, {least = 16})))
      assert.same({3, 3, 32, 32}, data.loader(set)().image.shape)
    end)
  end)

  it("asks for the year if there are files of two years, and takes the option year", function()
    shell.in_directory(function(dir)
      local path <const> = put_coco(dir)
      os.execute(("cp %s %s"):format(shell.quote(path), shell.quote((path:gsub("2017", "2014")))))
      assert.matches("there are files of 2014 and of 2017: say year = 2017",
        select(2, pcall(data.coco, dir)))
      assert.equal(3, #data.coco(dir, {year = 2017}).val)
      assert.matches("no person_keypoints_train1999%.json",
        select(2, pcall(data.coco, dir, {year = 1999})))
    end)
  end)
end)

describe("data.utkface", function()
  it("reads labels from file names, and counts names of another form", function()
    shell.in_directory(function(dir)
      for i, name in ipairs{"100_1_0_20170112213500903", "1_0_3_20161219140623097",
        "26_1_4_20170117191717"} do
        save(dir, ("part%d/%s.png"):format(i % 2, name), i)
      end
      for _, name in ipairs{"61_1_20170109142408075.jpg.chip.jpg", "3_2_0_2017.jpg",
        "200_0_0_2017.jpg", "3_1_7_2017.jpg"} do
        shell.write(dir .. "/part1/" .. name, "")
      end
      local set <const> = data.utkface(dir, {size = 32, channels = 1}).train
      assert.same({1, 100, 26}, trees.column(set, "age"))
      assert.same({1, 2, 2}, trees.column(set, "gender"))
      assert.same({4, 1, 5}, trees.column(set, "race"))
      assert.equal(4, set.unreadable)
      assert.equal(dir .. "/part1/200_0_0_2017.jpg: nobody is 200 years old", set.first_unreadable)
      assert.matches("4 left out: .*nobody is 200", tostring(set:stats()))
      assert.same({3, 1, 32, 32}, data.loader(set)().image.shape)
    end)
  end)

  it("raises an error if no file name has its form", function()
    assert.equal("DIR/a.png: it is not [age]_[gender]_[race]_[date].jpg; no other name can be read "
      .. "either",
      trees.said({["a.png"] = "picture"}, data.utkface))
  end)
end)

describe("data.pts", function()
  it("reads the folders of 300-W, of which two are for testing", function()
    shell.in_directory(function(dir)
      for i, name in ipairs{"300W/01_Indoor/indoor_001", "300W/02_Outdoor/outdoor_001",
        "helen/trainset/a_1"} do
        save(dir, name .. ".png", i)
        local points <const> = words(points_of(shapes.multi_pie(), i), 1, "\n")
        shell.write(("%s/%s.pts"):format(dir, name),
          ("version: 1\nn_points: 68\n{\n%s\n}\n"):format(points))
      end
      local sets <const> = data.pts(dir, {size = 40})
      assert.same({1, 2}, {#sets.train, #sets.test})
      check_points(points_of(shapes.multi_pie(), 2), sets.test, 2)
      check_mirrored(sets.test)
    end)
  end)
end)

describe("data.celeba", function()
  it("reads the folder that torchvision makes", function()
    shell.in_directory(function(dir)
      local head <const> = "3\n"
      local function rows(f)
        local list <const> = {}
        for i = 1, 3 do list[i] = ("%06d.jpg %s\n"):format(i, f(i)) end
        return table.concat(list)
      end
      for i = 1, 3 do save(dir, ("celeba/img_align_celeba/%06d.png"):format(i), i) end
      for name, text in pairs{
        ["list_attr_celeba.txt"] = head .. "Smiling Male\n" .. rows(function(i)
          return i == 1 and " 1 -1" or "-1  1"
        end),
        ["list_landmarks_align_celeba.txt"] = head .. ("a "):rep(10) .. "\n" .. rows(function(i)
          return words(points_of(FLAT.FIVE(), i), 0)
        end),
        ["list_bbox_celeba.txt"] = head .. "image_id x_1 y_1 width height\n"
          .. rows(function() return "95 71 226 313" end),
        ["list_eval_partition.txt"] = rows(function(i) return i - 1 end),
        ["identity_CelebA.txt"] = rows(function(i) return 2880 + i end),
      } do
        shell.write(dir .. "/celeba/" .. name, text)
      end
      local sets <const> = data.celeba(dir, {size = 32})
      assert.same({1, 1, 1}, {#sets.train, #sets.val, #sets.test})
      assert.same({2, 1, 2881}, {sets.train[1].Smiling, sets.train[1].Male, sets.train[1].identity})
      assert.is_nil(sets.train.boxes) -- the boxes belong to the pictures that are not aligned
      check_points(points_of(FLAT.FIVE(), 3), sets.test, 1)
      check_mirrored(sets.val)
    end)
  end)
end)

describe("a directory of data", function()
  for name, tree in pairs(trees.readers) do
    if not tree.file then
      it(("is known by its file names to be for data.%s"):format(name), function()
        assert.equal(name ~= "images" and name or nil,
          require("braid.data.known").directory(trees.path(name)))
      end)
    end
  end
end)

-- ---- damaged rows -----------------------------------------------------------------------------

-- The damage to the second row of a list, and the message that follows.
local DAMAGE <const> = {
  ["is cut short"] = {
    wflw = {function(row) return row:match("^(.-) %S+$"):sub(1, 300) end, "%:2: "},
    cofw = {function(row) return row:sub(1, 60) end,
      "%:2: a path and 87 numbers wanted, %d+ words"},
    coco = {function(row) return row:gsub(",%d%]}$", "]}") end,
      ": annotation 2: keypoints must be a list of 51 numbers"}},
  ["is too long"] = {
    wflw = {function(row) return "3 " .. row end, ":2: a path and 206 numbers wanted"},
    cofw = {function(row) return row .. " 0" end, ":2: a path and 87 numbers wanted, 89 words"},
    coco = {function(row) return row:gsub("%]}$", ", 1]}") end, "annotation 2: keypoints must be"}},
  ["has a word for a number"] = {wflw = {function(row) return "x" .. row end,
    ":2: 'x[%d.]+' is not a number from %-1e6 to 1e6"},
    cofw = {function(row) return (row:gsub(" 1$", " one")) end, ":2: 'one' is not a number"},
    coco = {function(row) return row:gsub('"keypoints": %[', '"keypoints": ["a", ', 1)
      :gsub(",%d+%]}$", "]}") end, "annotation 2: .*number 1 of keypoints is not a number"}},
  ["has nan, inf or 1e9"] = {
    wflw = {function(row) return row:gsub("^%S+", "nan") end, ":2: 'nan' is not"},
    cofw = {function(row) return row:gsub(" %S+ %S+ %S+$", " inf 3 0") end, ":2: 'inf' is not"},
    coco = {function(row) return row:gsub("%[10%.5", "[1e9") end,
      "annotation 2: number 1 of bbox is not a number"}},
  ["has an unknown class or mark"] = {wflw = {function(row)
    return row:gsub(" 0 0 1 0 1 0 ", " 2 0 1 0 1 0 ")
  end, ":2: pose must be from 0 to 1, not 2"},
    cofw = {function(row) return row:gsub(" 1$", " 2") end,
      ":2: point 29: 1 for a hidden point, or 0, wanted, not 2"},
    coco = {function(row) return row:gsub(",2%]}$", ",3]}") end,
      "annotation 2: the visibility of point 17 must be 0, 1 or 2, not 3"}},
  ["has no area or picture"] = {wflw = {function(row)
    return row:gsub(" 10 12 50 54 ", " 10 12 10 54 ")
  end, ":2: the rectangle 10 12 10 54 has no area"},
    coco = {function(row) return row:gsub('"image_id": 103', '"image_id": 7') end,
      "annotation 2: there is no picture 7"}},
}
local PUT <const> = {wflw = put_wflw, cofw = put_cofw, coco = put_coco}

describe("a list whose second row", function()
  for what, cases in pairs(DAMAGE) do
    for name, case in pairs(cases) do
      it(("%s is refused by data.%s with file and line"):format(what, name), function()
        shell.in_directory(function(dir)
          local path <const> = PUT[name](dir, function(row)
            local damaged <const> = case[1](row)
            assert.not_equal(row, damaged)
            return damaged
          end)
          local ok <const>, message <const> = pcall(data[name], dir)
          assert.is_false(ok)
          assert.matches("data%." .. name .. ": ", message)
          assert.matches(path, message, 1, true)
          assert.matches(case[2], message)
        end)
      end)
    end
  end
end)

-- For each reader of published lists: the file whose picture path is changed.
local LEADING_OUT <const> = {
  wflw = "list_98pt_rect_attr_train.txt", cofw = "cofw_train.txt",
  wider = "wider_face_train_bbx_gt.txt", aflw = "aflw.csv", celeba = "list_attr_celeba.txt",
  coco = "annotations/person_keypoints_train2017.json",
}

describe("the path of a picture", function()
  for name, file in pairs(LEADING_OUT) do
    it(("is refused by data.%s if it leads out of the directory"):format(name), function()
      for _, path in ipairs{"/etc/passwd", "../1.png", "a/../../1.png", ".."} do
        local tree <const> = {}
        for key, bytes in pairs(trees.readers[name]) do
          tree[key] = key == file and bytes:gsub("[%w/]*1%.[pj][np]g", path) or bytes
        end
        local said <const> = trees.said(tree, data[name])
        assert.matches(("DIR/%s: the path '%s' leads out of the directory of the data"):format(
          file, path), (said:gsub(":%d+:", ":"):gsub(": annotation 1:", ":")), 1, true)
      end
    end)
  end
end)
