-- Every example runs, in a small form, and writes what it says.

local SMALL <const> = {
  ["examples/tcdcn.lua"] = "--faces 192 --epochs 1 --out %s",
  ["examples/mtcnn.lua"] = "--out %s/mtcnn.png", -- says what it wants
  ["examples/faces.lua"] = "--n 12 --out %s/faces.png",
}

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

  for _, example in ipairs(lines_of("ls examples/*.lua")) do
    it(example .. " runs", function()
      assert.is_truthy(SMALL[example], "no small form of " .. example .. " is listed here")
      local ok <const>, output <const> = run(example, SMALL[example]:format(out))
      assert.is_true(ok, output)
    end)
  end

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

  it("name the options they know when given another", function()
    local ok <const>, output <const> = run("examples/tcdcn.lua", "--epoch 3")
    assert.is_falsy(ok)
    assert.matches("there is no option '--epoch'", output, 1, true)
    assert.matches("--epochs 30", output, 1, true)
  end)
end)
