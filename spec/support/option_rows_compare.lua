--- The rows of option_rows.lua for functions that compare runs.

local braid <const> = require "braid"
local train <const> = braid.train

-- folder: where files may be written.
return function(folder)
  local rows <const> = {}

  local S <const> = train.statistics
  for _, name in ipairs{"t_test", "wilcoxon"} do
    local test <const> = S[name]
    rows["train.statistics." .. name] = {arguments = {a = {1, 2}, b = {2, 4}},
      call = function(a, o) test(a.a, a.b, o) end}
  end
  rows["train.statistics.holm"] = {arguments = {p = {0.1}}, no_names = true,
    call = function(a) S.holm(a.p) end}
  rows["train.statistics.summary"] = {arguments = {values = {1}}, no_names = true,
    call = function(a) S.summary(a.values) end}
  rows["train.statistics.bootstrap"] = {arguments = {values = {1, 2}},
    refused_ends = {draws = true}, -- ten million draws take long
    call = function(a, o) S.bootstrap(a.values, o) end}

  rows["train.table"] = {arguments = {columns = {{name = "error"}}, rows = {{"a", error = 1}}},
    call = function(a, o) train.table(a.columns, a.rows, o) end}

  -- The end of the range would start too many processes.
  local function few(o)
    if o.jobs == 4096 then o.jobs = 1 end
    return o
  end
  rows["train.pool"] = {arguments = {work = {a = function() return 1 end}},
    options = {dir = folder .. "/pool", progress = false, jobs = 1},
    skip = {seed = true}, -- the folder has results of another seed
    call = function(a, o) train.pool(a.work, few(o)) end}

  rows["train.compare"] = {arguments = {}, options = {networks = {"a", "b"}, seeds = 1,
    dir = folder .. "/compare", progress = false, jobs = 1,
    run = function(job) return {score = job.seed} end},
    refused_ends = {parameters = true, seeds = true}, skip = {run = true},
    call = function(_, o) train.compare(few(o)) end}
  local compared
  rows["train.compare: table"] = {call = function(_, o)
    compared = compared or train.compare{networks = {"a"}, seeds = 1, dir = folder .. "/compared",
      progress = false, jobs = 1, run = function() return {x = 1, ["no such"] = 1} end}
    compared:table(o)
  end}

  for _, name in ipairs{"uniform", "log", "whole"} do
    local make <const> = train.space[name]
    rows["train.space." .. name] = {arguments = {low = 1, high = 5}, no_names = name ~= "whole",
      refused_ends = {low = true, high = true},
      call = function(a, o) make(a.low, a.high, name == "whole" and o or nil) end}
  end
  rows["train.space.choice"] = {arguments = {values = {1}}, no_names = true,
    call = function(a) train.space.choice(a.values) end}
  rows["train.sweep"] = {options = {space = {x = {1, 2}}, trials = 1, dir = folder .. "/sweep",
      best = {name = "score", direction = "max"}, progress = false, jobs = 1,
      run = function(job) return {score = job.values.x} end},
    refused_ends = {trials = true, seeds = true, least = true}, skip = {run = true},
    call = function(_, o) train.sweep(few(o)) end}

  rows["plot.differences"] = {options = {title = "t", groups = {{"a"}}}, call = function(_, o)
    braid.plot.differences({{name = "a", mean = 1}}, o)
  end}
  rows["plot.parallel"] = {options = {title = "t"}, call = function(_, o)
    braid.plot.parallel({axes = {{name = "a"}}, rows = {{1}, {2}}}, o)
  end}

  return rows
end
