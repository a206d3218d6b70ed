--- Checks the recipe of a table (fitted.lua) that may come from a stranger's file.

local check <const> = require "braid.check"

local M <const> = {}

local TABLES <const> = check.list{of = check.kind("a table", function(v)
  return type(v) == "table"
end)}
local TABLE <const> = check.kind("a table", function(v) return type(v) == "table" end)
local NAMES <const> = check.list{of = check.text(), least = 1}
local POSITIVE <const> = check.number{above = 0}

local RECIPE <const> = check.declare("recipe of a table", {
  inputs = check.needed(TABLES), index = check.needed(TABLES), labels = check.needed(TABLE),
  missing = check.either(check.text(), check.number(), TABLE), file = TABLE,
})
local INPUT <const> = check.declare("recipe of a table: input", {
  column = check.needed(check.text()), mean = check.number(), deviation = POSITIVE,
  classes = NAMES, indicator = check.flag(),
}, function(o)
  if (o.mean ~= nil) == (o.classes ~= nil) then return "an input has a mean or classes" end
end)
local INDEX <const> = check.declare("recipe of a table: index", {
  column = check.needed(check.text()), classes = check.needed(NAMES),
})
local LABEL <const> = check.declare("recipe of a table: label", {
  mean = check.needed(check.list{of = check.number(), least = 1}),
  deviation = check.needed(check.list{of = POSITIVE, least = 1}),
}, function(o)
  if #o.mean ~= #o.deviation then return "as many deviations as means" end
end)
local FILE <const> = check.declare("recipe of a table: file", {
  header = check.flag(), separator = check.choice{",", ";", "\t", "|"},
  decimal = check.choice{".", ","},
})

--- Raises an error unless the recipe can be used.
function M.check(recipe)
  local o <const> = check.options(RECIPE, recipe)
  for _, input in ipairs(o.inputs) do check.options(INPUT, input) end
  for _, input in ipairs(o.index) do check.options(INDEX, input) end
  for _, label in pairs(o.labels) do check.options(LABEL, label) end
  if o.file then check.options(FILE, o.file) end
  if #o.inputs + #o.index == 0 then check.fail("recipe of a table: it has no input") end
end

return M
