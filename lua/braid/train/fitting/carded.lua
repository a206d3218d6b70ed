--- Writes what train.fit knows of a network on its card (model/card.lua).

local class <const> = require "braid.class"

local M <const> = {}

-- {task = names of its classes}, from the data, for tasks that have no names themselves; or nil.
local function classes_of(fit)
  local ds <const>, list <const> = fit.train.ds, {}
  local named <const> = ds and (ds.classes or ds.parts and ds.parts[1].classes) or {}
  for name, task in fit.tasks:each() do
    local own <const> = named[name]
    if own and not task.names and #own == task.size then list[name] = own end
  end
  return next(list) and list or nil
end

--- Gives the network a card with what is known before the first step. The fields of an earlier card
-- stay, except the metrics and the history of an earlier training.
function M.begin(fit)
  local given <const>, card <const> = rawget(fit.net, "card") or {}, {}
  if type(given) ~= "table" or class.of(given) then return end -- a field of the user's own
  for key, value in next, given do card[key] = value end
  card.preprocessing = (fit.val or fit.train):recipe() or card.preprocessing
  card.classes = classes_of(fit) or card.classes
  card.seed = fit.o.seed or card.seed
  card.metrics, card.history = nil, nil
  fit.net.card = card
end

-- The numbers of a report, by task and metric.
local function values_of(report, tasks)
  local values <const> = {}
  for name in tasks:each() do
    values[name] = {}
    for key, value in pairs(type(report[name]) == "table" and report[name] or {}) do
      local finite <const> = type(value) == "number" and value - value == 0
      values[name][key] = finite and value or nil
    end
  end
  return values
end

--- Writes the last validation on the card. Closing the returned value restores the card.
function M.validated(fit)
  local card <const>, event = rawget(fit.net, "card"), nil
  for i = #fit.history, 1, -1 do
    event = fit.history[i]
    if event.event == "epoch" then break end
  end
  if type(card) ~= "table" or not event or type(event.val) ~= "table" then return nil end
  local metrics <const>, history <const> = card.metrics, card.history
  card.metrics = {part = "validation", data = fit.val:mark(),
    values = values_of(event.val, fit.tasks)}
  card.history = {epoch = event.epoch, step = event.step}
  return setmetatable({}, {__close = function() card.metrics, card.history = metrics, history end})
end

return M
