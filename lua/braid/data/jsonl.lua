--- A file of JSON objects, one a line, each naming a picture and its labels.
--
-- data.jsonl(file, {...}) -> {train =} or, with a column that says so, {train =, val =,
-- test =}. The columns are the keys of the objects; what a line lacks, or has as null, is
-- missing. The options say what they are; see manifest.lua.
-- @usage data.jsonl("faces.jsonl", {classes = {"smile"}, points = {landmarks = "points"}})

local check <const> = require "braid.check"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"
local manifest <const> = require "braid.data.manifest"

-- Adds the object of a line; or nil and a message.
local function add(t, line, number)
  local object <const>, message <const> = json.decode(line)
  if type(object) ~= "table" or object == json.null or #object > 0 then
    return nil, ("%s:%d: %s"):format(t.path, number, message or "this is no object")
  end
  t.n = t.n + 1
  t.lines[t.n] = number
  for key, value in pairs(object) do
    t.columns[key] = t.columns[key] or {}
    t.columns[key][t.n] = value
  end
  return true
end

return function(path, given)
  local o <const> = check.options("data.jsonl", given, manifest.options)
  if type(path) ~= "string" then error("data.jsonl: wants the path of a file", 2) end
  local text <const>, message <const> = files.read(path)
  if not text then return nil, message end
  local t <const> = {path = path, n = 0, lines = {}, columns = {}}
  local number = 0
  for line in (text:gsub("^\xEF\xBB\xBF", "") .. "\n"):gmatch("([^\n]*)\n") do
    number = number + 1
    if line:find("%S") then
      local ok <const>, wrong <const> = add(t, line, number)
      if not ok then return nil, wrong end
    end
  end
  t.names = check.sorted_keys(t.columns)
  return manifest.make(t, o)
end
