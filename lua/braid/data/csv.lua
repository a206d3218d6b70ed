--- data.csv: reads a .csv file that names pictures and their labels, one picture a row.
--
-- data.csv(file, {...}) -> {train =}, or with a column of parts {train =, val =, test =}. The first
-- row has the names of the columns. With header = false it does not, and columns are called by
-- their numbers. Commas, semicolons, tabs or bars separate the cells. The first lines show which;
-- the option `separator` sets it. decimal = "," or "." sets the decimal sign, if the numbers do not
-- show it. The text is UTF-8, UTF-16 or Windows-1252, packed by gzip or not. The other options tell
-- what the columns are; manifest.lua describes them.
-- @treturn {train: data.dataset, val?: data.dataset, test?: data.dataset}
-- @usage
-- data.csv("faces.csv", {image = "file", classes = {"smile"}, reals = {"age"},
--   points = {landmarks = {"x1", "y1", "x2", "y2"}}, split = "set"})

local check <const> = require "braid.check"
local damage <const> = require "braid.data.damage"
local manifest <const> = require "braid.data.manifest"
local sheets <const> = require "braid.data.tabular.sheets"

local OPTIONS <const> = manifest.options:called("data.csv", {header = check.flag(true),
  separator = check.optional(check.choice{",", ";", "\t", "|"}),
  decimal = check.optional(check.choice{".", ","})})

return damage.reader("data.csv", function(given_path, given)
  local o <const> = check.options(OPTIONS, given)
  local path <const> = damage.path("data.csv", given_path, "the path of a file")
  return manifest.make("data.csv", sheets.csv(path, o), o)
end)
