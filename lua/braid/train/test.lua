--- train.test(dir, set): measures the best network of a run on test data, once.
--
-- It takes the network in best.safetensors, writes the report into the run (test.json, which
-- train.history.read reads) and returns it. A second call only returns the first report and says
-- so, because a test no longer counts if its result helped to choose the network. While a process
-- trains the run, this function raises an error. A data set gets the run's loader options, without
-- the ones that only training uses; a loader is used unchanged. If the network was not made by a
-- definition, the file has only values, and {net =, tasks =} gives the network for them.
-- @treturn mtl.report like that of tasks:evaluate
-- @usage
-- train.fit{net = net, tasks = tasks, train = faces.train, val = faces.val, epochs = 1,
--   best = "landmarks.error", dir = "build/test"}
-- print(train.test("build/test", faces.test))

local check <const> = require "braid.check"
local config <const> = require "braid.train.fitting.config"
local core <const> = require "braid.core"
local files <const> = require "braid.io.files"
local History <const> = require "braid.train.history"
local json <const> = require "braid.io.json"
local Log <const> = require "braid.train.log"
local notice <const> = require "braid.notice"
local options <const> = require "braid.train.fitting.options"
local open <const> = require "braid.model.open"
local safetensors <const> = require "braid.io.safetensors"
local Source <const> = require "braid.train.fitting.source"
local walk <const> = require "braid.nn.walk"

local OPTIONS <const> = check.declare("train.test", {
  dir = check.argument(check.text()), set = check.argument(options.SET),
  net = check.kind("a network", walk.is_module), tasks = options.TASKS,
})

-- The network of a run and its tasks.
local function network_of(path, o)
  if core.path_kind(path) ~= "file" then
    check.fail("train.test: there is no %s: the run has no best network (it had no val, or no "
      .. "epoch has ended)", path)
  end
  local header <const>, why <const> = safetensors.header(path)
  if not header then check.fail("train.test: %s", why) end
  if header.metadata and header.metadata["braid.format"] then
    local net <const>, tasks <const> = open(path)
    return net, o.tasks or tasks
  end
  if not o.net then
    check.fail("train.test: %s holds only values, because no definition made the network: pass the "
      .. "network, train.test(dir, set, {net = net, tasks = tasks})", path)
  end
  local values <const> = safetensors.read(path)
  o.net:load_state_dict(values)
  return o.net, o.tasks or rawget(o.net, "tasks")
end

-- The report of the run's first test, or nil if it was not tested yet.
local function first_report(path)
  if not core.path_kind(path) then return nil end
  local event <const> = json.decode(files.read(path) or "")
  if type(event) ~= "table" or type(event.metrics) ~= "table" then
    check.fail("train.test: %s is not the result of a test", path)
  end
  notice.say(("train.test: this run was already tested at %s, on %s; this is that report. A second "
    .. "test could help to choose a network, and would then say nothing about it")
    :format(tostring(event.time), tostring(event.data)))
  return setmetatable(History.cleaned(event.metrics), {__name = "report",
    __tostring = function() return tostring(event.said) end})
end

return function(dir, set, given)
  local o <const> = check.options(OPTIONS, given, {dir = dir, set = set})
  local path <const> = dir .. "/test.json"
  if not config.read(dir) then check.fail("train.test: %s is not the directory of a run", dir) end
  local before <const> = first_report(path)
  if before then return before end
  local _ <close> = Log.open("train.test", dir)
  local net <const>, tasks <const> = network_of(dir .. "/best.safetensors", o)
  if not tasks then check.fail("train.test: tasks is missing, and the file has no tasks") end
  local run <const> = config.read(dir).options or {}
  local source <const> = Source("test", set, {tasks = tasks,
    loader = type(run.loader) == "table" and run.loader or {}}, Source.card_of(net))
  local report <const> = tasks:evaluate(net, source:batches(1))
  local event <const> = {event = "test", metrics = Log.report(report), data = source:mark(),
    said = tostring(report), time = os.date("!%Y-%m-%dT%H:%M:%SZ")}
  local ok <const>, why <const> = files.write(path, {json.encode(Log.plain(event)), "\n"})
  if not ok then check.fail("train.test: %s", why) end
  return report
end
