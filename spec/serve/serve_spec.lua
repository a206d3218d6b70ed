--- braid serve: a network's predictions over HTTP, whatever the clients do.

local braid <const> = require "braid"
local command <const> = require "spec.support.command"
local core <const> = require "braid.core"
local json <const> = require "braid.io.json"
local machine <const> = require "braid.cli.given.machine"
local serving <const> = require "spec.support.serving"
local shell <const> = require "spec.support.shell"
local data <const>, mtl <const> = braid.data, braid.mtl

local ATTACKS <const> = "spec/support/serve_attacks.py"
local missing <const> = serving.missing()
local has_curl <const> = shell.run("command -v curl").status == 0
local has_python <const> = shell.run("python3 --version").status == 0

local dir, net, paths, server

local function write_picture(name, image)
  local path <const> = dir .. "/" .. name
  local h <const>, w <const> = image:size(2), image:size(3)
  assert(core.image_write(path, image:permute(2, 3, 1):expand(h, w, 3):contiguous():clone()))
  return path
end

setup(function()
  dir = shell.run("mktemp -d").out:match("^[^\n]+")
  local faces <const> = data.faces{n = 20, size = 64, seed = 4}
  local set <const> = faces.train
  local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{of = set}, age = mtl.real{1},
    pose = mtl.classes{5, names = set.classes.pose}, both = mtl.attributes{"gender", "glasses"}}
  braid.manual_seed(1)
  net = braid.model("tcdcn", {tasks = tasks})
  net.card = {text = "a network for specs",
    preprocessing = data.loader(set, {size = 40}):recipe()}
  braid.save(dir .. "/net.safetensors", net)
  paths = {}
  for i, cut in ipairs{{64, 64}, {64, 40}, {40, 64}} do
    paths[i] = write_picture(("face%d.png"):format(i),
      set[i].image[{ {}, {1, cut[1]}, {1, cut[2]} }])
  end
  shell.write(dir .. "/token", "a-secret\n")
  if not missing then server = serving.start(dir, dir .. "/net.safetensors") end
end)

teardown(function()
  if server then server:stop() end
  shell.run("rm -rf " .. shell.quote(dir))
end)

local function it_serves(title, f)
  it(title, function()
    if missing then return pending("this Braid has no libmicrohttpd") end
    if not has_curl then return pending("there is no curl") end
    f()
  end)
end

-- Runs an attack on a server. Returns what it prints.
local function attack(name, at, picture, ...)
  local call <const> = {"python3", ATTACKS, name, "127.0.0.1", at.port, picture, ...}
  local result <const> = shell.run(table.concat(call, " "))
  assert.equal(0, result.status, result.err)
  return result.out
end

local function it_stands(title, f)
  it_serves(title, function()
    if not has_python then return pending("there is no python3") end
    f()
  end)
end

-- An answer of net:predict as JSON gives it, without `picture`, which a server's answer lacks.
local function as_json(answer)
  local copy <const> = {}
  for name, value in next, answer do copy[name] = name ~= "picture" and value or nil end
  return json.decode(machine.text(copy))
end

local function posted(path, kind, more)
  return server:get("/predict", ("--data-binary @%s -H 'Content-Type: %s' %s"):format(path, kind,
    more or ""))
end

local function wrong(status, why, result)
  assert.equal(status, result.status)
  assert.matches(why, json.decode(result.body).error, 1, true)
  assert.equal("application/json", result.headers["Content-Type"])
end

