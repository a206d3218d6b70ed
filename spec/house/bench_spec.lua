--- Tests that the benchmark runs, and writes the file that it names. No time is asserted.

local json <const> = require "braid.io.json"
local shell <const> = require "spec.support.shell"

describe("make bench", function()
  local function bench(arguments)
    local out <const> = os.tmpname()
    local made <const> = shell.run("make bench-machine DEPS=no")
    assert.equal(0, made.status, made.err)
    local run <const> = shell.run("build/braid spec/bench/bench.lua --quick yes " ..
      "--python no-such-python --out " .. out .. " " .. arguments)
    assert.equal(0, run.status, run.err)
    local text <const> = shell.read(out)
    os.remove(out)
    return run.out, assert(json.decode(text))
  end

  it("without PyTorch shows and writes the numbers of Braid #slow", function()
    local shown <const>, result <const> =
      bench("--only 'tcdcn fit pooling 2048 c320 overhead'")
    assert.matches("No PyTorch", shown, 1, true)
    assert.is_true(result.quick)
    assert.is_true(result.machine.peak_gflops[1] > 0 and result.machine.triad_gbs[1] > 0)

    assert.equal(1, #result.networks)
    local tcdcn <const> = result.networks[1]
    assert.same({"tcdcn", 64, 79741}, {tcdcn.name, tcdcn.batch, tcdcn.parameters})
    assert.is_true(tcdcn.braid_ms >= tcdcn.braid_least_ms and tcdcn.braid_least_ms > 0)
    assert.is_true(tcdcn.braid_mb > tcdcn.braid_own_mb and tcdcn.braid_own_mb > 0)
    assert.is_nil(tcdcn.torch_ms)
    assert.is_nil(tcdcn.ratio)
    assert.is_nil(result.geometric_mean)

    assert.same({"tcdcn", 1}, {result.inference[1].name, result.inference[1].batch})

    local rates <const> = {gflops = 0, gbs = 0}
    for _, row in ipairs(result.operators) do
      assert.equal("string", type(row.name))
      local kind <const> = row.gflops and "gflops" or "gbs"
      assert.is_true(row[kind] > 0 and row.share > 0, row.name)
      rates[kind] = rates[kind] + 1
    end
    assert.is_true(rates.gflops >= 6 and rates.gbs >= 4)

    local fit <const> = result.fit
    assert.is_true(fit.plain_ms > 0 and fit.fit_ms > 0 and fit.dir_ms > 0)

    local units <const> = {}
    for _, row in ipairs(result.overhead) do
      assert.is_true(row.braid > 0, row.name)
      units[row.unit] = true
    end
    assert.same({ms = true, us = true}, units)
  end)

  it("shows where a step spends its time, with --profile #slow", function()
    local run <const> = shell.run("build/braid spec/bench/bench.lua --profile tcdcn")
    assert.equal(0, run.status, run.err)
    assert.matches("conv2d +40 ", run.out) -- four convolutions in each of ten steps
    assert.matches("max_pool2d +30 ", run.out)
  end)
end)
