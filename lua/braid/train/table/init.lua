--- train.table(columns, rows): a table of results with means and deviations, for the terminal,
-- Markdown, CSV, LaTeX (booktabs) and HTML.
--
-- train.table(columns, rows, {title =, first = "network", near =, notes =}). columns is a list of
-- {name =, title = name, unit =, direction = "min" | "max", percent = show shares in %, short =
-- show 46700000 as 46.7 M, digits = digits after the point}. rows is a list such as {"hard",
-- failure = {0.21, 0.20, 0.22}, parameters = 79741}: the row's name, then its cells by column. A
-- cell is a number, a text, or a list of numbers; a list of several is shown as mean and deviation.
-- A missing cell or an empty list is shown as "-". A cell with fewer numbers than others of its
-- column also shows how many it has. In a column with a direction the best mean is bold. Means that
-- near[column][row] marks as not distinguishable from the best are italic. A mean has as many
-- decimals as its deviation, which is shown with two digits.
--   print(t)    t:text(width)   t:markdown()   t:csv()   t:latex()   t:html()
--   t:write("results.tex")      the ending chooses the format: .txt .md .csv .tex .html
-- A .csv has separate columns for mean, deviation and count, with all digits.
-- @usage print(train.table({{name = "error", direction = "min"}},
--   {{"hard", error = {0.2, 0.3}}, {"dcnet", error = {0.1, 0.3}}}))

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local files <const> = require "braid.io.files"
local layout <const> = require "braid.train.table.layout"

local Table <const> = class("table")

local DIRECTIONS <const> = {min = true, max = true}

local COLUMN <const> = check.kind("a table such as {name = \"error\", direction = \"min\"}",
  function(v)
    return type(v) == "table" and type(v.name) == "string"
      and (v.direction == nil or DIRECTIONS[v.direction] ~= nil)
  end)
local ROW <const> = check.kind("a table such as {\"hard\", error = {0.2, 0.3}}", function(v)
  return type(v) == "table" and type(v[1]) == "string"
end)
local OPTIONS <const> = check.declare("train.table", {
  columns = check.argument(check.list{of = COLUMN, least = 1}),
  rows = check.argument(check.list{of = ROW}),
  title = check.text(), first = check.text("network"),
  near = check.map(check.map(check.flag())), notes = check.list{of = check.text()},
})
local WIDTH <const> = check.whole{from = 20}

local function check_cell(row, column)
  local value <const> = row[column]
  local list <const> = type(value) == "table" and value or {value}
  for _, v in ipairs(list) do
    if type(v) ~= "number" and (type(v) ~= "string" or list == value) then
      check.fail("train.table: %s of row '%s' must be a number, a list of numbers or a text, "
        .. "not %s", column, row[1], check.shown(value))
    end
  end
end

function Table:init(columns, rows, given)
  local o <const> = check.options(OPTIONS, given, {columns = columns, rows = rows})
  local known <const> = {}
  for _, c in ipairs(columns) do known[c.name] = true end
  for _, row in ipairs(rows) do
    for key in pairs(row) do
      if key ~= 1 and not known[key] then
        check.fail("train.table: row '%s' has a cell '%s', but there is no such column; %s",
          row[1], key,
          check.nearest(key, check.sorted_keys(known)))
      end
    end
    for column in pairs(known) do check_cell(row, column) end
  end
  self.columns, self.rows, self.title, self.first = columns, rows, o.title, o.first
  self.near, self.notes = o.near or {}, o.notes or {}
end

local WRITERS <const> = {txt = "text", md = "markdown", csv = "csv", tex = "latex", html = "html"}

for _, name in pairs(WRITERS) do
  local module <const> = require("braid.train.table." .. name)
  local made <const> = type(module) == "table" and module[name] or module
  Table[name] = function(self, width)
    if width ~= nil then check.value("train.table: " .. name, "width", width, WIDTH) end
    return made(layout(self), width)
  end
end

--- The rows with the best mean in a column, {name = true}; empty for a column without a direction.
function Table:best(column)
  for _, c in ipairs(layout(self).columns) do
    if c.name == column then return c.best end
  end
  check.fail("train.table: there is no column '%s'", column)
end

function Table:write(path)
  check.path("train.table", path)
  local writer <const> = WRITERS[path:lower():match("%.(%w+)$")]
  if not writer then
    check.fail("train.table: the path must end in .txt, .md, .csv, .tex or .html, not '%s'", path)
  end
  local ok <const>, why <const> = files.write(path, {self[writer](self), "\n"})
  if not ok then check.fail("train.table: %s", why) end
  return true
end

Table.__tostring = function(self) return self:text() end

return Table