describe("braid serve", function()
  it("says how to get libmicrohttpd where it is missing", function()
    if not missing then return end
    assert.matches("libmicrohttpd", missing)
    local result <const> = command.run("serve " .. dir .. "/net.safetensors --port 0")
    assert.equal(1, result.status)
    assert.matches("^braid: serve: .*apt%-get install libmicrohttpd", result.err)
  end)

  it_serves("answers a picture as net:predict does, to the bit", function()
    for _, path in ipairs(paths) do
      local result <const> = posted(path, "image/png")
      assert.equal(200, result.status)
      assert.same(as_json(net:predict(path)), json.decode(result.body))
      assert.same(result.body, posted(path, "application/octet-stream").body)
    end
  end)

  it_serves("answers a form with several pictures", function()
    local result <const> = server:get("/predict", ("-F a=@%s -F note=x -F b=@%s"):format(paths[2],
      paths[3]))
    assert.equal(200, result.status)
    local list <const> = json.decode(result.body).answers
    assert.equal(2, #list)
    for i, answer in ipairs(list) do
      local own <const> = as_json(net:predict(paths[i + 1]))
      own.file = ("face%d.png"):format(i + 1)
      assert.same(own, answer)
    end
    wrong(400, "'token': the picture: ", server:get("/predict", ("-F a=@%s -F b=@%s/token"):format(
      paths[2], dir)))
  end)

  it_serves("answers pictures that are given as numbers in JSON", function()
    local image <const> = core.image_read(paths[2], 1)
    local function asked(value)
      shell.write(dir .. "/numbers.json", json.encode{inputs = value})
      return posted(dir .. "/numbers.json", "application/json")
    end
    local own <const> = as_json(net:predict(image))
    assert.same(own, json.decode(asked(image:totable()).body))
    assert.same(own, json.decode(asked(image[1]:totable()).body))
    assert.same({own, own},
      json.decode(asked({image:totable(), image:totable()}).body).answers)
    wrong(400, "from 0 to 255", asked({{1, 256}}))
    wrong(400, "same length", asked({{1, 2}, {3}}))
    for _, value in ipairs{1, "/etc/passwd", {"/etc/passwd"}, {}, {{}}, {x = 1}, json.null} do
      assert.equal(400, asked(value).status)
    end
    for _, text in ipairs{"", "x", "{", "[]", "{}", "null", ("["):rep(200)} do
      shell.write(dir .. "/numbers.json", text)
      local status <const> = posted(dir .. "/numbers.json", "application/json").status
      assert.is_true(status == 400 or status == 413, text)
    end
  end)

  it_serves("has a page, the network's card, its health and its metrics", function()
    local page <const> = server:get("/")
    assert.equal("text/html; charset=utf-8", page.headers["Content-Type"])
    assert.equal(shell.read("lua/braid/serve/page.html"), page.body)
    assert.is_nil(page.body:match("https?://"))
    local card <const> = json.decode(server:get("/card").body)
    assert.equal("a network for specs", card.card.text)
    assert.equal(net:count_parameters(), card.parameters)
    assert.equal("ok", json.decode(server:get("/health").body).status)
    local before <const> = server:metric('braid_requests_total{code="200"}')
    posted(paths[1], "image/png")
    assert.equal(before + 2, server:metric('braid_requests_total{code="200"}'))
    assert.equal(0, server:metric("braid_queue_length"))
    assert.equal(server:metric("braid_request_seconds_count"),
      server:metric('braid_request_seconds_bucket{le="+Inf"}'))
    assert.is_true(server:metric("braid_batch_requests_count") > 0)
    assert.is_true(server:metric("braid_resident_bytes") > 1e6)
    assert.equal(server:get("/health").headers["Content-Length"],
      server:get("/health", "--head").headers["Content-Length"])
  end)

  it_serves("refuses wrong requests with a status and a reason", function()
    shell.write(dir .. "/garbage", ("garbage"):rep(99))
    shell.write(dir .. "/cut.png", shell.read(paths[1]):sub(1, 600))
    shell.write(dir .. "/empty", "")
    shell.write(dir .. "/large", ("x"):rep((16 << 20) + 1))
    local wide <const> = core.new({1, 6000, 6000}, "uint8")
    wrong(400, "not a PNG or JPEG", posted(dir .. "/garbage", "image/png"))
    wrong(400, "the picture: ", posted(dir .. "/cut.png", "image/png"))
    wrong(400, "the body is empty", posted(dir .. "/empty", "image/png"))
    wrong(400, "boundary", posted(paths[1], "multipart/form-data"))
    wrong(400, "boundary", posted(paths[1], "multipart/form-data; boundary=x"))
    wrong(413, "larger than 16777216 bytes", posted(dir .. "/large", "image/png"))
    wrong(413, "larger than 16777216 bytes", posted(dir .. "/large", "image/png",
      "-H 'Transfer-Encoding: chunked' -H Expect:"))
    wrong(413, "the limit of pixels is 32000000", posted(write_picture("wide.png", wide),
      "image/png"))
    wrong(415, "image/png", posted(paths[1], "text/plain"))
    wrong(404, "no such page", server:get("/predict/x"))
    local result <const> = server:get("/predict")
    wrong(405, "wants POST", result)
    assert.equal("POST", result.headers.Allow)
    wrong(405, "wants GET", server:get("/", "-X DELETE"))
    assert.equal("GET, HEAD", server:get("/card", "-d x").headers.Allow)
  end)

  it_serves("wants its token for everything except its page and its health", function()
    local own <const> = serving.start(dir, ("%s/net.safetensors --token %s/token"):format(dir, dir))
    local post <const> = "--data-binary @" .. paths[1] .. " -H 'Content-Type: image/png' "
    for _, given in ipairs{"", "-H 'Authorization: Bearer a-secre'",
      "-H 'Authorization: Bearer a-secret-'", "-H 'Authorization: Basic a-secret'",
      "-H 'Authorization: Bearer '", "-H 'Authorization: Bearer a-secreT'"} do
      local result <const> = own:get("/predict", post .. given)
      wrong(401, "Authorization: Bearer", result)
      assert.equal("Bearer", result.headers["WWW-Authenticate"])
      assert.equal(401, own:get("/card", given).status)
      assert.equal(401, own:get("/metrics", given).status)
    end
    local right <const> = "-H 'Authorization: Bearer a-secret'"
    assert.equal(200, own:get("/predict", post .. right).status)
    assert.equal(200, own:get("/card", right).status)
    assert.equal(200, own:get("/").status)
    assert.equal(200, own:get("/health").status)
    assert.equal(0, (own:stop()))
  end)

  it_serves("ends with a message where it cannot begin to listen", function()
    local function says(arguments, ...)
      local result <const> = command.run("serve " .. dir .. "/net.safetensors " .. arguments)
      assert.equal(1, result.status)
      assert.matches("^braid: serve: [^\n]+\n$", result.err)
      assert.matches(..., result.err, 1, true)
    end
    says("--port " .. server.port, "Address already in use")
    says("--host no.such.host.invalid", "is not an address of this machine")
    says("--token " .. dir .. "/none", "cannot read")
    says("--token " .. dir .. "/empty-token", "cannot read")
    shell.write(dir .. "/two", "two words")
    says("--token " .. dir .. "/two", "must hold one word")
  end)

  it_stands("gives many clients at once what it gives one, with --batch 1 to the bit", function()
    assert.matches("320 the same", attack("same", server, paths[2], 20))
    assert.is_true(server:metric("braid_batch_requests_count")
      < server:metric("braid_batch_requests_sum"))
    local own <const> = serving.start(dir, dir .. "/net.safetensors --batch 1")
    assert.matches("112 the same", attack("same", own, paths[2], 7))
    assert.equal(own:metric("braid_batch_requests_count"), own:metric("braid_batch_requests_sum"))
    assert.equal(0, (own:stop()))
  end)

  it_stands("answers 408 to clients that never end their request, and serves others", function()
    local own <const> = serving.start(dir, dir .. "/net.safetensors --seconds 1")
    local out <const> = attack("slow", own, paths[1], 100)
    local count = 0
    for seconds in out:gmatch("408 after ([%d.]+) s") do
      count = count + 1
      assert.is_true(tonumber(seconds) > 0.7 and tonumber(seconds) < 10)
    end
    assert.equal(3, count)
    assert.matches("closed", attack("idle", own, paths[1]))
    assert.equal(0, (own:stop()))
  end)

  it_stands("refuses requests while its queue is full", function()
    local own <const> = serving.start(dir, dir .. "/net.safetensors --queue 1 --batch 1")
    local large <const> = write_picture("large.png", core.new({1, 1500, 1500}, "uint8"))
    local out <const> = attack("busy", own, large, 30)
    local answered <const>, refused <const> = out:match("(%d+) answered, (%d+) refused")
    assert.is_true(tonumber(answered) >= 1 and tonumber(refused) >= 1, out)
    assert.equal(0, (own:stop()))
  end)

  it_stands("goes on after halves of requests and mutated requests, in the same memory", function()
    local own <const> = serving.start(dir, dir .. "/net.safetensors --seconds 0.5")
    attack("halves", own, paths[1], 300)
    attack("mutants", own, paths[1], 1600)
    assert.equal(0, (own:stop()))
  end)

  it_stands("answers requests that have begun when a signal comes, and ends with 0", function()
    for _, signal in ipairs{15, 2} do
      local own <const> = serving.start(dir, dir .. "/net.safetensors")
      local fifo <const>, out <const> = dir .. "/fifo", dir .. "/drained"
      shell.run(("rm -f %s; mkfifo %s; : >%s"):format(fifo, fifo, out))
      os.execute(("python3 %s drained 127.0.0.1 %s %s <%s >%s 2>&1 &"):format(ATTACKS, own.port,
        paths[1], fifo, out))
      local go <close> = assert(io.open(fifo, "w"))
      for _ = 1, 200 do
        if shell.read(out):find("sending", 1, true) then break end
        core.pause(0.05)
      end
      own.process:signal(signal)
      go:write("\n")
      go:flush()
      local code
      for _ = 1, 400 do
        code = own.process:ended()
        if code then break end
        core.pause(0.05)
      end
      assert.equal(0, code)
      core.pause(0.2)
      assert.matches("answered", shell.read(out))
      os.remove(own.output)
    end
  end)
end)
