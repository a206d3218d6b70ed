--- plot.scatter: a scatter plot, with a point for each pair of numbers.
-- @usage
-- plot.scatter("a.svg", {hard = {x = {1, 10}, y = {0.3, 0.2}},
--   dcnet = {x = {2, 20}, y = {0.2, 0.1}}}, {log = "x"})
--
-- plot.scatter([path,] data, options): data is {x =, y =}, a tensor (n,2), or a table of these by
-- name. A plain list of numbers is y, and x is then 1, 2, 3 ... Options: title, xlabel, ylabel,
-- log, xlim, ylim, names, width, theme, as in plot.lines.
-- @treturn plot.figure|true

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local public <const> = require "braid.plot.draw.public"
local scale <const> = require "braid.plot.draw.scale"
local series <const> = require "braid.plot.draw.series"

local known <const> = {names = check.list{of = check.text()}}
for key, kind in pairs(scale.OPTIONS) do known[key] = kind end
local OPTIONS <const> = public.declare("plot.scatter", known, scale.relation)

-- A tensor (n,2) as {x =, y =}.
local function pairs_of(value)
  if core.is_tensor(value) and value:dim() == 2 and value:size(2) == 2 then
    local flat <const> = value:permute(2, 1):totable()
    return {x = flat[1], y = flat[2]}
  end
  return value
end

return public.define(OPTIONS, function(data, o)
  data = pairs_of(data)
  if type(data) == "table" and getmetatable(data) == nil then
    local own <const> = {}
    for key, value in pairs(data) do own[key] = pairs_of(value) end
    data = own
  end
  local list <const>, marks <const>, any = series.all("plot.scatter", data, o), {}, false
  for i, s in ipairs(list) do
    marks[i] = {kind = "points", x = s.x, y = s.y, series = i}
    any = any or #s.y > 0
  end
  return {{marks = marks, legend = series.legend(list, true), xlabel = o.xlabel, ylabel = o.ylabel,
    empty = not any, x = {log = o.log:find("x"), lim = o.xlim},
    y = {log = o.log:find("y"), lim = o.ylim}}}
end)
