--- train.compare: all networks train under the same conditions, in separate jobs, and the sentences
-- below the table claim no more than the numbers show.

local braid <const> = require "braid"
local json <const> = require "braid.io.json"
local shell <const> = require "spec.support.shell"

local train <const> = braid.train

-- Scores that differ by network, seed, or both.
local SCORES <const> = {
  clear = {10.0, 11.0, 12.5, 10.4, 11.3, 12.1}, worse = {8.0, 9.1, 10.4, 8.5, 9.2, 10.1},
  alike = {10.2, 10.9, 12.4, 10.5, 11.2, 12.2}, shifted = {9.0, 10.0, 11.5, 9.4, 10.3, 11.1},
}

local function compared(dir, networks, seeds, more)
  local o <const> = {networks = networks, seeds = seeds, dir = dir, progress = false, jobs = 1,
    run = function(job) return {score = SCORES[job.network][job.seed]} end,
    metrics = {{name = "score", direction = "max"}}}
  for key, value in pairs(more or {}) do o[key] = value end
  return train.compare(o)
end

local function in_directory(f)
  shell.in_directory(function(dir) f(dir .. "/c") end)
end

describe("train.compare", function()
  it("says which differences are significant, which are not, and which cannot be tested", function()
    in_directory(function(dir)
      local r <const> = compared(dir, {"clear", "worse", "alike"}, 6)
      local words <const> = r:words("score")
      assert(words[1]:find("^clear is better than worse, on 6 of 6 seeds %(difference %+%d"),
        words[1])
      assert(words[2]:find("^clear and alike: not distinguishable with 6 seeds %(difference "),
        words[2])
      local tests <const> = r:tests("score")
      local direct <const> = train.statistics.t_test(SCORES.clear, SCORES.worse)
      assert.equal(direct.p, tests[1].p)
      assert.equal(direct.low, tests[1].low)
      assert.equal(train.statistics.holm{tests[1].p, tests[2].p, tests[3].p}[1], tests[1].holm)
      assert.equal(train.statistics.wilcoxon(SCORES.clear, SCORES.worse).p, tests[1].wilcoxon)
      assert(tests[1].bootstrap_low > 0)
      local text <const> = tostring(r)
      assert(text:find("\nclear +11.22 ± 0.96 ~ "), text)
      assert(text:find("\nworse +9.22 ± 0.92   "), text)
      assert(text:find("\nalike +11.23 ± 0.90 %* "), text)
      assert(not text:find("Wilcoxon", 1, true), text) -- six seeds are enough for it
    end)
    in_directory(function(dir)
      local three <const> = tostring(compared(dir, {"clear", "alike"}, 3))
      assert(three:find("not distinguishable with 3 seeds", 1, true), three)
      assert(three:find("With 3 seeds Wilcoxon's test cannot go below p = 0.25", 1, true), three)
    end)
    in_directory(function(dir)
      local one <const> = compared(dir, {"clear", "worse"}, {5})
      assert(tostring(one):find("One seed: means have no deviation, and no difference can be ", 1,
        true))
      assert(one:words("score")[1]:find("2.1 apart on the one seed; what other seeds would give", 1,
        true))
      assert.is_nil(one:tests("score")[1].p)
      assert(not tostring(one):find("±", 1, true))
    end)
    in_directory(function(dir)
      local shifted <const> = compared(dir, {"clear", "shifted"}, {1, 2, 3})
      assert.equal("clear and shifted: 1 apart on each of 3 seeds; a difference without deviation "
        .. "cannot be tested", shifted:words("score")[1])
      assert.is_nil(shifted:tests("score")[1].holm)
    end)
    in_directory(function(dir) -- differences that are equal except for rounding
      local r <const> = compared(dir, {"a", "b"}, 3, {run = function(job)
        return {score = job.seed / 10 + (job.network == "a" and 0.08 or 0)}
      end})
      local t <const> = r:tests("score")[1]
      assert.equal("the difference is the same on every seed", t.reason)
      assert.is_nil(t.p)
      assert(r:words("score")[1]:find("a and b: 0.08 apart on each of 3 seeds", 1, true))
    end)
  end)

  it("gives an interval and the p that belongs to it beside the corrected p", function()
    -- scipy.stats.ttest_rel(a, b) and its confidence_interval(0.95) and (0.99)
    local values <const> = {hard = {0.30, 0.33, 0.31, 0.35}, stitch = {0.26, 0.27, 0.27, 0.28},
      ttc = {0.29, 0.33, 0.30, 0.36}}
    local EXPECTED <const> = {
      {0.005986255697707094, 0.028631652710372185, 0.07636834728962777, 0.00869318017699984},
      {0.6376180914006019, -0.012734801808288135, 0.01773480180828814, -0.025461224535425403},
      {0.026547885467199498, -0.08897684790875329, -0.011023152091246657, -0.1215362372135931},
    }
    local function tested(more)
      local r
      in_directory(function(dir)
        r = compared(dir, {"hard", "stitch", "ttc"}, 4, {level = more,
          run = function(job) return {score = values[job.network][job.seed]} end})
      end)
      return r
    end
    local r <const> = tested()
    local strict <const> = tested(0.01)
    for i, row in ipairs(EXPECTED) do
      local t <const> = r:tests("score")[i]
      for k, found in ipairs{t.p, t.low, t.high, strict:tests("score")[i].low} do
        assert(math.abs(row[k] - found) < 1e-12, ("%d: %d: %.17g"):format(i, k, found))
      end
      assert.equal(3, t.tests)
      assert.equal(t.p < 0.05, t.low > 0 or t.high < 0)
    end
    assert.equal("stitch and ttc: not distinguishable with 4 seeds (difference -0.05; this pair "
      .. "alone: 95% interval -0.089 to -0.011, p 0.027; corrected for 3 pairs: p 0.053)",
      r:words("score")[3])
    assert(strict:words("score")[1]:find("99% interval +0.00869 to +0.0963, p 0.006;", 1, true),
      strict:words("score")[1])
    in_directory(function(dir)
      local two <const> = compared(dir, {"clear", "worse"}, 6)
      assert(two:words("score")[1]:find(", 95%% interval %+[%d.]+ to %+[%d.]+, p [%d.e-]+%)$"),
        two:words("score")[1])
    end)
  end)

  it("writes its table in all formats, and its numbers as JSON", function()
    in_directory(function(dir)
      local r <const> = compared(dir, {"clear", "worse"}, 3, {title = "A & B"})
      for ending, method in pairs{md = "markdown", csv = "csv", tex = "latex", txt = "text"} do
        assert.equal(r:table()[method](r:table()) .. "\n", shell.read(dir .. "/results." .. ending))
      end
      local found <const> = json.decode(shell.read(dir .. "/results.json"))
      assert.equal(9.1, found.networks[2].runs[2].metrics.score)
      assert.equal(r:tests("score")[1].p, found.tests.score[1].p)
      local page <const> = shell.read(dir .. "/results.html")
      assert(page:find("<h1>A &amp; B</h1>", 1, true) and page:find("clear − worse", 1, true))
      assert(page:find("<svg", 1, true) and shell.read(dir .. "/score.svg"):find("clear", 1, true))
      assert(not page:gsub(' xmlns="[^"]+"', ""):find("http", 1, true)) -- it needs no other file
    end)
  end)

  it("keeps earlier results, adds networks and seeds, and refuses other settings", function()
    in_directory(function(dir)
      local count <const> = {0}
      local function run(job)
        count[1] = count[1] + 1
        return {score = SCORES[job.network][job.seed]}
      end
      compared(dir, {"clear"}, 2, {run = run})
      assert.equal(2, count[1])
      local r <const> = compared(dir, {"worse", "clear"}, {3, 1, 2}, {run = run, order = {"clear"}})
      assert.equal(6, count[1])
      assert.same({"clear", "worse"}, r.names)
      assert.error_matches(function()
        compared(dir, {"clear"}, 2, {run = function() return {score = 0} end})
      end, "is the result of another job 'clear seed 1': its function run, or a value that it uses")
    end)
  end)

  it("names a wrong option before any job runs", function()
    local faces <const> = braid.data.faces{n = 2}.train
    local f <const> = function() end
    for message, o in pairs{
      ["networks is missing"] = {seeds = 1}, ["networks is empty"] = {networks = {}},
      ["baseline: there is no network 'clera'; did you mean clear?"] = {networks = {"clear"},
        baseline = "clera", run = f},
      ["order: there is no network 'x'"] = {networks = {"clear"}, order = {"x"}, run = f},
      ["budget = \"seconds\" wants seconds"] = {networks = {a = f}, budget = "seconds", run = f},
      ["seconds wants budget"] = {networks = {a = f}, seconds = 3, run = f},
      ["val %(or test%) is missing"] = {networks = {a = f}},
      ["networks must be functions by name"] = {networks = {"a"}, val = faces},
      ["there is no option 'epoch'.-did you mean epochs"] = {networks = {a = f}, epoch = 3},
      ["networks must be"] = {networks = {a = 3}},
      ["seeds: 2 is there twice"] = {networks = {"clear"}, seeds = {2, 3, 2}, run = f},
      ["best: there is no metric 'pose.acuracy'; did you mean pose.accuracy"] = {val = faces,
        networks = {a = f}, train = faces, best = "pose.acuracy", epochs = 1,
        tasks = braid.mtl.tasks{pose = braid.mtl.classes{5}}},
      ["networks: 'a': there is no option 'epoch'; did you mean epochs"] = {val = faces,
        networks = {a = {f, epoch = 3}}},
      ["epochs %(or steps%) is missing"] = {networks = {a = f}, train = faces, val = faces},
      ["train is missing"] = {networks = {a = f}, val = faces},
    } do
      o.dir, o.jobs, o.progress = "/nonexistent/x", 1, false
      assert.error_matches(function() train.compare(o) end, "^train.compare: .*" .. message)
    end
    in_directory(function(dir)
      assert.error_matches(function() compared(dir, {"clear"}, 1, {run = function() end}) end,
        "run must return metrics")
      local odd <const> = compared(dir .. "/odd", {"a"}, 2, {metrics = {"loss"}, run = function(j)
        return {loss = braid.tensor(j.seed + 0.5), list = {1, 2}, f = print, text = "x"}
      end})
      assert.equal(2.5, odd.results.a[2].metrics.loss)
      assert.error_matches(function() compared(dir, {"clear"}, 1, {metrics = {"scor"}}) end,
        "there is no metric 'scor'; did you mean score?")
    end)
  end)
end)

