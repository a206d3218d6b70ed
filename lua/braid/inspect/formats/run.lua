--- The directory of a run, of a comparison or of a sweep.

local check <const> = require "braid.check"
local config <const> = require "braid.train.fitting.config"
local core <const> = require "braid.core"
local files <const> = require "braid.io.files"
local History <const> = require "braid.train.history"
local json <const> = require "braid.io.json"
local tensors <const> = require "braid.inspect.formats.tensors"
local words <const> = require "braid.inspect.words"

local MOST <const> = 40 -- files that are listed

local SEVERAL <const> = {["results.json"] = "a comparison of networks",
  ["sweep.json"] = "a search for values"}

local function has(dir, name) return core.path_kind(dir .. "/" .. name) == "file" end

-- The networks and checkpoints in the directory: {{name =, size =, holds =, runs =}}.
local function files_in(dir)
  local names <const>, list <const> = core.list_folder(dir) or {}, {}
  table.sort(names)
  for i, name in ipairs(names) do
    local path <const> = dir .. "/" .. name
    list[i] = {name = name, size = words.size_of(path)}
    if name:find("%.safetensors$") and list[i].size then
      local found <const>, why <const> = tensors.read{path = path}
      list[i].holds, list[i].runs = found and found.holds or "damaged: " .. why,
        found and found.runs
    end
  end
  return list
end

-- Adds epochs, steps, the best epoch and the reason of the end, from the events.
local function add_events(self, dir)
  local ok <const>, history <const> = check.caught(History.read, dir)
  if not ok then
    self.problem = history
    return
  end
  local last <const>, best <const> = history[#history], history:best()
  local stop <const> = history:last "stop"
  self.epochs, self.step = #history, last and last.step
  self.best = best and {metric = best.metric, value = best.value, epoch = best.epoch}
  self.ended = stop and stop.reason
end

local function add_config(self, dir)
  local found <const> = config.read(dir)
  if found == false then self.problem = dir .. "/config.json belongs to no run" end
  if not found then return end
  for _, key in ipairs{"braid", "command", "data", "net", "tasks", "options", "seed"} do
    self[key] = found[key]
  end
end

local function read_several(dir, name)
  local result <const>, why <const> = json.decode(files.read(dir .. "/" .. name) or "")
  if type(result) ~= "table" then return nil, ("%s/%s: %s"):format(dir, name, why) end
  local _, folders <const> = core.list_folder(dir)
  return {holds = SEVERAL[name], folders = folders, files = files_in(dir),
    names = check.sorted_keys(result)}
end

local function text_of(value)
  return type(value) == "table" and words.word(json.encode(value), 300) or words.word(
    tostring(value), 300)
end

return {
  is = function(place)
    if not place.directory then return false end
    for name in pairs(SEVERAL) do
      if has(place.path, name) then return true end
    end
    return has(place.path, "metrics.jsonl") or config.read(place.path) and true or false
  end,
  read = function(place)
    local dir <const> = place.path
    for _, name in ipairs(check.sorted_keys(SEVERAL)) do
      if has(dir, name) then return read_several(dir, name) end
    end
    local self <const> = {holds = "a run", files = files_in(dir)}
    add_config(self, dir)
    if has(dir, "metrics.jsonl") then add_events(self, dir) end
    for _, file in ipairs(self.files) do
      if file.runs and not self.runs then
        self.runs = ("nothing, to list it; %s, to open its network"):format(file.runs)
      end
    end
    return self
  end,
  lines = function(self, put)
    for _, key in ipairs{"command", "seed", "net", "data", "options"} do
      if self[key] ~= nil then put("%s: %s", key, text_of(self[key])) end
    end
    for _, name in ipairs(type(self.tasks) == "table" and check.sorted_keys(self.tasks) or {}) do
      local task <const> = self.tasks[name]
      put("task %s: %s", words.word(name), type(task) == "table" and text_of(task.kind) or "?")
    end
    if self.epochs then
      put("%s%s%s", words.count(self.epochs, "epoch"), self.step and ", step " .. self.step or "",
        self.ended and ", ended: " .. words.word(self.ended) or "")
    end
    if self.best then
      put("best: %s %s, epoch %s", text_of(self.best.metric), text_of(self.best.value),
        text_of(self.best.epoch))
    end
    if self.folders and #self.folders > 0 then
      put("folders: %s", words.word(table.concat(self.folders, ", "), 300))
    end
    for i, file in ipairs(self.files) do
      if i > MOST then
        put("  ... and %d more", #self.files - MOST)
        break
      end
      put("  %s%s%s", words.word(file.name), file.holds and "  " .. words.word(file.holds) or "",
        file.size and "  " .. words.size(file.size) or "")
    end
  end,
}
