--- The files of a comparison: its table in every format, all numbers as JSON, and a page with table
-- and tests.

local check <const> = require "braid.check"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"
local Table <const> = require "braid.train.table"
local text <const> = require "braid.train.table.html"

local DIR <const> = check.text()

-- Finite numbers stay; others are null.
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
  local columns <const> = {{name = "difference", percent = m.percent}, {name = "low",
    percent = m.percent, title = "95% from"}, {name = "high", percent = m.percent, title = "to"},
    {name = "p", title = "p (t)"}, {name = "holm", title = "Holm"},
    {name = "wilcoxon", title = "p (Wilcoxon)"}, {name = "says"}}
  local rows <const> = {}
  for i, pair in ipairs(r:tests(m.name)) do
    local row <const> = {("%s − %s"):format(pair.a, pair.b), says = r:words(m.name)[i]}
    for _, c in ipairs(columns) do row[c.name] = row[c.name] or pair[c.name] end
    rows[i] = row
  end
  return Table(columns, rows, {title = m.name, first = "pair"})
end

local PAGE <const> = [[
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>%s</title>
<style>
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em}
.wide{overflow-x:auto}
td:last-child{white-space:normal;min-width:18em;text-align:left}
.results td:last-child{white-space:nowrap;min-width:0;text-align:right}
</style></head><body>
<h1>%s</h1>
<div class="wide results">%s</div>
%s
</body></html>]]

local function page(r)
  local parts <const> = {}
  for _, m in ipairs(#r.names > 1 and r.metrics or {}) do
    for _, picture in ipairs(r.pictures and r:pictures(m.name) or {}) do
      parts[#parts + 1] = picture
    end
    parts[#parts + 1] = ('<div class="wide">%s</div>'):format(table_of_tests(r, m):html())
  end
  local title <const> = text.escaped(r.title or "comparison")
  return PAGE:format(title, title, r:table():html(), table.concat(parts, "\n"))
end

return function(r, dir)
  check.value(r.what .. ": write", "dir", dir, DIR)
  local t <const> = r:table()
  for _, ending in ipairs{"md", "csv", "tex", "txt"} do t:write(dir .. "/results." .. ending) end
  for name, made in pairs{["results.json"] = as_json(r), ["results.html"] = page(r)} do
    local ok <const>, why <const> = files.write(dir .. "/" .. name, {made, "\n"})
    if not ok then check.fail("%s: %s", r.what, why) end
  end
  return true
end
