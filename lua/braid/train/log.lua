--- The log of a run in a directory. metrics.jsonl has one event a line, metrics.csv one epoch a
-- row. The log also keeps the history of the run.
--
-- A line is written whole or not at all. While the disk is full, lines wait and are written with a
-- later one. While a process logs to a directory, no other process may. A checkpoint stores the
-- position in the log. Resuming removes what came after that position, so that no epoch is logged
-- twice. Values that depend on the clock go to clock.jsonl.
--   log:step{step =, epoch =, loss = {total =, TASK =}, ...}
--   log:epoch{epoch =, step =, train = {loss = {...}}, val = tasks:evaluate(...), seconds =}
--   log:event{event = "best", ...}     log:clock{event = "start"}     log.history
-- The option fresh = true makes a directory that already has a log an error.
-- @usage
-- local log <close> = train.log("build/log")
-- for epoch = 1, 3 do log:epoch{epoch = epoch, train = {loss = {total = 1 / epoch}}} end
-- print(log.history)

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local files <const> = require "braid.io.files"
local History <const> = require "braid.train.history"
local json <const> = require "braid.io.json"
local notice <const> = require "braid.notice"

local Log <const> = class("log")

local OPTIONS <const> = check.declare("train.log", {
  dir = check.argument(check.text()), fresh = check.flag(false),
})
local STATE <const> = check.declare("train.log: load_state_dict", {
  size = check.needed(check.whole{from = 0}),
})

-- ---- events as they are written ----------------------------------------------------------

local plain

-- The numbers and texts of a table. Tensors of several values and lists with holes are left out.
local function plain_table(value)
  local t <const> = {}
  for key, v in next, value do
    local own <const> = plain(v)
    if own ~= nil and (math.type(key) == "integer" or type(key) == "string") then t[key] = own end
  end
  if next(t) == nil then return nil end
  for key in next, t do
    if math.type(key) == "integer" and #t == 0 then return nil end -- a list with holes
  end
  return t
end

function plain(value)
  if core.is_tensor(value) then value = value:numel() == 1 and value:item() or nil end
  local kind <const> = type(value)
  if kind == "number" then return value - value == 0 and value or json.null end
  if kind == "string" then return utf8.len(value) and value or nil end
  if kind == "boolean" then return value end
  if value == json.null then return value end
  return kind == "table" and plain_table(value) or nil
end

-- A report's values of each task, without the values of single samples.
local function report_of(value)
  if type(value) ~= "table" then return value end
  local t <const> = {}
  for name, part in pairs(value) do
    if name ~= "tasks" then
      local own = part
      if type(part) == "table" then
        own = {}
        for key, v in pairs(part) do
          local each <const> = type(key) == "string" and key:find("errors$")
          if not each then own[key] = v end
        end
      end
      t[name] = own
    end
  end
  return t
end

Log.report, Log.plain = report_of, plain

-- ---- the directory ------------------------------------------------------------------------

-- Makes a directory and its parents.
local function make(what, dir)
  local kind <const> = core.path_kind(dir)
  if kind == "file" then check.fail("%s: dir: %s is a file, not a directory", what, dir) end
  if kind then return end
  local path = dir:sub(1, 1) == "/" and "/" or ""
  for part in dir:gmatch("[^/]+") do
    path = path .. part .. "/"
    if core.path_kind(path) ~= "directory" then
      local ok <const>, why <const> = core.make_folder(path)
      if not ok then check.fail("%s: dir: cannot make %s", what, why) end
    end
  end
end

Log.make_folder = make

local function claim(what, dir, name)
  local journal <const>, why <const>, held <const> = core.journal(dir .. name)
  if held then
    check.fail("%s: %s is in use: another process trains there (or this one does, in a fit that "
      .. "has not ended); wait for it or choose another dir", what, dir)
  end
  if not journal then check.fail("%s: dir: %s", what, why) end
  return journal
end

--- Opens the log of a directory. `what` is the name of the function that the user called.
function Log.open(what, dir)
  if dir == "" or dir:find("\0", 1, true) then check.fail("%s: dir is not a path", what) end
  make(what, dir)
  local self <const> = class.adopt(Log, {dir = dir, waiting = {}})
  self.journal = claim(what, dir, "/metrics.jsonl")
  self.times = claim(what, dir, "/clock.jsonl")
  self:reread()
  return self
end

-- A stand-in for a file that writes nothing.
local NOWHERE <const> = {put = function() return true end, sync = function() return true end,
  cut = function() return true end, size = function() return 0 end, close = function() end}

--- A log without a directory, which only keeps a history.
function Log.in_memory()
  return class.adopt(Log, {waiting = {}, journal = NOWHERE, times = NOWHERE, history = History()})
end

function Log:init(dir, given)
  local o <const> = check.options(OPTIONS, given, {dir = dir})
  local opened <const> = Log.open("train.log", dir)
  for key, value in class.fields(opened) do self[key] = value end
  if o.fresh and self.journal:size() > 0 then
    self:close()
    check.fail("train.log: %s has the log of a run already; choose another dir", dir)
  end
end

-- Reads the history from the file again.
function Log:reread()
  self.history = self.history or History()
  self.history:refill((History.lines("train.log", self.dir .. "/metrics.jsonl")))
  self.history.dir = self.dir
  self.history:take_clock(self.dir)
