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
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"
local limits <const> = require "braid.limits"
local manifest <const> = require "braid.data.manifest"
local texts <const> = require "braid.io.text"

local fail <const> = damage.fail

-- Adds an object from line `number`.
local function add(t, object, number, message)
  if type(object) ~= "table" or object == json.null or #object > 0 then
    fail("%s:%d: %s", t.path, number, message or "this is not an object")
  end
  t.n = t.n + 1
  t.lines[t.n] = number
  for key, value in pairs(object) do
    if not t.columns[key] then
      t.columns[key], t.width = {}, t.width + 1
      limits.bound("columns", t.width, "columns, up to line %d of %s", number, t.path)
    end
    t.columns[key][t.n], t.values = value, t.values + 1
  end
  limits.bound("cells", t.values, "cells, up to line %d of %s", number, t.path)
end

-- A hint for an error in the first line: the text may be one value over many lines.
local function hint(text, line)
  if not line:find("^%s*[{%[]") then return "" end
  local value <const> = json.decode(text)
  if not value then return "" end
  return " (the file is one value of JSON over many lines; it must have one object a line, or be a "
    .. "list of objects, as pandas writes with orient=\"records\")"
end

local function read_lines(t, text)
  local number = 0
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    number = number + 1
    if #line > limits.line then
      fail("%s:%d: %s", t.path, number, limits.over("line", #line, "bytes"))
    end
    if line:find("%S") then
      local object <const>, message <const> = json.decode(line)
      if object == nil and t.n == 0 then
        fail("%s:%d: %s%s", t.path, number, message, hint(text, line))
      end
      add(t, object, number, message)
    end
  end
end

-- Reads a file that is one list. Messages give an object's number in the list, because its line is
-- not known.
local function read_list(t, text)
  local list <const>, message <const> = json.decode(text)
  if not list then fail("%s: %s", t.path, message) end
  for i, object in ipairs(list) do add(t, object, i) end
end

return damage.reader("data.jsonl", function(given_path, given)
  local o <const> = check.options(manifest.options, given)
  local path <const> = damage.path("data.jsonl", given_path, "the path of a file")
  local bytes <const>, unread <const> = files.read(path)
  if not bytes then fail("%s", unread) end
  local text <const>, why <const> = texts.decode(bytes)
  if not text then fail("%s: %s", path, why) end
  local t <const> = {path = path, n = 0, lines = {}, columns = {}, values = 0, width = 0,
    decimal = "."}
  local read <const> = text:find("^%s*%[") and read_list or read_lines
  read(t, text)
  t.names = check.sorted_keys(t.columns)
  return manifest.make("data.jsonl", t, o)
end)
