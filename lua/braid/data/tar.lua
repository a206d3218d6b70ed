--- data.tar: pictures and their labels in tar files, which stay packed (as WebDataset has them).
--
-- data.tar(path, {...}) -> {train =}, or with a column of parts {train =, val =, test =}. `path` is
-- an archive, a list of them, or a pattern: "shards/faces-*.tar", "faces-{000..012}.tar". Files
-- whose names agree up to the first dot are a sample: 0001.jpg (or .jpeg, .png) is its picture;
-- 0001.json an object whose keys are columns, as in data.jsonl; 0001.cls, .txt and any other name
-- with a label are columns of that name. Numbers in .cls count classes from 0. The options are
-- those of data.csv about pictures and labels (manifest.lua), and
--   image    the ending of the picture's name, if a sample has several pictures: "left.jpg"
-- If none of classes, reals and points is given, all columns but those of .txt are labels.
--
-- Only the archive's headers and its labels are read at first. Pictures are read from the archive
-- when they are needed: the threads of a loader, its cache and ds:path know them as
-- "faces.tar@1536+20480/0001.jpg" (the first byte, from 0, and the number of bytes).
-- @treturn {train: data.dataset, val?: data.dataset, test?: data.dataset}
-- @usage data.tar("shards/faces-*.tar", {classes = {"cls"}, size = 64})

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local damage <const> = require "braid.data.damage"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"
local limits <const> = require "braid.limits"
local manifest <const> = require "braid.data.manifest"
local tar <const> = require "braid.io.tar"
local texts <const> = require "braid.io.text"

local fail <const> = damage.fail

local OPTIONS <const> = manifest.options:called("data.tar", {image = check.text(), root = false,
  inputs = false, fill = false})

local PICTURES <const> = {png = true, jpg = true, jpeg = true}
local SPECIAL <const> = "[%^%$%(%)%%%.%[%]%+%-]"
local MANY <const> = 1000000 -- archives that a range may name

-- ---- archives -----------------------------------------------------------------------------

