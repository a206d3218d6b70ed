--- The history of a run: its events in order. It prints as a table of epochs.
--
-- history[i] is the i-th epoch, {epoch =, step =, seconds =, lr =, train = {loss = {total =,
-- TASK =}}, val = {TASK = {METRIC = value}, loss = {TASK =}}}, and #history is the number of
-- epochs. history.events holds all events, among them {event = "step", step =, epoch =, loss =,
-- weights =, lr =}, {event = "best", epoch =, metric =, value =} and {event = "stop", reason =}. A
-- number that was NaN or infinite is missing when the history comes from a file.
--   history:curve("val.landmarks.error")   {1, 2, ...}, {0.14, 0.12, ...}: epochs and values, or
--     steps and values if only steps have the number
--   history:best()   the last event "best", or nil
--   history:plot()   curves as a picture
--   train.history.read(dir)   the history of a run's directory
-- @usage
-- train.fit{net = net, tasks = tasks, train = faces.train, epochs = 1, dir = "build/read"}
-- print(train.history.read("build/read"))

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local files <const> = require "braid.io.files"
local format <const> = require "braid.format"
local json <const> = require "braid.io.json"

local History <const> = class("history")

local DIR <const> = check.declare("train.history.read", {dir = check.argument(check.text())})
local EVENT <const> = check.kind("a table with the field `event`", function(v)
  return type(v) == "table" and type(v.event) == "string"
end)
local ARGUMENTS <const> = check.declare("train.history", {
  events = check.argument(check.optional(check.list{of = EVENT})),
})

--- Makes a history from a list of events, or an empty one.
function History:init(events)
  check.options(ARGUMENTS, nil, {events = events})
  self:refill(events or {})
end

--- Replaces all events by the ones given.
function History:refill(events)
  self.events, self.epochs = {}, {}
  for _, event in ipairs(events) do self:add(event) end
end

