--- A .csv file that names pictures and their labels, one row a picture.
--
-- data.csv(file, {...}) -> {train =} or, with a column that says so, {train =, val =, test
-- =}. The first line names the columns; header = false says that it does not: columns are
-- then called by their numbers. The other options say what the columns are; see
-- manifest.lua.
-- @usage
-- data.csv("faces.csv", {image = "file", classes = {"smile"}, reals = {"age"},
--   points = {landmarks = {"x1", "y1", "x2", "y2"}}, split = "set"})

local check <const> = require "braid.check"
local files <const> = require "braid.io.files"
local manifest <const> = require "braid.data.manifest"
local sheet <const> = require "braid.io.sheet"
local texts <const> = require "braid.io.text"

local OPTIONS <const> = {header = true}
for name, default in pairs(manifest.options) do OPTIONS[name] = default end

-- Columns by name, from rows of cells; or nil and a message.
local function columns_of(path, rows, header)
  local t <const> = {path = path, lines = {}, names = {}, columns = {}}
  for c, name in ipairs(rows[1] or {}) do
    name = header and texts.trimmed(name) or tostring(c)
    if t.columns[name] then
      return nil, ("%s:%d: two columns are called '%s'"):format(path, rows[1].line, name)
    end
    t.names[c], t.columns[name] = name, {}
  end
  for r = header and 2 or 1, #rows do
    t.lines[#t.lines + 1] = rows[r].line
    for c, cell in ipairs(rows[r]) do
      table.insert(t.columns[t.names[c]], texts.trimmed(cell))
    end
  end
  t.n = #t.lines
  return t
end

return function(path, given)
  local o <const> = check.options("data.csv", given, OPTIONS)
  if type(path) ~= "string" then error("data.csv: wants the path of a file", 2) end
  local bytes <const>, message <const> = files.read(path)
  if not bytes then return nil, message end
  local text <const>, why <const> = texts.decode(bytes)
  if not text then return nil, ("%s: %s"):format(path, why) end
  local rows <const>, wrong <const> = sheet.read(text)
  if not rows then return nil, ("%s: %s"):format(path, wrong) end
  local t <const>, bad <const> = columns_of(path, rows, o.header)
  if not t then return nil, bad end
  return manifest.make(t, o)
end
