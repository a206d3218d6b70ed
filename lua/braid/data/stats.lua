--- ds:stats(): a summary of a data set with counts, imbalance, missing labels, sizes and pixels.
-- Its baselines are the scores of a network that ignores its input.
--
-- ds:stats{pictures = 500} -> {count =, pictures =, labels =}, which prints as a report. It looks
-- at 500 pictures, spread evenly over the set, or at all with pictures = "all".
--   pictures        {looked_at =, unreadable =, first_unreadable =, sizes = {["178x218"] = count},
--                   channels = {[3] = count}, mean =, deviation = (for each channel, 0 to 255)}
--   labels[name]    kind, missing (a share), and for
--     classes       counts by class, baseline (the share of the largest class), imbalance (the size
--                   of the largest class over that of the smallest one that occurs)
--     points        count, missing_points (a share), low and high {x, y}, and baseline: the root
--                   mean squared distance from the mean of each point, in pixels
--     other labels  low, high, mean, deviation, and baseline: the deviation

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local format <const> = require "braid.format"
local class <const> = require "braid.class"
local ops <const> = core.ops

local Stats <const> = class("Stats")

local MAX_LISTED <const> = 6

-- ---- labels ---------------------------------------------------------------------------

local function share(n, total) return total > 0 and n / total or 0 end

