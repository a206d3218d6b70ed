--- The sections of a run's page (train.report).

local check <const> = require "braid.check"
local conflicts <const> = require "braid.train.reporting.conflicts"
local Figure <const> = require "braid.plot.draw.figure"
local format <const> = require "braid.format"
local page <const> = require "braid.train.reporting.page"
local plot_bars <const> = require "braid.plot.bars"
local plot_confusion <const> = require "braid.plot.confusion"
local plot_history <const> = require "braid.plot.history"
local plot_lines <const> = require "braid.plot.lines"
local plot_topology <const> = require "braid.plot.topology"

local series <const> = require "braid.plot.draw.series"

local M <const> = {}

local WIDTH <const> = 560 -- the width of a picture in the grid

local function svg_of(panel, width)
  return Figure("train.report", {panel}, {width = width or WIDTH, theme = "auto"}):svg(true)
end

local function number(v)
  if type(v) ~= "number" then return "-" end
  if math.type(v) == "integer" then return ("%d"):format(v) end
  return format("%.5g", v)
end

local function duration(seconds)
  if seconds < 60 then return format("%.1f s", seconds) end
  local s <const> = math.floor(seconds + 0.5)
  if s < 3600 then return ("%d:%02d min"):format(s // 60, s % 60) end
  return ("%d:%02d h"):format(s // 3600, s // 60 % 60)
end

-- ---- the head ---------------------------------------------------------------------------

local function total_seconds(history)
  local sum, some = 0, false
  for _, e in ipairs(history.epochs) do
    if type(e.seconds) == "number" then sum, some = sum + e.seconds, true end
  end
  return some and sum or nil
end

function M.head(title, run)
  local history <const>, tiles <const> = run.history, {}
  local best <const>, last <const> = history:best(), history[#history]
  local seconds <const> = total_seconds(history)
  if best then
    tiles[1] = {number(best.value), ("best %s, epoch %s"):format(best.metric or "value",
      number(best.epoch))}
  end
  tiles[#tiles + 1] = {number(#history), "epochs"}
  if last and last.step then tiles[#tiles + 1] = {number(last.step), "steps"} end
  if seconds then tiles[#tiles + 1] = {duration(seconds), "of training"} end
  if run.net then
    local n <const> = run.net:count_parameters()
    tiles[#tiles + 1] = {n >= 1e6 and format("%.3g M", n / 1e6) or number(n), "parameters"}
  end
  if run.config.seed then tiles[#tiles + 1] = {number(run.config.seed), "seed"} end
  local stop <const> = history:last("stop")
  local words <const> = {}
  if stop then words[1] = "Ended: " .. tostring(stop.reason) end
  if run.config.braid then words[#words + 1] = "Braid " .. tostring(run.config.braid) end
  if run.config.revision then words[#words + 1] = "revision " .. tostring(run.config.revision) end
  return ("<h1>%s</h1><p class=\"muted\">%s</p>%s"):format(page.escape(title),
    page.escape(table.concat(words, " · ")), page.tiles(tiles))
end

-- ---- curves ------------------------------------------------------------------------------

local APART <const> = {["coefficients of the losses"] = true, ["learning rate"] = true}

-- The history's panels as pictures: the panels named in APART if `apart` is true, else all others.
local function panels_of(run, apart)
  local parts <const> = {}
  for _, panel in ipairs(plot_history(run.history).panels) do
    if (APART[panel.title] or false) == apart and not panel.empty then
      parts[#parts + 1] = svg_of(panel)
    end
  end
  return parts
end

local function curves(run)
  local parts <const> = panels_of(run, false)
  return #parts > 0 and page.grid(parts) or '<p class="muted">There is no epoch yet.</p>'
end

local function speed(run)
  local parts <const>, xs <const>, ys <const> = panels_of(run, true), {}, {}
  for _, e in ipairs(run.history.epochs) do
    if type(e.seconds) == "number" then xs[#xs + 1], ys[#ys + 1] = e.epoch, e.seconds end
  end
  if #xs > 0 then
    local panel <const> = plot_lines({x = xs, y = ys}).panels[1]
    panel.title, panel.xlabel, panel.height, panel.y = "seconds for an epoch", "epoch", 10,
      {lim = {0, math.max(1e-9, math.max(table.unpack(ys, 1, math.min(#ys, 200))) * 1.1)}}
    parts[#parts + 1] = svg_of(panel)
  end
  return #parts > 0 and page.grid(parts) or nil
end

-- Where the time of the profiled epoch went.
local function time(run)
  local found <const>, parts <const> = run.profile, {}
  for _, key in ipairs{"block", "task"} do
    local shares <const>, order <const> = {}, {}
    for i, row in ipairs(found and found[key .. "s"] or {}) do
      if i <= 30 then
        order[i] = row[key]
        shares[row[key]] = {forward = row.forward_ms / found.ms,
          backward = row.backward_ms / found.ms}
      end
    end
    if #order > 0 then
      local panel <const> = plot_bars(shares, {order = order}).panels[1]
      panel.title = ("share of the time, by %s"):format(key)
      parts[#parts + 1] = svg_of(panel)
    end
  end
  return #parts > 0 and page.grid(parts) or nil
end

-- ---- metrics -----------------------------------------------------------------------------

-- The number of a metric of a task; its name may have dots.
local function at(values, task, metric)
  local of <const> = type(values) == "table" and values[task]
  return type(of) == "table" and type(of[metric]) == "number" and of[metric] or nil
end

local function direction_of(run, task, metric)
  local ok <const>, found <const> = pcall(function()
    return run.tasks:metric(task .. "." .. metric).direction
  end)
  return ok and found == "min" and "lower is better" or ok and found == "max" and "higher is better"
    or ""
end

local function metrics(run)
  local history <const> = run.history
  local last <const>, best <const> = history[#history], history:best()
  local test <const> = history:last("test")
  local chosen
  for _, e in ipairs(history.epochs) do
    if best and e.epoch == best.epoch then chosen = e end
  end
  local source <const> = chosen and chosen.val or last and last.val or test and test.metrics
  if type(source) ~= "table" then return nil end
  local rows <const> = {}
  for _, task in ipairs(check.sorted_keys(source)) do
    local of <const> = source[task]
    for _, metric in ipairs(type(of) == "table" and check.sorted_keys(of) or {}) do
      if type(of[metric]) == "number" and not series.is_count(metric) then
        rows[#rows + 1] = {task, metric, number(at(chosen and chosen.val, task, metric)),
          number(at(last and last.val, task, metric)), number(at(test and test.metrics, task,
            metric)), task ~= "loss" and direction_of(run, task, metric) or "lower is better"}
      end
    end
  end
  if #rows == 0 then return nil end
  return page.wide(page.table({"task", "metric", "best epoch", "last epoch", "test", ""}, rows,
    {[3] = true, [4] = true, [5] = true}))
end

-- ---- the network's answers -----------------------------------------------------------------

local function confusions(run)
  local parts <const> = {}
  for _, name in ipairs(check.sorted_keys(run.told.confusion or {})) do
    local c <const> = run.told.confusion[name]
    parts[#parts + 1] = plot_confusion(c.counts, {names = c.names, title = name}):svg(true)
  end
  return #parts > 0 and page.flow(parts) or nil
end

local LEGEND <const> = '<p class="muted">Rings are true points, dots predicted ones.</p>'

-- Whether points are drawn on a picture of the list. Earlier files report.json do not say so.
local function has_points(list)
  for _, s in ipairs(list) do
    if s.picture and s.points ~= false then return true end
  end
  return false
end

local function cards(list, words)
  if type(list) ~= "table" or #list == 0 then return nil end
  return ('<p class="muted">%s</p>'):format(words) .. (has_points(list) and LEGEND or "")
    .. page.cards(list)
end

local function topology(run)
  if not run.net then return nil end
  return page.wide(plot_topology(run.net):svg(true)) .. page.details("layers as text",
    "<pre>" .. page.escape_lines(tostring(run.net)) .. "</pre>")
end

-- ---- the configuration -------------------------------------------------------------------

local function flatten(rows, prefix, value)
  for _, key in ipairs(check.sorted_keys(value)) do
    local v = value[key]
    if v == nil then v = value[math.tointeger(key)] end
    local name <const> = prefix == "" and key or prefix .. "." .. key
    if type(v) == "table" and next(v) ~= nil then
      if not name:find("^tasks%..*%.metrics$") then flatten(rows, name, v) end
    else
      rows[#rows + 1] = {name, type(v) == "table" and "{}" or type(v) == "number" and number(v)
        or tostring(v)}
    end
  end
end

local function configuration(run)
  local rows <const> = {}
  flatten(rows, "", run.config)
  return #rows > 0 and page.wide(page.table({"option", "value"}, rows)) or nil
end

--- All sections that have something to show: {name, title, html}.
function M.all(run)
  local told <const> = run.told
  local list <const> = {}
  local function add(name, title, html)
    if html then list[#list + 1] = {name = name, title = title, html = html} end
  end
  add("curves", "Curves", curves(run))
  add("metrics", "Metrics", metrics(run))
  add("conflicts", "Conflicts between tasks", conflicts(run, svg_of))
  add("weights", "Coefficients, learning rate, speed", speed(run))
  add("time", "Where the time of an epoch went", time(run))
  add("worst", "Worst samples", cards(told.worst, ("The largest losses of %s samples."):format(
    number(told.count))))
  add("samples", "Samples", cards(told.samples, "The first ones of the data."))
  add("confusion", "Confusion matrices", confusions(run))
  add("topology", "Network", topology(run))
  add("config", "Configuration", configuration(run))
  return list
end

return M
