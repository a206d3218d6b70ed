--- Tests that the commands eval and predict give the same numbers as scripts.

local braid <const> = require "braid"
local command <const> = require "spec.support.command"
local core <const> = require "braid.core"
local json <const> = require "braid.io.json"
local shell <const> = require "spec.support.shell"
local data <const>, mtl <const>, nn <const>, train <const> = braid.data, braid.mtl, braid.nn,
  braid.train
local run <const>, in_directory <const> = command.run, command.in_directory

local DATA <const> = ' --data faces --read "n=60 seed=3"'

-- A run of one epoch. It has a task of each kind that predict can show.
local function make_run(dir, channels)
  local sets <const> = data.faces{n = 60, seed = 3, channels = channels}
  local set <const> = sets.train
  local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{of = set},
    pose = mtl.classes{5, names = set.classes.pose, flip = {5, 4, 3, 2, 1}}, smile = mtl.classes{2},
    both = mtl.attributes{"gender", "glasses"}}
  braid.manual_seed(1)
  local net <const> = braid.model("models/tcdcn.lua", {tasks = tasks, channels = channels})
  train.fit{net = net, train = set, val = sets.val, epochs = 1, batch = 30, seed = 1, dir = dir,
    loader = {size = 40}, progress = false}
  return sets, net, tasks
end

-- Files of pictures. One picture is not square.
local function write_pictures(dir, set)
  local paths <const> = {}
  for i, cut in ipairs{{64, 64}, {64, 40}, {40, 64}} do
    local image <const> = set[i].image[{ {}, {1, cut[1]}, {1, cut[2]} }]:permute(2, 3, 1)
    paths[i] = ("%s/face%d.png"):format(dir, i)
    assert(core.image_write(paths[i], image:expand(cut[1], cut[2], 3):contiguous():clone()))
  end
  return paths
end