local function of_class(ds, name)
  local labels <const> = ds.labels[name]:to("int64")
  local n <const> = math.max(labels:max():item(), #(ds.classes[name] or {}))
  local sums <const> = ops.scatter_add(core.new({n + 1}, "float64", 0), 1, labels + 1,
    core.new({#ds}, "float64", 1)):totable()
  local s <const> = {kind = "class", counts = {}, classes = ds.classes[name], number = n,
    missing = share(sums[1], #ds)}
  local most, least = 0, math.huge
  for c = 1, n do
    local count <const> = math.tointeger(sums[c + 1])
    s.counts[c] = count
    most = math.max(most, count)
    if count > 0 then least = math.min(least, count) end
  end
  s.baseline = share(most, #ds - sums[1])
  s.imbalance = most > 0 and most / least or 1
  return s
end

-- The sum, the sum of squares and the number of values that are not missing, along dimension 1.
local function moments(t)
  local there <const> = t:eq(t)
  local x <const> = t:to("float64"):masked_fill(there:logical_not(), 0)
  return x:sum(1), x:square():sum(1), there:to("float64"):sum(1), there
end

local function extremes(t, there)
  local low <const> = t:masked_fill(there:logical_not(), math.huge):min():item()
  local high <const> = t:masked_fill(there:logical_not(), -math.huge):max():item()
  return low, high
end

local function of_points(ds, name)
  local t <const> = ds.labels[name]
  local sum <const>, squares <const>, number <const>, there <const> = moments(t)
  local points <const> = there:all(3)
  local known <const> = points:to("float64"):sum():item()
  local s <const> = {kind = "points", count = t:size(2), low = {}, high = {},
    missing = 1 - share(points:any(2):to("float64"):sum():item(), #ds),
    missing_points = 1 - share(known, points:numel())}
  if known == 0 then return s end
  for d = 1, 2 do
    s.low[d], s.high[d] = extremes(t[{ {}, {}, d }], there[{ {}, {}, d }])
  end
  local spread <const> = squares - sum:square() / number:clamp(1, math.huge)
  s.baseline = math.sqrt(math.max(0, spread:sum():item()) / known)
  return s
end

local function of_real(ds, name)
  local t <const> = ds.labels[name]:reshape(#ds, -1)
  local sum <const>, squares <const>, number <const>, there <const> = moments(t)
  local n <const> = number:sum():item()
  local s <const> = {kind = ds.kinds[name],
    missing = 1 - share(there:any(2):to("float64"):sum():item(), #ds)}
  if n == 0 then return s end
  s.low, s.high = extremes(t, there)
  s.mean = sum:sum():item() / n
  local within <const> = (squares - sum:square() / number:clamp(1, math.huge)):sum():item()
  s.deviation = math.sqrt(math.max(0, squares:sum():item() / n - s.mean ^ 2))
  s.baseline = math.sqrt(math.max(0, within) / n)
  return s
end

-- ---- pictures -------------------------------------------------------------------------

local function look_at(ds, i, p, sums)
  local image <const>, message <const> = ds:image(i)
  if not image then
    p.unreadable = p.unreadable + 1
    p.first_unreadable = p.first_unreadable or message
    return
  end
  local c <const>, h <const>, w <const> = table.unpack(image.shape)
  local size <const> = ("%dx%d"):format(w, h)
  p.sizes[size] = (p.sizes[size] or 0) + 1
  p.channels[c] = (p.channels[c] or 0) + 1
  local x <const> = image:to("float64")
  local sum <const>, squares <const> = x:sum{2, 3}:totable(), x:square():sum{2, 3}:totable()
  for k = 1, 3 do -- gray counts as red, green and blue
    sums[k] = sums[k] + (sum[k] or sum[1])
    sums[3 + k] = sums[3 + k] + (squares[k] or squares[1])
  end
  sums.pixels = sums.pixels + h * w
end

local function of_pictures(ds, wanted)
  local n <const> = math.min(wanted, #ds)
  local p <const> = {looked_at = n, unreadable = 0, sizes = {}, channels = {}, mean = {},
    deviation = {}}
  local sums <const> = {0, 0, 0, 0, 0, 0, pixels = 0}
  for k = 1, n do
    local _ <close> = core.scope()
    look_at(ds, 1 + (k - 1) * #ds // n, p, sums)
  end
  if sums.pixels == 0 then return p end
  for k = 1, p.channels[3] and 3 or 1 do
    p.mean[k] = sums[k] / sums.pixels
    p.deviation[k] = math.sqrt(math.max(0, sums[3 + k] / sums.pixels - p.mean[k] ^ 2))
  end
  return p
end

-- ---- the report -----------------------------------------------------------------------

local OPTIONS <const> = check.declare("stats", {
  pictures = check.either(check.whole{500, from = 1}, check.choice{"all"}),
})

function Stats:init(ds, given)
  local o <const> = check.options(OPTIONS, given)
  local _ <close> = core.scope()
  self.count, self.unreadable, self.first_unreadable = #ds, ds.unreadable, ds.first_unreadable
  self.labels = {}
  if #ds == 0 then return end
  self.pictures = ds:has_pictures() and of_pictures(ds, o.pictures == "all" and #ds or o.pictures)
  for name, kind in pairs(ds.kinds) do
    local of <const> = kind == "class" and of_class or kind == "points" and of_points or of_real
    self.labels[name] = of(ds, name)
  end
end

local function class_text(s)
  local order <const>, parts <const> = {}, {}
  local function name(c) return s.classes and s.classes[c] or tostring(c) end
  for c = 1, s.number do order[c] = c end
  if s.number <= MAX_LISTED then
    local total <const> = math.max(1, ops.sum(core.from_table(s.counts, "float64")):item())
    for _, c in ipairs(order) do
      parts[#parts + 1] = format("%s %.1f%%", name(c), 100 * s.counts[c] / total)
    end
  else
    table.sort(order, function(a, b)
      return s.counts[a] > s.counts[b] or s.counts[a] == s.counts[b] and a < b
    end)
    local first <const>, last <const> = order[1], order[#order]
    parts[1] = ("%d classes, from %d (%s) to %d (%s)"):format(s.number, s.counts[first],
      name(first), s.counts[last], name(last))
  end
  return format("%s; majority %.1f%%, imbalance %.1f", table.concat(parts, ", "),
    100 * s.baseline, s.imbalance)
end

local function label_text(s)
  if s.missing == 1 then return "" end
  if s.kind == "class" then return class_text(s) end
  if s.kind == "points" then
    return format("%d points%s, x %.1f to %.1f, y %.1f to %.1f; %.2f pixels from their means",
      s.count, s.missing_points > 0 and format(" (%.1f%% missing)", 100 * s.missing_points) or "",
      s.low[1], s.high[1], s.low[2], s.high[2], s.baseline)
  end
  return format("%.4g to %.4g, mean %.4g, deviation %.4g", s.low, s.high, s.mean, s.deviation)
end

-- Values with their counts, most frequent first.
local function tally(counts, most)
  local keys <const>, parts <const> = {}, {}
  for key in pairs(counts) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    return counts[a] > counts[b] or counts[a] == counts[b] and tostring(a) < tostring(b)
  end)
  for i = 1, math.min(most, #keys) do
    parts[i] = #keys == 1 and tostring(keys[i]) or ("%s (%d)"):format(keys[i], counts[keys[i]])
  end
  if #keys > most then parts[#parts + 1] = ("%d more"):format(#keys - most) end
  return table.concat(parts, ", ")
end

local function numbers_text(list)
  local parts <const> = {}
  for i, v in ipairs(list) do parts[i] = format("%.1f", v) end
  return table.concat(parts, " ")
end

local function picture_lines(p, lines)
  lines[#lines + 1] = ("pictures  %d looked at%s"):format(p.looked_at,
    p.unreadable > 0 and (", %d unreadable: %s"):format(p.unreadable, p.first_unreadable) or "")
  if #p.mean == 0 then return end
  lines[#lines + 1] = ("  size %s; channels %s"):format(tally(p.sizes, 4), tally(p.channels, 4))
  lines[#lines + 1] = ("  mean %s, deviation %s (of 255)"):format(numbers_text(p.mean),
    numbers_text(p.deviation))
end

Stats.__tostring = function(self)
  local lines <const> = {("%d samples%s"):format(self.count, self.unreadable > 0
    and (", %d left out: %s"):format(self.unreadable, self.first_unreadable) or "")}
  if self.pictures then picture_lines(self.pictures, lines) end
  local width = 0
  for name in pairs(self.labels) do width = math.max(width, #name) end
  for _, name in ipairs(check.sorted_keys(self.labels)) do
    local s <const> = self.labels[name]
    lines[#lines + 1] = format("%-" .. width .. "s  %-6s  missing %5.1f%%  %s", name, s.kind,
      100 * s.missing, label_text(s))
  end
  return (table.concat(lines, "\n"):gsub(" +\n", "\n"))
end

return Stats
