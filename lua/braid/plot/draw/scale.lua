--- Axes: they map a range of numbers to places from 0 to 1, and have labelled ticks at round
-- numbers.

local check <const> = require "braid.check"
local format <const> = require "braid.format"

local M <const> = {}

local LIMIT <const> = 1e300 -- larger numbers are drawn at the edge, so that differences are finite

local function tidy(text)
  return (text:gsub("e([+-])0*(%d)", function(sign, digit)
    return "e" .. (sign == "-" and "-" or "") .. digit
  end))
end

local function power(v) return math.floor(math.log(v, 10) + 1e-9) end

--- A tick's label, with enough digits to differ from its neighbours, which are a step away.
function M.label(v, step, largest)
  if v == 0 then return "0" end
  local decimals <const> = math.max(0, -power(step))
  if largest >= 1e6 or decimals > 4 then
    local text <const> = ("%%.%de"):format(math.max(0, math.min(15, power(largest) - power(step))))
      :format(v)
    return tidy((text:gsub("%.(%d-)0+e", function(d) return (d ~= "" and "." .. d
      or "") .. "e" end)))
  end
  return ("%%.%df"):format(decimals):format(v)
end

--- A value as text with five digits, without blanks.
function M.value(v)
  if v ~= v then return "nan" end
  if math.type(v) == "integer" and math.abs(v) < 1e9 then return ("%d"):format(v) end
  return tidy(format("%.5g", v))
end

-- The number near the step that is 1, 2 or 5 times a power of ten.
local function nice(step)
  local p <const> = 10.0 ^ power(step)
  return p * (step < 1.5 * p and 1 or step < 3.2 * p and 2 or step < 7.5 * p and 5 or 10)
end

-- Moves low and high apart if needed, so that low < high.
local function spread(low, high)
  low, high = math.max(-LIMIT, math.min(LIMIT, low)), math.max(-LIMIT, math.min(LIMIT, high))
  if high - low > math.max(math.abs(low), math.abs(high)) * 1e-9 then return low, high end
  local pad <const> = math.max(math.abs(low), math.abs(high)) * 0.05
  if pad < 1e-290 then return low - 0.5, low + 0.5 end
  return low - pad, high + pad
end

--- The two ends of an axis around a single value.
function M.around(v) return spread(v, v) end

local function linear_ticks(low, high, count)
  local step <const> = nice((high - low) / count)
  local ticks <const>, labels <const> = {}, {}
  local largest <const> = math.max(math.abs(low), math.abs(high))
  for k = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6) do
    ticks[#ticks + 1] = k * step
    labels[#labels + 1] = M.label(k * step, step, largest)
  end
  return ticks, labels, step
end

--- A linear axis. o: low, high (bounds of the data); fixed_low, fixed_high (the user's bounds);
-- count (about how many ticks); tight (no margin around the data); room (a share of the range that
-- is added at the upper end, for words); whole (ticks only at integers).
function M.linear(o)
  local low, high = spread(o.low, o.high)
  if o.whole and o.low == o.high then low, high = o.low - 0.5, o.low + 0.5 end
  local pad <const> = o.tight and 0 or (high - low) * 0.04
  local a, b = o.fixed_low or low - pad, o.fixed_high or high + pad + (high - low) * (o.room or 0)
  if not o.fixed_low and o.low >= 0 and a < 0 then a = 0 end
  if not o.fixed_high and o.high <= 0 and b > 0 then b = 0 end
  if a >= b then a, b = spread(a, a) end
  local count = math.max(1, o.count or 5)
  if o.whole then count = math.min(count, math.max(1, b - a)) end
  local ticks <const>, labels <const>, step <const> = linear_ticks(a, b, count)
  return {low = a, high = b, ticks = ticks, labels = labels, step = step,
    at = function(v) return (math.max(-LIMIT, math.min(LIMIT, v)) - a) / (b - a) end,
    holds = function(v) return v - v == 0 end}
end

local function log_ticks(a, b, count)
  local ticks <const>, labels <const> = {}, {}
  local la <const>, lb <const> = math.log(a, 10), math.log(b, 10)
  local stride <const> = math.max(1, math.ceil((lb - la) / count))
  local multiples = {1}
  if lb - la < 2.5 then multiples = count >= 3 and {1, 2, 5} or {1, 3} end
  for k = math.floor(la) - 1, math.ceil(lb) do
    for _, m in ipairs(multiples) do
      local v <const> = m * 10.0 ^ k
      local l <const> = math.log(v, 10)
      if k % stride == 0 and l >= la - 1e-9 and l <= lb + 1e-9 then
        ticks[#ticks + 1] = v
        labels[#labels + 1] = (k > 4 or k < -3) and tidy(format("%.0e", v))
          or M.label(v, 10.0 ^ k, v)
      end
    end
  end
  return ticks, labels
end

--- A logarithmic axis, for values above 0.
function M.log(o)
  local low, high = o.low, o.high
  if not (low > 0 and low <= high) then low, high = 0.1, 1 end
  low, high = math.max(1 / LIMIT, math.min(low, LIMIT)), math.max(1 / LIMIT, math.min(high, LIMIT))
  if high / low < 1.05 then low, high = low / 1.5, high * 1.5 end
  local pad <const> = o.tight and 1 or (high / low) ^ 0.04
  local a <const>, b = o.fixed_low or low / pad, o.fixed_high
    or high * pad * (high / low) ^ (o.room or 0)
  if a >= b then b = a * 10 end
  local la <const>, lb <const> = math.log(a), math.log(b)
  local ticks, labels = log_ticks(a, b, math.max(2, o.count or 5))
  if #ticks < 2 then ticks, labels = linear_ticks(a, b, math.max(2, o.count or 5)) end
  return {low = a, high = b, ticks = ticks, labels = labels, logarithmic = true,
    at = function(v)
      return (math.log(math.max(1 / LIMIT, math.min(v, LIMIT))) - la) / (lb - la)
    end,
    holds = function(v) return v > 0 and v < math.huge end}
end

--- An axis of names. Name i takes the range from i - 0.5 to i + 0.5, and its label is at i - lift.
function M.names(names, lift)
  local ticks <const> = {}
  for i = 1, #names do ticks[i] = i - (lift or 0) end
  return {low = 0.5, high = #names + 0.5, ticks = ticks, labels = names, named = true,
    at = function(v) return (v - 0.5) / math.max(1, #names) end, holds = function() return true end}
end

--- Options that all plots with axes have.
M.OPTIONS = {
  log = check.choice{"", "x", "y", "xy"}, xlabel = check.text(), ylabel = check.text(),
  xlim = check.list{of = check.number(), n = 2}, ylim = check.list{of = check.number(), n = 2},
}

--- Options that contradict each other, as text; or nil.
function M.relation(o)
  for _, axis in ipairs{"x", "y"} do
    local lim <const> = o[axis .. "lim"]
    if lim and lim[1] >= lim[2] then
      return ("%slim = {%s, %s} must have its lower number first"):format(axis,
        check.shown(lim[1]), check.shown(lim[2]))
    end
    if lim and o.log and o.log:find(axis) and lim[1] <= 0 then
      return ("%slim must be above 0 on a logarithmic axis, not %s"):format(axis,
        check.shown(lim[1]))
    end
  end
end

return M
