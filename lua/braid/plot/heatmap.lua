--- plot.heatmap: draws a table of numbers as coloured cells.
--
-- Positive numbers are red, negative ones blue, and numbers near 0 have the colour of the page. If
-- all numbers have the same sign, the number nearest to 0 has the colour of the page.
-- @usage
-- plot.heatmap("cosines.svg", {{1, -0.2}, {-0.2, 1}}, {rows = {"a", "b"}, columns = {"a", "b"}})
-- plot.heatmap("map.png", x, {cell = 12})
--
-- plot.heatmap([path,] values, options): values are rows of numbers, or a tensor of two dimensions.
-- If there are more than 120 rows or columns, each cell shows the mean of a block. Options:
--   rows, columns   their names
--   low, high       the ends of the colours' scale
--   cell            pixels of a cell's side; a .png then has only the cells
--   digits          decimals of the numbers in the cells (2); numbers that do not fit are left out
--   title, width, theme
-- @treturn plot.figure|true

local cells <const> = require "braid.plot.draw.cells"
local core <const> = require "braid.core"
local check <const> = require "braid.check"
local format <const> = require "braid.format"
local Figure <const> = require "braid.plot.draw.figure"
local palette <const> = require "braid.plot.draw.palette"
local picture <const> = require "braid.io.picture"
local public <const> = require "braid.plot.draw.public"

local NAMES <const> = check.list{of = check.either(check.text(), check.number())}
local OPTIONS <const> = public.declare("plot.heatmap", {
  rows = NAMES, columns = NAMES, low = check.number(), high = check.number(),
  cell = check.whole{from = 1, to = 1024}, digits = check.whole{2, from = 0, to = 17},
}, function(o)
  if o.low and o.high and o.low > o.high then
    return ("low = %s must not be above high = %s"):format(check.shown(o.low), check.shown(o.high))
  end
end)

local WIDEST <const> = 8000 -- pixels, for cells of a given size

local function bad(form, ...) check.fail("plot.heatmap: " .. form, ...) end

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

-- Draws only the cells, `side` pixels wide.
local function bare(path, values, o)
  local side <const>, h <const>, w <const> = o.cell, #values, #values[1]
  local colour <const>, colours <const> = cells.scale(cells.ends(values, o)),
    o.theme == "dark" and palette.dark or palette.light
  local pixels <const> = {}
  for i, row in ipairs(values) do
    pixels[i] = {}
    for j, v in ipairs(row) do
      local name <const>, strength <const> = colour(v)
      pixels[i][j] = palette.blend(colours.paper, colours[name], strength)
    end
  end
  local small <const> = core.from_table(pixels, "uint8")
  local canvas <const> = core.ops.contiguous_copy(core.ops.reshape(
    core.ops.repeat_(core.ops.reshape(small, h, 1, w, 1, 3), 1, side, 1, side, 1),
    h * side, w * side, 3))
  return picture.write("plot.heatmap", path, canvas)
end

local function words_of(values, digits)
  local form <const>, texts <const> = ("%%.%df"):format(digits), {}
  for i, row in ipairs(values) do
    texts[i] = {}
    for j, v in ipairs(row) do texts[i][j] = cells.is_number(v) and format(form, v) or "-" end
  end
  return texts
end

return function(...)
  local path, values, given = public.arguments("plot.heatmap", nil, ...)
  local o <const> = check.options(OPTIONS, given)
  values = checked(values)
  if o.cell and path and path:lower():find("%.png$") then return bare(path, values, o) end
  local many <const> = #values * #values[1] > 4000
  local figure <const> = Figure("plot.heatmap", { {place = cells.place, values = values,
    texts = not many and words_of(values, o.digits) or nil, rows = o.rows, columns = o.columns,
    low = o.low, high = o.high, cell = o.cell, title = o.title} }, {width = o.width or o.cell
    and WIDEST, theme = o.theme})
  if path then return figure:save(path) end
  return figure
end
