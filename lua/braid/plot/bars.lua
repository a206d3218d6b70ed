--- plot.bars: horizontal bars, one for each name, so that there is room for long names.
-- @usage
-- plot.bars("failure.svg", {hard = 0.32, dcnet = 0.21}, {xlabel = "failure rate"})
-- plot.bars("f.svg", {landmarks = {hard = 0.32, dcnet = 0.21}, pose = {hard = 0.74, dcnet = 0.77}})
-- plot.bars("f.svg", {hard = {value = 0.3, low = 0.28, high = 0.33}})
--
-- plot.bars([path,] data, options): data is one of
--   a table of numbers by name, drawn in the order of the names or of `order`
--   a list of numbers, or a tensor (n), with the option `names`
--   a table of groups by name, where each group is one of the above
-- A bar may be {value =, low =, high =}. Options: order, names, digits (decimals of the
-- values beside the bars), title, xlabel, ylabel, log ("x"), xlim, width, theme.
-- @treturn plot.figure|true

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local format <const> = require "braid.format"
local public <const> = require "braid.plot.draw.public"
local scale <const> = require "braid.plot.draw.scale"
local text <const> = require "braid.plot.draw.text"

local WHAT <const> = "plot.bars"
local NAMES <const> = check.list{of = check.text()}
local known <const> = {order = NAMES, names = NAMES, digits = check.whole{from = 0, to = 17}}
for key, kind in pairs(scale.OPTIONS) do known[key] = kind end
known.log, known.ylim = check.choice{"", "x"}, nil
local OPTIONS <const> = public.declare(WHAT, known, scale.relation)

local function is_bar(v)
  return type(v) == "number" or type(v) == "table" and type(v.value) == "number"
end

local function bar_of(name, v)
  if type(v) == "number" then return {value = v} end
  for _, key in ipairs(check.sorted_keys(v)) do
    if key ~= "value" and key ~= "low" and key ~= "high" or type(v[key]) ~= "number" then
      check.fail("%s: '%s' must be a number, or {value =, low =, high =}; its %s is %s", WHAT, name,
        key, check.shown(v[key]))
    end
  end
  return v
end

-- Turns a list into a table by name, and returns its names in order.
local function by_name(list, names)
  local map <const>, order <const> = {}, {}
  for i, v in ipairs(list) do
    order[i] = names and names[i] or tostring(i)
    map[order[i]] = v
  end
  return map, order
end

-- The names to draw: the names in the option `order`, or all names.
local function ordered(map, order)
  if not order then return text.names(map) end
  for _, name in ipairs(order) do
    if map[name] == nil then
      check.fail("%s: order names '%s', but there is no such bar; %s", WHAT, name,
        check.nearest(name, check.sorted_keys(map)))
    end
  end
  return order
end

-- Reads the data -> names, series names, values[name][series name].
local function read(data, o)
  if core.is_tensor(data) and data:dim() == 1 then data = data:totable() end
  if type(data) ~= "table" or check.is_object(data) then
    check.fail("%s: wants numbers by name, a list of them or a tensor (n), not %s", WHAT,
      check.shown(data))
  end
  local order = o.order
  if #data > 0 then
    local names
    data, names = by_name(data, o.names)
    order = order or names
  end
  local names <const>, groups <const>, values <const> = ordered(data, order), {}, {}
  for _, name in ipairs(names) do
    local v <const> = data[name]
    values[name] = is_bar(v) and {[""] = bar_of(name, v)} or {}
    if not is_bar(v) and type(v) ~= "table" then
      check.fail("%s: '%s' must be a number, not %s", WHAT, name, check.shown(v))
    end
    for _, key in ipairs(is_bar(v) and {} or check.sorted_keys(v)) do
      if not is_bar(v[key]) then
        check.fail("%s: '%s' of '%s' must be a number, not %s", WHAT, key, name,
          check.shown(v[key]))
      end
      values[name][key] = bar_of(key, v[key])
    end
    for key in pairs(values[name]) do groups[key] = true end
  end
  return names, text.names(groups), values
end

-- Adds bar k of the `count` bars of name i. Each bar has its own line, and the line below a name's
-- bars stays free.
local function add_bar(marks, i, k, count, bar, label)
  local tall <const> = count == 1 and 0.7 or 1 / (count + 1)
  local top <const> = count == 1 and i - 0.35 or i - 0.5 + (k - 1) * tall
  marks[#marks + 1] = {kind = "box", x0 = 0, x1 = bar.value, y0 = top, y1 = top + tall * 0.92,
    series = k, grows = "right", title = label}
  if bar.low or bar.high then
    local y <const> = top + tall * 0.46
    marks[#marks + 1] = {kind = "span", x = {bar.low or bar.value, bar.high or bar.value}, y = {y,
      y},
      series = k}
  end
  marks[#marks + 1] = {kind = "words", x = {math.max(0, bar.value, bar.high or 0)},
    y = {top + tall * 0.46}, text = label}
end

return public.define(OPTIONS, function(data, o)
  local names <const>, groups <const>, values <const> = read(data, o)
  local marks <const>, legend <const> = {}, {}
  for k, group in ipairs(groups) do
    legend[k] = {name = group, series = k, filled = true}
    for i, name in ipairs(names) do
      local bar <const> = values[name][group]
      if bar then
        local label <const> = o.digits and format(("%%.%df"):format(o.digits), bar.value)
          or scale.value(bar.value)
        add_bar(marks, i, k, #groups, bar, label)
      end
    end
  end
  return {{marks = marks, legend = #groups > 1 and legend or {}, xlabel = o.xlabel,
    ylabel = o.ylabel, height = math.max(2, #names * (#groups > 1 and #groups + 1 or 1.5)),
    lines = math.max(1, #names * (#groups > 1 and #groups + 1 or 1)), empty = #names == 0,
    x = {log = o.log:find("x"), lim = o.xlim, room = 0.12},
    y = {names = names, lift = #groups > 1 and 0.5 / (#groups + 1) or 0}}}
end)
