--- train.fit: gives the same bits as a loop written by hand. Also what it saves, decides and
-- refuses.

local braid <const> = require "braid"
local notices <const> = require "spec.support.notices"
local shell <const> = require "spec.support.shell"
local data <const>, mtl <const>, nn <const>, optim <const>, train <const> =
  braid.data, braid.mtl, braid.nn, braid.optim, braid.train

local folder, said
before_each(function() folder, said = notices.begin() end)
after_each(notices.finish)
local fits <const> = require "spec.support.fits"

local faces <const>, tasks_of <const>, network <const> = fits.faces, fits.tasks_of, fits.network
local bytes_of <const>, fit <const> = fits.bytes_of, fits.fit

local function refused(wrong, more, net)
  local ok <const>, why <const> = pcall(function() return (fit(more, net)) end)
  assert.is_false(ok, wrong)
  assert.matches("support/fits%.lua:%d+: ", why) -- the line that calls train.fit
  assert.matches(wrong, why)
end

describe("weights that are functions of the epoch", function()
  it("are called once for each epoch, as a task's weight or in the option weights", function()
    local tasks <const> = tasks_of()
    local asked <const> = {}
    tasks.glasses.weight = function(epoch)
      asked[epoch] = true
      return 0.2 * epoch
    end
    local _, net <const> = fit({tasks = tasks})
    assert.same({true, true}, asked)
    local fixed <const> = tasks_of()
    local _, other <const> = fit({tasks = fixed,
      weights = {glasses = function(epoch) return 0.2 * epoch end}})
    assert.equal(bytes_of(other), bytes_of(net))
  end)
end)

