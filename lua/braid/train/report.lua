--- Makes a run's page: report.html, which needs no other file and no network connection.
--
-- train.report(dir) writes the page into the directory of a run, from the files there: curves by
-- task, coefficients, conflicts of gradients, learning rate, speed, where the time went, metrics,
-- the topology of the network in best.safetensors, and the configuration. With the option data it
-- runs the best network over these data and shows samples with the network's answers, the samples
-- with the largest losses, and confusion matrices. report.json keeps these results, so that later
-- pages need no data.
-- @usage
-- train.fit{net = net, tasks = tasks, train = faces.train, val = faces.val,
--   epochs = 1, best = "landmarks.error", dir = "build/report"}
-- train.report("build/report", {data = faces.val})       -- a data set, or a loader
--
-- Options: data; net and tasks (default: those in best.safetensors); samples (24) and worst (10),
-- the numbers of samples shown; batch (64) and loader (options of data.loader) for a data set; path
-- (dir/report.html). Samples are left out until the page is at most 5 MB.
-- @treturn string the path

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local files <const> = require "braid.io.files"
local History <const> = require "braid.train.history"
local json <const> = require "braid.io.json"
local Module <const> = require "braid.nn.module"
local notice <const> = require "braid.notice"
local page <const> = require "braid.train.reporting.page"
local samples <const> = require "braid.train.reporting.samples"
local sections <const> = require "braid.train.reporting.sections"

local WHAT <const>, MAX_BYTES <const> = "train.report", 5000000

local OPTIONS <const> = check.declare(WHAT, {
  dir = check.argument(check.text()), path = check.text(),
  data = check.kind("a data set or a loader", function(v)
    return type(v) == "table" or type(v) == "function"
  end),
  net = check.kind("a network", Module.is),
  tasks = check.kind("tasks as mtl.tasks gives them", function(v)
    return type(v) == "table" and v.names ~= nil
  end),
  samples = check.whole{24, from = 0, to = 1000}, worst = check.whole{10, from = 0, to = 1000},
  batch = check.whole{64, from = 1},
  loader = check.kind("a table of options of data.loader", function(v)
    return type(v) == "table" and not check.is_object(v)
  end),
})

-- A JSON file of the run, or an empty table.
local function read_json(path)
  if core.path_kind(path) ~= "file" then return {} end
  local value <const> = json.decode((files.read(path, "text")) or "")
  return type(value) == "table" and History.cleaned(value) or {}
end

-- The network and tasks: the user's, or those in best.safetensors; nil if there are none.
local function network_of(o)
  local net, tasks = o.net, o.tasks
  local best <const> = o.dir .. "/best.safetensors"
  if not net and core.path_kind(best) == "file" then
    local ok <const>, opened <const>, its_tasks <const> = check.caught(require "braid.model.open",
      best)
    if ok then
      net, tasks = opened, tasks or its_tasks
    elseif o.data then
      check.fail("%s: %s cannot be opened: %s. Pass the network: net = ...", WHAT, best,
        tostring(opened))
    end
  end
  return net, tasks or net and net.tasks
end

local function batches_of(o, tasks)
  local data <const> = o.data
  if type(data) == "function" or check.is_object(data) and data.indices then return data end
  local loader <const> = require "braid.data.loader"
  local options <const> = check.copy(WHAT, o.loader)
  options.batch, options.tasks = options.batch or o.batch, options.tasks or tasks
  return loader(data, options)
end

-- {TASK = names of its classes}, as the network's card and the data set have them.
local function classes_of(o, net)
  local data <const> = type(o.data) == "table" and o.data or {}
  local first <const> = data.parts and data.parts[1] or data
  local card <const>, list <const> = rawget(net, "card"), {}
  for _, known in ipairs{first.classes or {}, type(card) == "table" and card.classes or {}} do
    for name, names in pairs(known) do list[name] = names end
  end
  return list
end

-- The profile in the run's clock.jsonl, or nil.
local function profile_of(dir)
  local path <const>, found = dir .. "/clock.jsonl", nil
  if core.path_kind(path) ~= "file" then return nil end
  for _, event in ipairs((History.lines(WHAT, path))) do
    if event.event == "profile" then found = event end
  end
  return found
end

-- The network's answers for the data, computed now or read from report.json.
local function told(o, net, tasks)
  local kept <const> = o.dir .. "/report.json"
  if not o.data then return read_json(kept) end
  if not net then
    check.fail("%s: there is no best.safetensors in %s; pass the network: net = ...", WHAT, o.dir)
  end
  if not tasks then check.fail("%s: the network has no tasks; pass them: tasks = ...", WHAT) end
  local result <const> = samples.collect(net, tasks, batches_of(o, tasks),
    {samples = o.samples, worst = o.worst, classes = classes_of(o, net)})
  local ok <const>, why <const> = files.write(kept, {json.encode(result)})
  if not ok then notice.say(("%s: %s; later pages need data again"):format(WHAT, why)) end
  return result
end

-- The page with as many samples as keep it small enough.
local function fitting_page(title, run)
  while true do
    local html <const> = page.whole(title, sections.head(title, run), sections.all(run))
    local most = run.told.samples and #run.told.samples > 0 and run.told.samples
      or run.told.worst or {}
    if #html <= MAX_BYTES or #most == 0 then return html end
    for _ = 1, math.max(1, #most // 4) do most[#most] = nil end
  end
end

return function(dir, given)
  local o <const> = check.options(OPTIONS, given, {dir = dir})
  o.dir = (dir:gsub("(.)/+$", "%1"))
  local path <const> = o.path or o.dir .. "/report.html"
  if not path:lower():find("%.html?$") then
    check.fail("%s: path must end in .html, not '%s'", WHAT, path)
  end
  if core.path_kind(o.dir .. "/metrics.jsonl") ~= "file" then
    check.fail("%s: %s is not the directory of a run: it has no metrics.jsonl", WHAT, o.dir)
  end
  local net <const>, tasks <const> = network_of(o)
  local run <const> = {dir = o.dir, history = History.read(o.dir), net = net, tasks = tasks,
    config = read_json(o.dir .. "/config.json"), profile = profile_of(o.dir), told = told(o, net,
      tasks)}
  local title <const> = o.dir:match("[^/]+$") or "run"
  local ok <const>, why <const> = files.write(path, {fitting_page(title, run)})
  if not ok then check.fail("%s: %s", WHAT, why) end
  return path
end
