--- Tests that `braid faces` gives the numbers of a script's detector, as text, CSV, JSON and
-- pictures.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local file <const> = require "spec.support.file"
local json <const> = require "braid.io.json"
local mtcnn_layers <const> = require "spec.support.mtcnn_layers"
local shell <const> = require "spec.support.shell"
local vision <const> = braid.vision

local STAGES <const> = {"P", "R", "O"}

local function run(arguments)
  return shell.run("OMP_NUM_THREADS=1 " .. shell.braid .. " faces " .. arguments)
end

-- The networks are random: at these thresholds they find something in rendered faces.
local THRESHOLDS <const> = {0.1, 0, 0}
local SEARCH <const> = " --thresholds 0.1,0,0 --min-face 24"

local function prepared(f)
  local threads <const> = braid.get_threads()
  braid.set_threads(1)
  shell.in_directory(function(dir)
    braid.manual_seed(2)
    for i, stage in ipairs(STAGES) do
      shell.write(("%s/det%d.caffemodel"):format(dir, i), file.caffemodel((mtcnn_layers(stage))))
    end
    local set <const>, paths <const> = braid.data.faces{n = 2, size = 96, seed = 5}.train, {}
    for i = 1, 2 do
      paths[i] = ("%s/face%d.png"):format(dir, i)
      braid.save(paths[i], set[i].image)
    end
    f(dir, paths, (" --weights %s%s"):format(dir, SEARCH))
  end)
  braid.set_threads(threads)
end

local function found_by_script(dir, path)
  local detect <const> = assert(vision.mtcnn.detector(dir, {min_face = 24,
    thresholds = THRESHOLDS}))
  return detect(core.image_read(path, 3))
end

describe("braid faces", function()
  it("finds the same faces as a script", function()
    prepared(function(dir, paths, given)
      local call <const> = table.concat(paths, " ") .. given
      local list <const> = json.decode(run(call .. " --json").out)
      local rows <const>, text <const> = {}, run(call).out
      for line in run(call .. " --csv").out:gmatch("[^\n]+") do rows[#rows + 1] = line end
      local count = 0
      for i, path in ipairs(paths) do
        local found <const> = found_by_script(dir, path)
        local n <const> = found.scores:numel()
        assert.is_true(n > 0)
        assert.equal(path, list[i].picture)
        assert.equal(n, #list[i].faces)
        assert.is_truthy(text:find(("%s: %d face"):format(path, n), 1, true))
        for k, face in ipairs(list[i].faces) do
          assert.equal(found.scores[k]:item(), face.score)
          assert.same((found.boxes[k] - 1):totable(), face.box)
          assert.same((found.points[k] - 0.5):totable(), face.points)
          count = count + 1
          local cells <const> = {}
          for cell in rows[count + 1]:gmatch("[^,]+") do cells[#cells + 1] = cell end
          assert.equal(path, cells[1])
          assert.equal(face.box[4], tonumber(cells[5]))
          assert.equal(face.score, tonumber(cells[6]))
          assert.equal(face.points[5][2], tonumber(cells[16]))
        end
      end
      assert.equal(count + 1, #rows)
    end)
  end)

  it("accepts networks that were saved as .safetensors", function()
    prepared(function(dir, paths, given)
      local own <const> = dir .. "/own"
      shell.run("mkdir " .. own)
      for _, stage in ipairs(STAGES) do
        braid.save(("%s/%s.safetensors"):format(own, stage), (vision.mtcnn.network(dir, stage)))
      end
      local published <const> = run(paths[1] .. given .. " --json")
      assert.equal(published.out, run(paths[1] .. " --json --weights " .. own .. SEARCH).out)
    end)
  end)

  it("draws on copies of the pictures", function()
    prepared(function(dir, paths, given)
      local out <const> = dir .. "/out"
      local call <const> = paths[1] .. given .. " --out " .. out
      assert.equal(0, run(call).status)
      local drawn <const>, image <const> = core.image_read(out .. "/face1.png", 3),
        core.image_read(paths[1], 3)
      assert.same(image.shape, drawn.shape)
      local found <const> = found_by_script(dir, paths[1])
      braid.plot.detections(dir .. "/own.png", image, found.boxes, found.points, {thickness = 1})
      assert.equal(shell.read(dir .. "/own.png"), shell.read(out .. "/face1.png"))
      assert.matches("--overwrite replaces it", run(call).err, 1, true)
      assert.equal(0, run(call .. " --overwrite").status)
    end)
  end)

  it("finds nothing in a picture that is smaller than a face", function()
    prepared(function(dir, _, given)
      braid.save(dir .. "/small.png", braid.zeros(1, 3, 2):to("uint8"))
      local result <const> = run(dir .. "/small.png" .. given)
      assert.same({0, dir .. "/small.png: 0 faces\n"}, {result.status, result.out})
      assert.same({}, json.decode(run(dir .. "/small.png --json" .. given).out)[1].faces)
      assert.matches('"faces":[]', run(dir .. "/small.png --json" .. given).out, 1, true)
    end)
  end)

  it("ends a wrong call with one line that names the mistake", function()
    prepared(function(dir, paths, given)
      local picture <const> = paths[1]
      for _, row in ipairs{
        {2, "--weights is missing", picture},
        {2, "something is missing", given},
        {2, "--json and --csv", picture .. given .. " --json --csv"},
        {2, "three numbers from 0, below 1", picture .. given .. " --thresholds 0.1,0.2"},
        {2, "three numbers from 0, below 1", picture .. given .. " --thresholds 0.1,0.2,1"},
        {2, "--min_face must be", picture .. given .. " --min_face 0"},
        {2, "did you mean --thresholds", picture .. given .. " --treshold 1"},
        {1, "there is no directory", picture .. " --weights " .. picture},
        {1, "det1.caffemodel", picture .. " --weights spec"},
        {1, "cannot open", dir .. "/none.png" .. given},
        {1, "not a PNG or JPEG", "README.md" .. given},
        {1, "is one of the pictures to read", picture .. given .. " --out " .. dir},
      } do
        local result <const> = run(row[3])
        assert.equal(row[1], result.status, row[3])
        assert.matches("^braid: faces: [^\n]+\n$", result.err)
        assert.is_truthy(result.err:find(row[2], 1, true), result.err)
        assert.equal("", result.out)
      end
    end)
  end)
end)
