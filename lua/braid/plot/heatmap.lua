--- A table of numbers as a picture: colours from blue over white to red where it has both signs,
-- from white to red where it has one.
-- @usage
-- plot.heatmap("affinity.svg", a.cosine, {rows = a.names, columns = a.names, title = "cosines"})
-- plot.heatmap("map.png", map, {cell = 12})
--
-- The path's ending says which: an .svg has names and values, a .png the cells alone. Options:
-- rows, columns (names), title, low and high (the ends of the scale), cell (pixels a side, 48 in
-- an .svg, 16 in a .png), digits (2). The table may be a tensor of two dimensions. What is wrong,
-- or cannot be written, is an error.
-- @return true

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local files <const> = require "braid.io.files"
local picture <const> = require "braid.io.picture"

local BLUE <const>, WHITE <const>, RED <const> = {49, 87, 164}, {255, 255, 255}, {178, 34, 44}

local NAMES <const> = check.list{of = check.either(check.text(), check.number())}
local OPTIONS <const> = check.declare("plot.heatmap", {
  rows = NAMES, columns = NAMES, title = check.text(), low = check.number(), high = check.number(),
  cell = check.whole{from = 1, to = 1024}, digits = check.whole{2, from = 0, to = 17},
}, function(o)
  if o.low and o.high and o.low > o.high then
    return ("low = %s lies above high = %s"):format(check.shown(o.low), check.shown(o.high))
  end
end)

local function bad(format, ...) check.fail("plot.heatmap: " .. format, ...) end

local function is_number(v) return v == v and v ~= math.huge and v ~= -math.huge end

local function checked(values)
  if core.is_tensor(values) then values = values:dim() == 2 and values:totable() or nil end
  if type(values) ~= "table" or type(values[1]) ~= "table" or #values[1] == 0 then
    bad("wants a table of rows of numbers")
  end
  for i, row in ipairs(values) do
    if type(row) ~= "table" or #row ~= #values[1] then
      bad("row %d has %s values, the first has %d", i, type(row) == "table" and #row or "no",
        #values[1])
    end
    for j, v in ipairs(row) do
      if type(v) ~= "number" then
        bad("value %d of row %d is a %s, not a number", j, i, type(v))
      end
    end
  end
  return values
end

local function ends(values, o)
  local low, high = math.huge, -math.huge
  for _, row in ipairs(values) do
    for _, v in ipairs(row) do
      if is_number(v) then low, high = math.min(low, v), math.max(high, v) end
    end
  end
  if low > high then low, high = 0, 1 end
  return o.low or low, o.high or high
end

local function blend(a, b, t)
  local c <const> = {}
  for k = 1, 3 do c[k] = math.floor(a[k] + (b[k] - a[k]) * t + 0.5) end
  return c
end

-- value -> {r, g, b}
local function scale(low, high)
  return function(v)
    if not is_number(v) then return {200, 200, 200} end
    if low < 0 and high > 0 then
      local t <const> = math.max(-1, math.min(1, v / math.max(-low, high)))
      return blend(WHITE, t < 0 and BLUE or RED, math.abs(t))
    end
    local t <const> = high > low and math.max(0, math.min(1, (v - low) / (high - low))) or 0
    if high <= 0 then return blend(BLUE, WHITE, t) end
    return blend(WHITE, RED, t)
  end
end

local function png(path, values, colour, o)
  local side <const>, h <const>, w <const> = o.cell or 16, #values, #values[1]
  local pixels <const> = {}
  for i, row in ipairs(values) do
    pixels[i] = {}
    for j, v in ipairs(row) do pixels[i][j] = colour(v) end
  end
  local small <const> = core.from_table(pixels, "uint8")
  local canvas <const> = core.ops.contiguous_copy(core.ops.reshape(
    core.ops.repeat_(core.ops.reshape(small, h, 1, w, 1, 3), 1, side, 1, side, 1),
    h * side, w * side, 3))
  return picture.write("plot.heatmap", path, canvas)
end

local function escaped(text)
  return (tostring(text):gsub("[&<>]", {["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;"}))
end

local function longest(names)
  local most = 0
  for _, name in ipairs(names or {}) do most = math.max(most, #tostring(name)) end
  return most
end

local function svg(path, values, colour, o)
  local side <const> = o.cell or 48
  local wide <const> = math.max(side, 7 * longest(o.columns) + 6) -- names do not run together
  local left <const> = 10 + 7 * longest(o.rows)
  local top <const> = (o.title and 30 or 10) + (o.columns and 20 or 0)
  local width <const> = math.max(left + #values[1] * wide + 10, 8 * #(o.title or "") + 20)
  local lines <const> = {}
  local function put(...) lines[#lines + 1] = string.format(...) end
  put('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" '
    .. 'font-size="12">', width, top + #values * side + 10)
  if o.title then put('<text x="10" y="20" font-size="14">%s</text>', escaped(o.title)) end
  for j, name in ipairs(o.columns or {}) do
    put('<text x="%g" y="%d" text-anchor="middle">%s</text>', left + (j - 0.5) * wide, top - 6,
      escaped(name))
  end
  for i, row in ipairs(values) do
    local y <const> = top + (i - 1) * side
    if o.rows and o.rows[i] then
      put('<text x="%d" y="%g" text-anchor="end">%s</text>', left - 5, y + side / 2 + 4,
        escaped(o.rows[i]))
    end
    for j, v in ipairs(row) do
      local c <const> = colour(v)
      put('<rect x="%d" y="%d" width="%d" height="%d" fill="rgb(%d,%d,%d)"/>',
        left + (j - 1) * wide, y, wide, side, c[1], c[2], c[3])
      put('<text x="%g" y="%g" text-anchor="middle" fill="%s">%s</text>',
        left + (j - 0.5) * wide, y + side / 2 + 4, c[1] + c[2] + c[3] < 380 and "white" or "black",
        is_number(v) and ("%%.%df"):format(o.digits):format(v) or "-")
    end
  end
  put("</svg>")
  local ok <const>, why <const> = files.write(path, {table.concat(lines, "\n"), "\n"})
  if not ok then bad("%s", why) end
  return true
end

return function(path, values, given)
  local o <const> = check.options(OPTIONS, given)
  check.path("plot.heatmap", path)
  values = checked(values)
  local colour <const> = scale(ends(values, o))
  if path:lower():find("%.svg$") then return svg(path, values, colour, o) end
  if path:lower():find("%.png$") then return png(path, values, colour, o) end
  bad("the path must end in .svg or .png, not '%s'", path)
end