-- Appends the names that "{000..012}" in a pattern stands for, or the pattern itself if it has no
-- braces.
local function ranged(pattern, into)
  local before <const>, from <const>, to <const>, after <const> =
    pattern:match("^(.-){(%d+)%.%.(%d+)}(.*)$")
  if not before then
    into[#into + 1] = pattern
    return into
  end
  local first <const>, last <const> = tonumber(from), tonumber(to)
  if #from > 9 or #to > 9 or last < first or last - first >= MANY then
    fail("%s: {%s..%s} is not a range of numbers", pattern, from, to)
  end
  for i = first, last do ranged(("%s%0" .. #from .. "d%s"):format(before, i, after), into) end
  return into
end

-- The files that a name with * and ? stands for, sorted.
local function matching(pattern)
  if not pattern:find("[*?]") then return {pattern} end
  local folder <const>, name <const> = pattern:match("^(.*/)([^/]*)$")
  if folder and folder:find("[*?]") then
    fail("%s: only the last name of a path may have * and ?", pattern)
  end
  local wanted <const> = "^" .. (name or pattern):gsub(SPECIAL, "%%%0"):gsub("%*", ".*")
    :gsub("%?", ".") .. "$"
  local found <const> = {}
  for _, file in ipairs(core.list_folder(folder or ".") or {}) do
    if file:find(wanted) then found[#found + 1] = (folder or "") .. file end
  end
  if #found == 0 then fail("%s: there is no such file", pattern) end
  table.sort(found)
  return found
end

local function archives_of(given)
  local list <const> = {}
  for _, item in ipairs(type(given) == "table" and given or {given or false}) do
    if type(item) ~= "string" or item == "" then
      check.fail("data.tar: wants the path of an archive, a pattern or a list of them, not %s",
        check.shown(item or nil))
    end
    for _, pattern in ipairs(ranged(item, {})) do
      for _, path in ipairs(matching(pattern)) do list[#list + 1] = path end
    end
  end
  if #list == 0 then check.fail("data.tar: the list of archives is empty") end
  return list
end

-- ---- samples ------------------------------------------------------------------------------

-- Appends the samples of an archive in order, {key =, path =, parts = {ending = entry}}.
local function add_samples(path, samples)
  local entries <const>, message <const> = tar.list(path)
  if not entries then fail("%s", message) end
  local by_key <const> = {}
  for _, entry in ipairs(entries) do
    local folder <const>, name <const> = entry.name:match("^(.*/)([^/]*)$")
    local stem <const>, ending <const> = (name or entry.name):match("^([^.]+)%.(.+)$")
    if stem then -- names that begin with a dot are not samples: desktops write them
      local key <const> = (folder or "") .. stem
      local own = by_key[key]
      if not own then
        own = {key = key, path = path, parts = {}}
        by_key[key], samples[#samples + 1] = own, own
      end
      if own.parts[ending] then fail("%s: '%s' is in it twice", path, entry.name) end
      own.parts[ending] = entry
    end
  end
end

local function shown(key) return (key:sub(-60):gsub("[^\x20-\x7e]", "?")) end

-- The ending of a sample's picture.
local function picture_of(sample, wanted)
  local found
  for _, ending in ipairs(check.sorted_keys(sample.parts)) do
    local last <const> = ending:match("[^.]*$"):lower()
    if wanted and ending == wanted then return ending end
    if not wanted and PICTURES[last] then
      if found then
        fail("%s: sample '%s' has the pictures .%s and .%s: say image = \"%s\"", sample.path,
          shown(sample.key), found, ending, found)
      end
      found = ending
    end
  end
  return found or fail("%s: sample '%s' has no picture%s", sample.path, shown(sample.key),
    wanted and " ." .. wanted or " .png, .jpg or .jpeg")
end

-- The path by which the core reads a member of an archive (csrc/io/slice.h).
local function path_of(sample, ending)
  local entry <const> = sample.parts[ending]
  local name <const> = (entry.name:match("[^/]*$"):gsub("[%c@]", "_"))
  return ("%s@%d+%d/%s"):format(sample.path, entry.first - 1, entry.size, name)
end

local function add_value(t, row, name, value)
  if not t.columns[name] then
    t.columns[name], t.width = {}, t.width + 1
    limits.bound("columns", t.width, "columns, up to sample %d", row)
  end
  t.columns[name][row], t.values = value, t.values + 1
  limits.bound("cells", t.values, "cells, up to sample %d", row)
end

-- Adds the labels of a sample to the table.
local function add_labels(t, row, sample, picture, source)
  for _, ending in ipairs(check.sorted_keys(sample.parts)) do
    local entry <const> = sample.parts[ending]
    local last <const> = ending:match("[^.]*$"):lower()
    if ending ~= picture and not PICTURES[last] then
      limits.bound("line", entry.size, "bytes of '%s' in %s", shown(entry.name), sample.path)
      local bytes <const>, why <const> = source:bytes(entry.first, entry.size)
      local text <const>, wrong <const> = texts.decode(bytes or fail("%s", why))
      if not text then fail("%s: '%s': %s", sample.path, shown(entry.name), wrong) end
      if last == "json" then
        local object <const>, message <const> = json.decode(text)
        if type(object) ~= "table" or object == json.null or #object > 0 then
          fail("%s: '%s': %s", sample.path, shown(entry.name), message or "this is not an object")
        end
        for key, value in pairs(object) do add_value(t, row, key, value) end
      else
        add_value(t, row, ending, texts.trimmed(text))
      end
    end
  end
end

-- The table of labels (columns.lua), and the paths of the pictures.
local function table_of(archives, o)
  local t <const> = {path = #archives == 1 and archives[1] or #archives .. " archives", lines = {},
    columns = {}, n = 0, values = 0, width = 0, decimal = "."}
  local paths <const> = {}
  for _, path in ipairs(archives) do
    local samples <const> = {}
    add_samples(path, samples)
    local source <close>, message <const> = files.open(path)
    if not source then fail("%s", message) end
    for _, sample in ipairs(samples) do
      local picture <const> = picture_of(sample, o.image)
      t.n = t.n + 1
      t.lines[t.n], paths[t.n] = t.n, path_of(sample, picture)
      add_labels(t, t.n, sample, picture, source)
    end
  end
  t.names = check.sorted_keys(t.columns)
  return t, paths
end

-- Chooses the labels if no option names any: numbers in .cls are classes, and .txt is not a label.
local function add_usual(t, o)
  if o.classes or o.reals or o.points then return end
  local classes <const>, reals <const> = manifest.guess(t, o)
  o.classes, o.reals = {}, {}
  for _, name in ipairs(classes) do
    if name ~= "txt" then o.classes[#o.classes + 1] = name end
  end
  for _, name in ipairs(reals) do
    table.insert(name == "cls" and o.classes or o.reals, name)
    if name == "cls" and o.from == nil then o.from = {cls = 0} end
  end
end

return damage.reader("data.tar", function(given, options)
  local o <const> = check.options(OPTIONS, options)
  local t <const>, paths <const> = table_of(archives_of(given), o)
  t.marks = manifest.marks("data.tar", o)
  add_usual(t, o)
  o.image = nil
  return manifest.make("data.tar", t, o, {paths = paths, root = ""})
end)
