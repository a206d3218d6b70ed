--- train.test measures the best network once. train.find_lr suggests a learning rate, and does not
-- change the network.

local braid <const> = require "braid"
local notices <const> = require "spec.support.notices"
local shell <const> = require "spec.support.shell"
local data <const>, train <const> = braid.data, braid.train

local folder, said
before_each(function() folder, said = notices.begin() end)
after_each(notices.finish)
local fits <const> = require "spec.support.fits"

local faces <const>, tasks_of <const>, network <const> = fits.faces, fits.tasks_of, fits.network
local bytes_of <const>, fit <const> = fits.bytes_of, fits.fit

describe("train.test", function()
  local function run()
    local tasks <const> = tasks_of()
    local net <const> = braid.model("models/tcdcn.lua", {tasks = tasks, norm = true})
    local set <const> = data.faces{n = 80, seed = 2}
    train.fit{net = net, tasks = tasks, train = set.train, val = set.val, epochs = 2, batch = 16,
      loader = {size = 40, augment = {flip = 0.5}}, dir = folder, progress = false,
      best = "landmarks.error"}
    return set, tasks
  end

  it("measures the best network once, and returns the same report at a second call", function()
    local set <const>, tasks <const> = run()
    local first <const> = train.test(folder, set.test)
    local best <const> = braid.open(folder .. "/best.safetensors")
    local wanted <const> = tasks:evaluate(best, data.loader(set.test, {size = 40, batch = 256}))
    assert.equal(wanted.landmarks.error, first.landmarks.error)
    assert.equal(tostring(wanted), tostring(first))
    assert.same({}, said)
    local again <const> = train.test(folder, set.train)
    assert.equal(first.landmarks.error, again.landmarks.error)
    assert.equal(tostring(first), tostring(again))
    assert.matches("train.test: this run was already tested at .*, on 10 samples", said[1])
    local event <const> = train.history.read(folder):last("test")
    assert.equal(first.glasses.accuracy, event.metrics.glasses.accuracy)
  end)

  it("refuses other directories, runs in use, and files of values without a definition", function()
    local set <const> = faces.test
    local function wrong(words, ...)
      local ok <const>, why <const> = pcall(train.test, ...)
      assert.is_false(ok)
      assert.matches("train.test: .*" .. words, why)
    end
    wrong("is not the directory of a run", folder, set)
    local _, net <const>, tasks <const> = fit{dir = folder, epochs = 1}
    wrong("holds only values, because no definition made the network", folder, set)
    local log <const> = train.log(folder)
    wrong("is in use", folder, set, {net = net})
    log:close()
    wrong("set must be a data set", folder, {train = 3})
    local report <const> = train.test(folder, set, {net = net, tasks = tasks})
    assert.is_number(report.landmarks.error)
  end)
end)

describe("train.find_lr", function()
  it("suggests a rate between the given ones, and changes neither net nor random state", function()
    local tasks <const> = tasks_of()
    local net <const> = network(tasks, 1, 0.2)
    local before <const>, stream <const> = bytes_of(net), braid.random_state():state_dict()
    net:eval()
    local found <const> = train.find_lr(net, {tasks = tasks, train = faces.train, batch = 16,
      low = 1e-6, high = 10, seed = 1})
    assert.is_true(before == bytes_of(net))
    assert.is_false(net.training)
    assert.same(stream, braid.random_state():state_dict())
    assert.is_nil(net:parameters()[1].grad)
    assert.is_true(found.suggestion > 1e-5 and found.suggestion < 1)
    assert.equal(#found.lr, #found.loss)
    assert.is_true(math.abs(found.lr[1] - 1e-6) < 1e-18)
    assert.matches("^about %S+, of rates from 1e%-06 to ", tostring(found))
    found:plot(folder .. "/rates.svg")
    assert.matches("suggested", shell.read(folder .. "/rates.svg"))
    assert.matches("suggested", tostring(found:plot()))
    assert.same(found.raw, train.find_lr(net, {tasks = tasks, train = faces.train, batch = 16,
      low = 1e-6, high = 10, seed = 1}).raw)
    local ok <const>, why <const> = pcall(train.find_lr, net, {train = faces.train, low = 1,
      high = 0.1})
    assert.is_false(ok)
    assert.matches("train.find_lr: low must be below high", why)
  end)
end)
