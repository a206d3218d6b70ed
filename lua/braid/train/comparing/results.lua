--- The results of a comparison by network and seed, their table, tests and files.
--
--   print(r)                          the table, and what the tests say
--   r.results.NETWORK[SEED]           {metrics =, parameters =, macs =, seconds =, ...}
--   r:values("landmarks.failure")     {NETWORK = {SEED = number}}
--   r:table{metrics = {...}}          a train.table of all networks
--   r:tests("landmarks.failure")      for each two networks a and b {a =, b =, n =, difference =
--     mean of a - b, t =, p =, low =, high = (the interval with confidence 1 - level; like p it is
--     of this pair alone), holm = p corrected for the number of tests, tests =, wilcoxon =,
--     wilcoxon_holm =, bootstrap_low =, bootstrap_high =, wins =, reason = why there is no p}
--   r:words("landmarks.failure")      a sentence for each of these tests
--   r:delta_m()                       {NETWORK = {SEED = mean relative gain over the baseline}}
--   r:figure("landmarks.failure")     means, best first; bars join networks that do not differ
--   r:write(dir)                      results.md, .csv, .tex, .html, .txt, .json, METRIC.svg

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local delta_m <const> = require "braid.mtl.measure.delta_m"
local format <const> = require "braid.format"
local picture <const> = require "braid.train.comparing.picture"
local tests <const> = require "braid.train.comparing.tests"
local Table <const> = require "braid.train.table"
local values <const> = require "braid.train.comparing.values"

local Results <const> = class("comparison")

--- given: results {NETWORK = {SEED = result}}, names (in order), seeds, tasks, metrics (a list of
-- {name =, direction =, percent =}, or nil), baseline, level, title.
function Results:init(given)
  for key, value in pairs(given) do self[key] = value end
  local all <const> = {}
  for _, name in ipairs(self.names) do
    for _, result in pairs(self.results[name]) do values.paths(result.metrics, all) end
  end
  self.known = all
  if not self.metrics then
    self.metrics = {}
    for i, path in ipairs(values.usual(all, self.tasks)) do
      self.metrics[i] = values.described(path, self.tasks)
    end
  end
  for _, m in ipairs(self.metrics) do self:check_metric(m.name) end
end

function Results:check_metric(path)
  if self.known[path] then return end
  check.fail("%s: there is no metric '%s'; %s", self.what, tostring(path),
    check.nearest(tostring(path), check.sorted_keys(self.known)))
end

-- The values of f(result): {NETWORK = {SEED = value}}.
local function collected(self, f)
  local all <const> = {}
  for _, name in ipairs(self.names) do
    all[name] = {}
    for _, seed in ipairs(self.seeds) do
      local result <const> = self.results[name][seed]
      all[name][seed] = result and f(result, name, seed) or nil
    end
  end
  return all
end

function Results:values(path)
  self:check_metric(path)
  return collected(self, function(result) return values.at(result.metrics, path) end)
end

-- The metric called `path` -> {name =, direction =, percent =, ...}, by which it is shown.
local function metric_of(self, path)
  for _, m in ipairs(self.metrics) do
    if m.name == path then return m end
  end
  self:check_metric(path)
  return values.described(path, self.tasks)
end

function Results:tests(path)
  local m <const> = metric_of(self, path)
  return tests.pairs(self.names, self:values(path), self.seeds, m.direction, self.level)
end

function Results:delta_m()
  local base <const> = self.results[self.baseline]
  if not base then return collected(self, function() return nil end) end
  local chosen <const> = {}
  for _, m in ipairs(self.metrics) do
    local task <const>, metric <const> = m.name:match("^([^.]+)%.(.+)$")
    if task and not chosen[task] then chosen[task] = metric end
  end
  return collected(self, function(result, _, seed)
    local alone <const> = base[seed]
    if not alone then return nil end
    local ok <const>, mean <const> = pcall(delta_m, result.metrics, alone.metrics,
      next(chosen) and chosen or nil)
    return ok and mean or nil
  end)
end

-- ---- the table ----------------------------------------------------------------------------

-- The values of a row in the order of the seeds; NaN where a seed has none.
local function list_of(self, of_seed)
  local list <const>, any = {}, false
  for i, seed in ipairs(self.seeds) do
    list[i] = of_seed[seed] or 0 / 0
    any = any or of_seed[seed] ~= nil
  end
  return any and list or {}
end

-- One number if all seeds have the same one, otherwise the list by seed.
local function constant(self, of_seed)
  local list <const> = list_of(self, of_seed)
  for _, v in ipairs(list) do
    if v ~= list[1] then return list end
  end
  return list[1] or list
end

-- The networks that the tests cannot tell apart from the best network.
local function near_best(self, m, best)
  local near <const> = {}
  for _, r in ipairs(self:tests(m.name)) do
    local other <const> = best[r.a] and r.b or best[r.b] and r.a
    if other and #self.seeds > 1 and r.p and not tests.differ(r, self.level) then
      near[other] = true
    end
  end
  return near
end

local FURTHER <const> = {
  {name = "parameters"}, {name = "macs", title = "MACs", short = true},
  {name = "seconds", digits = 1},
}