-- ---- with train.fit -----------------------------------------------------------------------

local SCRIPT <const> = [[
local braid = require "braid"
local data, mtl, nn = braid.data, braid.mtl, braid.nn
local tasks = mtl.tasks{landmarks = mtl.landmarks{points = 5}, smile = mtl.classes{2, weight = 0.1}}
local faces = data.faces{n = 96, val = 32, test = 32, seed = 1, size = 40}
local function blocks(job) return nn.backbone("tcdcn", {width = 0.25 * job.width}) end
local function hard(_, job) return mtl.network{tasks = tasks, blocks = blocks(job)} end
local function cross(_, job)
  return mtl.network{tasks = tasks, blocks = blocks(job), columns = "per_task",
    mixer = mtl.cross_stitch{}, at = {"conv1", "conv2"}}
end
local function single(task)
  return function(_, job)
    return mtl.network{tasks = tasks, blocks = blocks(job), single = task}
  end
end
local r = braid.train.compare{networks = {hard = {hard, lr = 2e-3}, cross = cross,
    single = {parts = {landmarks = single "landmarks", smile = single "smile"}}},
  seeds = 2, tasks = tasks, train = faces.train, val = faces.val, test = faces.test, epochs = 2,
  batch = 32, best = "landmarks.error", baseline = "single", dir = "DIR", progress = false,
  metrics = {"landmarks.error", "smile.accuracy"}, OPTIONS}
for _, name in ipairs(r.names) do
  for seed, x in ipairs(r.results[name]) do
    print(name, seed, x.metrics.landmarks.error, x.metrics.smile.accuracy, x.parameters, x.macs,
      x.steps, r:delta_m()[name][seed])
  end
end
]]