describe("train.fit", function()
  it("gives the same weights, losses and metrics as a loop written by hand", function()
    local tasks <const> = tasks_of()
    local net <const> = network(tasks, 1, 0.2)
    braid.manual_seed(3)
    local opt <const> = optim.AdamW(net:parameters(), {lr = 1e-2})
    local steps <const> = math.ceil(#faces.train / 16)
    local schedule <const> = optim.schedule(opt, optim.warmup(steps, {start = 1 / (steps + 1),
      after = optim.cosine(2 * steps)}))
    local ema <const> = optim.EMA(net, {decay = 0.9})
    local reports <const>, losses <const> = {}, {}
    for epoch = 1, 3 do
      net:train()
      local sum = 0.0
      for batch in data.loader(faces.train, {batch = 16, shuffle = true, epoch = epoch, seed = 3,
                                             tasks = tasks}) do
        local _ <close> = braid.scope()
        local loss <const> = tasks:loss(net(batch.image), batch)
        opt:zero_grad()
        loss:backward()
        optim.clip_grad_norm(net:parameters(), 0.5)
        opt:step()
        schedule:step()
        ema:update()
        sum = sum + loss:item()
      end
      local _ <close> = ema:using()
      losses[epoch] = sum / steps
      reports[epoch] = tasks:evaluate(net, data.loader(faces.val, {batch = 256}))
    end
    local own <const> = tasks_of()
    local history <const>, trained <const> = fit({tasks = own, epochs = 3, warmup = 1, ema = 0.9,
      optimizer = {"AdamW", lr = 1e-2}, schedule = "cosine", clip = 0.5},
      network(own, 1, 0.2))
    assert.is_true(bytes_of(net) == bytes_of(trained))
    for epoch = 1, 3 do
      assert.equal(losses[epoch], history[epoch].train.loss.total)
      assert.equal(reports[epoch].landmarks.error, history[epoch].val.landmarks.error)
      assert.equal(reports[epoch].loss.glasses, history[epoch].val.loss.glasses)
    end
  end)

  it("takes data sets, loaders or a function, and every form of optimizer", function()
    local first
    local function same(more, net)
      local _, trained <const> = fit(more, net)
      first = first or bytes_of(trained)
      assert.is_true(first == bytes_of(trained))
    end
    same{}
    same{train = (data.loader(faces.train, {batch = 16, shuffle = true, workers = 1}))}
    same{train = function(epoch)
      return (data.loader(faces.train, {batch = 16, shuffle = true, epoch = epoch, seed = 3}))
    end, val = function() return (data.loader(faces.val, {batch = 7})) end}
    same{optimizer = {"Adam", lr = 1e-2}}
    same{optimizer = optim.Adam, lr = 1e-2}
    local net <const> = network(tasks_of())
    same({optimizer = optim.Adam(net:parameters(), {lr = 1e-2})}, net)
  end)

  it("says at once that files of a network without a definition hold only its values", function()
    local script <const> = [[
      local fits = require "spec.support.fits"
      fits.fit{dir = "%s/run", epochs = 1, progress = %s}]]
    local function printed(progress)
      shell.write(folder .. "/script.lua", script:format(folder, progress))
      local result <const> = shell.run(shell.braid .. " " .. folder .. "/script.lua")
      assert.equal(0, result.status, result.err)
      return result.err:find("no definition made the network", 1, true) ~= nil
    end
    assert.is_true(printed("true"))
    assert.is_false(printed("true")) -- the run goes on
    shell.run("rm -r " .. folder .. "/run")
    assert.is_false(printed("false"))
  end)

  it("writes config, metrics, the last state and the best network", function()
    local history <const>, _, tasks <const> = fit{dir = folder .. "/a/run", epochs = 4,
      best = "landmarks.error", patience = 3, log = 2}
    local config <const> = require("braid.io.json").decode(shell.read(folder
      .. "/a/run/config.json"))
    assert.equal(3, config.seed)
    assert.equal(16, config.options.batch)
    assert.equal("Landmarks", config.tasks.landmarks.kind)
    assert.matches("120 samples", config.data.train)
    local read <const> = train.history.read(folder .. "/a/run")
    assert.equal(4, #read)
    local best <const> = read:best()
    local least = math.huge
    for i = 1, 4 do least = math.min(least, history[i].val.landmarks.error) end
    assert.equal(least, best.value)
    local again <const> = network(tasks, 9)
    again:load_state_dict(braid.load(folder .. "/a/run/best.safetensors"))
    local report <const> = tasks:evaluate(again, data.loader(faces.val, {batch = 256}))
    assert.equal(least, report.landmarks.error)
    assert.is_true(#history:curve("loss.total") == 16)
  end)

  it("continues a run with more epochs, and says which options differ", function()
    fit{dir = folder, epochs = 2}
    local history <const>, net <const> = fit({dir = folder, epochs = 3, batch = 32},
      network(tasks_of(), 5))
    assert.equal(3, #history)
    assert.equal(2 * 8 + 4, history[3].step)
    local words <const> = table.concat(said, "\n")
    assert.matches("resumed, but batch was 16 and is 32", words)
    assert.matches("resumed, but epochs was 2 and is 3", words)
    assert.is_nil(words:find("stages"))
    local before <const> = bytes_of(net)
    local ended <const> = fit({dir = folder, epochs = 3, batch = 32}, net)
    assert.equal(3, #ended)
    assert.is_true(before == bytes_of(net))
  end)

  it("forgets the best value when `best` names another metric", function()
    fit{dir = folder, epochs = 2, best = "landmarks.error", patience = 9}
    local history <const> = fit{dir = folder, epochs = 3, best = "glasses.accuracy", patience = 9}
    assert.equal("glasses.accuracy", history:best().metric)
    assert.equal(3, history:best().epoch)
    assert.matches("best was landmarks.error and is glasses.accuracy; the best value and "
      .. "patience start again", table.concat(said, "\n"))
  end)

  it("warns where a schedule was made for epochs but is used by steps", function()
    fit{epochs = 4, schedule = optim.cosine(4)}
    assert.equal(1, #said)
    assert.matches("the learning rate is 0 after step 8, so the weights no longer change", said[1])
    notices.forget()
    local history <const> = fit{epochs = 4, schedule = {optim.cosine(4), by = "epoch"}}
    assert.same({}, said)
    assert.equal(1e-2, history[1].lr)
    assert.is_true(math.abs(history[3].lr - 5e-3) < 1e-9)
    local best <const> = fit{epochs = 3, lr = 1e-12, schedule = optim.plateau{patience = 0,
      factor = 0.5, mode = "max"}, best = "glasses.accuracy"}
    assert.equal(5e-13, best[3].lr)
    refused('plateau{mode = "min"} follows glasses.accuracy, where more is better',
      {schedule = optim.plateau(), best = "glasses.accuracy"})
  end)

  it("continues a run with a new learning rate, and begins an average that is new", function()
    fit{dir = folder, epochs = 1}
    local rates <const> = {}
    fit{dir = folder, epochs = 2, lr = 5e-3, ema = 0.9, on = {step = function(f)
      rates[#rates + 1] = f:lr()
    end}}
    assert.equal(5e-3, rates[1])
    assert.matches("the checkpoint has no state for ema", table.concat(said, "\n"))
    notices.forget()
    fit{dir = folder, epochs = 3, lr = 5e-3}
    assert.matches("also holds the state of ema", table.concat(said, "\n"))
  end)

  it("stops by patience, by a hook, and after steps", function()
    local tasks <const> = tasks_of()
    local net <const> = network(tasks)
    local history = fit({tasks = tasks, lr = 1e-12, epochs = 9, patience = 2,
      best = "glasses.accuracy"}, net)
    assert.equal(3, #history)
    assert.equal("patience", history:last("stop").reason)
    history = fit{epochs = 9, on = {epoch = function(f, event)
      if event.epoch == 2 then f:stop("enough") end
    end}}
    assert.same({2, "enough"}, {#history, history:last("stop").reason})
    history = fit{steps = 12}
    assert.same({2, 12, "steps"}, {#history, history[2].step, history:last("stop").reason})
    local seen <const> = {}
    history = fit{on = {start = function() seen[#seen + 1] = "start" end,
      step = function(f, event)
        seen[#seen + 1] = event.step
        assert.is_number(event.losses.glasses)
        if event.step == 2 then f:stop() end
      end, stop = function(_, event) seen[#seen + 1] = event.reason end}}
    assert.same({"start", 1, 2, "stop"}, seen)
    assert.equal(1, #history)
  end)

  it("does not train further when a finished run is called again", function()
    local function stopped(more)
      local o <const> = {dir = folder, epochs = 9, lr = 1e-12, patience = 2,
        best = "glasses.accuracy"}
      for key, value in pairs(more or {}) do o[key] = value end
      local history <const> = fit(o)
      return {#history, history:last("stop").reason}
    end
    assert.same({3, "patience"}, stopped())
    local before <const> = shell.read(folder .. "/metrics.jsonl")
    assert.same({3, "patience"}, stopped())
    assert.equal(before, shell.read(folder .. "/metrics.jsonl"))
    assert.same({5, "patience"}, stopped{patience = 4})
    folder = folder .. "/hook"
    local function by_hook(epochs)
      local history <const> = fit{dir = folder, epochs = epochs, on = {epoch = function(f, event)
        if event.epoch == 2 then f:stop("enough") end
      end}}
      return {#history, history:last("stop").reason}
    end
    assert.same({2, "enough"}, by_hook(4))
    assert.same({2, "enough"}, by_hook(4))
    assert.same({5, "epochs"}, by_hook(5))
    folder = folder:gsub("/hook$", "")
  end)

  it("averages weights by steps or epochs, and can recompute BatchNorm's statistics", function()
    local tasks <const> = tasks_of()
    local sums, count = {}, 0
    local _, net <const> = fit({tasks = tasks, epochs = 4, dir = folder, best = "loss",
      ema = {average = "equal", by = "epoch", from = 2}, on = {epoch = function(f, event)
        if event.epoch < 2 then
          assert.equal(0, f.ema.updates)
          return
        end
        count = count + 1
        for name, p in f.net:named_parameters() do
          sums[name] = (sums[name] or 0) + p:detach():clone()
        end
        if count == 3 then
          local averages <const> = f.ema:state_dict().averages
          for name, sum in pairs(sums) do
            assert.is_true((averages[name] - sum / 3):abs():max():item() < 1e-6)
          end
        end
      end}}, network(tasks))
    assert.equal(3, count)
    sums = nil
    local own <const> = tasks_of()
    local history <const> = fit({tasks = own, epochs = 2, ema = {decay = 0.5, recompute = 3}},
      network(own))
    local plain <const> = fit({epochs = 2, ema = 0.5}, network(tasks_of()))
    assert.equal(plain[2].train.loss.total, history[2].train.loss.total)
    assert.is_true(plain[2].val.landmarks.error ~= history[2].val.landmarks.error)
    assert.is_table(net)
    refused("there is no option 'decai'.*did you mean decay", {ema = {decai = 0.5}})
    refused("train.fit: ema: recompute must be true or false, or a whole number",
      {ema = {recompute = 0}})
  end)

  it("takes LBFGS, and mtl.ttc_update as an optimizer", function()
    local history = fit{optimizer = {"LBFGS", lr = 0.1, max_iter = 3}, epochs = 2}
    assert.is_true(history[2].train.loss.total < history[1].train.loss.total)
    local tasks <const> = tasks_of()
    braid.manual_seed(1)
    local net <const> = mtl.network{tasks = tasks, blocks = nn.backbone({{"one", function(c)
      return nn.Sequential{nn.Conv2d(c, 4, {kernel = 3}), nn.ReLU()}
    end}}, {channels = 1})}
    history = fit({tasks = tasks, schedule = "linear", epochs = 2, optimizer = function(n)
      return mtl.ttc_update(n, optim.SGD(n:parameters(), {lr = 0.01}))
    end}, net)
    assert.is_true(history[2].lr < history[1].lr)
  end)

  it("writes TensorBoard's event files and report.html", function()
    fit{dir = folder, epochs = 1, report = true, events = true}
    fit{dir = folder, epochs = 2, report = true, events = true}
    assert.matches("<html", shell.read(folder .. "/report.html"))
    assert.equal(2, #shell.run("ls " .. folder .. "/events.out.tfevents.*").out:gsub("[^\n]", ""))
    assert.is_nil(table.concat(said, "\n"):find("train.report"))
  end)

  it("with profile = true lists the time that operators took", function()
    local history <const> = fit{profile = true}
    assert.matches("conv2d", tostring(history.profile))
  end)

  it("continues in the middle of an epoch with batches of another size", function()
    local seen
    local function run(batch, stop)
      seen = {}
      return fit{dir = folder, epochs = 1, every = 1, batch = batch, on = {step = function(f)
        for _, i in ipairs(f.loader:indices()) do seen[i] = (seen[i] or 0) + 1 end
        if f.at.step == stop then error("here", 0) end
      end}}
    end
    assert.is_false(pcall(run, 16, 4))
    local history <const> = run(8)
    assert.equal(3 + 9, history[1].step)
    local count = 0
    for _ in pairs(seen) do count = count + 1 end
    assert.equal(72, count) -- the samples of the fourth batch are taken again
    assert.matches("batch was 16 and is 8; the rest of the epoch", table.concat(said, "\n"))
  end)

  it("accumulates three batches to the same step as one batch of their total size", function()
    local function missing(set) -- labels that are rarer in some batches
      local labels <const> = set.labels.glasses:clone()
      for i = 1, #set, 3 do labels[i] = 0 end
      return set:labelled{glasses = labels}
    end
    local results <const> = {}
    for i, more in ipairs{{batch = 30}, {batch = 10, accumulate = 3}} do
      local tasks <const> = tasks_of()
      local net <const> = network(tasks)
      net:freeze() -- otherwise batch norm would depend on the batch's size
      net:unfreeze("heads")
      more.tasks, more.optimizer, more.lr, more.epochs = tasks, "SGD", 0.1, 3
      more.train = missing(faces.train)
      local history <const> = fit(more, net)
      results[i] = {history[3].train.loss.total, history[3].train.loss.glasses, history[3].step}
      results[i].net = net
    end
    assert.equal(results[1][3], results[2][3])
    assert.is_true(math.abs(results[1][1] - results[2][1]) < 1e-5)
    assert.is_true(math.abs(results[1][2] - results[2][2]) < 1e-5)
    local other <const> = results[2].net:state_dict()
    for name, t in pairs(results[1].net:state_dict()) do
      assert.is_true((t - other[name]):abs():max():item() < 1e-5, name)
    end
  end)
end)

describe("train.fit refuses", function()
  it("options that do not go together", function()
    refused("stages must be a list of 1 or more values", {stages = {}})
    refused("stages%[1%]: it has epochs or steps, not both", {stages = {{epochs = 1, steps = 2}}})
    refused("stages%[2%]: it wants epochs or steps", {stages = {{epochs = 1}, {train = "one"}}})
    refused("on has start, step, epoch and stop, not 'epohc'", {on = {epohc = print}})
    refused("there is no option 'patiance'.*did you mean patience", {patiance = 3})
    refused("every writes into dir, which is missing", {every = 3})
    refused("resume = true wants the dir", {resume = true})
    refused("lr has no effect", {lr = 1, optimizer = function(net)
      return optim.SGD(net:parameters())
    end})
    refused("the function must return an optimizer", {optimizer = function() end})
    refused("has no 'Adamm'; did you mean", {optimizer = "Adamm"})
    refused("optim.step is not an optimizer", {optimizer = "step"})
    refused("optimizer: it has no parameter of net",
      {optimizer = optim.SGD(nn.Linear(2, 2):parameters())})
    refused("train: a reader returns several data sets: pass its train", {train = faces})
    refused("weights: there is no task 'smile'", {weights = {smile = 1}})
    refused("rates: there is no task 'smile'", {rates = {smile = 1}})
    refused("24 steps of warmup are more than all 16 steps", {warmup = 3})
    refused("loader: batch is an option of fit itself", {loader = {batch = 3}})
    refused("there is no option 'agument'", {loader = {agument = {}}})
  end)

  it("unknown metrics, and data without a batch or a label", function()
    refused("best: there is no metric 'landmarks.failur'; did you mean landmarks.failure",
      {best = "landmarks.failur"})
    refused("train gives no batch: it has 120 samples, and drop_last", {batch = 121,
      loader = {drop_last = true}})
    local without <const> = faces.val:labelled{}
    local labels <const> = {}
    for name, t in pairs(faces.val.labels) do
      if name ~= "glasses" then labels[name] = t end
    end
    rawset(without, "labels", labels)
    refused("val has no label 'glasses', which a task of that name wants; it has", {val = without})
  end)

  it("a dir that is a file, is in use or holds something else", function()
    shell.write(folder .. "/file", "x")
    refused("dir: .*/file is a file", {dir = folder .. "/file"})
    shell.run("mkdir " .. folder .. "/other")
    shell.write(folder .. "/other/best.safetensors", "mine")
    refused("has a best.safetensors that train.fit did not write", {dir = folder .. "/other"})
    assert.equal("mine", shell.read(folder .. "/other/best.safetensors"))
    shell.run("mkdir " .. folder .. "/config")
    shell.write(folder .. "/config/config.json", "{}")
    refused("config.json does not belong to a run", {dir = folder .. "/config"})
    refused("there is no run to continue", {dir = folder .. "/new", resume = true})
    fit{dir = folder .. "/run", epochs = 1}
    refused("already has a run", {dir = folder .. "/run", resume = false})
    local log <const> = train.log(folder .. "/run")
    refused("is in use: another process", {dir = folder .. "/run"})
    log:close()
    local more <const> = mtl.tasks{landmarks = mtl.landmarks{points = 5}, smile = mtl.classes{2}}
    refused("holds a run with another seed: 3, and here it is 4",
      {dir = folder .. "/run", seed = 4})
    refused("holds a run with other tasks: it has the task glasses; it has no task smile",
      {dir = folder .. "/run", tasks = more})
    local tasks <const> = tasks_of()
    local wide <const> = network(tasks, 1, 0, 6)
    refused("cannot continue: .*belongs to another run: net.head.glasses.2.weight is "
      .. "float32 %(2, 4%) in the file and float32 %(2, 6%) here.*; and %d+ more%. Use the "
      .. "network and options with", {dir = folder .. "/run", tasks = tasks, epochs = 2}, wide)
    shell.run("rm " .. folder .. "/run/last.safetensors")
    refused("has a run without its last.safetensors", {dir = folder .. "/run", epochs = 2})
    assert.equal(1, #train.history.read(folder .. "/run"))
  end)

  it("a loss that is NaN or infinite, and names step, task and cause", function()
    fit{dir = folder, epochs = 1}
    local before <const> = shell.read(folder .. "/last.safetensors")
    local tasks <const> = tasks_of()
    local net <const> = network(tasks)
    local value = 3e38
    local function spoil(f)
      braid.no_grad(function() f.net.head.glasses[2].weight:fill_(value) end)
    end
    local o <const> = {dir = folder, tasks = tasks, epochs = 2, on = {step = spoil}}
    refused("the loss is .* at step 10 of epoch 2, of task glasses %(glasses .*its samples: %d+, "
      .. ".*; Columns.head.glasses.2: linear: the result %(16, 2%) holds NaN or Inf.*No step was "
      .. "taken, and .*last.safetensors is unchanged", o, net)
    do
      local _ <close> = braid.detect_anomaly()
      refused("a value is not finite at step 10 of epoch 2; its samples: %d+, .*glasses.2: "
        .. "linear: the result", o, network(tasks))
    end
    o.every, value = 1, 0 / 0
    refused("head.glasses.2.weight holds NaN or infinity after step 9 of epoch 2.*last.safetensors "
      .. "is unchanged", o, network(tasks))
    assert.is_true(before == shell.read(folder .. "/last.safetensors"))
    assert.equal(0.2, tasks.glasses.weight)
  end)
end)
