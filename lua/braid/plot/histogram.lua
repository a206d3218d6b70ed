--- plot.histogram: draws how many values are in each range.
-- @usage plot.histogram("errors.svg", braid.randn(1000), {bins = 40, xlabel = "error"})
--
-- plot.histogram([path,] data, options): data is a list of numbers, a tensor of any shape, or a
-- table of these by name, which share their bins. NaN and infinity are left out and counted.
-- Options:
--   bins      the number of bins (default: by the rule of Freedman and Diaconis)
--   density   true draws densities instead of counts: the areas of a series' bars add up to 1
--   log       "y" makes the axis of counts logarithmic
--   title, xlabel, ylabel, xlim, ylim, names, width, theme
-- @treturn plot.figure|true

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local public <const> = require "braid.plot.draw.public"
local scale <const> = require "braid.plot.draw.scale"
local series <const> = require "braid.plot.draw.series"

local known <const> = {names = check.list{of = check.text()}, density = check.flag(false),
  bins = check.whole{from = 1, to = 10000}}
for key, kind in pairs(scale.OPTIONS) do known[key] = kind end
known.log = check.choice{"", "y"}
local OPTIONS <const> = public.declare("plot.histogram", known, scale.relation)

local LIMIT <const> = 200 -- the most bins that the rule may give

local function flat(value)
  if core.is_tensor(value) then return core.ops.reshape(core.detach(value), -1) end
  return value
end

-- The series of the data, with sorted finite values, and the number of other values.
local function values_of(data, o)
  local own = flat(data)
  if type(own) == "table" and getmetatable(own) == nil and type(own[1]) ~= "number" then
    own = {}
    for key, value in pairs(data) do own[key] = flat(value) end
  end
  local list <const>, lost = series.all("plot.histogram", own, o), 0
  for _, s in ipairs(list) do
    local kept <const> = {}
    for _, v in ipairs(s.y) do
      if v - v == 0 then kept[#kept + 1] = v + 0.0 else lost = lost + 1 end
    end
    table.sort(kept)
    s.sorted = kept
  end
  return list, lost
end

-- The lower and the upper end of the bins, and their number.
local function bins_of(list, o)
  local low, high, n, quartiles = math.huge, -math.huge, 0, 0.0
  for _, s in ipairs(list) do
    local v <const> = s.sorted
    if #v > 0 then
      low, high = math.min(low, v[1]), math.max(high, v[#v])
      if #v > n then
        n = #v
        quartiles = v[(3 * n + 3) // 4] - v[(n + 3) // 4]
      end
    end
  end
  if low > high then return 0.0, 1.0, 1 end
  if o.xlim then low, high = o.xlim[1], o.xlim[2] end
  if low == high then low, high = scale.around(low) end
  local rule <const> = 2 * quartiles / n ^ (1 / 3)
  local count <const> = o.bins or rule > 0 and math.min(LIMIT, math.max(5, math.ceil(
    math.min((high - low) / rule, 1e6)))) or math.max(1, math.ceil(math.log(n, 2)) + 1)
  return low, high, count
end

-- The number of sorted values in each bin. The last bin includes its upper end.
local function counts_of(sorted, low, high, bins)
  local counts <const> = {}
  for k = 1, bins do counts[k] = 0 end
  local width <const> = high / bins - low / bins
  for _, v in ipairs(sorted) do
    if v >= low and v <= high then
      local k <const> = math.min(bins, math.floor((v - low) / width) + 1)
      counts[k] = counts[k] + 1
    end
  end
  return counts, width
end

return public.define(OPTIONS, function(data, o)
  local list <const>, lost <const> = values_of(data, o)
  local low <const>, high <const>, bins <const> = bins_of(list, o)
  local marks <const>, any = {}, false
  for i, s in ipairs(list) do
    local counts <const>, width <const> = counts_of(s.sorted, low, high, bins)
    local unit <const> = o.density and #s.sorted > 0 and 1 / (#s.sorted * width) or 1
    any = any or #s.sorted > 0
    for k, count in ipairs(counts) do
      if count > 0 then
        local x0 <const> = low + (k - 1) * width
        marks[#marks + 1] = {kind = "box", x0 = x0, x1 = x0 + width, y0 = 0, y1 = count * unit,
          series = i, grows = "up", opacity = #list > 1 and 0.55 or 0.85,
          title = ("%s to %s: %d"):format(scale.value(x0), scale.value(x0 + width), count)}
      end
    end
  end
  return {{marks = marks, legend = series.legend(list, true), xlabel = o.xlabel,
    ylabel = o.ylabel or (o.density and "density" or "count"), empty = not any,
    note = lost > 0 and ("%d not finite, left out"):format(lost) or nil,
    x = {lim = o.xlim, tight = true}, y = {log = o.log:find("y"), lim = o.ylim}}}
end)
