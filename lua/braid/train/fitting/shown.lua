--- The reports of a run of train.fit besides its log: TensorBoard's files, and a page at its end.
-- The functions are methods of Fit (fitting/fit.lua).

local check <const> = require "braid.check"
local notice <const> = require "braid.notice"
local origin <const> = require "braid.origin"
local safetensors <const> = require "braid.io.safetensors"
local train_events <const> = require "braid.train.events"
local train_report <const> = require "braid.train.report"

local M <const> = {}

-- The numbers and words among a run's options.
local function settings(options)
  local t <const> = {}
  for key, value in pairs(options) do
    if type(value) ~= "table" then t[key] = value end
  end
  return t
end

--- Begins a file for TensorBoard at the step that the run has reached.
function M:begin_events()
  if not self.o.events then return end
  local resumed <const> = self.at.step > 0 or nil -- TensorBoard drops later events of old files
  self.events = train_events(self.run.dir, {step = resumed and self.at.step + 1})
  if self.at.step == 0 and self.metric then
    self.events:hparams(settings(self.run.config.options),
      {"val/" .. self.metric.path:gsub("%.", "/")})
  end
end

--- Logs an event and shows it. Returns the event as the history holds it.
function M:note(event)
  local is_epoch <const> = event.event == "epoch"
  local kept <const> = self.log[is_epoch and "epoch" or "event"](self.log, event)
  if self.events then
    self.events:event(kept)
    if is_epoch then self.events:parameters(self.net, self.at.step) end
  end
  return kept
end

-- The network for the report of the best epoch; nil if its file has the definition, so that the
-- report can open it. If the file has only values, it is a network with these values, of an earlier
-- stage if parts were attached later.
local function network_of(self)
  if origin.of(self.net) then return nil end
  local values <const> = safetensors.read(self.run.best)
  if not values then return nil end
  for i = #self.earlier, 1, -1 do
    if check.caught(self.earlier[i].load_state_dict, self.earlier[i], values) then
      return self.earlier[i]
    end
  end
  local net <const> = self.net:clone()
  net:load_state_dict(values)
  return net
end

--- Writes report.html. If that fails it only prints why, because the run is already complete.
function M:report()
  if not self.o.report then return end
  local ok <const>, why <const> = check.caught(function()
    train_report(self.run.dir, {data = self.val and self.val:batches(1), net = network_of(self),
      tasks = self.tasks})
  end)
  if not ok then notice.say(("train.fit: %s"):format(why)) end
end

return M
