--- The parts of a run that a user's own loop may use: a log in a directory, its history, early
-- stopping, the best network.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local notice <const> = require "braid.notice"
local shell <const> = require "spec.support.shell"
local mtl <const>, train <const> = braid.mtl, braid.train

local folder
before_each(function() folder = shell.run("mktemp -d").out:match("[^\n]+") end)
after_each(function() shell.run("rm -rf " .. folder) end)

local function epoch(e, more)
  local event <const> = {epoch = e, step = 10 * e, lr = 1e-3, train = {loss = {total = 1 / e}},
    val = {pose = {accuracy = 0.5 + e / 10, errors = {}}, loss = {pose = 0 / 0}}}
  for i = 1, 100 do event.val.pose.errors[i] = i end
  for key, value in pairs(more or {}) do event[key] = value end
  return event
end

local function refused(wrong, f, ...)
  local ok <const>, why <const> = pcall(f, ...)
  assert.is_false(ok)
  assert.matches(wrong, why)
  return why
end

describe("a log", function()
  it("writes a line for each event and a row for each epoch; history.read reads them", function()
    local log <const> = train.log(folder .. "/a/run")
    for e = 1, 3 do
      log:step{step = 10 * e, epoch = e, loss = {total = braid.tensor(1 / e, {dtype = "float64"})}}
      log:epoch(epoch(e, {seconds = 2.5}))
    end
    log:event{event = "best", epoch = 3, metric = "pose.accuracy", value = 0.8}
    log:event{event = "stop", epoch = 3, reason = "epochs"}
    local own <const> = tostring(log.history)
    log:close()
    local read <const> = train.history.read(folder .. "/a/run")
    assert.equal(3, #read)
    assert.equal(0.8, read[3].val.pose.accuracy)
    assert.is_nil(read[3].val.loss.pose)
    assert.is_nil(read[3].val.pose.errors)
    assert.equal(2.5, read[2].seconds)
    assert.equal(8, #read.events)
    assert.same({ {1, 2, 3}, {1, 1 / 2, 1 / 3} }, {read:curve("train.loss.total")})
    assert.same({ {10, 20, 30}, {1, 1 / 2, 1 / 3} }, {read:curve("loss.total")})
    assert.equal(3, read:best().epoch)
    assert.equal(own, tostring(read))
    assert.matches("\n    3 .* 0%.8000  0%.001 .* best\nbest pose%.accuracy 0%.8, epoch 3\n", own)
    local csv <const> = braid.load(folder .. "/a/run/metrics.csv")
    assert.same({3, 5}, csv.data.shape)
    assert.equal(1 / 3, csv.data[3][4]:item())
    assert.is_nil(shell.read(folder .. "/a/run/metrics.jsonl"):find("seconds"))
    refused("there is no curve 'val.pose.acuracy'; did you mean val.pose.accuracy", function()
      read:curve("val.pose.acuracy")
    end)
  end)

  it("writes a table with the columns of all epochs", function()
    local log <const> = train.log(folder)
    log:epoch(epoch(1))
    log:epoch{epoch = 2, step = 20, val = {pose = {["f1,macro"] = 0.5}}}
    log:epoch(epoch(3))
    log:close()
    local csv <const> = braid.load(folder .. "/metrics.csv", {header = true})
    assert.same({"epoch", "lr", "step", "train.loss.total", "val.pose.accuracy",
      "val.pose.f1,macro"}, csv.header)
    assert.same({3, 6}, csv.data.shape)
    assert.equal(0.5, csv.data[2][6]:item())
    assert.is_true(csv.data[2][2]:ne(csv.data[2][2]):item()) -- a missing value
    assert.equal(0.8, csv.data[3][5]:item())
  end)

  it("has its position in a checkpoint; resuming removes every line after that", function()
    local path <const> = folder .. "/c.safetensors"
    local log <const> = train.log(folder .. "/run")
    log:epoch(epoch(1))
    braid.checkpoint(path, {log = log})
    log:epoch(epoch(2))
    log:close()
    local again <const> = train.log(folder .. "/run")
    assert.equal(2, #again.history)
    braid.resume(path, {log = again})
    assert.equal(1, #again.history)
    again:epoch(epoch(2, {lr = 0.5}))
    again:close()
    assert.equal(0.5, train.history.read(folder .. "/run")[2].lr)
    assert.equal(3, select(2, shell.read(folder .. "/run/metrics.csv"):gsub("\n", "\n")))
  end)

  it("continues after a last line that was cut off, but refuses damaged lines before it", function()
    local log <const> = train.log(folder)
    log:epoch(epoch(1))
    log:close()
    local text <const> = shell.read(folder .. "/metrics.jsonl")
    shell.write(folder .. "/metrics.jsonl", text .. '{"event":"epo')
    assert.is_true(train.history.read(folder).torn)
    local again <const> = train.log(folder)
    again:epoch(epoch(2))
    again:close()
    assert.equal(2, #train.history.read(folder))
    shell.write(folder .. "/metrics.jsonl", text .. "what\n" .. text)
    refused("metrics.jsonl: line 2 is not an event of a run", train.history.read, folder)
    refused("metrics.jsonl: line 2 is not an event of a run", function() train.log(folder) end)
  end)

  it("can be open in only one process, and is free again when that ends", function()
    local log <const> = train.log(folder)
    refused("is in use: another process", function() train.log(folder) end)
    log:close()
    train.log(folder, {fresh = true}):close()
    local script <const> = folder .. "/hold.lua"
    shell.write(script, ([[
      local log = require("braid").train.log(%q)
      log:event{event = "note"}
      local f = io.open(%q, "w") f:write("held") f:close()
      os.execute("kill -9 $PPID")]]):format(folder, folder .. "/held"))
    shell.run(shell.braid .. " " .. script)
    assert.equal("held", shell.read(folder .. "/held"))
    local again <const> = train.log(folder)
    assert.equal(1, #again.history.events)
    again:close()
    refused("has the log of a run already", function() train.log(folder, {fresh = true}) end)
  end)

  it("keeps lines in memory while the disk is full, and writes them later", function()
    local said <const>, write <const> = {}, notice.write
    notice.write = function(text) said[#said + 1] = text end
    local log <const> = train.log(folder)
    log:event{event = "note", n = 1}
    local journal <const>, full = log.journal, true
    log.journal = setmetatable({}, {__index = function(_, key)
      return function(_, ...)
        if key == "put" and full then return nil, "cannot write x: No space left on device" end
        return journal[key](journal, ...)
      end
    end})
    log:event{event = "note", n = 2}
    log:event{event = "note", n = 3}
    assert.equal(1, #said)
    assert.matches("No space left on device; training continues", said[1])
    refused("lacks the last events", braid.checkpoint, folder .. "/c.safetensors", {log = log})
    full = false
    log:event{event = "note", n = 4}
    local text <const> = shell.read(folder .. "/metrics.jsonl")
    notice.write = write
    log:close()
    assert.equal('{"event":"note","n":1}\n{"event":"note","n":2}\n{"event":"note","n":3}\n'
      .. '{"event":"note","n":4}\n', text)
  end)

  it("leaves the file unchanged if there is no room for the whole line", function()
    local script <const> = folder .. "/full.lua"
    shell.write(script, ([[
      local j = require("braid.core").journal(%q)
      local n = 0
      while j:put(("x"):rep(99) .. "\n") do n = n + 1 end
      print(n, j:size(), j:put("y\n"))]]):format(folder .. "/j"))
    local result <const> = shell.run(("ulimit -f 1; %s %s"):format(shell.braid, script))
    local n <const>, size <const> = result.out:match("(%d+)\t(%d+)")
    assert.equal(100 * tonumber(n), tonumber(size))
    assert.matches("\ttrue\n$", result.out) -- a shorter line that fits is still appended
    assert.equal(tonumber(size) + 2, #shell.read(folder .. "/j"))
  end)

  it("refuses paths that cannot be a run's directory", function()
    shell.write(folder .. "/file", "x")
    refused("log_spec%.lua:%d+: train%.log: dir: .*/file is a file, not a directory", function()
      train.log(folder .. "/file")
    end)
    refused("train%.log: dir: cannot make .*file/: File exists", function()
      train.log(folder .. "/file/x")
    end)
    refused("train.history.read: .* is not the directory of a run", train.history.read, folder)
    local log <const> = train.log(folder)
    refused("event must be a table with the event's name", function() log:event{epoch = 3} end)
    refused("event must be a table with the event's name", function() log:event(3) end)
    log:close()
  end)
end)

describe("patience", function()
  it("ends after the given number of epochs without a better value", function()
    for direction, sign in pairs{min = 1, max = -1} do
      local patience <const> = train.patience(2, {direction = direction})
      local ends <const> = {}
      for i, v in ipairs{5, 4, 6, 3, 3, 0 / 0, 2} do ends[i] = patience:step(sign * v) end
      assert.same({false, false, false, false, false, true, false}, ends)
      assert.same({2 * sign, 7, 0}, {patience.best, patience.at, patience.bad})
    end
    local patience <const> = train.patience(1, {margin = 0.5})
    assert.is_false(patience:step(3))
    assert.is_true(patience:step(2.6))
    assert.is_false(patience:step(2.4))
  end)
end)

describe("the best network", function()
  it("is saved with its definition if it has one, otherwise only its values", function()
    local tasks <const> = mtl.tasks{pose = mtl.classes{5}}
    local net <const> = braid.model("models/tcdcn.lua", {tasks = tasks})
    local path <const> = folder .. "/best.safetensors"
    local ema <const> = braid.optim.EMA(net, {decay = 0.5})
    local best <const> = train.best(path, net, {direction = "max", ema = ema})
    assert.is_true(best:step(0.5))
    braid.no_grad(function() net:parameters()[1]:fill_(7) end)
    assert.is_false(best:step(0.5))
    assert.is_false(best:step(0 / 0))
    local name <const> = net:named_parameters()()
    local kept <const> = braid.open(path):state_dict()[name]
    assert.equal(core.bytes(ema.averages[1]), core.bytes(kept))
    assert.is_true(best:step(0.6))
    assert.same({0.6, 4}, {best.value, best.at})
    local layer <const> = braid.nn.Linear(2, 2)
    assert.is_true(train.best(path, layer):step(1))
    assert.same({2, 2}, braid.load(path).weight.shape)
  end)
end)
