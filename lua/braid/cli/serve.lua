--- `braid serve FILE`: answers requests over HTTP with a network's predictions (serve/).

local check <const> = require "braid.check"
local machine <const> = require "braid.cli.given.machine"
local network <const> = require "braid.cli.given.network"
local serve <const> = require "braid.serve"

-- The token in a file, without blanks around it.
local function token_in(path)
  local file <close>, why <const> = io.open(path, "rb")
  local text <const> = file and file:read(8192)
  if not text then check.fail("--token: cannot read %s", why or path) end
  local token <const> = text:match("^%s*(.-)%s*$")
  if token == "" or #token > 4000 or token:find("[^\x21-\x7e]") then
    check.fail("--token: %s must hold one word of visible ASCII characters", path)
  end
  return token
end

local function is_local(host)
  return host == "localhost" or host == "::1" or host:find("^127%.") ~= nil
end

return {usage = "serve DIR | FILE          answer requests over HTTP with a network's predictions",
  least = 1, most = 1, words = {"network"}, prints = "the address where it listens",
  paths = {token = "file"},
  more = [[
  POST /predict  a picture as the body (image/png, image/jpeg), several as multipart/form-data, or
                 JSON {"inputs": numbers or rows}; the answers are JSON, points in pixels from 0
  GET /          a page that asks about pictures, or about what a camera sees
  GET /card      what the network's file says of itself     GET /health    GET /metrics (Prometheus)
  SIGTERM and Ctrl-C end it when all requests are answered. It speaks plain HTTP: for other machines
  put a server with TLS in front, and give it a --token.]],
  options = {port = {8080, from = 0, to = 65535}, host = "127.0.0.1", token = check.text(),
    batch = {32, from = 1, to = 1024}, wait = check.number{5, from = 0, to = 1000},
    body = {16, from = 1, to = 1024}, pixels = {32, from = 1, to = 1024},
    connections = {256, from = 1, to = 10000}, queue = {256, from = 1, to = 10000},
    seconds = check.number{10, from = 0.1, to = 3600}, size = check.whole{from = 1, to = 4096}},
  said = {port = "0 takes a free one", host = "the address to listen at; 0.0.0.0 is all",
    token = "a file with the word that Authorization: Bearer must have",
    batch = "requests that are predicted together", wait = "milliseconds that a request may wait "
      .. "for others that are arriving", body = "megabytes of a request (413)",
    pixels = "millions of pixels of a picture (413)", connections = "at once",
    queue = "requests that may wait (429)",
    seconds = "in which a request must arrive (408), and its answer leave",
    size = "side of the network's pictures in pixels (that of the run)"},
  run = function(o, path)
    local token <const> = o.token and token_in(o.token) or nil
    local net <const>, tasks <const> = network.open(path)
    net.tasks = rawget(net, "tasks") or tasks
    local host <const> = o.host:find(":", 1, true) and "[" .. o.host .. "]" or o.host
    serve(net, {host = o.host, port = o.port, token = token, batch = o.batch, wait = o.wait,
      body = o.body, pixels = o.pixels, connections = o.connections, queue = o.queue,
      seconds = o.seconds, size = o.size or network.loader(path).size, text = machine.text,
      started = function(port)
        print(("serving %s at http://%s:%d/"):format(path, host, port))
        if not token and not is_local(o.host) then
          io.stderr:write("braid: serve: without --token anyone who reaches ", o.host,
            " may ask the network\n")
        end
      end})
  end}
