--- data.jsonl: reads a file of JSON objects, one a line, each with a picture and its labels.
--
-- data.jsonl(file, {...}) -> {train =}, or with a column of parts {train =, val =, test =}. The
-- columns are the keys of the objects. A value is missing if a line does not have its key, or if it
-- is null or NaN. A file with one JSON list of objects can be read too. manifest.lua describes the
-- options, which tell what the columns are.
-- @treturn {train: data.dataset, val?: data.dataset, test?: data.dataset}
-- @usage data.jsonl("faces.jsonl", {classes = {"smile"}, points = {landmarks = "points"}})

local check <const> = require "braid.check"
local damage <const> = require "braid.data.damage"
local manifest <const> = require "braid.data.manifest"
local sheets <const> = require "braid.data.tabular.sheets"

return damage.reader("data.jsonl", function(given_path, given)
  local o <const> = check.options(manifest.options, given)
  local path <const> = damage.path("data.jsonl", given_path, "the path of a file")
  return manifest.make("data.jsonl", sheets.jsonl(path), o)
end)
