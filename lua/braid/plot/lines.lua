--- plot.lines: curves over x, with a band if a series has bounds or several runs.
-- @usage
-- plot.lines("loss.svg", {train = {0.9, 0.5, 0.4}, val = {1.0, 0.7, 0.6}}, {log = "y"})
-- print(plot.lines(history, {of = {"train.loss.total", "val.landmarks.error"}}))
-- plot.lines("seeds.png", {hard = {{3, 2, 1}, {3, 1, 1}}})     -- mean and deviation of two runs
-- plot.lines("a.svg", {{x = {1, 2, 4}, y = {3, 1, 2}, low = {2, 0, 1}, high = {4, 2, 3}}})
--
-- plot.lines([path,] data, options): data is a list of numbers, or a tensor (n) or (series, n). It
-- can also be a list, or a table by name, of lists, of {x =, y =, low =, high =}, or of lists of
-- runs. With the option `of`, data is a history or a table of histories by name. NaN is a gap.
-- Options:
--   log      the axes that are logarithmic: "x", "y" or "xy"
--   xlim, ylim   {low, high}
--   smooth   from 0 to below 1: draws exponential means, and the values as thin lines
--   of       the curves of histories
--   rules    lines through the plot: {{y =, label =}, {x =, label =}}
--   theme    "auto", "light" or "dark"
--   title, xlabel, ylabel, names, width
-- Without a path the figure is returned, which prints as text.
-- @treturn plot.figure|true

local check <const> = require "braid.check"
local public <const> = require "braid.plot.draw.public"
local scale <const> = require "braid.plot.draw.scale"
local series <const> = require "braid.plot.draw.series"

local RULE <const> = check.kind("a table such as {y = 0.1, label = \"limit\"}", function(v)
  return type(v) == "table" and (type(v.x) == "number" or type(v.y) == "number")
end)

local known <const> = {
  smooth = check.number{0, from = 0, below = 1}, names = check.list{of = check.text()},
  of = check.either(check.text(), check.list{of = check.text(), least = 1}),
  rules = check.list{of = RULE},
}
for key, kind in pairs(scale.OPTIONS) do known[key] = kind end
local OPTIONS <const> = public.declare("plot.lines", known, scale.relation)

-- An exponential mean, corrected so that it does not begin near 0.
local function smoothed(values, keep)
  local out <const>, sum, weight = {}, 0.0, 0.0
  for i, v in ipairs(values) do
    if v - v == 0 then sum, weight = keep * sum + (1 - keep) * v, keep * weight + 1 - keep end
    out[i] = v - v == 0 and sum / weight or v
  end
  return out
end

local function add_marks(marks, i, s, o)
  if s.low then
    marks[#marks + 1] = {kind = "band", x = s.x, low = s.low, high = s.high, series = i}
  end
  if o.smooth > 0 then
    marks[#marks + 1] = {kind = "line", x = s.x, y = s.y, series = i, width = 0.6}
  end
  marks[#marks + 1] = {kind = "line", x = s.x, series = i,
    y = o.smooth > 0 and smoothed(s.y, o.smooth) or s.y}
end

-- Whether x are whole numbers, between which there are no ticks.
local function is_whole(list)
  for _, s in ipairs(list) do
    for _, x in ipairs(s.x) do
      if math.type(x) ~= "integer" then return false end
    end
  end
  return true
end

return public.define(OPTIONS, function(data, o)
  local list <const>, marks <const>, any = series.all("plot.lines", data, o), {}, false
  for i, s in ipairs(list) do
    add_marks(marks, i, s, o)
    any = any or #s.y > 0
  end
  for _, rule in ipairs(o.rules or {}) do
    marks[#marks + 1] = {kind = "rule", x = rule.x, y = rule.y, label = rule.label}
  end
  return {{marks = marks, legend = series.legend(list), xlabel = o.xlabel, ylabel = o.ylabel,
    empty = not any, x = {log = o.log:find("x"), lim = o.xlim, whole = is_whole(list),
      tight = true},
    y = {log = o.log:find("y"), lim = o.ylim}}}
end)
