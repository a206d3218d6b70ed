--- train.sweep: how it draws values and chooses trials. Neither depends on which job was faster.

local braid <const> = require "braid"
local draws <const> = require "braid.train.sweeping.draws"
local halving <const> = require "braid.train.sweeping.halving"
local json <const> = require "braid.io.json"
local shell <const> = require "spec.support.shell"

local train <const> = braid.train
local space <const> = train.space

local function in_directory(f)
  shell.in_directory(function(dir) f(dir .. "/s") end)
end

describe("the space of a sweep", function()
  it("has values from end to end of each range, distributed as its kind says", function()
    local n <const> = 2000
    local function values_of(range)
      local list <const> = {}
      for i = 0, n do list[i + 1] = range.at(i / n) end
      return list
    end
    local function share(list, f)
      local count = 0
      for _, v in ipairs(list) do count = count + (f(v) and 1 or 0) end
      return count / #list
    end
    local u <const> = values_of(space.uniform(-1, 3))
    assert.same({-1.0, 3.0}, {u[1], u[n + 1]})
    assert(math.abs(share(u, function(v) return v < 0 end) - 0.25) < 1e-3)
    local l <const> = values_of(space.log(1e-4, 1))
    assert.same({1e-4, 1.0}, {l[1], l[n + 1]})
    assert(math.abs(share(l, function(v) return v < 1e-2 end) - 0.5) < 1e-3)
    for _, range in ipairs{space.whole(3, 6), space.choice{"a", "b", "c", "d"}} do
      local count <const> = {}
      for _, v in ipairs(values_of(range)) do count[v] = (count[v] or 0) + 1 end
      for _, c in pairs(count) do assert(c >= 500 and c <= 502, c) end
    end
    local w <const> = values_of(space.whole(1, 64, {log = true}))
    assert.same({1, 64}, {w[1], w[n + 1]})
    assert.equal("integer", math.type(w[1000]))
    assert(math.abs(share(w, function(v) return v < 8 end) - 0.5) < 0.02)
    assert.error_matches(function() space.log(0, 1) end, "low must be a number above 0, not 0")
    assert.error_matches(function() space.uniform(2, 1) end, "low = 2 must lie below high = 1")
    assert.equal("log 0.0001 to 1", tostring(space.log(1e-4, 1)))
  end)

  it("is drawn by scipy's Halton sequence, at random or as a grid, trial by trial", function()
    local golden <const> = assert(json.decode(shell.read("spec/golden/statistics.json"))).halton
    for i, point in ipairs(golden) do
      local own <const> = draws.halton(0, i, #point)
      for k, v in ipairs(point) do assert(math.abs(own[k] - v) < 1e-14) end
    end
    local before <const> = braid.random_state():state_dict()
    local a <const>, b <const> = draws.random(5, 7, 3), draws.random(5, 8, 3)
    assert.same(before, braid.random_state():state_dict())
    assert.same(a, draws.random(5, 7, 3))
    assert.not_same(a, b)
    assert.not_same(a, draws.random(6, 7, 3))
    assert.not_same(draws.halton(0, 3, 2), draws.halton(1, 3, 2))
    local sum = 0.0
    for i = 1, 500 do sum = sum + draws.random(1, i, 2)[2] end
    assert(math.abs(sum / 500 - 0.5) < 0.05)
    local seen <const> = {}
    for i = 1, 6 do
      local point <const> = draws.grid({2, 3}, i)
      seen[#seen + 1] = ("%d%d"):format(point[1] * 2 // 1, point[2] * 3 // 1)
    end
    assert.equal("00 01 02 10 11 12", table.concat(seen, " "))
  end)
end)

-- ---- halving --------------------------------------------------------------------------------

-- Trains 27 trials with fixed values on each rung, `several` at once. They end in a random order.
local function halved(seed, several, failing)
  local function value_of(trial, rung)
    if trial % 9 == failing then return false end
    return (trial * 37 % 101) / 100 - rung * 0.1
  end
  local ladder <const> = halving.new({1, 3, 9}, 27, 3, function(a, b)
    if not a or not b then return a ~= false and not b end
    return a < b
  end)
  local running <const>, done <const> = {}, {}
  local state = seed
  local function chance(n)
    state = state * 1103515245 + 12345 & 0x7fffffff
    return state // 65536 % n + 1
  end
  while true do
    while #running < several do
      local trial <const>, rung <const> = ladder:next()
      if not trial then break end
      running[#running + 1] = {trial, rung}
    end
    if #running == 0 then break end
    local job <const> = table.remove(running, chance(#running))
    done[#done + 1] = ("%d on %d"):format(job[1], job[2])
    ladder:done(job[1], job[2], value_of(job[1], job[2]))
  end
  table.sort(done)
  return done
end

describe("successive halving", function()
  it("trains the same trials in any number of processes, whichever trials are faster", function()
    local first <const> = halved(1, 1)
    for seed = 2, 20 do
      for _, several in ipairs{1, 2, 5, 40} do assert.same(first, halved(seed, several)) end
    end
    local count <const> = {}
    for _, words in ipairs(first) do
      local rung <const> = words:match("on (%d)")
      count[rung] = (count[rung] or 0) + 1
    end
    assert.equal(27, count["1"])
    assert(count["2"] >= 9 and count["2"] <= 14, count["2"]) -- some go on before better ones end
    assert(count["3"] >= 3 and count["3"] <= 6, count["3"])
  end)

  it("continues the best trials, and no trial that failed", function()
    for _, several in ipairs{1, 4} do
      local set <const> = {}
      for _, words in ipairs(halved(3, several, 4)) do set[words] = true end
      for trial = 4, 27, 9 do assert(set[trial .. " on 1"] and not set[trial .. " on 2"]) end
    end
    local best, value = nil, math.huge
    for trial = 1, 27 do
      local v <const> = trial * 37 % 101
      if v < value then best, value = trial, v end
    end
    assert(table.concat(halved(3, 2), ","):find(best .. " on 3", 1, true))
  end)
end)

-- ---- sweeps -----------------------------------------------------------------------------------

local function swept(dir, more)
  local o <const> = {space = {lr = space.log(1e-4, 1), kind = {"a", "b"}}, trials = 12, dir = dir,
    progress = false, jobs = 1, best = {name = "score", direction = "max"},
    run = function(job)
      local v <const> = job.values
      return {score = -math.abs(math.log(v.lr, 10) + 2) + (v.kind == "b" and 0.5 or 0)}
    end}
  for key, value in pairs(more or {}) do o[key] = value end
  return train.sweep(o)
end

describe("train.sweep", function()
  it("finds the best of its trials, continues with more trials, and writes its results", function()
    for _, method in ipairs{"random", "halton"} do
      in_directory(function(dir)
        local count <const> = {0}
        local function run(job)
          count[1] = count[1] + 1
          return {score = -(math.log(job.values.lr, 10) + 2) ^ 2}
        end
        local few <const> = swept(dir, {trials = 5, method = method, run = run})
        local r <const> = swept(dir, {trials = 30, method = method, run = run})
        assert.equal(30, count[1])
        for i = 1, 5 do assert.same(few.trials[i].values, r.trials[i].values) end
        for _, t in ipairs(r.trials) do assert(t.value <= r.best.value) end
        assert(math.abs(math.log(r.best.values.lr, 10) + 2) < 0.5)
        local text <const> = tostring(r)
        assert(text:find("The best of 30 was chosen on validation, where it looks better", 1,
          true))
        assert(text:find("'kind' had no effect: it is not an option of train.fit", 1, true))
        assert(text:find("\nbest: trial " .. r.best.trial, 1, true))
        local found <const> = json.decode(shell.read(dir .. "/sweep.json"))
        assert.equal(r.best.trial, found.best)
        assert.equal(r.trials[3].values.lr, found.trials[3].values.lr)
        assert.equal(r:table():csv() .. "\n", shell.read(dir .. "/sweep.csv"))
      end)
    end
  end)

  it("tries every point of a grid once, and takes means over seeds", function()
    in_directory(function(dir)
      local r <const> = swept(dir, {method = "grid", trials = 99, seeds = {4, 9},
        space = {x = {1, 2, 3}, y = space.whole(5, 6)},
        run = function(job) return {score = job.values.x * job.values.y + job.seed / 10} end})
      assert.equal(6, #r.trials)
      assert(math.abs(r.best.value - 18.65) < 1e-12)
      assert.same({x = 3, y = 6}, r.best.values)
    end)
    in_directory(function(dir)
      assert.error_matches(function() swept(dir, {method = "grid"}) end,
        "method = \"grid\" wants lists of values; lr is log 0.0001 to 1")
    end)
  end)

  it("leaves out failed trials, and raises an error where all trials failed", function()
    in_directory(function(dir)
      local r <const> = swept(dir, {run = function(job)
        if job.trial % 3 == 0 then error("no luck") end
        return {score = job.values.kind == "a" and 0 / 0 or job.trial}
      end})
      for i = 3, 12, 3 do assert.equal("failed", r.trials[i].state) end
      assert(r.best.value == r.best.trial)
      assert(tostring(r):find("trials have no value: they failed, or it is undefined", 1, true))
    end)
    in_directory(function(dir)
      assert.error_matches(function() swept(dir, {run = function() error("no luck") end}) end,
        "3 of 12 jobs failed.-trial 1: .-no luck")
    end)
  end)

  it("trains several networks with the same hundred task weights in one call", function()
    in_directory(function(dir)
      local r <const> = swept(dir, {trials = 100, best = {name = "failure", direction = "min"},
        space = {["weights.pose"] = space.log(1e-4, 1), ["weights.smile"] = space.log(1e-4, 1)},
        networks = {ours = function() end, theirs = function() end},
        run = function(job)
          local w <const> = job.values["weights.pose"]
          return {failure = 0.2 + (job.network == "ours" and -0.01 or 0) + (w > 0.1 and
            job.network == "ours" and 0.03 or 0)}
        end})
      local wins = 0
      for _, t in ipairs(r.trials) do
        assert(t.networks.ours and t.networks.theirs)
        wins = wins + (t.networks.ours < t.networks.theirs and 1 or 0)
      end
      assert(wins > 60 and wins < 90)
      assert(r:words()[1]:find(("^ours is better than theirs on %d of 100 trials, theirs on %d "
        .. "%%(difference of failure: mean %%-0.00%%d+, median %%-0.01, from %%-0.01 to 0.02%%)")
        :format(wins, 100 - wins)),
        r:words()[1])
    end)
  end)

  it("names a wrong option before any job runs", function()
    local function run() return {score = 1} end
    local s <const> = {lr = space.log(1e-4, 1)}
    local faces <const> = braid.data.faces{n = 2}.train
    for message, o in pairs{
      ["space is missing"] = {trials = 3, best = "x"}, ["space must be"] = {space = {lr = 3}},
      ["trials, the number of trials, is missing"] = {space = s, run = run, best = "error"},
      ["best, the metric of validation that counts, is missing"] = {space = s, trials = 2,
        run = run},
      ["best must say which way is better"] = {space = s, trials = 2, run = run, best = "luck"},
      ["net %(or networks, or run%) is missing"] = {space = s, trials = 2, best = "loss"},
      ["val is missing: a search is judged by validation"] = {space = s, trials = 2, best = "loss",
        net = run, train = faces},
      ["there is no option 'test'"] = {space = s, trials = 2, best = "loss", test = faces},
      ["least = 9 must not be above epochs = 3"] = {space = s, trials = 2, method = "asha",
        epochs = 3, least = 9, best = "loss", run = run},
      ["method = \"asha\" wants epochs"] = {space = s, trials = 2, method = "asha", best = "loss",
        run = run},
    } do
      o.dir, o.jobs, o.progress = "/nonexistent/x", 1, false
      assert.error_matches(function() train.sweep(o) end, "^train.sweep: .*" .. message)
    end
  end)
end)

-- ---- with train.fit -----------------------------------------------------------------------

local SCRIPT <const> = [[
local braid = require "braid"
local data, mtl, nn, train = braid.data, braid.mtl, braid.nn, braid.train
local tasks = mtl.tasks{landmarks = mtl.landmarks{points = 5}, smile = mtl.classes{2, weight = 0.1}}
local faces = data.faces{n = 96, val = 32, test = 1, seed = 1, size = 40}
local r = train.sweep{space = {lr = train.space.log(1e-4, 1e-1),
    ["weights.smile"] = train.space.log(1e-4, 1), width = {0.2, 0.3}}, trials = 6,
  net = function(_, job)
    return mtl.network{tasks = tasks, blocks = nn.backbone("tcdcn", {width = job.values.width})}
  end, tasks = tasks, train = faces.train, val = faces.val, epochs = 4, batch = 32,
  schedule = "cosine", best = "landmarks.error", dir = "DIR", progress = false, OPTIONS}
for i, t in ipairs(r.trials) do print(i, t.value, t.epochs, t.state, t.values.width) end
print(r.best.trial, #require("braid.train.history").read(r.best.dir))
]]

local function run(dir, options)
  shell.write(dir .. "/s.lua", (SCRIPT:gsub("DIR", dir .. "/c"):gsub("OPTIONS", options)))
  local r <const> = shell.run(("cd %s; OMP_NUM_THREADS=2 %s %s/%s/braid s.lua"):format(dir,
    shell.lua, shell.root, shell.build))
  assert(r.status == 0, r.err)
  return r.out
end

describe("train.sweep with train.fit", function()
  it("gives the same numbers with asha as at once, and in any number of processes #slow", function()
    shell.in_directory(function(dir)
      local whole <const> = run(dir, "jobs = 2")
      shell.run("rm -r " .. dir .. "/c")
      local rungs <const> = run(dir, [[method = "asha", eta = 2, jobs = 2]])
      shell.run("rm -r " .. dir .. "/c")
      assert.equal(rungs, run(dir, [[method = "asha", eta = 2, jobs = 1]]))
      local same = 0
      for line in rungs:gmatch("[^\n]+") do
        if line:find("done", 1, true) then
          assert(whole:find(line, 1, true), line .. "\n" .. whole)
          same = same + 1
        end
      end
      assert(same >= 1 and rungs:find("ended at epoch 1", 1, true), rungs)
      shell.run(("rm %s/c/*/rung*.json"):format(dir)) -- as if killed before anything was kept
      assert.equal(rungs, run(dir, [[method = "asha", eta = 2, jobs = 2]]))
    end)
  end)
end)
