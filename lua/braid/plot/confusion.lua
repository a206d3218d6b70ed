--- plot.confusion: draws a confusion matrix, which shows how often each class is taken for another.
--
-- A row is a true class, a column a predicted one. A cell's colour shows its share of the row.
-- @usage plot.confusion("smile.svg", {{40, 10}, {5, 45}}, {names = {"yes", "no"}})
--
-- plot.confusion([path,] counts, options): counts is a list of rows, counts[true][predicted], a
-- tensor (classes, classes), or the value of the metric "confusion" (report.pose.confusion).
-- Options: names, share (true: shares of the row instead of counts), title, width, theme.
-- @treturn plot.figure|true

local cells <const> = require "braid.plot.draw.cells"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local format <const> = require "braid.format"
local public <const> = require "braid.plot.draw.public"
local scale <const> = require "braid.plot.draw.scale"

local WHAT <const> = "plot.confusion"
local OPTIONS <const> = public.declare(WHAT, {
  names = check.list{of = check.text()}, share = check.flag(false),
})

local function checked(counts)
  if core.is_tensor(counts) and counts:dim() == 2 then counts = counts:totable() end
  local n <const> = type(counts) == "table" and not check.is_object(counts) and #counts or 0
  if n == 0 then
    check.fail("%s: wants counts, rows of numbers or a tensor (classes, classes), not %s", WHAT,
      check.shown(counts))
  end
  for i, row in ipairs(counts) do
    if type(row) ~= "table" or #row ~= n then
      check.fail("%s: row %d of %d must have %d counts, not %s", WHAT, i, n, n,
        type(row) == "table" and #row or check.shown(row))
    end
    for j, v in ipairs(row) do
      if type(v) ~= "number" or not (v >= 0 and v < math.huge) then
        check.fail("%s: count %d of row %d must be a number from 0, not %s", WHAT, j, i,
          check.shown(v))
      end
    end
  end
  return counts
end

return public.define(OPTIONS, function(counts, o)
  if type(counts) == "table" and type(counts.counts) == "table" then
    o.names, counts = o.names or counts.names, counts.counts
  end
  counts = checked(counts)
  local names <const>, shares <const>, texts <const>, titles <const> = {}, {}, {}, {}
  for i = 1, #counts do names[i] = o.names and o.names[i] or tostring(i) end
  for i, row in ipairs(counts) do
    local sum = 0
    for _, v in ipairs(row) do sum = sum + v end
    shares[i], texts[i], titles[i] = {}, {}, {}
    for j, v in ipairs(row) do
      shares[i][j] = sum > 0 and v / sum or 0
      texts[i][j] = o.share and format("%.1f%%", 100 * shares[i][j])
        or scale.value(math.tointeger(v) or v)
      titles[i][j] = format("%s taken for %s: %s, %.1f%%", names[i], names[j],
        scale.value(math.tointeger(v) or v), 100 * shares[i][j])
    end
  end
  return {{place = cells.place, values = shares, texts = #counts <= 40 and texts or nil,
    titles = titles, rows = names, columns = names, low = 0, high = 1, bar = false,
    xlabel = "rows: true, columns: predicted"}}
end)
