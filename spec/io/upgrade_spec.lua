--- Files that earlier versions of Braid wrote with spec/support/golden_files.lua: this version
-- opens them with the same outputs and losses.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"

-- Outputs and losses are the same except for roundings, which versions may change.
local TOLERANCE <const> = 1e-4

local function near(a, b) return (a - b):abs():max():item() < TOLERANCE end

for folder in shell.run("ls -d spec/golden/files_*").out:gmatch("[^\n]+") do
  describe("files of version " .. folder:match("[^_]+$"), function()
    local expected <const> = braid.load(folder .. "/expected.safetensors")
    local batch <const>, outputs <const> = {}, {}
    for name, t in pairs(expected) do
      local kind <const>, rest <const> = name:match("^(%w+)/(.*)$")
      if kind == "batch" then batch[rest] = t end
      if kind == "output" then outputs[rest] = t end
    end

    local function open() return (braid.open(folder .. "/net.safetensors")) end

    local function check_outputs(net)
      net:eval()
      local _ <close> = braid.no_grad()
      local given <const> = net(batch.image)
      for name, y in pairs(outputs) do assert.is_true(near(y, given[name]), name) end
      for name in pairs(given) do assert.is_truthy(outputs[name], name) end
    end

    it("open as networks with the same outputs and losses", function()
      local net <const> = open()
      check_outputs(net)
      net:train()
      assert.is_true(near(net.tasks:loss(net(batch.image), batch), expected.losses[1]))
    end)

    it("can be saved as files of this version, with the same outputs", function()
      shell.in_directory(function(directory)
        local path <const> = directory .. "/net.safetensors"
        braid.save(path, open())
        assert.equal(braid.VERSION, braid.inspect(path).version)
        check_outputs(braid.open(path))
      end)
    end)

    it("load into a network as a state, by the names of tensors", function()
      local net <const>, values <const> = open(), braid.load(folder .. "/net.safetensors")
      for _, p in ipairs(net:parameters()) do p:detach():zero_() end
      net:load_state_dict(values)
      check_outputs(net)
    end)

    it("resume a run, whose next steps have the same losses", function()
      shell.in_directory(function(directory)
        shell.run(("cp -r %s/run %s/run"):format(folder, directory))
        local net <const> = open()
        for _, p in ipairs(net:parameters()) do p:detach():zero_() end
        local opt <const> = braid.optim.Adam(net:parameters(), {lr = 1e-3})
        local schedule <const> = braid.optim.schedule(opt, braid.optim.cosine(10))
        local log <close> = braid.train.log(directory .. "/run")
        local at <const> = braid.resume(folder .. "/checkpoint.safetensors",
          {net = net, opt = opt, schedule = schedule, log = log, at = {}}).at
        assert.same({epoch = 2, best = 0.5, note = "half"}, at)
        net:train()
        for i = 1, 2 do
          local loss <const> = net.tasks:loss(net(batch.image), batch)
          assert.is_true(near(loss, expected.losses[i]))
          opt:zero_grad()
          loss:backward()
          opt:step()
          schedule:step()
        end
        log:epoch{epoch = 3, step = 3, train = {loss = {total = 1}}}
        assert.same({1, 2, 3}, (log.history:curve("train.loss.total")))
      end)
    end)

    it("are read by train.history and braid.inspect", function()
      local history <const> = braid.train.history.read(folder .. "/run")
      local epochs <const>, total <const> = history:curve("train.loss.total")
      assert.same({1, 2}, epochs)
      assert.is_true(total[2] < total[1])
      for _, file in ipairs{"net", "checkpoint"} do
        local found <const> = braid.inspect(("%s/%s.safetensors"):format(folder, file))
        assert.matches("^%d+%.%d+", found.version)
      end
    end)
  end)
end

describe("files of earlier versions", function()
  it("are in spec/golden", function()
    assert.matches("files_0%.1\n", shell.run("ls -d spec/golden/files_*").out)
  end)
end)
