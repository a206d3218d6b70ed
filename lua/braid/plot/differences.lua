--- plot.differences: draws means and their deviations in order, best first. A bar joins entries if
-- tests show no difference between them. It resembles a critical-difference diagram (Demsar 2006).
-- @usage
-- plot.differences("d.svg", {{name = "hard", mean = 0.21, deviation = 0.01},
--   {name = "dcnet", mean = 0.2, deviation = 0.02}},
--   {groups = {{"hard", "dcnet"}}, direction = "min"})
--
-- plot.differences([path,] data, options): data is a list of {name =, mean =, deviation = or nil}.
-- groups are lists of names, each joined by a bar. direction = "min" or "max" says which means are
-- best. Other options: title, xlabel, percent (means are shares, and are drawn as percent), width,
-- theme.
-- @treturn plot.figure|true

local check <const> = require "braid.check"
local format <const> = require "braid.format"
local public <const> = require "braid.plot.draw.public"
local scale <const> = require "braid.plot.draw.scale"

local OPTIONS <const> = public.declare("plot.differences", {
  groups = check.list{of = check.list{of = check.text(), least = 1}},
  direction = check.choice{"min", "max"}, xlabel = check.text(), percent = check.flag(false),
})

local function read(data, o)
  local list <const>, factor <const> = {}, o.percent and 100 or 1
  for i, row in ipairs(type(data) == "table" and data or {}) do
    local given <const> = type(row) == "table" and type(row.name) == "string"
      and type(row.mean) == "number" and (row.deviation == nil or type(row.deviation) == "number")
    if not given then
      check.fail("plot.differences: entry %d must be {name =, mean =, deviation =}, not %s", i,
        check.shown(row))
    end
    if row.mean - row.mean == 0 then
      list[#list + 1] = {name = row.name, mean = factor * row.mean,
        deviation = factor * (row.deviation or 0)}
    end
  end
  if #list == 0 then
    check.fail("plot.differences: wants a list of {name =, mean =, deviation =}, not %s",
      check.shown(data))
  end
  local sign <const> = o.direction == "min" and 1 or -1
  table.sort(list, function(a, b)
    if a.mean ~= b.mean then return sign * a.mean < sign * b.mean end
    return a.name < b.name
  end)
  return list
end

-- The first and the last row of each group. A group of one has no bar.
local function spans_of(list, groups)
  local at <const>, spans <const> = {}, {}
  for i, row in ipairs(list) do at[row.name] = i end
  for _, group in ipairs(groups or {}) do
    local first, last = math.huge, 0
    for _, name in ipairs(group) do
      local i <const> = at[name]
      if i then first, last = math.min(first, i), math.max(last, i) end
    end
    if last > first then spans[#spans + 1] = {first, last} end
  end
  return spans
end

local function axis_of(list, count)
  local low, high = math.huge, -math.huge
  for _, row in ipairs(list) do
    low = math.min(low, row.mean - row.deviation)
    high = math.max(high, row.mean + row.deviation)
  end
  return scale.linear{low = low, high = high, count = count}
end

local function place_axis(g, y)
  local scene <const>, m <const> = g.scene, g.m
  local last = -math.huge
  for i, v in ipairs(g.ax.ticks) do
    local x <const>, half <const> = g.to_x(v), m.measure(g.ax.labels[i]) / 2
    if x - half > last + m.gap then
      last = x + half
      scene:text(x, y + m.line / 2, g.ax.labels[i], {colour = "muted", anchor = "middle"})
    end
    if m.grid then
      scene:line({x, y + m.line + m.tick, x, g.bottom}, {colour = "grid", width = 1})
    end
  end
  y = y + m.line + m.tick
  scene:line({g.x0, y, g.x1, y}, {colour = "frame", width = 1})
  return y + m.pad
end

local function place_rows(g, list, y)
  local scene <const>, m <const> = g.scene, g.m
  for i, row in ipairs(list) do
    local at <const> = y + (i - 0.5) * g.row
    local x <const> = g.to_x(row.mean)
    scene:text(g.x0 - m.gap, at, row.name, {anchor = "end"}, g.x0 - m.gap - g.left)
    if row.deviation > 0 then
      scene:line({g.to_x(row.mean - row.deviation), at, g.to_x(row.mean + row.deviation), at},
        {colour = 1, width = 1.5})
    end
    scene:dot(x, at, 4, {colour = 1, title = format("%s: %.5g ± %.3g", row.name, row.mean,
      row.deviation)})
  end
end

local function place(scene, panel, left, top, width)
  local m <const>, list <const> = scene.medium, panel.list
  local widest = 0
  for _, row in ipairs(list) do widest = math.max(widest, m.measure(row.name)) end
  local margin <const> = (math.min(widest, width * 0.4) + 2 * m.gap) // m.step * m.step
  local bar <const> = m.grid and 12 or 2 * m.step
  local x0 <const> = left + margin
  local x1 <const> = left + width - #panel.spans * bar - m.edge - m.gap
  local row <const> = m.grid and 24 or m.line
  local y = top
  local g <const> = {scene = scene, m = m, left = left, x0 = x0, x1 = x1, row = row,
    ax = axis_of(list, math.max(1, (x1 - x0) // m.measure("00000000")))}
  g.bottom = y + m.line + m.tick + m.pad + #list * row
  function g.to_x(v) return x0 + g.ax.at(v) * (x1 - x0) end
  y = place_axis(g, y)
  place_rows(g, list, y)
  for k, span in ipairs(panel.spans) do
    local x <const> = x1 + m.gap + (k - 0.5) * bar
    scene:line({x, y + (span[1] - 0.8) * row, x, y + (span[2] - 0.2) * row},
      {colour = "ink", width = 4})
  end
  y = y + #list * row + m.pad
  for _, words in ipairs{panel.xlabel or false, panel.note or false} do
    if words then
      scene:text(left, y + m.line / 2, words, {colour = "muted"}, width)
      y = y + m.line
    end
  end
  return y + m.pad - top
end

return public.define(OPTIONS, function(data, o)
  local list <const> = read(data, o)
  local spans <const> = spans_of(list, o.groups)
  return {{place = place, list = list, spans = spans, xlabel = o.xlabel,
    note = #spans > 0 and "joined by a bar: not distinguishable" or nil}}
end)
