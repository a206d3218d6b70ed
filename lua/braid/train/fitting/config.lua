--- Describes the parts of a run as text for a file (config.json), and compares two such
-- descriptions.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"
local parts <const> = require "braid.train.fitting.parts"
local version <const> = require "braid.version"

local M <const> = {}

-- ---- options in words ---------------------------------------------------------------------

local shown

local function shown_table(value)
  local meta <const> = getmetatable(value)
  if meta ~= nil then
    if value.labels or value.parts or value.ds then
      return ("%d samples"):format(#(value.ds or value))
    end
    return tostring(value):match("^[^\n]*")
  end
  local t <const> = {}
  for key, v in next, value do
    t[math.type(key) == "integer" and key or tostring(key)] = shown(v)
  end
  for key in next, t do -- JSON has no table with numbers and names as keys: numbers become names
    if type(key) == "string" and #t > 0 then
      local named <const> = {}
      for k, v in next, t do named[tostring(k)] = v end
      return named
    end
  end
  return t
end

function shown(value)
  local kind <const> = type(value)
  if kind == "table" then return shown_table(value) end
  if kind == "string" then return utf8.len(value) and value or "bytes" end
  if kind == "boolean" or kind == "number" and value - value == 0 then return value end
  if kind == "function" then return "a function" end
  return check.shown(value)
end

-- Options that are recorded elsewhere, or that do not change the results.
local ELSEWHERE <const> = {net = true, tasks = true, train = true, val = true, dir = true,
  resume = true, on = true, progress = true, seed = true, optimizer = true, profile = true,
  staged = true, report = true, events = true}

local function options_of(o)
  local options <const> = {}
  for key, value in pairs(o) do
    local said <const> = not ELSEWHERE[key] and (key ~= "stages" or o.staged)
    if said then options[key] = shown(value) end
  end
  return options
end

-- ---- surroundings -------------------------------------------------------------------------

local function command()
  local words <const>, list <const> = rawget(_G, "arg"), {}
  if type(words) ~= "table" then return nil end
  for i = 0, #words do list[#list + 1] = tostring(words[i]) end
  local text <const> = table.concat(list, " ")
  return utf8.len(text) and text or nil
end

local function first_line(path)
  local text <const> = core.path_kind(path) == "file" and files.read(path)
  return text and text:match("^[^\n]*")
end

-- The git revision of the working directory, if it is in a repository.
local function revision()
  local up = "."
  for _ = 1, 16 do
    local git = up .. "/.git"
    local kind <const> = core.path_kind(git)
    if kind == "file" then git = first_line(git):match("^gitdir: (.+)$") or git end
    if kind then
      local head <const> = first_line(git .. "/HEAD") or ""
      local ref <const> = head:match("^ref: (.+)$")
      if not ref then return head:match("^%x+$") end
      local common <const> = first_line(git .. "/commondir")
      local base <const> = common and (common:sub(1, 1) == "/" and common or git .. "/" .. common)
        or git
      local loose <const> = first_line(base .. "/" .. ref)
      local packed <const> = not loose and core.path_kind(base .. "/packed-refs") == "file"
        and files.read(base .. "/packed-refs") or ""
      return (loose or packed:match("(%x+) " .. ref:gsub("%p", "%%%0")) or ""):match("^%x+$")
    end
    up = up .. "/.."
  end
end

local function machine()
  local cpu <const> = core.path_kind("/proc/cpuinfo") == "file" and io.open("/proc/cpuinfo")
  local model <const> = cpu and cpu:read("a"):match("model name%s*:%s*([^\n]*)")
  if cpu then cpu:close() end
  return {processor = model or nil, isa = core.isa(), threads = core.get_threads(), lua = _VERSION}
end

-- ---- networks and tasks -------------------------------------------------------------------

local function tasks_of(tasks)
  local list <const>, metrics <const> = {}, tasks:metrics()
  for name, task in tasks:each() do
    local own <const> = {}
    for _, m in ipairs(metrics[name]) do
      own[m.name] = {direction = m.direction, unit = m.unit}
    end
    list[name] = {kind = getmetatable(task).__name, size = task.size, metrics = own,
      weight = type(task.weight) == "number" and task.weight or "a function"}
  end
  return list
end

--- The configuration of a fit.
function M.of(fit)
  local o <const> = fit.o
  local options <const> = options_of(o)
  options.optimizer = parts.described(fit.opt)
  return {braid = version, seed = o.seed, command = command(), revision = revision(),
    machine = machine(), options = options, tasks = tasks_of(fit.tasks),
    net = {kind = getmetatable(o.net).__name, parameters = o.net:count_parameters()},
    data = {train = fit.train:mark(), val = fit.val and fit.val:mark()}}
end

-- ---- comparing ------------------------------------------------------------------------------

local function text(value) return value == nil and "not given" or type(value) == "table"
  and json.encode(value) or tostring(value) end

local function short(value)
  local words <const> = text(value)
  return #words > 60 and words:sub(1, 60) .. "..." or words
end

--- Why a run with one configuration cannot continue with another, or nil.
function M.refused(old, new)
  local words <const> = {}
  local before <const> = type(old.tasks) == "table" and old.tasks or {}
  for _, name in ipairs(check.sorted_keys(before)) do
    local now <const>, was <const> = new.tasks[name], before[name]
    if not now then
      words[#words + 1] = ("it has the task %s"):format(name)
    elseif now.kind ~= was.kind or now.size ~= was.size then
      words[#words + 1] = ("its %s is a %s of %s, here it is a %s of %s"):format(name,
        text(was.kind), text(was.size), text(now.kind), text(now.size))
    end
  end
  for _, name in ipairs(check.sorted_keys(new.tasks)) do
    if not before[name] then words[#words + 1] = ("it has no task %s"):format(name) end
  end
  if #words > 0 then return "other tasks: " .. table.concat(words, "; ") end
  if text(old.seed) ~= text(new.seed) then
    return ("another seed: %s, and here it is %s"):format(text(old.seed), text(new.seed))
  end
end

-- A run may continue although these options changed; each change has a message.
local SAID <const> = {
  batch = "the rest of the epoch is taken in batches of the new size",
  epochs = "from here on the schedule is the one for the new number of epochs",
  steps = "from here on the schedule is the one for the new number of steps",
  best = "the best value and patience start again",
  optimizer = "the new settings apply from here on; the optimizer keeps its state",
}

--- Whether two runs judge epochs by different metrics or data, so that their best values cannot be
-- compared.
function M.judges_anew(old, new)
  return text((old.options or {}).best) ~= text(new.options.best)
    or text((old.data or {}).val) ~= text(new.data.val)
end

--- The differences between a run's first configuration and the present one, a sentence each.
function M.differences(old, new)
  local list <const> = {}
  local function differ(what, a, b, said)
    if text(a) == text(b) then return end
    list[#list + 1] = ("%s was %s and is %s%s"):format(what, short(a), short(b),
      said and "; " .. said or "")
  end
  local before <const> = type(old.options) == "table" and old.options or {}
  local names <const> = {}
  for key in pairs(before) do names[key] = true end
  for key in pairs(new.options) do names[key] = true end
  for _, key in ipairs(check.sorted_keys(names)) do
    differ(key, before[key], new.options[key], SAID[key])
  end
  for _, role in ipairs{"train", "val"} do
    differ("the data of " .. role, (old.data or {})[role], new.data[role])
  end
  for _, name in ipairs(check.sorted_keys(new.tasks)) do
    local was <const> = (old.tasks or {})[name]
    if was then differ("the weight of " .. name, was.weight, new.tasks[name].weight) end
  end
  return list
end

--- The configuration in a directory: a table, nil if there is no file, or false if the file does
-- not belong to a run.
function M.read(dir)
  local path <const> = dir .. "/config.json"
  if not core.path_kind(path) then return nil end
  local value <const> = json.decode(files.read(path) or "")
  return type(value) == "table" and type(value.braid) == "string" and value or false
end

function M.write(dir, config)
  return files.write(dir .. "/config.json", {json.encode(config), "\n"})
end

return M
