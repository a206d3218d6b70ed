--- The directory of a run: checks what it has, and reads and writes the configuration and the
-- checkpoint.

local check <const> = require "braid.check"
local checkpoint <const> = require "braid.train.checkpoint"
local class <const> = require "braid.class"
local config <const> = require "braid.train.fitting.config"
local core <const> = require "braid.core"
local json <const> = require "braid.io.json"
local Log <const> = require "braid.train.log"
local notice <const> = require "braid.notice"
local origin <const> = require "braid.origin"
local resume <const> = require "braid.train.resume"
local safetensors <const> = require "braid.io.safetensors"

local Run <const> = class("run")

local FILES <const> = {"metrics.jsonl", "metrics.csv", "clock.jsonl", "best.safetensors",
  "last.safetensors", "report.html", "test.json"}

local function fail(...) check.fail("train.fit: " .. (...), select(2, ...)) end

-- Whether a file that is not empty is at the path. A run that is interrupted at its very beginning
-- leaves an empty file.
local function has(path)
  local kind <const> = core.path_kind(path)
  local file <close> = kind == "file" and io.open(path, "rb") or nil
  return kind ~= nil and not (file and file:seek("end") == 0)
end

-- Raises an error for a directory with files that have a run's names but come from something else.
local function check_strange(dir, old)
  if old == false then
    fail("dir: %s/config.json does not belong to a run; choose another dir", dir)
  end
  if old ~= nil then return end
  for _, name in ipairs(FILES) do
    if has(dir .. "/" .. name) then
      fail("dir: %s has a %s that train.fit did not write (there is no config.json); choose "
        .. "another dir", dir, name)
    end
  end
end

-- Raises an error if a new run is asked for in another run's directory, or if the run to be resumed
-- is not there.
local function check_wish(dir, wish, old, has_state)
  if wish == true and not (old and has_state) then
    fail("resume = true, but there is no run to continue in %s; \"auto\" begins one", dir)
  end
  if wish == false and old then
    fail("dir: %s already has a run, begun with: %s; resume = \"auto\" continues it, another dir "
      .. "begins a new one", dir, check.shown(old.command or "unknown"))
  end
end

--- Opens the directory for train.fit.
function Run:init(fit)
  local dir <const> = (fit.o.dir:gsub("(.)/+$", "%1"))
  local old <const> = core.path_kind(dir) and config.read(dir)
  self.dir, self.last = dir, dir .. "/last.safetensors"
  self.best = dir .. "/best.safetensors"
  local has_state <const> = core.path_kind(self.last) == "file"
  check_strange(dir, old)
  check_wish(dir, fit.o.resume, old, has_state)
  self.log = Log.open("train.fit", dir)
  self.history = self.log.history
  self.old, self.goes_on = old or nil, old and has_state
  self.config = config.of(fit)
  if old and not has_state and #self.history > 0 then
    self:close()
    fail("dir: %s has a run without its last.safetensors, so the run cannot continue; choose "
      .. "another dir", dir)
  end
  local refused <const> = old and config.refused(old, self.config)
  if refused then
    self:close()
    fail("dir: %s holds a run with %s; choose another dir", dir, refused)
  end
end

--- Writes the configuration of a new run. Its files are not networks for other programs if the
-- network has no definition, and the user learns it now and not when they are needed.
-- @param fit the state of the run
function Run:begin(fit)
  if fit.o.progress and not origin.of(fit.net) then
    notice.say(("train.fit: no definition made the network, so the files in %s will only hold its "
      .. "values, which braid.open, braid predict and braid serve cannot use by themselves. A "
      .. "definition file that braid.model makes (examples/12_share.lua) makes them whole")
      :format(self.dir))
  end
  local ok <const>, why <const> = config.write(self.dir, self.config)
  if not ok then fail("dir: %s", why) end
  self.log:load_state_dict{size = 0}
end

-- The names of the parts in a checkpoint.
local function names_in(path)
  local header <const>, why <const> = safetensors.header(path)
  if not header then fail("resume: %s", why) end
  local tree <const> = json.decode((header.metadata or {})["braid.tree"] or "")
  return type(tree) == "table" and tree or {}
end

--- The stage of training at which the checkpoint was written.
function Run:stage()
  local at <const> = names_in(self.last).at
  return type(at) == "table" and math.type(at.stage) == "integer" and at.stage or 1
end

--- Whether the optimizer's settings differ from the ones with which the run began.
function Run:changes_optimizer()
  local before <const> = type(self.old.options) == "table" and self.old.options.optimizer
  return before ~= self.config.options.optimizer
end

--- Continues from the checkpoint: loads the state of each part and reports the differences. Parts
-- that the checkpoint does not have begin anew.
-- @return everything else in the checkpoint
function Run:go_on(parts)
  local there <const>, asked <const> = names_in(self.last), {}
  local anew <const> = config.judges_anew(self.old, self.config)
  for name, part in pairs(parts) do
    if anew and (name == "best" or name == "patience") then
      goto next
    elseif there[name] ~= nil then
      asked[name] = part
    else
      notice.say(("train.fit: the checkpoint has no state for %s, which begins here"):format(name))
    end
    ::next::
  end
  local ok <const>, result <const> = check.caught(resume, self.last, asked)
  if not ok then
    fail("dir: the run in %s cannot continue: %s. Use the network and options with which it began, "
      .. "or choose another dir",
      self.dir, (tostring(result):gsub("^resume: ", "")))
  end
  self.changed = config.differences(self.old, self.config)
  for _, words in ipairs(self.changed) do notice.say("train.fit: resumed, but " .. words) end
  if #self.changed > 0 then config.write(self.dir, self.config) end
  return result
end

--- Writes the checkpoint. A failure is reported, and training continues.
-- @return whether it is written
function Run:save(parts)
  local ok <const>, why <const> = check.caught(checkpoint, self.last, parts)
  if ok then
    if self.failed then notice.say(("train.fit: %s could be written this "
      .. "time"):format(self.last)) end
    self.failed = false
  else
    notice.say(("train.fit: %s; training continues, and the next checkpoint is tried again"):format(
      (tostring(why):gsub("^checkpoint: ", ""))))
    self.failed = true
  end
  return ok
end

function Run:close() self.log:close() end

return Run
