--- Tests that `braid bench` gives all its measurements, and that its counts equal a script's.

local braid <const> = require "braid"
local json <const> = require "braid.io.json"
local mtl <const> = braid.mtl
local operators <const> = require "braid.cli.given.operators"
local shell <const> = require "spec.support.shell"

local function run(arguments)
  return shell.run("OMP_NUM_THREADS=1 " .. shell.braid .. " bench " .. arguments)
end

describe("braid bench", function()
  it("times a network made by a definition, and a network in a file", function()
    shell.in_directory(function(dir)
      local net <const> = braid.model("tcdcn", {tasks = mtl.tasks{pose = mtl.classes{5}}})
      braid.save(dir .. "/net.safetensors", net)
      local result <const> = run(("tcdcn %s/net.safetensors --tasks pose=5 --batch 2 --size 40 "
        .. "--seconds 0.01 --json"):format(dir))
      assert.equal("", result.err)
      local said <const> = json.decode(result.out)
      assert.equal(1, said.threads)
      assert.equal(2, #said.networks)
      for _, network in ipairs(said.networks) do
        assert.equal(net:count_parameters(), network.parameters)
        assert.equal(net:summary{1, 40, 40}.macs, network.macs)
        assert.same({1, 40, 40}, network.input)
        assert.same({"training step", "inference", "inference"}, {network.rows[1].what,
          network.rows[2].what, network.rows[3].what})
        for i, row in ipairs(network.rows) do
          assert.equal(i < 3 and 2 or 1, row.pictures)
          assert.is_true(row.low_ms > 0 and row.low_ms <= row.ms and row.ms <= row.high_ms)
          assert.near(row.pictures / row.ms * 1e3, row.rate, 1e-6 * row.rate)
          assert.is_true(row.runs >= 3 and row.mb > 0)
        end
      end
    end)
  end)

  it("prints a line for each measurement, or a profile", function()
    local result <const> = run("tcdcn --batch 2 --seconds 0.01")
    assert.equal("", result.err)
    for _, part in ipairs{"tcdcn: ", "\n  training, 2 ", "\n  inference, 2 ",
      "\n  inference, 1 "} do
      assert.is_truthy(result.out:find(part, 1, true), part)
    end
    assert.matches("ms in all\n$", run("tcdcn --batch 2 --profile").out)
  end)

  it("times operators", function()
    local list <const> = json.decode(run("--only conv2d --seconds 0.01 --json").out).operators
    assert.is_true(#list > 2 and #list < #operators.names())
    for _, row in ipairs(list) do
      assert.is_true(row.ms > 0 and row.backward_ms > 0 and row.gflops > 0)
    end
  end)

  it("ends a wrong call with one line that names the mistake", function()
    for _, row in ipairs{
      {2, "--profile is of networks", "--profile"}, {2, "--only is of operators", "tcdcn --only x"},
      {1, "no operator's row has 'none'", "--json --only none"},
      {1, "must be a number of classes", "tcdcn --json --tasks pose=x"},
      {1, "did you mean tcdcn", "tcdnc --json"}, {2, "--batch must be", "tcdcn --batch 0"},
    } do
      local result <const> = run(row[3])
      assert.equal(row[1], result.status, row[3])
      assert.matches("^braid: bench: [^\n]+\n$", result.err)
      assert.is_truthy(result.err:find(row[2], 1, true), result.err)
      assert.equal("", result.out)
    end
  end)
end)