--- Appends an event.
function History:add(event)
  check.value("train.history: add", "event", event, EVENT)
  self.events[#self.events + 1] = event
  if event.event == "epoch" then self.epochs[#self.epochs + 1] = event end
end

History.__index = function(self, key)
  if math.type(key) == "integer" then return rawget(self, "epochs")[key] end
  return class.method(self, key)
end

History.__len = function(self) return #self.epochs end

--- The last event of this name, or nil.
-- @treturn table?
function History:last(name)
  for i = #self.events, 1, -1 do
    if self.events[i].event == name then return self.events[i] end
  end
end

function History:best() return self:last("best") end

-- ---- curves ---------------------------------------------------------------------------

-- The number at a path. Names in the path may have dots.
local function at(value, path)
  local found = value[path]
  local stop = path:find(".", 1, true)
  while found == nil and stop do
    local part <const> = value[path:sub(1, stop - 1)]
    if type(part) == "table" then found = at(part, path:sub(stop + 1)) end
    stop = path:find(".", stop + 1, true)
  end
  return type(found) == "number" and found or nil
end

History.at = at

local function collected(events, name, path)
  local xs <const>, ys <const> = {}, {}
  for _, event in ipairs(events) do
    local value <const> = event.event == name and at(event, path)
    if value then xs[#xs + 1], ys[#ys + 1] = event[name], value end
  end
  return xs, ys
end

-- The paths of an event's numbers.
local function add_paths(set, value, path)
  for key, v in pairs(value) do
    if type(key) == "string" then
      local own <const> = path .. key
      if type(v) == "number" then set[own] = true end
      if type(v) == "table" then add_paths(set, v, own .. ".") end
    end
  end
end

--- The names of all curves: "train.loss.total", "val.landmarks.error" and so on.
-- @treturn string[]
function History:names()
  local set <const> = {}
  for _, event in ipairs(self.events) do
    if event.event == "epoch" or event.event == "step" then add_paths(set, event, "") end
  end
  for _, key in ipairs{"epoch", "step"} do set[key] = nil end
  return check.sorted_keys(set)
end

local PATH <const> = check.text()

--- A number over the epochs, or over the logged steps if epochs do not have it.
-- @treturn number[] epochs or steps; empty if there is no such number
-- @treturn number[] values
function History:curve(path)
  check.value("train.history: curve", "the name", path, PATH)
  local xs, ys = collected(self.events, "epoch", path)
  if #xs == 0 then xs, ys = collected(self.events, "step", path) end
  if #xs == 0 and #self > 0 then
    check.fail("train.history: there is no curve '%s'; %s", path, check.nearest(path, self:names()))
  end
  return xs, ys
end

--- The run as a picture of panels (plot.history). history:plot() prints it as text,
-- history:plot("curves.svg", {of = ...}) writes a file.
function History:plot(path, given)
  local plot_history <const> = require "braid.plot.history"
  if type(path) == "string" then return plot_history(path, self, given) end
  return plot_history(self, path)
end

-- ---- reading --------------------------------------------------------------------------

local cleaned

-- Removes null, which a file has for NaN and infinite numbers. In lists it becomes NaN.
function cleaned(value)
  if type(value) ~= "table" then return value end
  if value == json.null then return nil end
  local list <const>, t <const> = #value > 0, {}
  for key, v in next, value do t[key] = cleaned(v) end
  if list then
    for i = 1, #value do
      if t[i] == nil then t[i] = 0 / 0 end
    end
  end
  return t
end

--- Restores an event that was read from a file.
History.cleaned = cleaned

--- The events of a file with one event a line, and whether the last line is incomplete. A line that
-- is not an event raises an error.
function History.lines(what, path)
  local text <const>, why <const> = files.read(path)
  if not text then check.fail("%s: %s", what, why) end
  local events <const>, n, whole = {}, 0, 0
  for line, stop in text:gmatch("([^\n]*)\n()") do
    n, whole = n + 1, stop - 1
    local value <const>, wrong <const> = json.decode(line)
    if type(value) ~= "table" or type(value.event) ~= "string" then
      check.fail("%s: %s: line %d is not an event of a run: %s", what, path, n,
        wrong or line:sub(1, 60))
    end
    events[n] = cleaned(value)
  end
  return events, whole < #text
end

--- Adds the seconds of a run's clock to its epochs.
function History:take_clock(dir)
  if core.path_kind(dir .. "/clock.jsonl") ~= "file" then return end
  local seconds <const> = {}
  for _, e in ipairs((History.lines("train.history.read", dir .. "/clock.jsonl"))) do
    -- an epoch that ran twice has the later time
    if e.event == "epoch" then seconds[e.epoch] = e.seconds end
  end
  for _, e in ipairs(self.epochs) do e.seconds = seconds[e.epoch] end
end

function History.read(dir)
  check.options(DIR, nil, {dir = dir})
  if core.path_kind(dir .. "/metrics.jsonl") ~= "file" then
    check.fail("train.history.read: %s is not the directory of a run: it has no metrics.jsonl",
      dir)
  end
  local events <const>, torn <const> = History.lines("train.history.read", dir .. "/metrics.jsonl")
  local history <const> = History(events)
  history.dir, history.torn = dir, torn or nil
  history:take_clock(dir)
  if core.path_kind(dir .. "/test.json") == "file" then
    local test <const> = json.decode((files.read(dir .. "/test.json")))
    if type(test) == "table" then history:add(cleaned(test)) end
  end
  return history
end

-- ---- printing -------------------------------------------------------------------------

-- The columns of the table: the tasks' training losses, the metric that judges each task, and the
-- metric that decides which epoch is best.
local function columns_of(history)
  local list <const> = {{"epoch", "epoch", "%d"}}
  local first <const> = history.epochs[1]
  for _, name in ipairs(check.sorted_keys(first.train and first.train.loss or {})) do
    list[#list + 1] = {"loss " .. name, "train.loss." .. name, "%.4g"}
  end
  for _, task in ipairs(check.sorted_keys(first.val or {})) do
    local metrics <const> = first.val[task]
    local names <const> = {metrics.metric} -- the metric that judges the task
    local best <const> = history:best() and history:best().metric:match("^" .. task .. "%.(.+)")
    if best and best ~= names[1] then names[#names + 1] = best end
    for _, metric in ipairs(task ~= "loss" and names or {}) do
      list[#list + 1] = {task .. " " .. metric, ("val.%s.%s"):format(task, metric), "%.4f"}
    end
  end
  list[#list + 1] = {"lr", "lr", "%.3g"}
  list[#list + 1] = {"seconds", "seconds", "%.1f"}
  return list
end

local function row_of(columns, event)
  local row <const> = {}
  for i, c in ipairs(columns) do
    local value <const> = at(event, c[2])
    row[i] = value and format(c[3], value) or "-"
  end
  return row
end

-- The rows as text, with each column as wide as its longest cell.
local function aligned(rows)
  local widths <const> = {}
  for _, row in ipairs(rows) do
    for i, word in ipairs(row) do widths[i] = math.max(widths[i] or 0, #word) end
  end
  local lines <const> = {}
  for k, row in ipairs(rows) do
    local words <const> = {}
    for i, width in ipairs(widths) do words[i] = (" "):rep(width - #row[i]) .. row[i] end
    lines[k] = table.concat(words, "  ")
  end
  return lines
end

History.__tostring = function(self)
  if #self == 0 then return ("history: %d events, no epoch yet"):format(#self.events) end
  local columns <const>, rows <const> = columns_of(self), {}
  rows[1] = {}
  for i, c in ipairs(columns) do rows[1][i] = c[1] end
  for _, event in ipairs(self.epochs) do rows[#rows + 1] = row_of(columns, event) end
  local lines <const>, best <const>, stop <const> = aligned(rows), self:best(), self:last("stop")
  for i, event in ipairs(self.epochs) do
    if best and event.epoch == best.epoch then lines[i + 1] = lines[i + 1] .. "  best" end
  end
  if best then
    lines[#lines + 1] = format("best %s %.6g, epoch %d", best.metric, best.value, best.epoch)
  end
  if stop then lines[#lines + 1] = ("ended at epoch %d: %s"):format(stop.epoch, stop.reason) end
  return table.concat(lines, "\n")
end

return History
