--- A run of train.fit that a signal ends, or that meets a full disk, keeps what it can and says how
-- to continue. When it is called again, it ends like an undisturbed run.

local shell <const> = require "spec.support.shell"

local SCRIPT <const> = [[
local braid = require "braid"
local data, mtl, nn, train = braid.data, braid.mtl, braid.nn, braid.train
braid.manual_seed(1)
local tasks = mtl.tasks{landmarks = mtl.landmarks{points = 5}}
local faces = data.faces{n = 120, seed = 1, size = 16}
local function block(c)
  return nn.Sequential{nn.Conv2d(c, 16, {kernel = 3}), nn.ReLU(), nn.Dropout(0.2)}
end
local net = mtl.network{tasks = tasks, columns = "shared",
  blocks = nn.backbone({{"one", block}}, {channels = 1})}
local dir, at, signal = arg[1], tonumber(arg[2]), arg[3]
if arg[4] then arg[-1] = arg[4] end
local armed = false -- send the signal at the first batch of validation
local function send() io.popen("kill -" .. signal .. " $PPID"):close() end
local history = train.fit{net = net, tasks = tasks, train = faces.train, val = function()
  local loader = data.loader(faces.val, {batch = 4})
  return function()
    if armed then send() end
    return loader()
  end
end, epochs = 3, batch = 16, seed = 3, dir = dir ~= "none" and dir or nil, log = 2,
  on = {step = function(_, event)
    armed = signal ~= nil and at == 0 and event.step == 8
    if signal and event.step == at then send() end
  end}}
print(history.interrupted or "to the end", #history)
]]

local COMPARED <const> = {"metrics.jsonl", "metrics.csv", "best.safetensors", "last.safetensors"}

local wanted -- the files of a run that nothing disturbs

local function in_runs(f)
  shell.in_directory(function(folder)
    shell.write(folder .. "/run.lua", SCRIPT)
    local function run(before, ...)
      return shell.run(("%s %s %s/run.lua %s"):format(before, shell.braid, folder,
        table.concat({...}, " ")))
    end
    if not wanted then
      assert.equal(0, run("", folder .. "/alone").status)
      wanted = {}
      for _, name in ipairs(COMPARED) do wanted[name] = shell.read(folder .. "/alone/" .. name) end
    end
    f(folder, run, function(dir)
      assert.equal(0, run("", dir).status)
      for _, name in ipairs(COMPARED) do
        assert.is_true(wanted[name] == shell.read(dir .. "/" .. name), name)
      end
    end)
  end)
end

describe("a run of train.fit", function()
  it("ends after the step in which a signal comes, with checkpoint, message and status", function()
    in_runs(function(folder, run, same)
      for signal, status in pairs{INT = 130, TERM = 143} do
        local dir <const> = folder .. "/" .. signal
        local result <const> = run("", dir, 11, signal)
        assert.equal(status, result.status, result.err)
        assert.matches(("SIG%s after step 11, in epoch 2: the same call continues from there %%(%s/"
          .. "last.safetensors%%)\n$"):format(signal, (dir:gsub("%p", "%%%0"))), result.out)
        same(dir)
      end
    end)
  end)

  it("can end in validation, and then repeats the validation", function()
    in_runs(function(folder, run, same)
      local result <const> = run("", folder .. "/val", 0, "INT")
      assert.equal(130, result.status, result.err)
      assert.matches("SIGINT after step 8, in epoch 1", result.out)
      same(folder .. "/val")
    end)
  end)

  it("returns to the prompt with -i, and says if nothing was saved", function()
    in_runs(function(folder, run, same)
      local result = run("", folder .. "/prompt", 5, "INT", "-i")
      assert.same({0, "SIGINT\t0\n"}, {result.status, result.out:match("SIGINT\t.*$")})
      same(folder .. "/prompt")
      result = run("", "none", 5, "INT")
      assert.equal(130, result.status)
      assert.matches("nothing was saved; with dir", result.out)
    end)
  end)

  it("goes on when the disk is full, and keeps what it can", function()
    in_runs(function(folder, run, same)
      local dir <const> = folder .. "/full"
      local first <const> = run("", dir, 1, "INT") -- a checkpoint with moments
      assert.equal(130, first.status)
      local blocks <const> = #shell.read(dir .. "/last.safetensors") // 1024
      shell.run("rm -r " .. dir)
      local result <const> = run(("ulimit -f %d;"):format(blocks), dir)
      assert.equal(0, result.status, result.err)
      assert.matches("cannot write .*last.safetensors: File too large; training continues, and the "
        .. "next checkpoint is tried again", result.err)
      assert.matches("to the end\t3", result.out)
      same(dir)
    end)
  end)

  it("fails at once where nothing can be written", function()
    in_runs(function(folder, run)
      shell.run(("mkdir %s/no; chmod a-w %s/no"):format(folder, folder))
      local result <const> = run("", "/proc/none/run")
      assert.equal(1, result.status)
      assert.matches("run.lua:%d+: train.fit: dir: cannot make /proc/none", result.err)
    end)
  end)
end)
