--- Draws a panel: finds the places of its parts, and draws the frame with ticks and labels and then
-- the data.

local panels <const> = require "braid.plot.draw.panel"

-- The width of the widest label.
local function widest(labels, measure)
  local most = 0
  for _, label in ipairs(labels) do most = math.max(most, measure(label)) end
  return most
end

-- Draws the ticks of x, except ticks whose labels would touch others.
local function ticks_across(g, bottom)
  local scene <const>, m <const> = g.scene, g.m
  local last = -math.huge
  for i, v in ipairs(g.ax.ticks) do
    local x <const>, label <const> = g.to_x(v), g.ax.labels[i]
    local half <const> = m.measure(label) / 2
    local at <const> = math.max(g.box[1] - g.margin + half, math.min(g.right - half, x))
    if not g.ax.named and m.grid then
      scene:line({x, g.box[2], x, g.box[4]}, {colour = "grid", width = 1})
    end
    if at - half > last + m.gap then
      last = at + half
      scene:text(at, bottom + m.tick + m.line / 2, label, {colour = "muted", anchor = "middle"})
    end
  end
end

local function ticks_along(g)
  local scene <const>, m <const> = g.scene, g.m
  local last = math.huge
  for i, v in ipairs(g.ay.ticks) do
    local y <const> = g.to_y(v)
    if not g.ay.named and m.grid then
      scene:line({g.box[1], y, g.box[3], y}, {colour = "grid", width = 1})
    end
    if y + m.line / 2 <= last + 1e-6 or g.ay.named then
      last = y - m.line / 2
      scene:text(g.box[1] - m.gap, y, g.ay.labels[i], {colour = "muted", anchor = "end"},
        g.margin - m.gap)
    end
  end
end

-- Draws the lines of the axes. In a terminal they are letters, with the ticks on them.
local function frame(g)
  local b <const>, style <const> = g.box, {colour = "frame", width = 1}
  if g.m.grid then return g.scene:line({b[1], b[2], b[1], b[4], b[3], b[4]}, style) end
  local across <const>, along <const> = {}, {}
  for i, v in ipairs(g.ax.named and {} or g.ax.ticks) do across[i] = g.to_x(v) end
  for i, v in ipairs(g.ay.named and {} or g.ay.ticks) do along[i] = g.to_y(v) end
  g.scene:frame(b, across, along)
end

-- A text that says how many values a panel leaves out.
local function lost_words(ax, ay, panel)
  local n <const> = math.max(ax.lost or 0, ay.lost or 0)
  if n == 0 then return panel.note end
  local why <const> = (ax.logarithmic or ay.logarithmic) and "infinite or not above 0"
    or "infinite"
  local words <const> = ("%d %s left out: %s"):format(n, n == 1 and "value" or "values", why)
  return panel.note and panel.note .. "; " .. words or words
end

local BEHIND <const> = {band = true} -- these are drawn behind the grid

local function draw_marks(g, marks, behind)
  for _, mark in ipairs(marks) do
    if (BEHIND[mark.kind] or false) == behind then panels.DRAW[mark.kind](g, mark) end
  end
end

local function series_in(marks)
  local set <const>, n = {}, 0
  for _, mark in ipairs(marks) do
    if mark.series and not set[mark.series] then set[mark.series], n = true, n + 1 end
  end
  return n
end

-- Draws the title, the legend and the label of y above the plot's area -> where the area begins.
local function place_head(scene, panel, left, y, width)
  local m <const> = scene.medium
  if panel.title then
    scene:text(left, y + m.line / 2, panel.title, {bold = true}, width)
    y = y + m.line + m.pad
  end
  y = y + panels.place_legend(scene, panel, left, y, width)
  if panel.ylabel then
    scene:text(left, y + m.line / 2, panel.ylabel, {colour = "muted"}, width)
    y = y + m.line + m.pad
  end
  return y + m.pad
end

local function place_foot(g, panel, left, y, width)
  local m <const> = g.m
  ticks_across(g, y)
  y = y + m.tick + m.line
  if panel.xlabel then
    g.scene:text(g.box[3], y + m.line / 2, panel.xlabel, {colour = "muted", anchor = "end"},
      g.box[3] - left)
    y = y + m.line
  end
  local note <const> = lost_words(g.ax, g.ay, panel)
  if note then
    g.scene:text(left, y + m.line / 2, note, {colour = "muted"}, width)
    y = y + m.line
  end
  return y + m.pad
end

--- Draws a panel with its top left corner at (left, top) -> its height.
return function(scene, panel, left, top, width)
  local m <const> = scene.medium
  local y <const> = place_head(scene, panel, left, top, width)
  local lines <const> = m.grid and panel.height or not m.grid and panel.lines
  local h <const> = lines and lines * m.line or m.height
  local ay <const> = panels.axis_of(panel, "y", math.max(1, h // (m.line * m.spread)))
  local margin <const> = math.ceil((math.min(width * 0.4, widest(ay.labels, m.measure)) + m.gap)
    / m.step) * m.step
  local w <const> = math.max(m.step, (width - margin - m.edge) // m.step * m.step)
  local ax <const> = panels.axis_of(panel, "x", math.max(1, w // m.measure("00000000")))
  local box <const> = {left + margin, y, left + margin + w, y + h}
  local g <const> = {scene = scene, m = m, ax = ax, ay = ay, box = box, w = w, margin = margin,
    right = left + width, several = series_in(panel.marks) > 1}
  function g.to_x(v) return box[1] + ax.at(v) * w end
  function g.to_y(v) return ay.named and box[2] + ay.at(v) * h or box[4] - ay.at(v) * h end
  draw_marks(g, panel.marks, true)
  ticks_along(g)
  local below <const> = place_foot(g, panel, left, box[4], width)
  frame(g)
  draw_marks(g, panel.marks, false)
  if #panel.marks == 0 or panel.empty then
    scene:text((box[1] + box[3]) / 2, (box[2] + box[4]) / 2 // m.line * m.line + m.line / 2,
      "no data", {colour = "muted", anchor = "middle"})
  end
  return below - top
end
