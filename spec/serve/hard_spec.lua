--- braid serve where memory is short, where requests are unusual, and where it ends while it has
-- many requests.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local json <const> = require "braid.io.json"
local machine <const> = require "braid.cli.given.machine"
local Predicting <const> = require "braid.serve.predicting"
local serving <const> = require "spec.support.serving"
local shell <const> = require "spec.support.shell"
local data <const>, mtl <const> = braid.data, braid.mtl

local ATTACKS <const> = "spec/support/serve_attacks.py"
local missing <const> = serving.missing()
local has_python <const> = shell.run("python3 --version").status == 0
local KIB_OF_ADDRESSES <const> = 600000 -- enough for a server, but not for 200 MB three times

local dir, png, set

local function network(extra)
  local tasks <const> = {landmarks = mtl.landmarks{of = set}}
  for name, task in pairs(extra or {}) do tasks[name] = task end
  local net <const> = braid.model("tcdcn", {tasks = mtl.tasks(tasks)})
  net.card = {preprocessing = data.loader(set, {size = 40}):recipe()}
  return net
end

setup(function()
  dir = shell.run("mktemp -d").out:match("^[^\n]+")
  set = data.faces{n = 20, size = 64, seed = 4}.train
  assert(core.image_write(dir .. "/a.png", set[1].image:permute(2, 3, 1):expand(64, 64, 3)
    :contiguous():clone()))
  png = shell.read(dir .. "/a.png")
  braid.save(dir .. "/net.safetensors", network())
end)

teardown(function() shell.run("rm -rf " .. shell.quote(dir)) end)

local function it_stands(title, f)
  it(title, function()
    if missing then return pending("this Braid has no libmicrohttpd") end
    if not has_python then return pending("there is no python3") end
    f()
  end)
end

local function attack(name, port, number)
  return shell.run(("python3 %s %s 127.0.0.1 %d %s/a.png %d"):format(ATTACKS, name, port, dir,
    number))
end

-- The answers to requests {type, body}: {{status =, body =}, ...}.
local function answered(predicting, requests)
  local asked <const>, got <const> = {}, {}
  for i, r in ipairs(requests) do asked[i] = {id = i, type = r[1], body = r[2]} end
  predicting:answer(asked, function(id, status, body)
    got[id] = {status = status, body = json.decode(body)}
  end)
  return got
end

describe("a batch of requests", function()
  it("has an answer for each request, whichever allocation fails", function()
    local predicting <const> = Predicting(network(), {batch = 32, text = machine.text})
    local short = 0
    for n = 0, 300, 3 do
      collectgarbage()
      core.fail_after(n)
      local ok <const>, got <const> = pcall(answered, predicting, {{"image/png", png},
        {"text/plain", "x"}, {"image/png", "garbage"}})
      core.fail_after(-1)
      assert.is_true(ok, tostring(got))
      assert.equal(3, #got)
      assert.equal(415, got[2].status)
      for _, i in ipairs{1, 3} do
        assert.is_true(got[i].status == 503 or got[i].status == (i == 1 and 200 or 400))
      end
      short = short + (got[1].status == 503 and 1 or 0)
    end
    assert.is_true(short > 5)
  end)

  it("has answers of a task that is called error", function()
    local predicting <const> = Predicting(network{error = mtl.real{1}},
      {batch = 32, text = machine.text})
    for _, r in ipairs(answered(predicting, {{"image/png", png}, {"image/png", png}})) do
      assert.equal(200, r.status)
      assert.equal(1, #r.body.error.values)
    end
  end)
end)

describe("a request about rows of a table", function()
  local predicting, predicted
  setup(function()
    local rows <const> = {}
    for i = 1, 20 do rows[i] = {age = i, sex = i % 2 == 0 and "f" or "m", bp = 3 * i} end
    local train <const> = data.table(rows, {reals = {"bp"}}).train
    local net <const> = braid.nn.Sequential{braid.nn.Linear(3, 1)}
    local whole <const> = mtl.network{tasks = mtl.tasks{bp = mtl.real{}}, columns = "shared",
      blocks = braid.nn.backbone({ {"fc", function() return net end} }, {channels = 3})}
    whole.card = {preprocessing = data.loader(train, {}):recipe()}
    predicting = Predicting(whole, {batch = 8, text = machine.text})
    predicted = function(row) return whole:predict(row).bp.values end
  end)

  -- The answer to a body, whose type is JSON unless given.
  local function asked(body, kind)
    return answered(predicting, {{kind or "application/json", body}})[1]
  end

  it("has null for a missing value, alone and in a list", function()
    local wanted <const> = predicted{age = "", sex = "f"}
    local got = asked('{"inputs": {"age": null, "sex": "f"}}')
    assert.equal(200, got.status, got.body.error)
    assert.same(wanted, got.body.bp.values)
    got = asked('{"inputs": [{"age": null, "sex": "f"}, {"age": null, "sex": "f"}]}')
    assert.same(wanted, got.body.answers[2].bp.values)
  end)

  it("says whether an unknown word is missing", function()
    local got = asked('{"inputs": {"age": 3, "sex": "x"}}')
    assert.equal(400, got.status)
    assert.matches('unknown = "missing"', got.body.error)
    got = asked('{"inputs": {"age": 3, "sex": "x"}, "unknown": "missing"}')
    assert.same(predicted{age = 3, sex = ""}, got.body.bp.values)
    assert.matches('unknown is "missing" or "error"',
      asked('{"inputs": {"age": 3, "sex": "x"}, "unknown": 1}').body.error)
    assert.matches("there is no field 'unknwon'",
      asked('{"inputs": {"age": 3, "sex": "f"}, "unknwon": "missing"}').body.error)
  end)

  it("is told its Content-Type if that is not JSON", function()
    local got <const> = asked('{"inputs": {"age": 3, "sex": "f"}}',
      "application/x-www-form-urlencoded")
    assert.equal(415, got.status)
    assert.matches("Content-Type: application/json, not application/x-www-form-urlencoded",
      got.body.error, 1, true)
  end)
end)

describe("braid serve", function()
  it_stands("answers 503, and goes on, where there is no memory for a request", function()
    if shell.sanitized then return pending("sanitizers need more address space than that") end
    local own <const> = serving.start(dir, dir .. "/net.safetensors --body 256", KIB_OF_ADDRESSES)
    local result <const> = attack("large", own.port, 200)
    assert.equal("503\n", result.out, result.err)
    assert.equal(0, result.status, result.err)
    assert.equal(0, (own:stop()))
  end)

  it_stands("gives a request its full time on a connection that was idle before", function()
    local own <const> = serving.start(dir, dir .. "/net.safetensors --seconds 1.5")
    local result <const> = attack("rested", own.port, 13)
    assert.equal(0, result.status, result.err)
    assert.equal(0, (own:stop()))
  end)

  it_stands("ends in the middle of requests, without waiting for them", function()
    for _ = 1, 3 do
      local http <const> = assert(core.http{host = "127.0.0.1", port = 0, work = "/predict",
        body = 1 << 20, connections = 300, queue = 10000, seconds = 10})
      assert(http:begin())
      local clients <close> = io.popen(("python3 %s flood 127.0.0.1 %d %s/a.png 200"):format(
        ATTACKS, http:port(), dir))
      assert.equal("begun", clients:read("l"))
      local count = 0
      for _ = 1, 40 do
        for _, r in ipairs(http:take(100, 0.01, 0)) do
          count = count + 1
          http:give(r.id, 200, "text/plain", "ok")
        end
      end
      http:close()
      assert.is_true(count > 0)
    end
  end)
end)
