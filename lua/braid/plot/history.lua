--- plot.history: draws a run's history as panels. These are the losses of the tasks, each metric of
-- the validation set with a line for each task, the coefficients of the losses, and the learning
-- rate. The best epoch is marked.
-- @usage
-- print(plot.history(history))                 -- or history:plot() at the prompt
-- plot.history("curves.svg", history, {of = {"train.loss.total", "val.landmarks.failure"}})
--
-- plot.history([path,] history, options). Options: of (curves, each in its own panel), log ("y" for
-- the losses), title, width, theme.
-- @treturn plot.figure|true

local check <const> = require "braid.check"
local public <const> = require "braid.plot.draw.public"
local series <const> = require "braid.plot.draw.series"

local OPTIONS <const> = public.declare("plot.history", {
  of = check.list{of = check.text(), least = 1}, log = check.choice{"", "y"},
})

local LIMIT <const> = 8 -- the most panels of metrics

local function split(path)
  local first <const>, rest <const> = path:match("^([^.]+)%.(.+)$")
  return first, rest
end

-- The panels in order: {title, {{name, path}, ...}, log}.
local function groups_of(history)
  local losses <const>, steps <const>, val_losses <const>, weights <const> = {}, {}, {}, {}
  local metrics <const>, order <const>, rates <const> = {}, {}, {}
  for _, path in ipairs(history:names()) do
    local kind <const>, rest <const> = split(path)
    if path:find("^train%.loss%.") then
      losses[#losses + 1] = {path:sub(12), path}
    elseif kind == "loss" then
      steps[#steps + 1] = {rest, path}
    elseif path:find("^val%.loss%.") then
      val_losses[#val_losses + 1] = {path:sub(10), path}
    elseif kind == "val" then
      local task <const>, metric <const> = split(rest)
      if metric and not series.is_count(metric) then
        if not metrics[metric] then metrics[metric], order[#order + 1] = {}, metric end
        metrics[metric][#metrics[metric] + 1] = {task, path}
      end
    elseif kind == "weights" then
      weights[#weights + 1] = {rest, path}
    elseif path == "lr" then
      rates[1] = {nil, path}
    end
  end
  local list <const> = { {"training loss", #losses > 0 and losses or steps, true},
    {"validation loss", val_losses, true} }
  for i, metric in ipairs(order) do
    if i <= LIMIT then list[#list + 1] = {"validation: " .. metric, metrics[metric]} end
  end
  list[#list + 1] = {"coefficients of the losses", weights}
  list[#list + 1] = {"learning rate", rates}
  return list
end

local function panel_of(history, title, curves, log)
  local list <const>, marks <const> = {}, {}
  local unit = "epoch"
  for i, curve in ipairs(curves) do
    local x <const>, y <const> = history:curve(curve[2])
    list[i] = {name = curve[1], x = x, y = y}
    marks[i] = {kind = "line", x = x, y = y, series = i}
    local last <const> = history[#history]
    if x[#x] and last and x[#x] > last.epoch then unit = "step" end
  end
  local best <const> = history:best()
  if best and best.epoch and unit == "epoch" then
    marks[#marks + 1] = {kind = "rule", x = best.epoch, label = "best"}
  end
  return {title = title, marks = marks, legend = series.legend(list), xlabel = unit, height = 10,
    x = {whole = true, tight = true}, y = {log = log}}
end

return public.define(OPTIONS, function(history, o)
  if not series.is_history(history) then
    check.fail("plot.history: wants a history, as train.fit and train.history.read give it, not %s",
      check.shown(history))
  end
  local panels <const> = {}
  if o.of then
    for i, path in ipairs(o.of) do
      panels[i] = panel_of(history, path, { {path, path} }, o.log == "y")
    end
    return panels
  end
  for _, group in ipairs(groups_of(history)) do
    if #group[2] > 0 then
      panels[#panels + 1] = panel_of(history, group[1], group[2], group[3] and o.log == "y")
    end
  end
  if #panels == 0 then panels[1] = {title = "history", marks = {}, empty = true} end
  return panels
end)
