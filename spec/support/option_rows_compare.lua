--- The rows of option_rows.lua for what compares runs.

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
    refused_ends = {draws = true}, -- ten million take their time
    call = function(a, o) S.bootstrap(a.values, o) end}

  rows["train.table"] = {arguments = {columns = {{name = "error"}}, rows = {{"a", error = 1}}},
    call = function(a, o) train.table(a.columns, a.rows, o) end}

  rows["train.pool"] = {arguments = {work = {a = function() return 1 end}},
    options = {dir = folder .. "/pool", progress = false, jobs = 1},
    skip = {seed = true}, -- its results are there, of another
    call = function(a, o) train.pool(a.work, o) end}

  return rows
end
