--- Tests that every example runs in a small form, and writes the files that it names.

local SMALL <const> = require "spec.support.small_examples"

local function lines_of(command)
  local pipe <const> = assert(io.popen(command))
  local lines <const> = {}
  for line in pipe:lines() do lines[#lines + 1] = line end
  return lines, pipe:close()
end

local function run(example, arguments)
  local lines <const>, ok <const> = lines_of(("build/braid %s %s 2>&1"):format(example, arguments))
  return ok, table.concat(lines, "\n")
end

describe("examples", function()
  local out
  setup(function()
    out = os.tmpname()
    os.remove(out)
    assert(os.execute(("mkdir -p '%s'"):format(out)))
  end)
  teardown(function() os.execute(("rm -rf '%s'"):format(out)) end)

  -- spec/docs/site_spec.lua runs the lessons, whose names begin with a number.
  for _, example in ipairs(lines_of("ls examples/[!0-9]*.lua")) do
    it(example .. " runs", function()
      assert.is_truthy(SMALL[example], "no small form of " .. example .. " is listed here")
      local ok <const>, output <const> = run(example, SMALL[example]:format(out))
      assert.is_true(ok, output)
    end)
  end

  -- Each example trains at a learning rate that makes the loss infinite or NaN.
  for _, example in ipairs{"tcdcn", "compare", "separation", "dmt", "dcnet", "kth"} do
    it(example .. ".lua stops at a loss that is not a number, and writes no weights", function()
      local into <const> = out .. "/wild_" .. example
      local path <const> = ("examples/%s.lua"):format(example)
      local ok <const>, output <const> = run(path, SMALL[path]:format(into) .. " --lr 1e30")
      assert.is_falsy(ok, output)
      assert.matches(example == "compare" and "the loss is %a+ at step %d+ .*No step was taken"
        or "step %d+: the loss is %a+ %(.*[ni][an][nf].*%); no step was taken", output)
      assert.is_nil(io.open(into .. "/tcdcn.safetensors"))
    end)
  end

  it("tcdcn.lua writes the running statistics that it learned into its file", function()
    local braid <const> = require "braid"
    local text <const> = assert(io.open("examples/tcdcn.lua")):read("a")
    local script <const> = out .. "/statistics.lua"
    local file <const> = assert(io.open(script, "w"))
    file:write((text:gsub("\nprint%(\"test:", '\nbraid.save(o.out .. "/before.safetensors", '
      .. "net:state_dict())%0", 1)))
    file:close()
    local ok <const>, output <const> = run(script, SMALL["examples/tcdcn.lua"]:format(out))
    assert.is_true(ok, output)
    local before <const> = braid.load(out .. "/before.safetensors")
    local after <const>, seen = braid.load(out .. "/tcdcn.safetensors"), 0
    for name, t in pairs(before) do
      assert.is_true(t:eq(after[name]):all():item(), name)
      seen = seen + (name:find("running") and 1 or 0)
    end
    assert.is_true(seen > 0)
  end)

  it("tcdcn.lua shows each epoch, and writes a picture and weights that load", function()
    local braid <const> = require "braid"
    local _, output <const> = run("examples/tcdcn.lua",
      ("--faces 192 --epochs 2 --out %s"):format(out))
    local epochs <const> = select(2, output:gsub("epoch +%d/2  [%d.]+ s  loss: gender [%d.]+ "
      .. "glasses [%d.]+ landmarks [%d.]+ pose [%d.]+ smile [%d.]+", ""))
    local evaluations <const> = select(2, output:gsub("gender +[%d.]+%%  glasses +[%d.]+%%  "
      .. "landmarks +[%d.]+ %(fail +[%d.]+%%%)  pose +[%d.]+%%  smile +[%d.]+%%", ""))
    assert.equal(2, epochs, output)
    assert.equal(3, evaluations, output)
    local picture <const> = assert(braid.load(out .. "/landmarks.png"))
    assert.equal(3, picture:size(1))
    local state <const> = assert(braid.load(out .. "/tcdcn.safetensors"))
    assert.same({16, 1, 5, 5}, state["trunk.conv1.1.weight"].shape)
  end)

  it("separation.lua trains in two stages and shows faces and maps", function()
    local ok <const>, output <const> = run("examples/separation.lua",
      ("--faces 48 --epochs 1 --size 16 --branch conv1_2 --block conv2_1 --out %s"):format(out))
    assert.is_true(ok, output)
    assert.equal(2, select(2, output:gsub("stage %d  epoch 1/1  attributes +[%d.]+%%", "")), output)
    local braid <const> = require "braid"
    assert.equal(3, assert(braid.load(out .. "/separation.png")):size(1))
    assert.is_truthy(braid.load(out .. "/separation_maps.png"))
  end)

  it("dmt.lua reads folders of classes, and trains by algorithm 1", function()
    local braid <const> = require "braid"
    for _, class in ipairs{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse",
      "ship", "truck"} do
      for _, set in ipairs{"train", "test"} do
        local folder <const> = ("%s/cifar/%s/%s"):format(out, set, class)
        assert(os.execute(("mkdir -p '%s'"):format(folder)))
        for i = 1, 2 do
          assert(braid.save(("%s/%d.png"):format(folder, i),
            (braid.rand(3, 32, 32) * 255):to("uint8")))
        end
      end
    end
    local ok <const>, output <const> = run("examples/dmt.lua", ("--data %s/cifar --epochs 1 "
      .. "--reading update --width 0.1 --out %s"):format(out, out))
    assert.is_true(ok, output)
    assert.matches("balanced accuracy, %% +airplane_ship  automobile_truck", output)
    for _, network in ipairs{"ST", "MT", "DMT"} do
      assert.matches("\n" .. network .. " +%d", output)
    end
    assert.matches("a group: ", output, 1, true)
  end)

  it("give the same weights, bit for bit, on one thread and on two, run after run", function()
    local function weights(threads)
      assert.is_true((select(2, lines_of(("OMP_NUM_THREADS=%d build/braid examples/tcdcn.lua "
        .. "--faces 192 --epochs 1 --out %s"):format(threads, out)))))
      return assert(require("braid.io.files").read(out .. "/tcdcn.safetensors"))
    end
    local first <const> = weights(1)
    assert.is_true(first == weights(2))
    assert.is_true(first == weights(2))
  end)

  it("compare.lua keeps results, adds new ones, and refuses those of other options", function()
    local function compare(arguments)
      return run("examples/compare.lua",
        ("--faces 64 --width 0.25 --seeds 1 --maps no --out %s/kept %s"):format(out, arguments))
    end
    local ok <const>, first <const> = compare("--epochs 1 --networks 'hard single'")
    assert.is_true(ok, first)
    local row <const> = assert(first:match("\nhard +[%d.]+ +[%d.]+"))
    local _, again <const> = compare("--epochs 1 --networks 'hard dmt'")
    assert.is_nil(again:find("] hard seed 1", 1, true))
    assert.is_truthy(again:find("] dmt seed 1", 1, true))
    assert.is_truthy(again:find(row, 1, true), again)
    local table_of <const> = assert(require("braid.io.files").read(out .. "/kept/results.md"))
    assert.is_truthy(table_of:find("| dmt |", 1, true))
    assert.matches("'hard seed 1': its epochs was 1 and is 2; choose another dir",
      select(2, compare("--epochs 2 --networks hard")), 1, true)
    assert.matches("there is no network 'soft'; there is cross_stitch, ",
      select(2, compare("--epochs 1 --networks soft")), 1, true)
  end)

  it("compare.lua draws the flow between tasks", function()
    local files <const> = require "braid.io.files"
    local ok <const>, output <const> = run("examples/compare.lua",
      ("--faces 64 --epochs 2 --seeds 1 --width 0.25 --networks '%s' --out %s/drawn"):format(
      "hard dmt cross_stitch_later separation", out))
    assert.is_true(ok, output)
    for _, name in ipairs{"dmt", "cross_stitch_later", "separation"} do
      local text <const> = assert(files.read(("%s/drawn/flow_%s.svg"):format(out, name)))
      assert.equal(5 * 5 * 5, select(2, text:gsub("<rect[^>]*fill%-opacity", "")), name)
      assert.is_truthy(text:find("landmarks", 1, true))
    end
    assert.is_nil(files.read(out .. "/drawn/flow_hard.svg"))
  end)

  it("end with an error that names the directory without the data", function()
    local empty <const> = out .. "/empty"
    assert(os.execute(("mkdir -p '%s/train/airplane'"):format(empty)))
    for _, name in ipairs{"tcdcn", "compare", "separation", "dmt", "dcnet", "kth"} do
      for _, path in ipairs{empty, out .. "/nowhere"} do
        local ok <const>, output <const> = run(("examples/%s.lua"):format(name), "--data " .. path
          .. (name == "kth" and "" or " --out " .. out)) -- kth.lua writes no file
        assert.is_falsy(ok, name)
        assert.matches(path, output:match("^[^\n]+"), 1, true)
      end
    end
    assert.matches("must hold the folders train and test", select(2, run("examples/dmt.lua",
      "--data examples/pictures")), 1, true)
  end)

  it("dcnet.lua refuses a share that leaves no batch", function()
    local ok <const>, output <const> = run("examples/dcnet.lua", "--faces 48 --shares 2")
    assert.is_falsy(ok)
    assert.matches("--shares: '2' of 48 faces leaves no batch of 32, or none to test", output, 1,
      true)
  end)

  it("name the options that they know if given an unknown option", function()
    local ok <const>, output <const> = run("examples/tcdcn.lua", "--epoch 3")
    assert.is_falsy(ok)
    assert.matches("there is no option '--epoch'", output, 1, true)
    assert.matches("--epochs 30", output, 1, true)
  end)

  it("refuse invalid arguments before anything is trained", function()
    for path, wrong in pairs{["examples/tcdcn.lua"] = {"--epochs 0", "--lr nan", "--val -1"},
      ["examples/kth.lua"] = {"--epochs -1", "--tries 0", "--batch 0", "--width 0"},
      ["examples/dmt.lua"] = {"--reading backward", "--start 2", "--faces 48 --networks \"st x\""},
      ["examples/dcnet.lua"] = {"--channels 2", "--epochs 1.5", "--lr 0", "--draws"},
      ["examples/separation.lua"] = {"--variant odd", "--fc none", "--faces 48 --block conv9",
        "--faces 48 --branch conv9"}, ["examples/compare.lua"] = {"--lambda -1", "--epochs 0"},
      ["examples/train.lua"] = {"--seeds 0"}, ["examples/weighting.lua"] = {"--jobs 0"},
      ["examples/mtcnn.lua"] = {"--faces 0"}} do
      for _, words in ipairs(wrong) do
        local ok <const>, output <const> = run(path, words)
        assert.is_falsy(ok, path .. " " .. words)
        assert.is_nil(output:find("epoch[^s]"), output)
        local name <const> = words:match(".*%-%-(%w+)")
        assert.matches(name == "block" and "features: there is no block 'conv9'"
          or name == "branch" and "there is no block 'conv9'"
          or name == "networks" and "--networks: 'x' is not st, mt or dmt"
          or ("--%s must be "):format(name), output, 1, true)
      end
    end
  end)
end)
