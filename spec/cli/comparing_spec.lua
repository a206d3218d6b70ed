--- Tests that braid compare and braid sweep give the same results as scripts.

local braid <const> = require "braid"
local command <const> = require "spec.support.command"
local shell <const> = require "spec.support.shell"
local json <const> = require "braid.io.json"
local data <const>, mtl <const>, train <const> = braid.data, braid.mtl, braid.train
local run <const>, in_directory <const> = command.run, command.in_directory

local DATA <const> = ' --data faces --read "n=40 seed=3" --tasks "landmarks pose*0.02"'
local COMMON <const> = " --options norm --steps 2 --batch 16 --lr 1e-3 --schedule linear --jobs 1"

-- The arguments of a script for train.compare and train.sweep.
local function by_script(more)
  local sets <const> = data.faces{n = 40, seed = 3}
  local given <const> = {train = sets.train, val = sets.val, steps = 2, batch = 16,
    tasks = mtl.tasks{landmarks = mtl.landmarks{of = sets.train},
      pose = mtl.classes{5, weight = 0.02, flip = {5, 4, 3, 2, 1},
        names = sets.train.classes.pose}},
    optimizer = {"AdamW", lr = 1e-3}, schedule = "linear", loader = {size = 40}, jobs = 1,
    progress = false}
  for key, value in pairs(more) do given[key] = value end
  return given, sets
end

-- A function that makes models/tcdcn.lua of this width, with batch norm.
local function tcdcn(width)
  return function(tasks, job)
    local w <const> = width * (job.values and job.values.width or 1)
    return braid.model("tcdcn.lua", {tasks = tasks, norm = true, width = w ~= 1 and w or nil})
  end
end

describe("braid compare", function()
  local WORDS <const> = "compare models/tcdcn.lua 'half=tcdcn width=0.5'" .. DATA .. COMMON

  it("gives the results of train.compare, and reuses those of an earlier call", function()
    in_directory(function(dir)
      local given <const>, sets <const> = by_script{seeds = {2, 3}, dir = dir .. "/script",
        networks = {tcdcn = tcdcn(1), half = tcdcn(0.5)}, order = {"tcdcn", "half"}}
      given.test = sets.test
      local results <const> = train.compare(given)
      local call <const> = ("%s --seeds 2..3 --dir %s/a"):format(WORDS, dir)
      local files <const> = (" --csv %s/t --markdown %s/u --latex %s/v"):format(dir, dir, dir)
      local said <const> = run(call .. files)
      assert.equal("", said.err)
      local decoded <const> = json.decode(run(call .. " --json").out)
      for i, name in ipairs{"tcdcn", "half"} do
        assert.equal(name, decoded.networks[i].name)
        for k, seed in ipairs{2, 3} do
          local own <const> = decoded.networks[i].runs[k]
          local other <const> = results.results[name][seed]
          assert.equal(seed, own.seed)
          assert.equal(other.parameters, own.parameters)
          assert.equal(other.metrics.landmarks.error, own.metrics.landmarks.error)
          assert.equal(other.metrics.pose.loss, own.metrics.pose.loss)
        end
      end
      assert.is_truthy(said.out:find("half is .*tcdcn") or said.out:find("tcdcn .*half"))
      assert.matches("^network,", shell.read(dir .. "/t"))
      assert.matches("^| network |", shell.read(dir .. "/u"))
      assert.matches("\\begin{table}", shell.read(dir .. "/v"), 1, true)
      local wider <const> = run(call:gsub("width=0.5", "width=0.6"))
      assert.equal(1, wider.status)
      assert.matches("is the result of another job", wider.err, 1, true)
    end)
  end)

  it("with --same parameters makes networks of equal size, in two processes #slow", function()
    in_directory(function(dir)
      local call <const> = ("%s --same parameters --seeds 1 --dir %s/a --json"):format(WORDS, dir)
      local result <const> = run((call:gsub("jobs 1", "jobs 2")))
      assert.equal("", result.err)
      local counts <const> = {}
      for i, network in ipairs(json.decode(result.out).networks) do
        counts[i] = network.runs[1].parameters
      end
      assert.near(1, counts[2] / counts[1], 0.05)
      assert.equal(result.out, run(call).out) -- read from the results of the first call
    end)
  end)
end)

