--- data.csv: reads a .csv file that names pictures and their labels, one picture a row.
--
-- data.csv(file, {...}) -> {train =}, or with a column of parts {train =, val =, test =}. The first
-- row has the names of the columns. With header = false it does not, and columns are called by
-- their numbers. Cells are separated by commas, semicolons, tabs or bars, whichever the lines agree
-- on; `separator` sets one. decimal = "," or "." sets the decimal sign, if the numbers do not show
-- it. The text is UTF-8, UTF-16 or Windows-1252, packed by gzip or not. manifest.lua describes the
-- other options, which tell what the columns are.
-- @treturn {train: data.dataset, val?: data.dataset, test?: data.dataset}
-- @usage
-- data.csv("faces.csv", {image = "file", classes = {"smile"}, reals = {"age"},
--   points = {landmarks = {"x1", "y1", "x2", "y2"}}, split = "set"})

local check <const> = require "braid.check"
local damage <const> = require "braid.data.damage"
local files <const> = require "braid.io.files"
local manifest <const> = require "braid.data.manifest"
local number <const> = require "braid.io.number"
local sheet <const> = require "braid.io.sheet"
local texts <const> = require "braid.io.text"

local fail <const> = damage.fail
local OPTIONS <const> = manifest.options:called("data.csv", {header = check.flag(true),
  separator = check.optional(check.choice{",", ";", "\t", "|"}),
  decimal = check.optional(check.choice{".", ","})})

-- Columns by name, from rows of cells.
local function columns_of(path, rows, header)
  local t <const> = {path = path, lines = {}, names = {}, columns = {}}
  for c, name in ipairs(rows[1] or {}) do
    name = header and texts.trimmed(name) or tostring(c)
    if t.columns[name] then
      fail("%s:%d: two columns are called '%s'", path, rows[1].line, name)
    end
    t.names[c], t.columns[name] = name, {}
  end
  for r = header and 2 or 1, #rows do
    t.lines[#t.lines + 1] = rows[r].line
    for c, cell in ipairs(rows[r]) do
      t.columns[t.names[c]][#t.lines] = texts.trimmed(cell)
    end
  end
  t.n = #t.lines
  return t
end

-- The decimal sign: as the option says, or as the cells show it.
local function decimal_of(path, text, rows, o)
  if o.decimal then return o.decimal end
  if not text:find(",", 1, true) or rows.separator == "," and not text:find("\"", 1, true) then
    return "."
  end
  local decimal <const>, wrong <const> = number.decimal(rows, o.header and 2 or 1)
  return decimal or fail("%s: %s", path, wrong)
end

return damage.reader("data.csv", function(given_path, given)
  local o <const> = check.options(OPTIONS, given)
  local path <const> = damage.path("data.csv", given_path, "the path of a file")
  local bytes <const>, message <const> = files.read(path)
  if not bytes then fail("%s", message) end
  local text <const>, why <const> = texts.decode(bytes)
  if not text then fail("%s: %s", path, why) end
  local rows <const>, wrong <const> =
    sheet.read(text, {separator = o.separator, whole = not o.header})
  if not rows then fail("%s: %s", path, wrong) end
  local t <const> = columns_of(path, rows, o.header)
  t.decimal = decimal_of(path, text, rows, o)
  return manifest.make("data.csv", t, o)
end)
