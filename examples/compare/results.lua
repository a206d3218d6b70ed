--- Results of examples/compare.lua: a JSON file for each network in one directory, and the table
-- of all. A row may be made of several networks, one for each task: the row "single" of
-- single_pose, single_smile, ...

local braid <const> = require "braid"
local class <const> = require "braid.class"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"

local Results <const> = class("Results")

local ORDER <const> = {"single", "hard", "hard_wide", "cross_stitch", "cross_stitch_wide",
  "cross_stitch_started", "cross_stitch_mutual", "soft_sharing", "sluice", "nddr", "separation",
  "separation_joint", "dmt", "dcnet"}

function Results:init(directory, settings, tasks)
  self.directory, self.settings, self.tasks, self.known = directory, settings, tasks, {}
  assert(os.execute(("mkdir -p '%s'"):format(directory)))
end

local function read(path)
  local file <const> = io.open(path)
  if not file then return nil end
  local text <const> = file:read("a")
  file:close()
  return assert(json.decode(text))
end

local function write(path, text) assert(files.write(path, {text, "\n"})) end

function Results:path(name) return ("%s/%s.json"):format(self.directory, name) end

--- Whether a network's result is there, of these settings.
function Results:has(name)
  if self.known[name] then return true end
  local found <const> = read(self:path(name))
  if not found then return false end
  for key, value in pairs(self.settings) do
    if found.settings[key] ~= value then
      error(("%s has a result with --%s %s, not %s: give another --out"):format(self.directory, key,
        tostring(found.settings[key]), tostring(value)), 0)
    end
  end
  self.known[name] = found
  return true
end

function Results:keep(name, result)
  result.settings = self.settings
  write(self:path(name), json.encode(result))
  self.known[name] = result
end

--- The networks that a row of the table is made of; build knows each.
function Results:parts(row, build)
  if build[row] then return {row} end
  local parts <const> = {}
  for _, task in ipairs(self.tasks) do
    if not build[row .. "_" .. task] then
      error(("there is no network '%s'; there is %s"):format(row, table.concat(ORDER, ", ")), 0)
    end
    parts[#parts + 1] = row .. "_" .. task
  end
  return parts
end

-- One result from those of all tasks; nil if one is missing.
local function row_of(self, row)
  if self:has(row) then return self.known[row] end
  local sum <const> = {parameters = 0, macs = 0, seconds = 0, metrics = {}}
  for _, task in ipairs(self.tasks) do
    local name <const> = row .. "_" .. task
    if not self:has(name) then return nil end
    local part <const> = self.known[name]
    for _, key in ipairs{"parameters", "macs", "seconds"} do sum[key] = sum[key] + part[key] end
    sum.metrics[task] = part.metrics[task]
  end
  return sum
end

local function grouped(n)
  return (("%d"):format(n):reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", ""))
end

-- The mean relative gain over single-task networks, in percent.
local function gain(metrics, base)
  local report <const>, alone <const> = {}, {}
  for task, m in pairs(base) do
    report[task], alone[task] = metrics[task], m
  end
  return 100 * braid.mtl.delta_m(report, alone)
end

--- The table of all results as text; also writes table.md and table.json.
function Results:table()
  local head <const> = {"network", "failure %", "error"}
  for _, task in ipairs(self.tasks) do
    if task ~= "landmarks" then head[#head + 1] = task .. " %" end
  end
  for _, word in ipairs{"parameters", "MACs", "s/epoch", "delta-m %"} do head[#head + 1] = word end
  local rule <const> = {"---"}
  for i = 2, #head do rule[i] = "---:" end
  local lines <const>, all <const> = {head, rule}, {}
  local base <const> = row_of(self, "single")
  for _, name in ipairs(ORDER) do
    local r <const> = row_of(self, name)
    if r then
      local m <const> = r.metrics
      local cells <const> = {name, ("%.2f"):format(100 * m.landmarks.failure),
        ("%.4f"):format(m.landmarks.error)}
      for _, task in ipairs(self.tasks) do
        if m[task].accuracy then cells[#cells + 1] = ("%.2f"):format(100 * m[task].accuracy) end
      end
      local better <const> = base and gain(m, base.metrics)
      table.move({grouped(r.parameters), grouped(r.macs), ("%.1f"):format(r.seconds),
        better and ("%+.2f"):format(better) or "-"}, 1, 4, #cells + 1, cells)
      lines[#lines + 1] = cells
      all[#all + 1] = {network = name, metrics = m, parameters = r.parameters, macs = r.macs,
        seconds = r.seconds, delta_m = better or nil}
    end
  end
  for i, cells in ipairs(lines) do lines[i] = "| " .. table.concat(cells, " | ") .. " |" end
  local text <const> = table.concat(lines, "\n")
  write(self.directory .. "/table.md", text)
  write(self.directory .. "/table.json", json.encode{settings = self.settings, rows = all})
  return text
end

return Results