local function run(dir, options)
  shell.write(dir .. "/s.lua", (SCRIPT:gsub("DIR", dir .. "/c"):gsub("OPTIONS", options)))
  local r <const> = shell.run(("cd %s; OMP_NUM_THREADS=2 %s %s/%s/braid s.lua"):format(dir,
    shell.lua, shell.root, shell.build))
  assert(r.status == 0, r.err)
  local rows <const> = {}
  for line in r.out:gmatch("[^\n]+") do
    local name <const>, seed <const>, rest <const> = line:match("^(%S+)\t(%d)\t(.*)$")
    local list <const> = {}
    for v in rest:gmatch("%S+") do list[#list + 1] = tonumber(v) end
    rows[name .. seed] = list
  end
  return rows, r.out
end

describe("train.compare with train.fit", function()
  it("shows the finished jobs when its minutes are over, and all at the next call #slow", function()
    shell.in_directory(function(dir)
      local whole <const> = select(2, run(dir, "jobs = 2"))
      shell.run("rm -r " .. dir .. "/c/hard/seed2 " .. dir .. "/c/single")
      local rows <const> = run(dir, "jobs = 2, minutes = 1e-6")
      assert.is_table(rows.hard1)
      assert.is_nil(rows.hard2)
      assert.is_nil(rows.single1)
      assert.equal(whole, select(2, run(dir, "jobs = 2")))
    end)
  end)

  it("adds the metrics that `after` returns #slow", function()
    shell.in_directory(function(dir)
      run(dir, [[jobs = 1, after = function(_, job) return {own = {score = job.seed / 2}} end]])
      for seed = 1, 2 do
        local path <const> = ("%s/c/hard/seed%d/result.json"):format(dir, seed)
        local result <const> = json.decode(shell.read(path))
        assert.equal(seed / 2, (result.value or result).metrics.own.score)
      end
    end)
  end)

  it("gives the same results in other processes, and after jobs were killed #slow", function()
    shell.in_directory(function(dir)
      local _, one <const> = run(dir, "jobs = 1")
      shell.run("mv " .. dir .. "/c " .. dir .. "/first")
      local rows <const>, two <const> = run(dir, "jobs = 2")
      assert.equal(one, two)
      local a <const>, b <const> = rows.single1, rows.hard1
      assert.equal(0, a[6])
      assert.equal(6, a[5] / 2) -- both parts
      assert(math.abs(b[6] - ((a[1] - b[1]) / a[1] + (b[2] - a[2]) / a[2]) / 2) < 1e-12)
      shell.run("rm " .. dir .. "/c/cross/seed1/result.json; rm -r " .. dir .. "/c/hard/seed2")
      assert.equal(one, select(2, run(dir, "jobs = 2")))
    end)
  end)

  it("gives all networks the same cost or size with budget or same #slow", function()
    shell.in_directory(function(dir)
      local macs <const> = run(dir, [[budget = "macs"]])
      shell.run("rm -r " .. dir .. "/c")
      for _, name in ipairs{"hard1", "cross1"} do
        local ratio <const> = macs[name][4] * macs[name][5] / (macs.single1[4] * 6)
        assert(ratio > 0.9 and ratio < 1.1, name .. ratio)
      end
      local same <const> = run(dir, [[same = "parameters"]])
      for _, name in ipairs{"hard1", "cross1"} do
        local ratio <const> = same[name][3] / same.single1[3]
        assert(ratio > 0.95 and ratio < 1.05, name .. ratio)
      end
      shell.run("rm -r " .. dir .. "/c")
      local seconds <const> = run(dir, [[budget = "seconds", seconds = 0.3]])
      local plan <const> = json.decode(shell.read(dir .. "/c/plan.json")).networks
      for name, parts in pairs{hard = 1, cross = 1, single = 2} do
        local cost <const> = plan[name] -- as the clock measured it; the rest follows
        assert.near(0.3, cost.ratio * cost.steps * cost.seconds, 1e-9)
        local steps <const> = parts * math.max(1, math.floor(cost.ratio * cost.steps + 0.5))
        assert.equal(steps, seconds[name .. "1"][5])
        assert.equal(steps, seconds[name .. "2"][5])
      end
    end)
  end)
end)
