--- A panel: marks at places of the data, with axes, a title and a legend. It is laid out for any
-- medium.
--
-- {title =, xlabel =, ylabel =, note =, x = {log =, lim =, names =, whole =}, y = {...}, marks =
-- {...}, legend = {{name =, series =}, ...}, height = of the plot area in lines of text}; marks:
--   {kind = "line" | "points", x = list, y = list, series =}
--   {kind = "band", x = list, low = list, high = list, series =}
--   {kind = "box", x0 =, x1 =, y0 =, y1 =, series =, title =}
--   {kind = "rule", x = or y =, label =}     a line through the whole plot
--   {kind = "span", x = {from, to}, y = {y, y}}     the uncertainty of a bar's value
--   {kind = "words", x = {x}, y = {y}, text =}      right of a place

local palette <const> = require "braid.plot.draw.palette"
local path <const> = require "braid.plot.draw.path"
local scale <const> = require "braid.plot.draw.scale"
local text <const> = require "braid.plot.draw.text"

local M <const> = {}

local FAR <const> = 1e7

-- ---- axes -------------------------------------------------------------------------------

-- Calls f with the numbers of a mark along an axis.
local function each_value(mark, axis, f)
  if mark.kind == "rule" then
    if mark[axis] then f(mark[axis]) end
  elseif mark.kind == "box" then
    f(mark[axis .. "0"])
    f(mark[axis .. "1"])
  else
    for _, key in ipairs(axis == "x" and {"x"} or {"y", "low", "high"}) do
      for _, v in ipairs(mark[key] or {}) do f(v) end
    end
  end
end

local function has_boxes(panel)
  for _, mark in ipairs(panel.marks) do
    if mark.kind == "box" then return true end
  end
  return false
end

local function axis_of(panel, name, count)
  local o <const> = panel[name] or {}
  if o.names then return scale.names(o.names, o.lift) end
  local low, high, lost = math.huge, -math.huge, 0
  local lim <const> = o.lim or {}
  for _, mark in ipairs(panel.marks) do
    each_value(mark, name, function(v)
      if v - v == 0 and (not o.log or v > 0) then
        low, high = math.min(low, v), math.max(high, v)
      elseif v == v and mark.kind ~= "box" then
        lost = lost + 1
      end
    end)
  end
  if low > high then low, high = 0, 1 end
  if o.log and has_boxes(panel) then low = low / 2 end -- so that the shortest bar has some length
  local axis <const> = (o.log and scale.log or scale.linear){low = low + 0.0, high = high + 0.0,
    count = count, fixed_low = lim[1], fixed_high = lim[2], tight = o.tight, whole = o.whole,
      room = o.room}
  axis.lost = lost
  return axis
end

-- ---- legend -----------------------------------------------------------------------------

local LETTERS <const> = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

