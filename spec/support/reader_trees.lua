--- The smallest data for each reader: trees of files by name, made in a directory that is removed
-- when Lua ends.

local braid <const> = require "braid"
local luassert <const> = require "luassert"
local shell <const> = require "spec.support.shell"
local tars <const> = require "spec.support.tars"

local M <const> = {}

local function idx(sizes, values)
  return string.pack(">I2I1I1", 0, 8, #sizes) .. (">" .. ("I4"):rep(#sizes)):pack(
    table.unpack(sizes)) .. values
end

local function record(labels) return labels .. ("\7"):rep(3072) end

local CIFAR10 <const> = {["test_batch.bin"] = record "\9"}
for i = 1, 5 do CIFAR10[("data_batch_%d.bin"):format(i)] = record "\1" end

local FACE <const> = " 30 60 45 33 57 40 40 55 70 70 1 2 1 3\n"
local AFLW <const> = {}
for word in ([[LeftBrowLeftCorner LeftBrowCenter LeftBrowRightCorner RightBrowLeftCorner
  RightBrowCenter RightBrowRightCorner LeftEyeLeftCorner LeftEyeCenter LeftEyeRightCorner
  RightEyeLeftCorner RightEyeCenter RightEyeRightCorner LeftEar NoseLeft NoseCenter NoseRight
  RightEar MouthLeftCorner MouthCenter MouthRightCorner ChinCenter]]):gmatch("%a+") do
  AFLW[#AFLW + 1] = word .. "_X," .. word .. "_Y"
end

local COCO <const> = '{"images": [{"id": 7, "file_name": "1.png"}], "annotations": ['
  .. '{"image_id": 7, "bbox": [2, 3, 20, 30], "keypoints": [5, 6, 2' .. (", 0, 0, 0"):rep(16)
  .. "]}]}"

--- {reader = {name = bytes, or "picture"}}. The reader gets the directory, or the file named by
-- `file`.
M.readers = {
  images = {["cat/1.png"] = "picture", ["dog/1.png"] = "picture"},
  celeba = {["img_align_celeba/1.png"] = "picture", ["list_attr_celeba.txt"] =
    "1\nSmiling Young\n1.jpg -1 1\n"},
  mtfl = {["training.txt"] = "a.png" .. FACE .. "b.png" .. FACE, ["testing.txt"] = "a.png" .. FACE,
    ["a.png"] = "picture", ["b.png"] = "picture"},
  aflw = {["aflw.csv"] = "FILENAME,FACE_X,FACE_Y,FACE_WIDTH,FACE_HEIGHT," ..
    table.concat(AFLW, ",") .. "\n1.png,1,1,9,9" .. (",5"):rep(42) .. "\n",
    ["flickr/1.png"] = "picture"},
  wider = {["wider_face_train_bbx_gt.txt"] = "a/1.png\n1\n2 3 20 30\n",
    ["WIDER_train/images/a/1.png"] = "picture"},
  wflw = {["list_98pt_rect_attr_train.txt"] = ("5 "):rep(196) .. "2 3 20 30 0 1 0 1 0 1 1.png\n",
    ["WFLW_images/1.png"] = "picture"},
  cofw = {["cofw_train.txt"] = "1.png" .. (" 5 6 0"):rep(29) .. "\n", ["1.png"] = "picture"},
  utkface = {["26_1_2_20170116.jpg.chip.jpg"] = "picture"},
  coco = {["annotations/person_keypoints_train2017.json"] = COCO, ["train2017/1.png"] = "picture"},
  pts = {["1.pts"] = "n_points: 1\n{\n3 4\n}\n", ["1.png"] = "picture"},
  idx = {["train-images-idx3-ubyte"] = idx({2, 2, 3}, "abcdefghijkl"),
    ["train-labels-idx1-ubyte"] = idx({2}, "\1\2")},
  cifar10 = CIFAR10,
  cifar100 = {["train.bin"] = record "\1\2", ["test.bin"] = record "\3\4"},
  csv = {["t.csv"] = "image,a\n1.png,1\n", ["1.png"] = "picture", file = "t.csv"},
  tar = {["t.tar"] = tars.sample(), file = "t.tar"},
  jsonl = {["t.jsonl"] = '{"image": "1.png", "a": 1}\n', ["1.png"] = "picture", file = "t.jsonl"},
}

--- Writes files by name into a directory; "picture" means a PNG of 80 x 90.
function M.put(directory, tree)
  local folders <const> = {}
  for name in pairs(tree) do
    folders[#folders + 1] = shell.quote(directory .. "/" .. (name:match("^(.*)/") or ""))
  end
  if #folders > 0 then os.execute("mkdir -p " .. table.concat(folders, " ")) end
  for name, bytes in pairs(tree) do
    local path <const> = directory .. "/" .. name
    if bytes == "picture" then
      local made <const> = path:find("%.png$") and path or path .. ".png"
      assert(braid.save(made, braid.full({1, 90, 80}, 9, {dtype = "uint8"})) ~= false)
      if made ~= path then assert(os.rename(made, path)) end
    elseif name ~= "file" then
      shell.write(path, bytes)
    end
  end
end

local root

--- A new directory with this name, removed when Lua ends.
function M.directory(name)
  if not root then
    local path <const> = shell.run("mktemp -d").out:match("^[^\n]+")
    root = setmetatable({path = path}, {__gc = function()
      os.execute("rm -rf " .. shell.quote(path))
    end})
  end
  os.execute("mkdir -p " .. shell.quote(root.path .. "/" .. name))
  return root.path .. "/" .. name
end

--- A directory (or file) with data for a reader.
function M.path(name)
  local directory <const>, tree <const> = M.directory(name), M.readers[name]
  M.put(directory, tree)
  return tree.file and directory .. "/" .. tree.file or directory
end

--- Calls f(dir) for a directory with the files of a tree, and removes it afterwards.
function M.with(tree, f)
  shell.in_directory(function(dir)
    M.put(dir, tree)
    f(dir)
  end)
end

--- The message of read(path) without its place and the reader's name, and with DIR for the
-- directory. The call must fail at a line of the spec. The path is that of the directory, or of
-- the file `name` in it.
function M.said(tree, read, name)
  local said
  M.with(tree, function(dir)
    local ok <const>, message <const> = pcall(read, name and dir .. "/" .. name or dir)
    assert(not ok, "nothing is raised")
    assert(message:find("^%.?/?spec/[%w_/]+%.lua:%d+: data%.%w+: "), message)
    said = message:gsub("^.-: data%.%w+: ", ""):gsub(dir:gsub("%p", "%%%0"), "DIR")
  end)
  return said
end

--- One label of all samples; false for samples without it.
function M.column(ds, name)
  local list <const> = {}
  for i = 1, #ds do list[i] = ds[i][name] or false end
  return list
end

-- Reads every picture of a set by a loader.
function M.all_read(ds)
  local n = 0
  for batch in braid.data.loader(ds, {batch = 2, size = 8}) do n = n + batch.count end
  luassert.equal(#ds, n)
end

function M.names(ds)
  local list <const> = {}
  for i = 1, #ds do list[i] = ds:path(i):match("[^/]*$") end
  return list
end

return M