describe("braid sweep", function()
  it("gives the results of train.sweep", function()
    in_directory(function(dir)
      local given <const> = by_script{trials = 2, seed = 5, best = "landmarks.error",
        space = {lr = train.space.log(1e-4, 1e-2), batch = {8, 16},
          width = train.space.uniform(0.2, 0.5), ["weights.pose"] = train.space.uniform(0, 1)},
        net = tcdcn(1), dir = dir .. "/script"}
      local results <const> = train.sweep(given)
      local result <const> = run("sweep tcdcn.lua" .. DATA .. COMMON .. " --trials 2 --seed 5"
        .. " --space 'lr=log(1e-4, 1e-2) batch={8, 16} width=0.2..0.5 weights.pose=uniform(0, 1)'"
        .. " --json --best landmarks.error --dir " .. dir .. "/a")
      assert.equal("", result.err)
      local decoded <const> = json.decode(result.out)
      assert.equal(results.best.trial, decoded.best)
      for i, trial in ipairs(results.trials) do
        assert.equal(trial.value, decoded.trials[i].value)
        assert.same(trial.values, decoded.trials[i].values)
      end
    end)
  end)

  it("reads the text of --space", function()
    local space <const> = require "braid.cli.given.space"
    local read <const> = space("a=log(1e-3, 1) b={1, x} c=1..8 d=0..1.5 e=whole(1,4,log) "
      .. "f=choice(p q)")
    local function words(name) return tostring(read[name]) end
    assert.same({"log 0.001 to 1", {1, "x"}, "whole 1 to 8", "uniform 0 to 1.5", "whole 1 to 4",
      {"p", "q"}}, {words "a", read.b, words "c", words "d", words "e", read.f.values})
    for _, text in ipairs{"", "a", "a=3", "a=lag(1, 2)", "a=log(2, 1)", "a=log(0, 1)"} do
      assert.has_error(function() space(text) end)
    end
  end)
end)

describe("the commands that train several networks", function()
  it("read lists of numbers, such as 1,2 and 1..4", function()
    local read <const> = require "braid.cli.given.numbers".read
    for text, value in pairs{["3"] = 3, ["1,2,5"] = {1, 2, 5}, ["1..4"] = {1, 2, 3, 4},
      ["7,"] = {7}, ["1 3..4"] = {1, 3, 4}, ["0"] = 0} do
      assert.same(value, read(text), text)
    end
    for _, text in ipairs{"", "x", "1.5", "3..1", "-1", "1..", "1..999999999"} do
      assert.is_nil(read(text), text)
    end
  end)

  local SWEEP <const> = "sweep tcdcn --epochs 1 --dir DIR" .. DATA
  for _, row in ipairs{
    {2, "--dir, the directory of the", "compare tcdcn.lua --epochs 1" .. DATA},
    {2, "something is missing", "compare --epochs 1 --dir DIR" .. DATA},
    {2, "--seeds must be", "compare tcdcn.lua --epochs 1 --seeds x --dir DIR" .. DATA},
    {1, "two networks have the name tcdcn", "compare tcdcn tcdcn.lua --epochs 1 --dir DIR" .. DATA},
    {1, "did you mean dcnet", "compare dcnte tcdcn --epochs 1 --dir DIR" .. DATA},
    {1, "did you mean tcdcn", "compare tcdcn --baseline tcdc --epochs 1 --dir DIR" .. DATA},
    {1, "did you mean landmarks.error", "compare tcdcn --best landmarks.eror --epochs 1 --dir DIR"
      .. DATA},
    {2, "--space is missing", SWEEP .. " --best loss --trials 1"},
    {2, "--best is missing", SWEEP .. " --space lr={1,2} --trials 1"},
    {1, "--space: lr must be", SWEEP .. " --space lr=1 --best loss --trials 1"},
    {1, "trials, the number of trials, is missing", SWEEP .. " --space lr={1,2} --best loss"},
  } do
    local status <const>, words <const>, call <const> = table.unpack(row)
    it("say what is wrong with " .. call, function()
      shell.in_directory(function(dir)
        local result <const> = run((call:gsub("DIR", dir .. "/a")))
        assert.equal(status, result.status, result.err)
        assert.matches("^braid: %l+: [^\n]+\n$", result.err)
        assert.is_truthy(result.err:find(words, 1, true), result.err)
        assert.equal("", result.out)
      end)
    end)
  end
end)
