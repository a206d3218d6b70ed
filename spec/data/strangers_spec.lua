--- Tests readers on data as users have them: other folders and file endings, archives that are not
-- unpacked, files that a desktop left, pictures of other kinds.

local braid <const> = require "braid"
local file <const> = require "spec.support.file"
local trees <const> = require "spec.support.reader_trees"
local odd <const> = require "spec.support.odd_pictures"
local data <const> = braid.data

local column <const>, said <const>, with <const> = trees.column, trees.said, trees.with
local all_read <const>, names <const> = trees.all_read, trees.names

-- ---- any reader -----------------------------------------------------------------------------

describe("each reader:", function()
  for name in pairs(trees.readers) do
    it(("data.%s raises an error at the user's line for a wrong path"):format(name), function()
      for _, path in ipairs{"/no/such/place", "", 3, {}, true, print, braid.ones(1)} do
        local ok <const>, message <const> = pcall(function() return (data[name](path)) end)
        assert.is_false(ok)
        assert.matches("^%.?/?spec/data/strangers_spec%.lua:%d+: data%." .. name .. ": ", message)
        if type(path) == "string" then assert.matches(path, message, 1, true) end
      end
      local ok <const>, message <const> = pcall(function() return (data[name]()) end)
      assert.is_false(ok)
      assert.matches("^%.?/?spec/data/strangers_spec%.lua:%d+: data%." .. name, message)
    end)

    it(("data.%s accepts slashes after the name of a directory"):format(name), function()
      if trees.readers[name].file then return end
      local sets <const> = data[name](trees.path(name) .. "//", name == "mtfl" and {val = 1} or nil)
      assert.is_true(#sets.train >= 1)
      if sets.train.files then assert.is_nil(sets.train:path(1):find("//", 1, true)) end
    end)
  end

  it("an archive that is not yet unpacked is named in the error", function()
    for name, own in pairs(trees.readers) do
      if not own.file and not name:find("cifar") then
        assert.matches("%(there is d%.zip: has it been unpacked%?%)$",
          said({["d.zip"] = "PK"}, data[name]))
        if name ~= "idx" then
          assert.matches("d%.zip: Not a directory %(it is an archive: unpack it",
            said({["d.zip"] = "PK"}, function(dir) data[name](dir .. "/d.zip") end))
        end
      end
    end
    assert.matches("is not your home here", select(2, pcall(data.images, "~/faces")))
  end)

  it("data that were unpacked one folder deeper are found", function()
    for name, own in pairs(trees.readers) do
      local tree <const> = {}
      for inner, bytes in pairs(own) do tree["data/" .. inner] = bytes end
      tree["__MACOSX/data/._x.png"], tree[".DS_Store"], tree["data/file"] = "x", "x", nil
      if not own.file then
        with(tree, function(dir)
          assert.is_true(#data[name](dir, name == "mtfl" and {val = 1} or nil).train >= 1)
        end)
      end
    end
  end)
end)

-- ---- folders --------------------------------------------------------------------------------

describe("data.images", function()
  it("makes no classes of folders without pictures, nor of files that archives leave", function()
    with({["cat/1.png"] = "picture", ["dog/1.png"] = "picture", ["dog/._1.png"] = "x",
      ["dog/Thumbs.db"] = "x", [".ipynb_checkpoints/1.png"] = "picture", ["__MACOSX/dog/1.png"] =
      "x", [".git/a.png"] = "x", ["empty/readme.txt"] = "x", ["@eaDir/1.png"] = "x",
      ["cat/.DS_Store"] = "x", ["labels.csv"] = "x"}, function(dir)
      os.execute(("mkdir %s/none"):format(dir))
      local train <const> = data.images(dir).train
      assert.same({"cat", "dog"}, train.classes.class)
      assert.same({1, 2}, column(train, "class"))
      assert.equal(0, train.unreadable)
    end)
  end)

  it("counts files that are not pictures or are damaged, and names the first", function()
    local png <const> = file.saved("t.png", braid.full({3, 9, 9}, 7, {dtype = "uint8"}))
    local jpeg <const> = odd.jpegs.baseline
    for bytes, what in pairs{
      ["not a picture at all"] = "not a PNG or JPEG file", [""] = "the file is empty",
      [png:sub(1, -13)] = "damaged PNG", [png:sub(1, 20)] = "damaged PNG",
      [jpeg:sub(1, -9)] = "damaged JPEG", [odd.jpegs.cmyk] = "CMYK",
      ["GIF89a" .. ("x"):rep(20)] = "it is a GIF picture",
      ["RIFFxxxxWEBPVP8 " .. ("x"):rep(20)] = "it is a WebP picture",
      ["BM" .. ("\0"):rep(30)] = "it is a BMP picture",
      ["II*\0" .. ("\0"):rep(30)] = "it is a TIFF picture",
      ["MM\0*" .. ("\0"):rep(30)] = "it is a TIFF picture",
      ["\0\0\0\24ftypheic" .. ("\0"):rep(30)] = "it is a HEIC picture",
      ["<!DOCTYPE html>" .. ("x"):rep(20)] = "it is a web page: did the download fail?",
      ["version https://git-lfs.github.com/spec/v1\n"] = "a pointer of Git LFS",
    } do
      with({["cat/1.png"] = "picture", ["cat/2.jpg"] = bytes, ["dog/1.png"] = "picture",
        ["eel/1.png"] = bytes}, function(dir)
        local train <const> = data.images(dir).train
        assert.same({2, 2}, {#train, train.unreadable})
        assert.matches(dir .. "/cat/2.jpg", train.first_unreadable, 1, true)
        assert.matches(what, train.first_unreadable, 1, true)
        assert.same({"cat", "dog"}, train.classes.class)
        all_read(train)
        assert.equal(4, #data.images(dir, {check = false}).train)
      end)
    end
  end)

  it("counts pictures of other kinds by their endings; if there are no others, raises an error",
    function()
    with({["cat/1.png"] = "picture", ["cat/2.webp"] = "RIFFxxxxWEBPVP8 xx"}, function(dir)
      assert.equal(1, data.images(dir).train.unreadable)
    end)
    assert.matches("none of its 1 pictures can be read: .*it is a GIF picture",
      said({["cat/1.gif"] = "GIF89a xxxxxxxxx"}, data.images))
  end)

  it("reads file endings in any case, odd names, and symbolic links", function()
    with({["cat/A 1.JPG"] = odd.jpegs.colour, ["cat/b,\"2\".Jpeg"] = odd.jpegs.progressive,
      ["cat/\u{E9}\u{4E2D}.PNG"] = "picture", ["dog/1.png"] = odd.pngs.gray16}, function(dir)
      os.execute(("ln -s '%s/cat/A 1.JPG' '%s/dog/link.jpg'; ln -s . %s/dog/round; "
        .. "ln -s /no/where.png %s/dog/broken.png"):format(dir, dir, dir, dir))
      local train <const> = data.images(dir).train
      assert.equal(5, #train)
      assert.equal(1, train.unreadable)
      assert.matches("broken.png", train.first_unreadable, 1, true)
      all_read(train)
    end)
  end)

  it("asks if a folder called train, beside other folders, is a set or a class", function()
    local tree <const> = {["train/1.png"] = "picture", ["bus/1.png"] = "picture",
      ["car/1.png"] = "picture"}
    assert.matches("is train a data set or a class%? There is a folder 'bus' with pictures beside",
      said(tree, data.images))
    with(tree, function(dir)
      assert.same({"bus", "car", "train"}, data.images(dir, {sets = false}).train.classes.class)
      assert.equal(1, #data.images(dir, {sets = true}).train)
    end)
  end)
end)

-- ---- CelebA ---------------------------------------------------------------------------------

describe("data.celeba", function()
  local attr <const> = "3\nSmiling Young\n000001.jpg -1 1\n000002.jpg 1 -1\n000003.jpg 1 1\n"
  local marks <const> = "3\na b c d e f g h i j\n000001.jpg 1 2 3 4 5 6 7 8 9 10\n"
    .. "000002.jpg 1 2 3 4 5 6 7 8 9 10\n000003.jpg 1 2 3 4 5 6 7 8 9 10\n"
  local parts <const> = "000001.jpg 0\n000002.jpg 1\n000003.jpg 2\n"
  local function csv(text, head)
    return head .. "\n" .. text:gsub("^3\n[^\n]*\n", ""):gsub(" ", ",")
  end
  local kaggle <const> = {
    ["list_attr_celeba.csv"] = csv(attr, "image_id,Smiling,Young"),
    ["list_landmarks_align_celeba.csv"] = csv(marks, "image_id,lefteye_x,lefteye_y,righteye_x,"
      .. "righteye_y,nose_x,nose_y,leftmouth_x,leftmouth_y,rightmouth_x,rightmouth_y"),
    ["list_bbox_celeba.csv"] = "image_id,x_1,y_1,width,height\n000001.jpg,1,2,3,4\n"
      .. "000002.jpg,1,2,3,4\n000003.jpg,1,2,3,4\n",
    ["list_eval_partition.csv"] = csv(parts, "image_id,partition"),
  }
  local official <const> = {["list_attr_celeba.txt"] = attr, ["list_eval_partition.txt"] = parts,
    ["list_landmarks_align_celeba.txt"] = marks}
  local LAYOUTS <const> = {
    {"img_align_celeba/", ".jpg", official}, {"img_align_celeba/", ".png", official},
    {"img_align_celeba_png/", ".png", official}, {"images/", ".jpg", official},
    {"images/", ".PNG", official}, {"", ".jpg", official},
    {"img_align_celeba/img_align_celeba/", ".jpg", kaggle},
    {"Img/img_align_celeba_png.7z/img_align_celeba_png/", ".png", official},
    {"Img/img_align_celeba/", ".jpg", {["Anno/list_attr_celeba.txt"] = attr,
      ["Eval/list_eval_partition.txt"] = parts, ["Anno/list_landmarks_align_celeba.txt"] = marks}},
    {"celeba/img_align_celeba/", ".jpg", {["celeba/list_attr_celeba.txt"] = attr,
      ["celeba/list_eval_partition.txt"] = parts,
      ["celeba/list_landmarks_align_celeba.txt"] = marks}},
  }
  for _, layout in ipairs(LAYOUTS) do
    local folder <const>, ending <const>, lists <const> = table.unpack(layout)
    it(("finds pictures named %s*%s"):format(folder, ending), function()
      local tree <const> = {}
      for name, text in pairs(lists) do tree[name] = text end
      for i = 1, 3 do tree[("%s%06d%s"):format(folder, i, ending)] = "picture" end
      with(tree, function(dir)
        local sets <const> = data.celeba(dir)
        assert.same({1, 1, 1}, {#sets.train, #sets.val, #sets.test})
        assert.same({1, 2}, {sets.train[1].Smiling, sets.train[1].Young})
        assert.same({1, 2}, sets.train[1].landmarks[1]:totable())
        assert.same({"000003" .. ending}, names(sets.test))
        for _, set in pairs(sets) do all_read(set) end
      end)
    end)
  end

  it("leaves out pictures that are absent or damaged with check = true", function()
    with({["img_align_celeba/000001.jpg"] = "picture", ["img_align_celeba/000003.jpg"] = "x",
      ["list_attr_celeba.txt"] = attr, ["list_eval_partition.txt"] = parts}, function(dir)
      local sets <const> = data.celeba(dir, {check = true})
      assert.same({1, nil, nil, 2}, {#sets.train, sets.val, sets.test, sets.train.unreadable})
      assert.matches("000002.jpg", sets.train.first_unreadable, 1, true)
      all_read(sets.train)
    end)
  end)

  it("takes attributes of 0 and 1 with from = 0, and missing ones with missing = 0", function()
    local zero <const> = attr:gsub(" %-1", " 0")
    with({["img_align_celeba/000001.jpg"] = "picture", ["list_attr_celeba.txt"] = zero},
      function(dir)
      assert.matches("list_attr_celeba.txt:3: attributes are %-1 and 1 %(from = 0: they",
        select(2, pcall(data.celeba, dir)))
      assert.same({1, 2, 2}, column(data.celeba(dir, {from = 0}).train, "Smiling"))
      assert.same({false, 2, 2}, column(data.celeba(dir, {missing = 0}).train, "Smiling"))
    end)
  end)
end)

-- ---- MNIST, CIFAR, MTFL ---------------------------------------------------------------------

describe("data.idx", function()
  local images <const>, labels <const> = "\0\0\8\3\0\0\0\2\0\0\0\1\0\0\0\1ab",
    "\0\0\8\1\0\0\0\2\0\255"
  it("finds files by the names that other sources give them", function()
    for _, tree in ipairs{
      {["train-images.idx3-ubyte"] = images, ["train-labels.idx1-ubyte"] = labels},
      {["MNIST/raw/train-images-idx3-ubyte"] = images,
        ["MNIST/raw/train-labels-idx1-ubyte"] = labels},
      {["train-images-idx3-ubyte/train-images-idx3-ubyte"] = images,
        ["train-labels-idx1-ubyte/train-labels-idx1-ubyte"] = labels},
      {["train-images-idx3-ubyte.gz"] = images, ["train-labels-idx1-ubyte"] = labels},
    } do
      with(tree, function(dir) assert.same({1, 256}, column(data.idx(dir).train, "class")) end)
    end
  end)

  it("takes the options from and missing; a label out of range is an error", function()
    local tree <const> = {i = images, l = labels}
    with(tree, function(dir)
      local i <const>, l <const> = dir .. "/i", dir .. "/l"
      assert.same({1, false}, column(data.idx(i, l, {missing = 255}).train, "class"))
      assert.same({false, 255}, column(data.idx(i, l, {from = 1, missing = 0}).train, "class"))
    end)
    assert.matches("DIR/l: label 1 is 0, not from 1 %(from = the first", said(tree, function(dir)
      data.idx(dir .. "/i", dir .. "/l", {from = 1})
    end))
    assert.matches("DIR/l: label 2 is 255, not from 0 to 1 ", said(tree, function(dir)
      data.idx(dir .. "/i", dir .. "/l", {classes = {"a", "b"}})
    end))
  end)
end)

describe("data.cifar10 and data.cifar100", function()
  it("recognise other versions and archives of the data, and say what to do", function()
    for name, what in pairs{["cifar-10-batches-py/data_batch_1"] = "the version for Python",
      ["data_batch_1"] = "the version for Python", ["data_batch_1.mat"] = "version for Matlab",
      ["cifar-10-binary.tar.gz"] = "unpack it: tar xzf cifar-10-binary.tar.gz"} do
      assert.matches(what, said({[name] = "x"}, data.cifar10), 1, true)
    end
    assert.matches("the version for Python", said({["cifar-100-python/meta"] = "x"}, data.cifar100))
    assert.matches("it is a file: unpack", said({["c.tar.gz"] = "x"}, function(dir)
      data.cifar10(dir .. "/c.tar.gz")
    end))
  end)
end)

describe("data.mtfl", function()
  local NUMBERS <const> = " 30 60 45 33 57 40 40 55 70 70"
  local function tree(label, rest)
    local rows <const> = {}
    for i = 1, 3 do
      rows[i] = ("my faces\\p %d.png%s %s %s\n"):format(i, NUMBERS, label, rest or "1 2 3")
    end
    return {["training.txt"] = table.concat(rows), ["testing.txt"] = rows[1],
      ["my faces/p 1.png"] = "picture", ["my faces/p 2.png"] = "picture",
      ["my faces/p 3.png"] = "picture"}
  end

  it("takes paths with blanks, classes from 0, and a mark of missing labels", function()
    with(tree(1), function(dir)
      assert.same({1, 1, 2, 3}, (function(s) return {s.gender, s.smile, s.glasses, s.pose} end)(
        data.mtfl(dir, {val = 1}).test[1]))
    end)
    assert.matches("DIR/testing.txt:1: gender is 0, not a class from 1 to 2 %(counted from 0%?",
      said({["training.txt"] = tree(1)["training.txt"], ["testing.txt"] = tree(0)["testing.txt"],
        ["my faces/p 1.png"] = "picture", ["my faces/p 2.png"] = "picture"}, data.mtfl))
    with(tree(0), function(dir)
      assert.is_nil(data.mtfl(dir, {val = 1, missing = 0}).test[1].gender)
    end)
    with(tree(0, "1 9 4"), function(dir)
      local s <const> = data.mtfl(dir, {val = 1, missing = 9, from = 0}).test[1]
      assert.same({1, 2, nil, 5}, {s.gender, s.smile, s.glasses, s.pose})
    end)
  end)
end)
