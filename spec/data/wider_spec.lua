--- Tests data.wider, which reads lists of boxes in the form of WIDER FACE.

local braid <const> = require "braid"
local trees <const> = require "spec.support.reader_trees"
local data <const> = braid.data

local LIST <const> = table.concat({
  "0--Parade/a.png", "2", "10 12 20 30 0 0 1 0 2 0", "40 50 8 9 2 1 0 0 0 1",
  "0--Parade/none.png", "0", "0 0 0 0 0 0 0 0 0 0",
  "1--Meeting\\b.png", "3", "1 2 30 40 1 0 0 0 1 0", "5 5 9 9 1 0 0 1 0 0", "7 7 0 9 0 0 0 0 0 0",
}, "\r\n") .. "\r\n"
local TREE <const> = {["wider_face_split/wider_face_train_bbx_gt.txt"] = LIST,
  ["wider_face_split/wider_face_val_bbx_gt.txt"] = "v.png\n1\n3 4 5 6\n",
  ["WIDER_train/images/0--Parade/a.png"] = "picture",
  ["WIDER_train/images/1--Meeting/b.png"] = "picture",
  ["WIDER_val/images/v.png"] = "picture"}

describe("data.wider", function()
  it("makes a sample of each face, with its picture, box and classes", function()
    trees.with(TREE, function(dir)
      local sets <const> = data.wider(dir)
      local train <const> = sets.train
      assert.equal(3, #train)
      assert.equal(2, train.omitted) -- an invalid face, and a face without area
      assert.same({1, 1, 2}, train.index:totable())
      assert.equal(dir .. "/WIDER_train/images/1--Meeting/b.png", train:path(3))
      -- The box is 20 pixels wide from pixel 10; centres of pixels are whole numbers.
      assert.same({9.5, 11.5, 29.5, 41.5}, train.boxes[1]:totable())
      assert.same({1, 3, 2}, train.labels.blur:totable())
      assert.same({3, 1, 2}, train.labels.occlusion:totable())
      assert.same({1, 2, 1}, train.labels.pose:totable())
      assert.same({"clear", "normal", "heavy"}, train.classes.blur)
      assert.same({3, 16, 16}, data.loader(train, {batch = 3, size = 16, channels = 3})().image[1]
        .shape)
      assert.equal(1, #sets.val)
      assert.is_nil(sets.val.labels.blur) -- this list has only boxes
    end)
  end)

  it("gives data from which braid.vision.samples makes a detector's samples", function()
    trees.with(TREE, function(dir)
      local found <const> = braid.vision.samples(data.wider(dir).train, {size = 12, near = 30})
      assert.is_true(found.counts.positive > 0)
      assert.is_true(found.landmarks:ne(found.landmarks):all():item()) -- WIDER FACE has no points
    end)
  end)

  it("raises an error that names the wrong line", function()
    local function said(list)
      return trees.said({["wider_face_train_bbx_gt.txt"] = list, ["a.png"] = "picture"}, data.wider)
    end
    local NAME <const> = "wider_face_train_bbx_gt.txt:"
    for list, message in pairs{
      ["a.png\nmany\n"] = NAME .. "2: the number of faces wanted after 'a.png'",
      ["a.png\n"] = NAME .. "1: the number of faces wanted after 'a.png'",
      ["a.png\n2\n1 2 3 4\n"] = NAME .. "end: a face of 4 or 10 numbers wanted",
      ["a.png\n1\n1 2 3\n"] = NAME .. "3: a face of 4 or 10 numbers wanted, not '1 2 3'",
      ["a.png\n1\n1 2 3 4 7 0 0 0 0 0\n"] = NAME .. "3: blur must be from 0 to 2, not 7",
      ["a.png\n0\n"] = "wider_face_train_bbx_gt.txt: there are no faces in it",
    } do
      assert.matches(message, said(list), 1, true)
    end
  end)
end)
