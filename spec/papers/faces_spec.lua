--- braid.papers.faces, which gives CelebA and AFLW the labels of MTFL, for experiments of papers.

local braid <const> = require "braid"
local faces <const> = require "braid.papers.faces"
local shell <const> = require "spec.support.shell"
local trees <const> = require "spec.support.reader_trees"
local run <const> = require("spec.support.command").run

local FACES <const> = braid.data.faces{n = 6, size = 40, val = 1, test = 1}.train

-- Writes CelebA's files for six rendered faces, four for training and two for testing.
local function put_celeba(dir)
  local attributes <const>, points <const>, parts <const> = {"6\nEyeglasses Male Smiling\n"},
    {"6\n" .. ("a "):rep(10) .. "\n"}, {}
  shell.run(("mkdir -p %s/img_align_celeba"):format(dir))
  for i = 1, #FACES do
    local s <const>, words <const> = FACES[i], {}
    local function sign(class) return class == 1 and 1 or -1 end
    attributes[i + 1] = ("%d.jpg %d %d %d\n"):format(i, sign(s.glasses), sign(s.gender),
      sign(s.smile))
    for k, p in ipairs(s.landmarks:totable()) do words[k] = ("%.2f %.2f"):format(p[1], p[2]) end
    points[i + 1] = ("%d.jpg %s\n"):format(i, table.concat(words, " "))
    parts[i] = ("%d.jpg %d\n"):format(i, i > 4 and 2 or 0)
    braid.save(("%s/img_align_celeba/%d.png"):format(dir, i), FACES.images[i])
  end
  shell.write(dir .. "/list_attr_celeba.txt", table.concat(attributes))
  shell.write(dir .. "/list_landmarks_align_celeba.txt", table.concat(points))
  shell.write(dir .. "/list_eval_partition.txt", table.concat(parts))
end

describe("braid.papers.faces", function()
  it("reads CelebA with the labels of MTFL", function()
    shell.in_directory(function(dir)
      put_celeba(dir)
      local sets <const> = faces.celeba(dir, {size = 32, channels = 1})
      assert.same({4, 2}, {#sets.train, #sets.test})
      for i = 1, 6 do
        local set <const> = i > 4 and sets.test or sets.train
        local got <const>, want <const> = set[i > 4 and i - 4 or i], FACES[i]
        assert.same({want.gender, want.smile, want.glasses}, {got.gender, got.smile, got.glasses})
        assert.near(0, (got.landmarks - want.landmarks):abs():max():item(), 0.01)
        assert.is_nil(got.pose)
      end
    end)
  end)

  it("reads AFLW with five of its points, and poses from yaw", function()
    shell.in_directory(function(dir)
      local head <const>, rows <const> = trees.readers.aflw["aflw.csv"]:match("^([^\n]*)\n"), {}
      for i, yaw in ipairs{-1.2, -0.5, 0, 0.5, 1.2, ""} do
        local points <const> = {}
        for p = 1, 21 do points[p] = ("%d,%d"):format(p, 30 - p) end
        rows[i] = ("a.png,1,1,30,30,%s,%s,f\n"):format(table.concat(points, ","), yaw)
      end
      trees.put(dir, {["aflw.csv"] = head .. ",YAW,SEX\n" .. table.concat(rows),
        ["flickr/a.png"] = "picture"})
      local set <const> = faces.aflw(dir, {size = 32, channels = 3}).train
      assert.same({1, 2, 3, 4, 5, false}, trees.column(set, "pose"))
      assert.same({ {8, 22}, {11, 19}, {15, 15}, {18, 12}, {20, 10} },
        set.labels.landmarks[1]:totable())
      assert.same({2, false, false},
        {set[1].gender, set[1].smile or false, set[1].glasses or false})
    end)
  end)

  it("makes `braid papers` refuse data that an experiment does not take", function()
    shell.in_directory(function(dir)
      put_celeba(dir)
      assert.matches("papers: data: these are celeba, but the experiment takes mtfl",
        run(("papers 003_fig2_kth --quick --data %s --out %s/out"):format(dir, dir)).err)
    end)
  end)
end)
