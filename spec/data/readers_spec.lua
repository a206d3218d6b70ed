--- Tests the readers of published data on tiny copies of the published files, with their quirks,
-- and the errors for wrong files.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local shell <const> = require "spec.support.shell"
local trees <const> = require "spec.support.reader_trees"
local data <const> = braid.data

local column <const>, with <const> = trees.column, trees.with

local function changed(tree, changes)
  local copy <const> = {}
  for name, content in pairs(tree) do copy[name] = content end
  for name, content in pairs(changes) do copy[name] = content or nil end
  return copy
end

-- The error of a reader for a tree of files with changes.
local function complaint(tree, changes, read) return trees.said(changed(tree, changes), read) end

-- ---- IDX ----------------------------------------------------------------------------------

local function idx(code, sizes, values)
  local header <const> = string.pack(">I2I1I1", 0, code, #sizes)
  return header .. (">I4"):rep(#sizes):pack(table.unpack(sizes))
    .. string.char(table.unpack(values))
end

local PIXELS <const> = {}
for i = 1, 12 do PIXELS[i] = i end
local MNIST <const> = {
  ["train-images-idx3-ubyte"] = idx(8, {2, 2, 3}, PIXELS),
  ["train-labels-idx1-ubyte"] = idx(8, {2}, {0, 9}),
  ["t10k-images-idx3-ubyte"] = idx(8, {1, 2, 3}, {1, 2, 3, 4, 5, 6}),
  ["t10k-labels-idx1-ubyte"] = idx(8, {1}, {4}),
}

describe("data.idx", function()
  it("reads files of the MNIST family, with and without gzip", function()
    for _, pack in ipairs{"true", "gzip -n", "gzip"} do
      with(MNIST, function(dir)
        shell.run(("%s %s/*"):format(pack, dir))
        local sets <const> = data.idx(dir)
        assert.same({1, 10}, column(sets.train, "class"))
        assert.same({5}, column(sets.test, "class"))
        assert.same({2, 1, 2, 3}, sets.train.images.shape)
        assert.same({ { {7, 8, 9}, {10, 11, 12} } }, sets.train[2].image:totable())
      end)
    end
  end)

  it("reads two given files; from = 1 and transposed = true are for EMNIST's letters", function()
    with({i = MNIST["train-images-idx3-ubyte"], l = idx(8, {2}, {1, 26})}, function(dir)
      local letters <const> = data.idx(dir .. "/i", dir .. "/l",
        {from = 1, transposed = true, label = "letter"}).train
      assert.same({1, 26}, column(letters, "letter"))
      assert.same({ { {1, 4}, {2, 5}, {3, 6} } }, letters[1].image:totable())
    end)
  end)

  local function said(changes) return complaint(MNIST, changes, data.idx) end

  it("raises an error that names the file with wrong contents", function()
    local name <const> = "train-images-idx3-ubyte"
    assert.equal("DIR/" .. name .. ": it is not an IDX file", said{[name] = "hello, world"})
    assert.equal("DIR/" .. name .. ": it ends before it should", said{[name] = "\0\0\8\3\0"})
    assert.equal("DIR/" .. name .. ": values of (2, 2, 4) end at byte 32, but it has 28",
      said{[name] = idx(8, {2, 2, 4}, PIXELS)})
    assert.equal("DIR/" .. name .. ": its sizes are impossible",
      said{[name] = idx(8, {4294967295, 4294967295, 4294967295}, PIXELS)})
    assert.equal("DIR/" .. name .. ": pictures are uint8 (n, h, w) or (n, h, w, 3), not uint8 (12)",
      said{[name] = idx(8, {12}, PIXELS)})
    assert.equal("DIR/train-labels-idx1-ubyte: 1 labels for 2 pictures",
      said{["train-labels-idx1-ubyte"] = idx(8, {1}, {0})})
    assert.equal("DIR/" .. name .. ": there is no file of labels beside it",
      said{["train-labels-idx1-ubyte"] = false})
    assert.matches("there is no train%-images%-idx3%-ubyte in it", complaint({}, {}, data.idx))
  end)

  it("takes no memory for the size that a gzip file claims", function()
    local packed
    with({zeros = ("\0"):rep(1 << 22)}, function(dir)
      shell.run("gzip " .. dir .. "/zeros")
      packed = shell.read(dir .. "/zeros.gz")
    end)
    local name <const> = "train-images-idx3-ubyte"
    core.reset_peak()
    local before <const> = braid.memory().peak
    assert.equal("DIR/" .. name .. ": it is not an IDX file", said{[name] = packed})
    local false_size <const> = packed:sub(1, -5) .. string.pack("<I4", 0xFFFFFFFF)
    assert.equal("DIR/" .. name .. ": it is not an IDX file", said{[name] = false_size})
    assert.equal("DIR/" .. name .. ": it is not a gzip file", said{[name] = "\x1F\x8B\8"})
    assert.is_true(braid.memory().peak - before < 1 << 20)
  end)

  it("raises an error for a gzip file that is cut or changed", function()
    local name <const> = "train-images-idx3-ubyte"
    local packed
    with(MNIST, function(dir)
      shell.run(("gzip -n %s/%s"):format(dir, name))
      packed = shell.read(("%s/%s.gz"):format(dir, name))
    end)
    with(MNIST, function(dir)
      for n = 3, #packed - 1 do
        shell.write(dir .. "/" .. name, packed:sub(1, n))
        local ok <const>, message <const> = pcall(data.idx, dir)
        assert.is_false(ok)
        assert.matches(name .. ": ", message, 1, true)
      end
    end)
    local other <const> = packed:sub(1, -9) .. "\1\2\3\4" .. packed:sub(-4)
    assert.equal("DIR/" .. name .. ": gzip: its checksum is wrong", said{[name] = other})
  end)
end)

-- ---- CIFAR --------------------------------------------------------------------------------

-- A record whose red, green and blue planes are constant.
local function record(labels, r, g, b)
  return string.char(table.unpack(labels)) .. string.char(r):rep(1024) .. string.char(g):rep(1024)
    .. string.char(b):rep(1024)
end

describe("data.cifar10 and data.cifar100", function()
  local ten <const> = {["batches.meta.txt"] = "airplane\nautomobile\n\n",
    ["test_batch.bin"] = record({9}, 1, 2, 3)}
  for i = 1, 5 do ten[("data_batch_%d.bin"):format(i)] = record({i}, 10 * i, 0, 5) end

  it("read CIFAR-10's five files for training and one file for testing", function()
    with(ten, function(dir)
      local sets <const> = data.cifar10(dir)
      assert.same({2, 3, 4, 5, 6}, column(sets.train, "class"))
      assert.same({10}, column(sets.test, "class"))
      assert.same({"airplane", "automobile"}, sets.train.classes.class)
      assert.same({3, 32, 32}, sets.train[1].image.shape)
      assert.same({30, 0, 5}, sets.train[3].image[{ {}, 7, 9 }]:totable())
      assert.equal("channels_last", sets.train.images:memory_format())
    end)
  end)

  it("read CIFAR-100's coarse and fine labels", function()
    with({["cifar-100-binary/train.bin"] = record({0, 99}, 1, 2, 3) .. record({19, 0}, 4, 5, 6),
      ["cifar-100-binary/test.bin"] = record({1, 2}, 7, 8, 9)}, function(dir)
      local sets <const> = data.cifar100(dir)
      assert.same({1, 20}, column(sets.train, "coarse"))
      assert.same({100, 1}, column(sets.train, "fine"))
      assert.same({7, 8, 9}, sets.test[1].image[{ {}, 32, 1 }]:totable())
    end)
  end)

  it("raise an error that names a cut file, or a record with an unknown class", function()
    assert.equal("DIR/data_batch_2.bin: 3072 bytes are not a whole number of records of 3073",
      complaint(ten, {["data_batch_2.bin"] = record({1}, 0, 0, 0):sub(1, -2)}, data.cifar10))
    assert.equal("DIR/test_batch.bin: record 2: class is 10, not from 0 to 9",
      complaint(ten, {["test_batch.bin"] = record({1}, 0, 0, 0) .. record({10}, 0, 0, 0)},
        data.cifar10))
    assert.equal("DIR: there is no data_batch_1.bin in it", complaint({}, {}, data.cifar10))
    assert.matches("data_batch_4.bin", complaint(ten, {["data_batch_4.bin"] = false},
      data.cifar10), 1, true)
  end)
end)

-- ---- folders ------------------------------------------------------------------------------

describe("data.images", function()
  local tree <const> = {
    ["train/dog/2.png"] = "picture", ["train/dog/10.PNG"] = "picture",
    ["train/cat/deep/1.jpg"] = "picture", ["train/cat/Thumbs.db"] = "x", ["train/cat/.x.png"] = "x",
    ["test/dog/1.png"] = "picture", ["test/eel/1.png"] = "picture", ["test/none.png"] = "picture",
    ["valid/cat/1.jpeg"] = "picture",
  }

  it("takes folders as classes, and folders train, valid and test as sets", function()
    with(tree, function(dir)
      local sets <const> = data.images(dir)
      assert.same({"cat", "dog", "eel"}, sets.train.classes.class)
      assert.same({1, 2, 2}, column(sets.train, "class"))
      assert.equal(dir .. "/train/cat/deep/1.jpg", sets.train:path(1))
      assert.equal(dir .. "/train/dog/10.PNG", sets.train:path(2))
      assert.same({false, 2, 3}, column(sets.test, "class"))
      assert.same({1}, column(sets.val, "class"))
      assert.same({1, 90, 80}, sets.train:image(1).shape)
      local cats <const> = data.images(dir .. "/train", {label = "animal"})
      assert.same({1, 2, 2}, column(cats.train, "animal"))
    end)
  end)

  it("raises an error for a folder without pictures, and for a missing folder", function()
    assert.equal("DIR/test/: there is no picture in it (.png, .jpg, .jpeg)", complaint(tree,
      {["test/dog/1.png"] = false, ["test/eel/1.png"] = false, ["test/none.png"] = false,
        ["test/a.txt"] = "x"}, data.images))
    assert.equal("DIR/x: No such file or directory",
      complaint({}, {}, function(dir) return data.images(dir .. "/x") end))
    assert.equal("DIR: both val and valid hold the set 'val'",
      complaint(tree, {["val/cat/1.png"] = "picture"}, data.images))
  end)
end)

-- ---- CelebA -------------------------------------------------------------------------------

local CELEBA <const> = {
  ["img_align_celeba/000001.jpg"] = "picture", ["img_celeba/000001.jpg"] = "picture",
  ["list_attr_celeba.txt"] = "3\n5_o_Clock_Shadow Smiling Young \n" ..
    "000001.jpg -1  1  1\n000002.jpg  1 -1 -1\n000003.jpg -1 -1  1\n",
  ["list_landmarks_align_celeba.txt"] = "3\r\nlefteye_x lefteye_y righteye_x righteye_y nose_x " ..
    "nose_y leftmouth_x leftmouth_y rightmouth_x rightmouth_y \r\n" ..
    "000001.jpg   69  109  106  113   77  142   73  152  108  154 \r\n" ..
    "000002.jpg  1 2 3 4 5 6 7 8 9 10\r\n000003.jpg -1 2 3 4 5 6 7 8 9 10.5\r\n\r\n",
  ["list_landmarks_celeba.txt"] = "3\na_x a_y b_x b_y c_x c_y d_x d_y e_x e_y\n" ..
    "000001.jpg 165 184 244 176  196  249  194  271  266  260\n000002.jpg 0 0 0 0 0 0 0 0 0 0\n" ..
    "000003.jpg 1 1 1 1 1 1 1 1 1 1",
  ["list_bbox_celeba.txt"] = "3\nimage_id x_1 y_1 width height\n000001.jpg    95  71 226 313\n" ..
    "000002.jpg 72 94 221 306\n000003.jpg 0 0 0 0\n",
  ["identity_CelebA.txt"] = "000001.jpg 2880\n000002.jpg 2937\n000003.jpg 1\n",
  ["list_eval_partition.txt"] = "000001.jpg 0\n000002.jpg 0\n000003.jpg 2\n",
}

describe("data.celeba", function()
  it("reads the aligned pictures with all their labels", function()
    with(CELEBA, function(dir)
      local sets <const> = data.celeba(dir)
      assert.same({2, nil, 1}, {#sets.train, sets.val, #sets.test})
      local first <const> = sets.train[1]
      assert.same({1, 2, 2, 2880}, {first["5_o_Clock_Shadow"], first.Smiling, first.Young,
        first.identity})
      assert.same({ {69, 109}, {106, 113}, {77, 142}, {73, 152}, {108, 154} },
        first.landmarks:totable())
      assert.same({-1, 2}, sets.test[1].landmarks[1]:totable())
      assert.same({1, 1, 2}, {sets.test[1]["5_o_Clock_Shadow"], sets.test[1].Smiling,
        sets.test[1].Young})
      assert.same({1, 90, 80}, first.image.shape)
      assert.equal(dir .. "/img_align_celeba/000003.jpg", sets.test:path(1))
      assert.is_nil(first.box)
      assert.same({"no", "yes"}, sets.train.classes.Smiling)
    end)
  end)

  it("reads the pictures that are not aligned, with boxes", function()
    with(CELEBA, function(dir)
      local train <const> = data.celeba(dir, {aligned = false}).train
      assert.equal(dir .. "/img_celeba/000001.jpg", train:path(1))
      assert.same({165, 184}, train[1].landmarks[1]:totable())
      assert.same({94.5, 70.5, 320.5, 383.5}, train[1].box:totable())
    end)
    with(changed(CELEBA, {["img_align_celeba/000001.jpg"] = false,
      ["list_eval_partition.txt"] = false}), function(dir)
      local all <const> = data.celeba(dir).train
      assert.equal(3, #all)
      assert.is_nil(all[3].box)
    end)
  end)

  it("leaves out labels whose files are absent", function()
    with({["Img/img_align_celeba/000001.jpg"] = "picture",
      ["Anno/identity_CelebA.txt"] = CELEBA["identity_CelebA.txt"]}, function(dir)
      local sets <const> = data.celeba(dir)
      assert.same({identity = "class"}, sets.train.kinds)
      assert.equal(dir .. "/Img/img_align_celeba/000002.jpg", sets.train:path(2))
    end)
  end)

  it("raises an error with file, line and column for a wrong value", function()
    local function said(changes) return complaint(CELEBA, changes, data.celeba) end
    local head <const> = "3\n5_o_Clock_Shadow Smiling Young\n000001.jpg -1 1 1\n"
    assert.equal("DIR/list_attr_celeba.txt:4, column 3: 'x' is not a number from -1e9 to 1e9",
      said{["list_attr_celeba.txt"] = head .. "000002.jpg 1 x 1\n000003.jpg 1 1 1\n"})
    assert.equal("DIR/list_attr_celeba.txt:5: attributes are -1 and 1 (from = 0: they are 0 and 1; "
      .. "missing = 0: 0 marks a missing one)",
      said{["list_attr_celeba.txt"] = head .. "000002.jpg 1 1 1\n000003.jpg 1 0 1\n"})
    assert.equal("DIR/list_attr_celeba.txt:4: a name and 3 numbers wanted, 3 words found",
      said{["list_attr_celeba.txt"] = head .. "000002.jpg 1 1\n000003.jpg 1 1 1\n"})
    assert.equal("DIR/list_attr_celeba.txt:4: a name and 3 numbers wanted, 6 words found",
      said{["list_attr_celeba.txt"] = head .. "000002.jpg 1 1 1 1 1\n"})
    assert.equal("DIR/list_attr_celeba.txt:1: 3 rows announced, 1 found",
      said{["list_attr_celeba.txt"] = head})
    assert.equal("DIR/list_attr_celeba.txt:1: the number of rows is missing",
      said{["list_attr_celeba.txt"] = "x"})
    assert.equal("DIR/list_eval_partition.txt:2: '000003.jpg' where DIR/list_attr_celeba.txt " ..
      "has '000002.jpg'", said{["list_eval_partition.txt"] = "000001.jpg 0\n000003.jpg 1\n"})
    assert.equal("DIR/list_eval_partition.txt:3: the parts are 0 (train), 1 (val) and 2 (test)",
      said{["list_eval_partition.txt"] = "000001.jpg 0\n000002.jpg 0\n000003.jpg 3\n"})
    assert.equal("DIR/identity_CelebA.txt:2: identities are whole numbers from 1",
      said{["identity_CelebA.txt"] = "000001.jpg 1\n000002.jpg 0.5\n000003.jpg 3\n"})
    assert.equal("DIR: there is no img_align_celeba or img_celeba in it",
      complaint({}, {["list_attr_celeba.txt"] = head}, data.celeba))
  end)

  it("takes no memory for a number of rows that the first line claims", function()
    core.reset_peak()
    local before <const> = braid.memory().peak
    complaint(CELEBA, {["list_attr_celeba.txt"] = "100000\n" .. ("a "):rep(60000) .. "\n"
      .. ("x\n"):rep(100000)}, data.celeba)
    assert.is_true(braid.memory().peak - before < 4 << 20)
  end)
end)

-- ---- pts ----------------------------------------------------------------------------------

describe("data.pts", function()
  local one <const> = "version: 1\r\nn_points:  2\r\n{\r\n1 1\r\n 3.5  2.25 \r\n}\r\n"
  local tree <const> = {
    ["helen/trainset/a.pts"] = one, ["helen/trainset/a.jpg"] = "picture",
    ["helen/testset/b.pts"] = "version: 1\nn_points: 2\n{\n11 12\n13 nan\n}",
    ["helen/testset/b.png"] = "picture", ["01_Indoor/indoor_001.pts"] = one,
    ["01_Indoor/indoor_001.png"] = "picture", ["helen/trainset/alone.jpg"] = "picture",
  }

  it("reads points, counted from 1, of .pts files that are beside pictures", function()
    with(tree, function(dir)
      local sets <const> = data.pts(dir)
      assert.same({1, 2}, {#sets.train, #sets.test})
      assert.same({ {0, 0}, {2.5, 1.25} }, sets.train[1].landmarks:totable())
      assert.equal(dir .. "/helen/trainset/a.jpg", sets.train:path(1))
      assert.same({10, 11}, sets.test[2].landmarks[1]:totable())
      assert.not_equal(sets.test[2].landmarks[{2, 2}]:item(), sets.test[2].landmarks[{2, 2}]:item())
    end)
    with({["x/a.pts"] = one, ["x/a.png"] = "picture"}, function(dir)
      assert.equal(1, #data.pts(dir).train)
    end)
  end)

  it("raises an error with file and line for a wrong value", function()
    local function said(text)
      return complaint({["a.pts"] = text, ["a.png"] = "picture"}, {}, data.pts)
    end
    assert.equal("DIR/a.pts:3: x and y wanted, 3 numbers found", said "n_points: 1\n{\n1 2 3\n}")
    assert.equal("DIR/a.pts:3: 'b' is not a number from -1e6 to 1e6",
      said "n_points: 1\n{\n1 b\n}")
    assert.equal("DIR/a.pts: 2 points announced, 1 found", said "n_points: 2\n{\n1 2\n}")
    assert.equal("DIR/a.pts: the points are not between { and }", said "n_points: 2\n{\n1 2\n")
    assert.equal("DIR/a.pts:1: 'version: 1', 'n_points: 68' or '{' wanted, not 'hello'",
      said "hello")
    assert.equal("DIR/b.pts: 1 points, but 2 in the files before; points = ... takes the files of "
      .. "one number",
      complaint({["a.pts"] = one, ["a.png"] = "picture", ["b.pts"] = "{\n1 1\n}",
        ["b.png"] = "picture"}, {}, data.pts))
    assert.equal("DIR/a.pts: there is no picture beside it",
      complaint({["a.pts"] = one}, {}, data.pts))
    assert.equal("DIR: there is no .pts file in it", complaint({}, {}, data.pts))
  end)
end)
