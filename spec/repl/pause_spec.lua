--- Ctrl-C in train.fit at the prompt: the run pauses, can be inspected and changed, and continues.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local pause <const> = require "braid.repl.pause"
local Session <const> = require "braid.repl.session"
local signals <const> = require "braid.train.fitting.signals"
local data <const>, mtl <const>, nn <const>, train <const> = braid.data, braid.mtl, braid.nn,
  braid.train

local faces <const> = data.faces{n = 96, seed = 1, size = 16}

-- Sends Ctrl-C from outside, because os.execute ignores it.
local function interrupt()
  os.execute(("(sleep 0.05; kill -INT %d) &"):format(core.process_id()))
  local until_when <const> = core.clock() + 5
  repeat until core.caught_signal() or core.clock() > until_when
  assert.equal(2, core.caught_signal())
end

-- A small fit in which f(fit) is called after step 4. -> the weights' bytes, the history, the tasks
local function fitted(f, dir)
  local tasks <const> = mtl.tasks{glasses = mtl.classes{2}}
  braid.manual_seed(1)
  local net <const> = mtl.network{tasks = tasks, columns = "shared",
    blocks = nn.backbone({{"one", function(c)
      return nn.Sequential{nn.Conv2d(c, 4, {kernel = 3, stride = 2}), nn.ReLU(), nn.Dropout(0.3)}
    end}}, {channels = 1}), heads = function(task, c)
      return nn.Sequential{nn.GlobalAvgPool(), nn.Linear(c, task.size)}
    end}
  local history <const> = train.fit{net = net, tasks = tasks, train = faces.train, val = faces.val,
    epochs = 3, batch = 16, lr = 1e-2, seed = 3, progress = false, dir = dir,
    on = {step = function(fit) if fit.at.step == 4 then f(fit) end end}}
  local parts <const> = {}
  for name, t in pairs(net:state_dict()) do parts[#parts + 1] = name .. core.bytes(t) end
  table.sort(parts)
  return table.concat(parts), history, tasks
end

describe("a run that is paused", function()
  local session, entries, print_to
  before_each(function()
    session = Session {write = function() end}
    entries, print_to = {}, print
    pause(session, function()
      for _, entry in ipairs(entries) do
        if session.paused == "yes" then assert.is_true(session:run(entry)) end
      end
    end)
    _G.print = function() end
  end)
  after_each(function()
    signals.pause = false
    _G.print = print_to
  end)

  it("ends with the same bits when nothing was changed", function()
    local plain <const> = fitted(function() end)
    entries = {"seen = fit.at.step", "braid.randn(3);", "net(braid.zeros(1, 1, 16, 16));",
      "resume()"}
    local paused <const>, history <const> = fitted(interrupt)
    assert.equal(plain, paused)
    assert.equal(4, session.env.seen)
    assert.is_nil(history.interrupted)
    assert.is_nil(session.env.fit)
  end)

  it("ends with the same bits when it was paused in an epoch's validation", function()
    local plain <const> = fitted(function() end)
    entries = {"resume()"}
    local times = 0
    local paused <const> = fitted(function(fit)
      local batches <const> = fit.val.batches
      fit.val.batches = function(...)
        times = times + 1
        if times == 1 then interrupt() end
        return batches(...)
      end
    end)
    assert.equal(4, times) -- in 3 epochs; in the first one twice
    assert.equal(plain, paused)
  end)

  it("uses a learning rate that was changed", function()
    local plain <const> = fitted(function() end)
    entries = {"for _, group in ipairs(opt.groups) do group.lr = 1e-3 end", "resume()"}
    assert.not_equal(plain, (fitted(interrupt)))
  end)

  it("ends after stop(), and train.fit returns", function()
    entries = {"stop()"}
    local _, history <const> = fitted(interrupt)
    assert.equal("SIGINT", history.interrupted)
    assert.is_nil(core.caught_signal())
  end)

  it("is interrupted by a second Ctrl-C when its step does not end", function()
    local said
    session.complain = function(text) said = text end
    function session.env.endless()
      fitted(function()
        os.execute(("(for i in 1 2; do sleep 0.2; kill -INT %d; done) &"):format(core.process_id()))
        while true do end
      end)
    end
    assert.is_false(session:run("endless()"))
    assert.truthy(said:find("interrupted!", 1, true))
    assert.is_false(session.paused)
    assert.is_nil(core.caught_signal())
    assert.is_true(session:run("1 + 1"))
  end)

  it("goes on after resume() also when Ctrl-C has interrupted an entry in the pause", function()
    local said
    session.complain = function(text) said = text end
    pause(session, function()
      os.execute(("(sleep 0.2; kill -INT %d) &"):format(core.process_id()))
      assert.is_false(session:run("while true do end"))
      session:run("resume()")
    end)
    local _, history <const> = fitted(interrupt)
    assert.truthy(said:find("interrupted!", 1, true))
    assert.is_nil(history.interrupted)
  end)
end)
