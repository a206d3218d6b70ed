--- The section of a run's page on how the gradients of tasks agree. A heat map shows the mean
-- cosines; a plot shows the cosines of the pairs of tasks that agree least, step by step.

local check <const> = require "braid.check"
local page <const> = require "braid.train.reporting.page"
local plot_heatmap <const> = require "braid.plot.heatmap"
local plot_lines <const> = require "braid.plot.lines"

-- The names and the rows of an event's cosines.
local function cosine_of(event, run)
  local c <const> = event.cosine
  if type(c) ~= "table" then return nil end
  local rows <const> = type(c.rows) == "table" and c.rows or c
  if type(rows[1]) ~= "table" then return nil end
  local names = c.names
  if not names and run.tasks and #run.tasks.names == #rows then names = run.tasks.names end
  if not names and type(run.config.tasks) == "table" then
    local known <const> = check.sorted_keys(run.config.tasks)
    names = #known == #rows and known or nil
  end
  if not names then
    names = {}
    for i = 1, #rows do names[i] = "task " .. i end
  end
  return names, rows
end

-- The mean cosine of each pair of tasks, and each pair's values with their steps.
local function pairs_of_tasks(run)
  local order <const>, seen <const>, sums <const> = {}, {}, {}
  for _, event in ipairs(run.history.events) do
    local names <const>, rows = cosine_of(event, run)
    for i, a in ipairs(names or {}) do
      if not seen[a] then seen[a], order[#order + 1] = true, a end
      for j, b in ipairs(names) do
        local v <const> = type(rows[i]) == "table" and rows[i][j]
        if type(v) == "number" and v == v then
          local key <const> = a .. "\0" .. b
          local s <const> = sums[key] or {n = 0, sum = 0.0, x = {}, y = {}, a = a, b = b}
          s.n, s.sum = s.n + 1, s.sum + v
          s.x[s.n], s.y[s.n] = event.step or s.n, v
          sums[key] = s
        end
      end
    end
  end
  return order, sums
end

--- Makes the section; svg_of(panel) draws a picture. The section is nil if no step has cosines.
return function(run, svg_of)
  local order <const>, sums <const> = pairs_of_tasks(run)
  if #order == 0 then return nil end
  local values <const>, lines <const> = {}, {}
  for i, a in ipairs(order) do
    values[i] = {}
    for j, b in ipairs(order) do
      local s <const> = sums[a .. "\0" .. b]
      values[i][j] = s and s.sum / s.n or 0 / 0
      if s and i < j then lines[#lines + 1] = s end
    end
  end
  table.sort(lines, function(p, q) return p.sum / p.n < q.sum / q.n end)
  local curves_of <const> = {}
  for k = 1, math.min(6, #lines) do
    local s <const> = lines[k]
    curves_of[k] = {name = s.a .. ", " .. s.b, x = s.x, y = s.y}
  end
  local parts <const> = {plot_heatmap(values, {rows = order, columns = order, low = -1, high = 1,
    title = "mean cosine between the tasks' gradients"}):svg(true)}
  if #curves_of > 0 then
    local panel <const> = plot_lines(curves_of, {ylim = {-1, 1}, smooth = 0.9}).panels[1]
    panel.title, panel.xlabel, panel.height = "pairs of the lowest cosines", "step", 10
    panel.marks[#panel.marks + 1] = {kind = "rule", y = 0}
    parts[2] = svg_of(panel)
  end
  return '<p class="muted">Below 0 a step that helps one task harms the other.</p>'
    .. page.flow(parts)
end
