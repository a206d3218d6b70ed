--- Measures `braid serve` under load, and onnxruntime in a Python server with the same network:
--
--   build/braid spec/bench/serve.lua [--seconds 60] [--connections 64] [--side 64]
--     [--python PYTHON] [--onnx NET.onnx]
--
-- The network is TCDCN; a request is a rendered face as PNG. The two servers take turns, `rounds`
-- times. The Python needs fastapi, uvicorn, onnxruntime and Pillow; without --python only Braid is
-- measured.

local arguments <const> = require "braid.arguments"
local braid <const> = require "braid"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local data <const>, mtl <const> = braid.data, braid.mtl

local o <const>, words <const> = arguments.read(arg, {seconds = check.number{60, from = 1},
  connections = {64, from = 1, to = 1024}, rounds = {1, from = 1}, side = {64, from = 8, to = 4096},
  python = check.text(), onnx = check.text(), client = "build/bench/http_client",
  threads = {1, from = 1}, batch = {32, from = 1}})
if not o then
  print(words)
  os.exit(2)
end

local dir <const> = os.tmpname()
os.remove(dir)
os.execute("mkdir " .. dir)

local function path(name) return dir .. "/" .. name end

-- Makes a file of the network and a file of a face.
local function make()
  local faces <const> = data.faces{n = 10, size = o.side, seed = 1}.train
  local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{points = 5}, pose = mtl.classes{5},
    gender = mtl.classes{2}, smile = mtl.classes{2}, glasses = mtl.classes{2}}
  local net <const> = braid.model("tcdcn", {tasks = tasks}):eval()
  net.card = {preprocessing = data.loader(faces, {size = 40, enlarge = true}):recipe()}
  braid.save(path "net.safetensors", net)
  local face <const> = faces[1].image:permute(2, 3, 1)
  core.image_write(path "face.png", face:expand(o.side, o.side, 3):contiguous():clone())
  local exports <const>, export <const> = pcall(function() return braid.export end)
  if not o.onnx and exports and o.python then
    export(net, path "net.onnx", {input = {1, 40, 40}})
    o.onnx = path "net.onnx"
  end
end

local function start(program, ...)
  local found <const> = program:find("/", 1, true) and program
    or io.popen("command -v " .. program):read("l")
  local environment <const> = {"OMP_NUM_THREADS=" .. o.threads}
  return assert(core.spawn(found, {program, ...}, environment, path "log"))
end

local function is_up(port)
  return os.execute(("exec 2>/dev/null; bash -c ': </dev/tcp/127.0.0.1/%d'"):format(port)) == true
end

-- The processor time in seconds that a process has used. If other programs use the machine, it
-- tells more than the elapsed time.
local function processor_seconds(id)
  local file <close> = assert(io.open(("/proc/%d/stat"):format(id)))
  local user <const>, system <const> = file:read("a"):match("^.*%) " .. ("%S+ "):rep(11)
    .. "(%d+) (%d+)")
  return (tonumber(user) + tonumber(system)) / 100
end

-- Starts a server, loads it, and prints a row.
local function measure(name, port, program, ...)
  local process <close> = start(program, ...)
  for _ = 1, 300 do
    if is_up(port) then break end
    core.pause(0.1)
  end
  local call <const> = ("%s 127.0.0.1 %d /predict image/png %s %d %%g"):format(o.client, port,
    path "face.png", o.connections)
  io.popen(call:format(1)):read("a") -- warm up
  local before <const> = processor_seconds(process:id())
  local line <const> = io.popen(call:format(o.seconds)):read("l")
  local used <const> = processor_seconds(process:id()) - before
  local n <const>, errors <const>, rate <const>, p50 <const>, p90 <const>, p99 <const>,
    most <const> = line:match(("(%S+) "):rep(6) .. "(%S+)")
  print(("%-12s %8s answers %4s errors %7s/s   p50 %s  p90 %s  p99 %s  most %s ms   %.2f ms of a "
    .. "processor each"):format(name, n, errors, rate, p50, p90, p99, most,
    used / math.max(1, tonumber(n)) * 1e3))
  process:signal(15)
  for _ = 1, 100 do
    if process:ended() then break end
    core.pause(0.05)
  end
end

make()
for _ = 1, o.rounds do
  measure("braid", 18080, arg[-1] or "build/braid", "serve", path "net.safetensors", "--port",
    "18080", "--batch", tostring(o.batch))
  if o.python and o.onnx then
    measure("onnxruntime", 18081, o.python, "spec/bench/serve_peer.py", o.onnx, "18081", "40")
  end
end
os.execute("rm -r " .. dir)
