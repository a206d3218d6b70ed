--- `braid papers`: every experiment runs in its quick form on rendered faces; the list of
-- experiments; runs that continue; and no experiment chooses anything by test data.

local braid <const> = require "braid"
local papers <const> = require "braid.papers"
local shell <const> = require "spec.support.shell"
local verdicts <const> = require "braid.papers.verdicts"
local json <const> = require "braid.io.json"

local BRAID <const> = ("OMP_NUM_THREADS=1 %s %s/%s/braid"):format(shell.lua, shell.root,
  shell.build)

local function names() return require("braid.check").sorted_keys(papers.files()) end

describe("braid papers", function()
  it("lists the experiments with their minutes and state", function()
    shell.in_directory(function(dir)
      local r <const> = shell.run(("%s papers --json --out %s"):format(BRAID, dir))
      local rows <const> = json.decode(r.out)
      assert.equal(#names(), #rows)
      for i, name in ipairs(names()) do
        assert.equal(name, rows[i].name)
        assert.equal("not begun", rows[i].state)
        assert.is_true(rows[i].minutes > 0)
      end
    end)
  end)

  it("names a wrong experiment or option", function()
    local name <const>, none <const> = names()[1], os.tmpname() .. ".d"
    for words, message in pairs{["no_such"] = "there is no 'no_such'; there is",
      [name .. " --set epoch=3"] = "--set: ", [name .. " --seeds 0"] = "--seeds",
      [name .. " --data /no/such/place --quick"] = "/no/such/place"} do
      local r <const> = shell.run(("%s papers %s --out %s"):format(BRAID, words, none))
      assert.is_true(r.status == 1 or r.status == 2, words)
      assert.matches(message, r.err, 1, true)
    end
    shell.run("rm -rf " .. none)
  end)

  it("ends when --minutes are over and goes on at the next call #slow", function()
    shell.in_directory(function(dir)
      local function run(more)
        return shell.run(("%s papers 002_fig3_resnet18 --quick --seeds 2 --jobs 1 --out %s %s")
          :format(BRAID, dir, more))
      end
      local function result()
        return json.decode(shell.read(dir .. "/002_fig3_resnet18/result.json"))
      end
      assert.equal(0, run("--minutes 0.001").status)
      assert.is_true(result().left > 0)
      assert.equal(0, run("").status)
      assert.equal(0, result().left)
      assert.matches("collaborative", result().tables[1].markdown)
    end)
  end)
end)

describe("an experiment of a paper", function()
  for _, name in ipairs(names()) do
    local path <const> = papers.files()[name]

    it("runs with --quick and writes tables or figures: " .. name .. " #slow", function()
      shell.in_directory(function(dir)
        local r <const> = shell.run(("%s papers %s --quick --out %s --jobs 1"):format(BRAID, name,
          dir))
        assert.equal(0, r.status, r.err)
        local result <const> = json.decode(shell.read(("%s/%s/result.json"):format(dir, name)))
        assert.equal(0, result.left)
        assert.is_true(#result.tables + #result.figures > 0)
        assert.is_true(#result.differs > 0)
        for _, figure in ipairs(result.figures) do
          local begins <const> = figure:find("%.png$") and "\137PNG" or "<svg"
          assert.equal(begins, shell.read(("%s/%s/%s"):format(dir, name, figure)):sub(1, 4), figure)
        end
        assert.matches("Data: ", shell.read(("%s/%s/result.md"):format(dir, name)), 1, true)
      end)
    end)

    it("names its paper, section and item in its first comment: " .. name, function()
      local x <const>, text <const> = papers.load(path), shell.read(path)
      local head <const> = text:match("^(%-%-.-)\nlocal ")
      assert.matches("[Ss]ection", head)
      assert.matches(x.item, (head:gsub("\n%-%- ", " ")), 1, true)
      assert.equal(x.paper, name:match("^%d+"))
    end)

  end

  -- Options of a training that decide which network is kept or when training ends.
  local DECIDES <const> = {"val", "train", "best", "stopping", "patience", "schedule", "take"}

  local function chosen_by_test(text)
    for _, key in ipairs(DECIDES) do
      for given in text:gmatch("%f[%w]" .. key .. "%s*=%s*([^\n]*)") do
        local value <const> = given:match("^(.-),%s*[%w_]+%s*=") or given
        if value:find("test%f[%W]") then return key .. " = " .. value end
      end
    end
  end

  local recipes <const> = shell.run("ls examples/papers/*.lua examples/papers/parts/*.lua").out
  for path in recipes:gmatch("[^\n]+") do
    it("chooses nothing by test data: " .. path, function()
      assert.is_nil(chosen_by_test(shell.read(path)))
    end)
  end

  it("would be found here if it chose by test data", function()
    for _, text in ipairs{"val = faces.test, x", "train = sets.test", "best = test",
      "val = paper.whole(sets, sets.test)"} do
      assert.is_string(chosen_by_test("{" .. text .. "}"), text)
    end
    assert.is_nil(chosen_by_test("{train = faces.train, test = faces.test, take = \"last\"}"))
  end)
end)

describe("braid.papers.verdicts", function()
  local function results(values)
    return braid.train.compare{networks = {"a", "b"}, seeds = #values.a, jobs = 1, progress = false,
      dir = os.tmpname() .. ".d", metrics = {{name = "score", direction = "min"}},
      run = function(job) return {score = values[job.network][job.seed]} end}
  end
  local function verdict(values, printed)
    local list <const> = verdicts.pairs(results(values), {metric = "score", direction = "min",
      printed = printed}, 0.05)
    return list[1] and list[1].verdict, list[1]
  end

  it("compare the order of two networks in the paper with the order in our runs", function()
    local far <const> = {a = {1, 1.1, 0.9}, b = {3, 3.2, 2.9}}
    assert.equal("holds", verdict(far, {a = 1, b = 2}))
    assert.equal("the other way round", verdict(far, {a = 2, b = 1}))
    local near <const> = {a = {1, 2, 3}, b = {1.1, 1.8, 3.3}}
    assert.equal("holds, not distinguishable", verdict(near, {a = 1, b = 2}))
    assert.equal("the other way round, not distinguishable", verdict(near, {a = 2, b = 1}))
    assert.equal("equal here", verdict({a = {1, 1}, b = {1, 1}}, {a = 1, b = 2}))
    assert.is_nil(verdict(far, {a = 1}))
    local _, pair <const> = verdict(far, {a = 1, b = 2})
    -- differences of -2, -2.1 and -2: t = -61; p = 1 - |t| / sqrt(t^2 + 2) with two degrees of freedom
    local p <const> = 1 - 61 / math.sqrt(61 ^ 2 + 2)
    assert.equal(("a before b by 1: holds, 2.03 (p %.2g)"):format(p),
      (verdicts.words(pair, {}, {})))
  end)
end)
