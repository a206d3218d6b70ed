--- The files of a comparison: its table in every format, all numbers as JSON, a picture of each
-- metric, and a page with all of them and the tests.

local check <const> = require "braid.check"
local format <const> = require "braid.format"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"
local page <const> = require "braid.train.comparing.page"
local Table <const> = require "braid.train.table"

local DIR <const> = check.text()

-- A copy of a value for JSON, in which NaN and infinite numbers are null.
local function plain(value)
  if type(value) == "number" then return value - value == 0 and value or json.null end
  if type(value) ~= "table" then return value end
  local t <const> = {}
  for key, v in next, value do t[key] = plain(v) end
  return t
end

local function as_json(r)
  local networks <const>, all_tests <const> = {}, {}
  for i, name in ipairs(r.names) do
    local runs <const> = {}
    for _, seed in ipairs(r.seeds) do
      local result <const> = r.results[name][seed]
      if result then
        local run <const> = {seed = seed}
        for key, value in pairs(result) do run[key] = value end
        runs[#runs + 1] = run
      end
    end
    networks[i] = {name = name, runs = runs}
  end
  for _, m in ipairs(r.metrics) do all_tests[m.name] = r:tests(m.name) end
  return json.encode(plain{networks = networks, seeds = r.seeds, tests = all_tests,
    baseline = r.baseline, level = r.level})
end

-- The tests of a metric as a table.
local function table_of_tests(r, m)
  local columns <const> = {{name = "difference", percent = m.percent},
    {name = "low", percent = m.percent, title = format("%g%% from", 100 * (1 - r.level))},
    {name = "high", percent = m.percent, title = "to"}, {name = "p", title = "p (t)"},
    {name = "holm", title = "p (t, Holm)"}, {name = "wilcoxon", title = "p (Wilcoxon)"},
    {name = "says"}}
  local rows <const> = {}
  for i, pair in ipairs(r:tests(m.name)) do
    local row <const> = {("%s − %s"):format(pair.a, pair.b), says = r:words(m.name)[i]}
    for _, c in ipairs(columns) do row[c.name] = row[c.name] or pair[c.name] end
    rows[i] = row
  end
  return Table(columns, rows, {title = m.name, first = "pair"})
end

local function page_of(r)
  local parts <const> = {{r:table():html()}}
  for _, m in ipairs(#r.names > 1 and r.metrics or {}) do
    parts[#parts + 1] = {r:figure(m.name):svg()}
    parts[#parts + 1] = {table_of_tests(r, m):html(), "tests"}
  end
  return page(r.title or "comparison", parts)
end

return function(r, dir)
  check.value(r.what .. ": write", "dir", dir, DIR)
  local t <const> = r:table()
  for _, ending in ipairs{"md", "csv", "tex", "txt"} do t:write(dir .. "/results." .. ending) end
  for _, m in ipairs(r.metrics) do
    r:figure(m.name):save(("%s/%s.svg"):format(dir, (m.name:gsub("[^%w_.-]", "_"))))
  end
  for name, made in pairs{["results.json"] = as_json(r), ["results.html"] = page_of(r)} do
    local ok <const>, why <const> = files.write(dir .. "/" .. name, {made, "\n"})
    if not ok then check.fail("%s: %s", r.what, why) end
  end
  return true
end