end

-- ---- writing --------------------------------------------------------------------------------

-- Tries to write the lines that wait; returns whether all are written.
function Log:flush()
  if #self.waiting == 0 then return true end
  local ok <const>, why <const> = self.journal:put(table.concat(self.waiting))
  if ok then
    self.waiting, self.failing = {}, false
    return true
  end
  if not self.failing then
    notice.say(("%s; training continues, and the lines are written later"):format(why))
  end
  self.failing = true
  return false
end

--- Writes an event: a table whose field `event` is its name. Numbers, texts, tables of them and
-- tensors of one value are kept.
function Log:event(event)
  if type(event) ~= "table" or type(event.event) ~= "string" then
    check.fail("train.log: event must be a table with the event's name, {event = \"note\", ...}, "
      .. "not %s", check.shown(event))
  end
  local own <const> = plain(event)
  self.waiting[#self.waiting + 1] = json.encode(own) .. "\n"
  local kept <const> = History.cleaned(own)
  self.history:add(kept)
  self:flush()
  return kept
end

local function named(name, event)
  local own <const> = {}
  for key, value in pairs(type(event) == "table" and event or {}) do own[key] = value end
  own.event = name
  return own
end

function Log:step(event) return self:event(named("step", event)) end

--- Writes an event with the time and the process to clock.jsonl; ignores a failure to write.
function Log:clock(event)
  local own <const> = plain(event)
  own.time = os.date("!%Y-%m-%dT%H:%M:%SZ")
  self.times:put(json.encode(own) .. "\n")
end

--- Writes an epoch's event. `val` may be a report of tasks:evaluate; clock.jsonl gets `seconds`.
function Log:epoch(event)
  local own <const> = named("epoch", event)
  local seconds <const> = own.seconds
  own.val, own.seconds = report_of(own.val), nil
  local kept <const> = self:event(own)
  kept.seconds = seconds
  if seconds then
    self:clock{event = "epoch", epoch = own.epoch, step = own.step, seconds = seconds}
  end
  self:table(#self.history > 1)
  return kept
end

-- ---- the table ------------------------------------------------------------------------------

local ASIDE <const> = {seconds = true, counted = true, notes = true, undefined = true}

-- Adds the paths of the numbers of an event to a set.
local function add_paths(set, value, path)
  for _, key in ipairs(check.sorted_keys(value)) do
    local v <const> = not ASIDE[key] and value[key] or nil
    if type(v) == "table" then
      add_paths(set, v, path .. key .. ".")
    elseif type(v) == "number" then
      set[path .. key] = true
    end
  end
end

local function quoted(name)
  return name:find('[,"\n]') and '"' .. name:gsub('"', '""') .. '"' or name
end

local function row_of(paths, event)
  local words <const> = {}
  for i, path in ipairs(paths) do
    local value <const> = History.at(event, path)
    words[i] = value and value - value == 0 and json.encode(value) or "nan"
  end
  return table.concat(words, ",") .. "\n"
end

-- The table of all epochs. It has a column for each number that any epoch has.
local function whole_table(epochs)
  local set <const>, header <const> = {}, {}
  for _, event in ipairs(epochs) do add_paths(set, event, "") end
  local paths <const> = check.sorted_keys(set)
  for i, path in ipairs(paths) do header[i] = quoted(path) end
  local parts <const> = {table.concat(header, ",") .. "\n"}
  for i, event in ipairs(epochs) do parts[i + 1] = row_of(paths, event) end
  return parts, set
end

-- Writes metrics.csv: appends the last epoch, or rewrites all epochs if there are new columns.
-- metrics.jsonl has the same values, so a failure to write here is not reported.
function Log:table(append)
  local epochs <const>, known <const>, own <const> = self.history.epochs, self.columns, {}
  if not self.dir or #epochs == 0 then return end
  add_paths(own, epochs[#epochs], "")
  append = append and known ~= nil
  for path in pairs(own) do append = append and known[path] end
  if append then
    local file <close> = io.open(self.dir .. "/metrics.csv", "ab")
    if file and file:write(row_of(check.sorted_keys(known), epochs[#epochs])) then return end
  end
  local parts <const>, set <const> = whole_table(epochs)
  self.columns = files.write(self.dir .. "/metrics.csv", parts) and set or nil
end

-- ---- its state ------------------------------------------------------------------------------

--- {size = the number of bytes in metrics.jsonl}; raises an error while lines wait to be written.
function Log:state_dict()
  if not self:flush() then check.fail("train.log: %s lacks the last events", self.dir) end
  local ok <const>, why <const> = self.journal:sync()
  if not ok then check.fail("train.log: %s", why) end
  return {size = self.journal:size()}
end

--- Goes back to a position and removes what was logged after it.
function Log:load_state_dict(state)
  check.options(STATE, state)
  local ok <const>, why <const> = self.journal:cut(state.size)
  if not ok then check.fail("train.log: %s", why) end
  if self.journal:size() < state.size then
    notice.say(("%s/metrics.jsonl has lost its end: some events are missing"):format(self.dir))
  end
  self.waiting, self.columns = {}, nil
  self:reread()
  self:table(false)
end

function Log:close()
  self.journal:close()
  self.times:close()
end

Log.__close = Log.close

return Log