--- The letter of a series, for media without colours.
function M.letter(i) return LETTERS:sub((i - 1) % #LETTERS + 1, (i - 1) % #LETTERS + 1) end

-- Draws the legend in rows within the width -> its height.
local function place_legend(scene, panel, left, top, width)
  local m <const>, legend <const> = scene.medium, panel.legend or {}
  if #legend == 0 then return 0 end
  local swatch <const>, x, y = m.measure("mmm"), left, top
  local most <const> = math.max(m.measure("mm"), math.min(width, m.measure(("n"):rep(32))) - swatch
    - m.gap)
  for _, entry in ipairs(legend) do
    local name <const> = text.fit(text.clean(entry.name), most, m.measure)
    local room <const> = swatch + m.gap + m.measure(name)
    if x > left and x + room > left + width then x, y = left, y + m.line end
    local middle <const>, colour <const>, dash = y + m.line / 2, palette.series(entry.series)
    if m.letters then
      scene:text(x, middle, M.letter(entry.series) .. " =")
    elseif entry.filled then
      scene:rect(x, middle - m.line / 4, swatch, m.line / 2, {colour = colour})
    else
      scene:line({x, middle, x + swatch, middle}, {colour = colour, width = 2, dash = dash})
    end
    scene:text(x + swatch + m.gap, middle, entry.name, nil, most)
    x = x + room + 2 * m.gap + m.measure("n")
  end
  return y - top + m.line + m.pad
end

-- ---- marks ------------------------------------------------------------------------------

-- A place, kept near enough to the page for computing where lines cross its edge.
local function near(v) return math.max(-FAR, math.min(FAR, v)) end

-- Calls f with each run {x, y, ...} of places between gaps.
local function runs(xs, ys, ax, ay, to_x, to_y, f)
  local run = {}
  for i = 1, math.min(#xs, #ys) do
    local x <const>, y <const> = xs[i], ys[i]
    if ax.holds(x) and ay.holds(y) then
      run[#run + 1], run[#run + 2] = near(to_x(x)), near(to_y(y))
    elseif #run > 0 then
      f(run)
      run = {}
    end
  end
  if #run > 0 then f(run) end
end

local DRAW <const> = {}

function DRAW.line(g, mark)
  local colour <const>, dash <const> = palette.series(mark.series)
  local style <const>, longest = {colour = colour, width = mark.width or 2, dash = dash}, {}
  runs(mark.x, mark.y, g.ax, g.ay, g.to_x, g.to_y, function(run)
    for _, p in ipairs(path.clip(path.thin(run, g.w), g.box)) do
      if #p == 2 or #run == 2 then
        g.scene:dot(p[1], p[2], 3, style)
      else
        g.scene:line(p, style)
      end
      if #p > #longest then longest = p end
    end
  end)
  if g.m.letters and #longest >= 2 and g.several then -- where lines are probably far apart
    local n <const> = #longest // 2
    for _, part in ipairs{0.25, 0.65, 1} do
      local k <const> = math.max(1, math.floor(n * part + 0.5))
      g.scene:text(longest[2 * k - 1], longest[2 * k], M.letter(mark.series), {anchor = "middle"})
    end
  end
end

function DRAW.points(g, mark)
  local colour <const> = palette.series(mark.series)
  local all <const> = {}
  runs(mark.x, mark.y, g.ax, g.ay, g.to_x, g.to_y, function(run)
    for i = 1, #run, 2 do
      local x <const>, y <const> = run[i], run[i + 1]
      if x >= g.box[1] and x <= g.box[3] and y >= g.box[2] and y <= g.box[4] then
        all[#all + 1], all[#all + 2] = x, y
      end
    end
  end)
  local shown <const> = path.distinct(all)
  if g.m.letters and g.several then
    for i = 1, #shown, 2 do
      g.scene:text(shown[i], shown[i + 1], M.letter(mark.series), {anchor = "middle"})
    end
  elseif #shown > 0 then
    local crowd <const> = #shown > 800
    g.scene:dots(shown, #shown > 8000 and 1.25 or crowd and 2 or 3, {colour = colour,
      opacity = crowd and 0.6 or nil})
  end
end

function DRAW.band(g, mark)
  local colour <const> = palette.series(mark.series)
  local function clamped(y) return math.max(g.box[2], math.min(g.box[4], y)) end
  local low, high = {}, {}
  local function finish()
    local a <const>, b <const> = path.thin(low, g.w), path.thin(high, g.w)
    if #a > 2 then
      for i = #b - 1, 1, -2 do a[#a + 1], a[#a + 2] = b[i], b[i + 1] end
      g.scene:area(a, {colour = colour, opacity = 0.2})
    end
    low, high = {}, {}
  end
  for i, x in ipairs(mark.x) do
    local l <const>, h <const> = mark.low[i], mark.high[i]
    if g.ax.holds(x) and g.ay.holds(l) and g.ay.holds(h) and g.to_x(x) >= g.box[1]
      and g.to_x(x) <= g.box[3] then
      low[#low + 1], low[#low + 2] = g.to_x(x), clamped(g.to_y(l))
      high[#high + 1], high[#high + 2] = g.to_x(x), clamped(g.to_y(h))
    else
      finish()
    end
  end
  finish()
end

function DRAW.box(g, mark)
  local function place(axis, to, v, fallback) return axis.holds(v) and to(v) or fallback end
  local x0 <const>, x1 <const> = place(g.ax, g.to_x, mark.x0, g.box[1]), place(g.ax, g.to_x,
    mark.x1, g.box[1])
  local y0 <const>, y1 <const> = place(g.ay, g.to_y, mark.y0, g.box[4]), place(g.ay, g.to_y,
    mark.y1, g.box[4])
  local left <const>, right <const> = math.max(g.box[1], math.min(x0, x1)), math.min(g.box[3],
    math.max(x0, x1))
  local top <const>, bottom <const> = math.max(g.box[2], math.min(y0, y1)), math.min(g.box[4],
    math.max(y0, y1))
  if right < left or bottom < top then return end
  g.scene:rect(left, top, right - left, bottom - top, {colour = palette.series(mark.series),
    opacity = mark.opacity, title = mark.title, grows = mark.grows})
end

function DRAW.rule(g, mark)
  local b <const> = g.box
  if mark.x and g.ax.holds(mark.x) then
    local x <const> = g.to_x(mark.x)
    g.scene:line({x, b[2], x, b[4]}, {colour = "muted", width = 1, dash = {4, 3}})
    local right <const> = x > (b[1] + b[3]) / 2
    g.scene:text(x + (right and -1 or 1) * g.m.gap / 2, b[2] + g.m.line / 2, mark.label or "",
      {colour = "muted", anchor = right and "end" or "start"}, (b[3] - b[1]) / 2)
  elseif mark.y and g.ay.holds(mark.y) then
    local y <const> = g.to_y(mark.y)
    g.scene:line({b[1], y, b[3], y}, {colour = "muted", width = 1, dash = {4, 3}})
    g.scene:text(b[3], y - g.m.line / 2, mark.label or "", {colour = "muted", anchor = "end"},
      (b[3] - b[1]) / 2)
  end
end

function DRAW.span(g, mark)
  local b <const>, y <const> = g.box, g.to_y(mark.y[1])
  local x0 <const>, x1 <const> = mark.x[1], mark.x[2]
  if not (g.ax.holds(x0) and g.ax.holds(x1)) then return end
  local left <const>, right <const> = g.to_x(x0), g.to_x(x1)
  for _, p in ipairs(path.clip({left, y, right, y}, b)) do
    g.scene:line(p, {colour = "ink", width = 1})
  end
end

function DRAW.words(g, mark)
  local x <const> = g.ax.holds(mark.x[1]) and g.to_x(mark.x[1]) or g.box[1]
  local room <const> = g.right - x - g.m.gap
  g.scene:text(math.max(g.box[1], math.min(x, g.box[3])) + g.m.gap, g.to_y(mark.y[1]), mark.text,
    {colour = "muted"}, room)
end

M.DRAW = DRAW
M.axis_of, M.place_legend = axis_of, place_legend

return M
