--- serve(net, options): a network's predictions over HTTP, until SIGTERM or Ctrl-C.
--
-- The core (csrc/serve) has all connections in a thread of its own, with limits on everything that
-- a client can send. This side takes the requests that wait in batches and answers them.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local limits <const> = require "braid.limits"
local Predicting <const> = require "braid.serve.predicting"
local version <const> = require "braid.version"

local HOME <const> = debug.getinfo(1, "S").source:match("^@(.*)init%.lua$")
local JSON <const> = "application/json"
local TICK <const> = 0.2 -- seconds between looks at signals

local OPTIONS <const> = check.declare("serve", {
  host = check.text("127.0.0.1"), port = check.whole{8080, from = 0, to = 65535},
  token = check.text(), text = check.needed(check.call()), started = check.call(),
  batch = check.whole{32, from = 1, to = 1024}, wait = check.number{5, from = 0, to = 1000},
  body = check.whole{16, from = 1, to = 1024}, pixels = check.whole{32, from = 1, to = 1024},
  connections = check.whole{256, from = 1, to = 10000},
  queue = check.whole{256, from = 1, to = 10000},
  seconds = check.number{10, from = 0.1, to = 3600}, size = check.whole{from = 1, to = 4096},
})

local function page()
  local file <close> = assert(io.open(HOME .. "page.html", "rb"))
  return file:read("a")
end

-- The answer to GET /card.
local function card_of(net, tasks)
  local said <const> = {}
  for name, task in tasks:each() do said[name] = tostring(task) end
  return {card = rawget(net, "card") or {}, tasks = said, parameters = net:count_parameters(),
    braid = version}
end

-- Takes the requests that wait, if any, and answers them.
local function answer_some(http, predicting, o)
  local requests <const> = http:take(o.batch, TICK, o.wait / 1000)
  if #requests == 0 then return end
  predicting:answer(requests, function(id, status, body) http:give(id, status, JSON, body) end)
end

-- Answers requests until all are answered after a signal. If memory runs out, even for a request's
-- own bytes, the requests that were taken get an error, and the server goes on.
local function work(http, predicting, o)
  local draining = false
  while not (draining and http:drained()) do
    local ok <const>, why <const> = check.caught(answer_some, http, predicting, o)
    if not ok then
      collectgarbage()
      io.stderr:write("braid: serve: ", why, "\n")
      http:give_up(Predicting.lacks_memory(why) and 503 or 500, JSON,
        "{\"error\":\"the server failed\"}\n")
    end
    if core.caught_signal() and not draining then
      draining = true
      http:drain()
    end
  end
end

--- Serves until a signal. o.text(value) makes JSON; o.started(port) is called once it listens.
return function(net, given)
  local o <const> = check.options(OPTIONS, given)
  if not rawget(net, "tasks") then
    check.fail("serve: the network has no tasks that say what its outputs are")
  elseif net.tasks.file then
    check.fail("serve: a task called file has the name of a field of answers about several files")
  end
  limits.pixels = o.pixels * 1000000
  local http <close>, why <const> = core.http{host = o.host, port = o.port, work = "/predict",
    token = o.token, body = o.body << 20, connections = o.connections, queue = o.queue,
    seconds = o.seconds}
  if not http then check.fail("serve: %s", why) end
  local predicting <const> = Predicting(net, o)
  http:page("/", true, "text/html; charset=utf-8", page())
  http:page("/card", false, JSON, o.text(card_of(net, net.tasks)) .. "\n")
  core.watch_signals(true)
  local _ <close> = setmetatable({}, {__close = function() core.watch_signals(false) end})
  local ok <const>, wrong <const> = http:begin()
  if not ok then check.fail("serve: %s", wrong) end
  if o.started then o.started(http:port()) end
  work(http, predicting, o)
end
