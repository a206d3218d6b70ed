--- plot.parallel: parallel coordinates. A line for each trial crosses an axis for each number.
-- @usage
-- plot.parallel("p.svg", {rows = {{1e-3, "a", 0.2}, {1e-2, "b", 0.3}}, axes = {
--   {name = "lr", log = true}, {name = "kind", values = {"a", "b"}}, {name = "error"}}})
--
-- plot.parallel([path,] data, options): data.axes is a list of {name =, log = true or values =
-- {...}}. data.rows is a list of lists, best first; the first `best` (5) are coloured. A missing
-- number (false) ends the line before it. Options: best, title, width, theme.
-- @treturn plot.figure|true

local check <const> = require "braid.check"
local public <const> = require "braid.plot.draw.public"
local scale <const> = require "braid.plot.draw.scale"

local OPTIONS <const> = public.declare("plot.parallel", {best = check.whole{5, from = 0}})

local function fail(...) check.fail("plot.parallel: " .. (...), select(2, ...)) end

-- An axis for the numbers of its column.
local function axis_of(given, k, rows)
  if given.values then
    local words <const>, at <const> = {}, {}
    for i, v in ipairs(given.values) do words[i], at[v] = tostring(v), i end
    local names <const> = scale.names(words)
    return {name = given.name, ticks = names.ticks, labels = names.labels, at = function(v)
      return at[v] and names.at(at[v])
    end}
  end
  local low, high = math.huge, -math.huge
  for i, row in ipairs(rows) do
    local v <const> = row[k]
    if v and type(v) ~= "number" then
      fail("value %d of row %d must be a number, not %s", k, i, check.shown(v))
    end
    if v and v - v == 0 and (v > 0 or not given.log) then
      low, high = math.min(low, v), math.max(high, v)
    end
  end
  if low > high then low, high = given.log and 0.1 or 0, 1 end
  local ax <const> = scale[given.log and "log" or "linear"]{low = low, high = high, count = 5}
  return {name = given.name, ticks = ax.ticks, labels = ax.labels, at = function(v)
    return v and v - v == 0 and ax.holds(v) and ax.at(v)
  end}
end

local function read(data)
  local known <const> = type(data) == "table" and type(data.axes) == "table"
    and type(data.rows) == "table"
  if not known or #data.axes == 0 then
    fail("wants {axes = {{name =}, ...}, rows = {{...}, ...}}, not %s", check.shown(data))
  end
  for i, a in ipairs(data.axes) do
    if type(a) ~= "table" or type(a.name) ~= "string" then fail("axis %d has no name", i) end
  end
  for i, row in ipairs(data.rows) do
    if type(row) ~= "table" then fail("row %d must be a list, not %s", i, check.shown(row)) end
  end
  local axes <const> = {}
  for k, a in ipairs(data.axes) do axes[k] = axis_of(a, k, data.rows) end
  return axes
end

local function draw_row(g, row, style)
  local points = {}
  for k, axis in ipairs(g.axes) do
    local share <const> = axis.at(row[k])
    if not share then break end
    points[#points + 1], points[#points + 2] = g.to_x(k), g.y1 - share * (g.y1 - g.y0)
  end
  if #points >= 4 then g.scene:line(points, style) end
end

local function draw_axis(g, k, axis)
  local scene <const>, m <const>, x <const> = g.scene, g.m, g.to_x(k)
  local last <const> = k == #g.axes
  scene:line({x, g.y0, x, g.y1}, {colour = "frame", width = 1})
  local side <const> = last and -1 or 1
  local before = math.huge
  for i, v in ipairs(axis.ticks) do
    local share <const> = axis.at(axis.labels and axis.ticks[i]) or (v - 0.5) / #axis.ticks
    local y <const> = g.y1 - share * (g.y1 - g.y0)
    if y + m.line <= before + 1e-6 then
      before = y
      local wide <const> = m.measure(axis.labels[i]) + m.pad
      if m.grid then
        scene:rect(last and x - m.gap - wide + m.pad / 2 or x + m.gap - m.pad / 2, y - m.line / 2,
          wide, m.line, {colour = "paper", opacity = 0.8})
      end
      scene:text(x + side * m.gap, y, axis.labels[i], {colour = "muted",
        anchor = last and "end" or "start"}, g.each - 2 * m.gap)
    end
  end
  local anchor <const> = k == 1 and "start" or last and "end" or "middle"
  scene:text(x, g.y1 + m.tick + m.line / 2, axis.name, {anchor = anchor, bold = last},
    g.each - m.gap)
end

local function place(scene, panel, left, top, width)
  local m <const>, n <const> = scene.medium, #panel.axes
  local each <const> = (width - 2 * m.gap) / math.max(1, n - 1)
  local g <const> = {scene = scene, m = m, axes = panel.axes, y0 = top + m.line / 2,
    y1 = top + m.line / 2 + m.height, each = each}
  function g.to_x(k) return left + m.gap + (k - 1) * each // 1 end
  -- In a terminal only the best are drawn, because the lines of all trials could not be told apart.
  for i = m.grid and #panel.rows or math.min(#panel.rows, math.max(1, panel.best)), 1, -1 do
    local chosen <const> = i <= panel.best
    draw_row(g, panel.rows[i], {colour = i == 1 and panel.best > 0 and 2 or chosen and 1 or "frame",
      width = i == 1 and 2.5 or chosen and 1.5 or 0.75})
  end
  for k, axis in ipairs(panel.axes) do draw_axis(g, k, axis) end
  local y = g.y1 + m.tick + m.line
  local words <const> = panel.note
  if words then
    scene:text(left, y + m.line / 2, words, {colour = "muted"}, width)
    y = y + m.line
  end
  return y + m.pad - top
end

return public.define(OPTIONS, function(data, o)
  local axes <const> = read(data)
  local shown <const> = math.min(o.best, #data.rows)
  return {{place = place, axes = axes, rows = data.rows, best = o.best,
    note = shown > 1 and ("thick: the best of %d; coloured: the best %d"):format(#data.rows, shown)
      or nil}}
end)