local TABLE <const> = check.declare("train.compare: table", {
  metrics = check.list{of = check.text(), least = 1}, title = check.text(),
})

-- Notes that explain the marks used in the table.
local function notes_of(self, any_best, any_near)
  local n <const>, words <const>, notes <const> = #self.seeds, {}, {}
  if n > 1 then words[1] = ("Mean and deviation over %d seeds."):format(n) end
  if any_best then words[#words + 1] = "Bold (*): the best mean." end
  if any_near then
    words[#words + 1] = format("Italic (~): not distinguishable from it (paired t test, Holm's "
      .. "correction, p above %g).", self.level)
  end
  if #words > 0 then notes[1] = table.concat(words, " ") end
  if #self.names > 1 or n == 1 then notes[#notes + 1] = tests.limits(n, self.level) end
  if self.baseline then
    notes[#notes + 1] = ("delta-m: the mean relative gain over %s."):format(self.baseline)
  end
  if (self.left or 0) > 0 then
    notes[#notes + 1] = ("%d trainings are left; the same call continues."):format(self.left)
  end
  for _, note in ipairs(self.notes or {}) do notes[#notes + 1] = note end
  return notes
end

-- Adds the columns for which at least one network has a value.
local function further_columns(self, rows, columns)
  local list <const> = {}
  for _, c in ipairs(FURTHER) do
    local of <const> = collected(self, function(result) return result[c.name] end)
    local any = false
    for i, name in ipairs(self.names) do
      rows[i][c.name] = constant(self, of[name])
      any = any or next(of[name]) ~= nil
    end
    if any then
      list[#list + 1] = c
    else
      for _, row in ipairs(rows) do row[c.name] = nil end
    end
  end
  table.move(list, 1, #list, #columns + 1, columns)
end

function Results:table(given)
  local o <const> = check.options(TABLE, given)
  local metrics <const>, columns <const>, rows <const>, near <const> = {}, {}, {}, {}
  for i, path in ipairs(o.metrics or {}) do metrics[i] = metric_of(self, path) end
  if not o.metrics then table.move(self.metrics, 1, #self.metrics, 1, metrics) end
  for i, name in ipairs(self.names) do rows[i] = {name} end
  for _, m in ipairs(metrics) do
    columns[#columns + 1] = m
    local of <const> = self:values(m.name)
    for i, name in ipairs(self.names) do rows[i][m.name] = list_of(self, of[name]) end
  end
  if self.baseline then
    columns[#columns + 1] = {name = "delta-m", percent = true, direction = "max"}
    local of <const> = self:delta_m()
    for i, name in ipairs(self.names) do rows[i]["delta-m"] = list_of(self, of[name]) end
  end
  further_columns(self, rows, columns)
  local any_best, any_near = false, false
  local plain <const> = Table(columns, rows)
  for _, m in ipairs(metrics) do
    local best <const> = plain:best(m.name)
    near[m.name] = near_best(self, m, best)
    any_best = any_best or next(best) ~= nil
    any_near = any_near or next(near[m.name]) ~= nil
  end
  return Table(columns, rows, {title = o.title or self.title, near = near,
    notes = notes_of(self, any_best, any_near)})
end

-- ---- words --------------------------------------------------------------------------------

-- A function that shows a difference of a metric as text.
local function shown_by(m)
  return function(v, sign)
    local text <const> = m.percent and format("%.3g points", 100 * v) or format("%.3g", v)
    return sign and v > 0 and "+" .. text or text
  end
end

function Results:words(path)
  local m <const>, list <const> = metric_of(self, path), {}
  for i, r in ipairs(self:tests(path)) do
    list[i] = tests.words(r, self.level, m.direction, shown_by(m))
  end
  return list
end

local FEW <const> = 3 -- if there are more pairs than this, only pairs that differ are printed

-- The lines that print the tests of a metric.
local function summed_up(self, m)
  local all <const>, words <const> = self:tests(m.name), self:words(m.name)
  local lines <const>, others = {}, 0
  for i, r in ipairs(all) do
    if #all <= FEW or tests.differ(r, self.level) then
      lines[#lines + 1] = words[i]
    else
      others = others + 1
    end
  end
  if others > 0 then
    local seeds <const> = ("with %d seeds"):format(#self.seeds)
    lines[#lines + 1] = others == #all and ("no two are distinguishable %s"):format(seeds)
      or ("%d other pair%s not distinguishable %s"):format(others, others == 1 and " is" or "s are",
        seeds)
  end
  return lines
end

Results.__tostring = function(self)
  local lines <const> = {tostring(self:table())}
  local testable <const> = #self.names > 1 and #self.seeds > 1
  for _, m in ipairs(testable and self.metrics or {}) do
    lines[#lines + 1] = m.name .. ":"
    for _, words in ipairs(summed_up(self, m)) do lines[#lines + 1] = "  " .. words end
  end
  return table.concat(lines, "\n")
end

-- ---- pictures -----------------------------------------------------------------------------

--- A picture of a metric's means, best first. Bars join networks between which the tests show no
-- difference; with one seed there are no tests and no bars.
function Results:figure(path) return picture(self, path, metric_of(self, path)) end

function Results:write(dir) return require("braid.train.comparing.report")(self, dir) end

return Results