describe("the commands eval and predict:", function()
  it("eval gives the numbers of a script, and tests a run only once", function()
    in_directory(function(dir)
      local a <const> = dir .. "/a"
      local sets <const> = make_run(a, 1)
      local net <const>, tasks <const> = braid.open(a .. "/best.safetensors")
      for _, part in ipairs{"val", "train", "test"} do
        local report <const> = tasks:evaluate(net, data.loader(sets[part], {size = 40, batch = 64}))
        local call <const> = ("eval %s/best.safetensors%s --part=%s"):format(a, DATA, part)
        assert.equal(tostring(report) .. "\n", run(call).out)
        local decoded <const> = json.decode(run(call .. " --json").out)
        assert.equal(report.landmarks.error, decoded.landmarks.error)
      end
      assert.is_nil(core.path_kind(a .. "/test.json"))
      local best <const> = run("eval " .. a .. "/best.safetensors" .. DATA).out
      assert.equal(best, run("eval " .. a .. DATA).out)
      assert.matches("was already tested at", run("eval " .. a .. DATA).err, 1, true)
      local other <const> = run("eval " .. a .. ' --data faces --read "n=70"')
      assert.equal(1, other.status)
      assert.equal("", other.out)
      assert.matches("was already tested on other data", other.err, 1, true)
    end)
  end)

  for _, channels in ipairs{1, 3} do
    it(("predict gives the numbers of a script, on %d channels"):format(channels), function()
      in_directory(function(dir)
        local a <const> = dir .. "/a"
        local sets <const> = make_run(a, channels)
        local net <const>, tasks <const> = braid.open(a .. "/best.safetensors")
        local _ <close> = net:evaluating()
        local paths <const> = write_pictures(dir, sets.test)
        -- The run's loader resizes pictures in memory in this way.
        local batch <const> = data.loader(data.dataset{files = paths, channels = channels},
          {transforms = {data.crop{by = "middle"}, data.augment{size = 40, filter = "bilinear"},
            data.whiten()}, batch = 3, enlarge = true})()
        local outputs <const> = net(batch.image)
        local call <const> = ("predict %s %s"):format(a, table.concat(paths, " "))
        local list <const> = json.decode(run(call .. " --json").out)
        local rows <const> = {}
        for line in run(call .. " --csv").out:gmatch("[^\n]+") do rows[#rows + 1] = line end
        assert.equal(4, #rows)
        for i, row in ipairs(list) do
          assert.equal(paths[i], row.picture)
          local c <const> = outputs.pose[i]:argmax():item()
          assert.equal(c, row.tasks.pose.class)
          assert.equal(tasks.pose.names[c], row.tasks.pose.name)
          assert.equal(outputs.pose[i]:softmax(1)[c]:item(), row.tasks.pose.share)
          assert.equal("glasses", row.tasks.both.each[2].label)
          local said <const> = outputs.both[i]:reshape(2, 2)
          assert.equal(said[2]:argmax():item(), row.tasks.both.each[2].class)
          assert.equal(5, #row.tasks.landmarks.points)
          assert.equal(paths[i], rows[i + 1]:match("^[^,]+"))
        end
      end)
    end)
  end

  it("predict places points in pictures that are not square as the loader does", function()
    in_directory(function(dir)
      local sets <const> = data.faces{n = 1, test = 3}
      local paths <const> = write_pictures(dir, sets.test)
      for i, size in ipairs{{64, 64}, {64, 40}, {40, 64}} do
        local h <const>, w <const> = size[1], size[2]
        local there <const> = {{0, 0}, {10, 20}, {w - 1, h - 1}}
        local set <const> = data.dataset{files = {paths[i]}, channels = 1,
          labels = {points = braid.tensor{there}}}
        local tasks <const> = mtl.tasks{points = mtl.landmarks{points = 3, eyes = false}}
        local loader <const> = data.loader(set, {size = 40, batch = 1, enlarge = true})
        local net <const> = nn.Identity() -- in place of a network that finds the points
        local seen <const> = loader().points
        function net.forward() return {points = seen:reshape(1, 6)} end
        net.card = {preprocessing = loader:recipe()}
        local said <const> = net:predict(paths[i], {tasks = tasks}).points.points
        for k, p in ipairs(there) do
          assert.near(p[1], said[k][1], 1e-3)
          assert.near(p[2], said[k][2], 1e-3)
        end
      end
    end)
  end)

  it("predict --out draws on copies, and overwrites nothing without --overwrite", function()
    in_directory(function(dir)
      local sets <const> = make_run(dir .. "/a", 1)
      local paths <const> = write_pictures(dir, sets.test)
      local call <const> = ("predict %s/a %s"):format(dir, paths[2])
      local out <const> = dir .. "/out"
      assert.same({status = 0, signal = false, out = "", err = ""}, run(call .. " --out " .. out))
      local drawn <const> = core.image_read(out .. "/face2.png", 3)
      local image <const> = core.image_read(paths[2], 3)
      assert.equal(40, drawn:size(3))
      assert.is_true(drawn:size(2) > 64) -- words are below the picture
      local changed <const> = drawn[{ {}, {1, 64} }]:ne(image):sum():item()
      assert.is_true(changed > 0 and changed < image:numel() / 4)
      assert.matches("--overwrite replaces it", run(call .. " --out " .. out).err, 1, true)
      assert.equal(0, run(call .. " --overwrite --out " .. out).status)
      local before <const> = shell.read(paths[2])
      for _, where in ipairs{dir, dir .. "/", dir .. "//.", dir .. "/./"} do
        local result <const> = run(call .. " --overwrite --out " .. where)
        assert.equal(1, result.status)
        assert.matches("is one of the pictures to read", result.err, 1, true)
      end
      assert.equal(before, shell.read(paths[2]))
      shell.run("mkdir " .. dir .. "/in && cp " .. paths[2] .. " " .. dir .. "/in")
      assert.matches("would both be", run(call .. " " .. dir .. "/in/face2.png --out " .. dir
        .. "/new").err, 1, true)
      assert.is_nil(core.path_kind(dir .. "/new"))
    end)
  end)

  it("a wrong call ends with one line that names the mistake", function()
    in_directory(function(dir)
      local sets <const> = make_run(dir .. "/a", 1)
      local picture <const> = " " .. write_pictures(dir, sets.test)[1]
      local net <const> = braid.open(dir .. "/a/best.safetensors")
      net.card = nil
      braid.save(dir .. "/net.safetensors", net)
      for _, row in ipairs{
        {2, "--data is missing", "eval DIR/a"},
        {2, '"test", "val" or "train", not \'vall\'', "eval DIR/a --part vall" .. DATA},
        {1, "a test uses the size and batch of the run", "eval DIR/a --size 40" .. DATA},
        {1, "is not the directory of a run", "eval DIR" .. DATA},
        {1, "there is no DIR/no", "eval DIR/no" .. DATA},
        {1, "there is no DIR/b", "eval DIR/a --data DIR/b"},
        {2, "something is missing", "predict DIR/a"},
        {2, "--json and --csv", "predict DIR/a --json --csv" .. picture},
        {2, "--batch must be", "predict DIR/a --batch 0" .. picture},
        {1, "size is missing", "predict DIR/net.safetensors" .. picture},
        {1, "takes no pictures of 17 x 17", "predict DIR/a --size 17" .. picture},
        {1, "README.md", "predict DIR/a README.md" .. picture},
        {1, "cannot open DIR/no.png", "predict DIR/a DIR/no.png" .. picture},
        {1, "is a file", "predict DIR/a --out README.md" .. picture},
        {1, "is not the directory of a run", "predict DIR" .. picture},
      } do
        local status <const>, words <const>, call <const> = table.unpack(row)
        local result <const> = run((call:gsub("DIR", dir)))
        assert.equal(status, result.status, call)
        assert.matches("^braid: %l+: [^\n]+\n$", result.err)
        assert.is_truthy(result.err:find((words:gsub("DIR", dir)), 1, true), result.err)
        assert.equal("", result.out)
      end
    end)
  end)
end)
