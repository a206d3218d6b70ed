--- A run of train.fit that is killed at any point and called again ends like an undisturbed run:
-- with the same bytes of weights, averages, moments and metrics.

local shell <const> = require "spec.support.shell"

local EPOCHS <const>, KILLS <const> = 8, 30
local COMPARED <const> = {"metrics.jsonl", "metrics.csv", "best.safetensors", "last.safetensors"}

local function command(dir)
  return ("%s spec/support/run_to_kill.lua %s %d"):format(shell.braid, dir,
    EPOCHS)
end

-- Runs undisturbed from beginning to end, and returns the seconds.
local function alone(dir)
  local begun <const> = require("braid.core").clock()
  local result <const> = shell.run(command(dir))
  assert.equal(0, result.status, result.err)
  return require("braid.core").clock() - begun
end

local function same(wanted, dir)
  for _, name in ipairs(COMPARED) do
    assert.is_true(shell.read(wanted .. "/" .. name) == shell.read(dir .. "/" .. name), name)
  end
end

-- Calls the run again, undisturbed, to its end.
local function finish(dir)
  local result <const> = shell.run(command(dir))
  assert.equal(0, result.status, result.err)
end

describe("a run", function()
  it("#slow that is killed at random moments ends with the files of an undisturbed run", function()
    shell.in_directory(function(folder)
      local wanted <const> = folder .. "/alone"
      local seconds <const> = alone(wanted)
      math.randomseed(os.time())
      local kills, rounds = 0, 0
      while kills < KILLS do
        rounds = rounds + 1
        local dir <const>, ended = ("%s/%d"):format(folder, rounds), false
        while not ended and kills < KILLS do
          local result <const> = shell.run(("%s & p=$!; (sleep %.3f; kill -9 $p 2>/dev/null) & "
            .. "wait $p"):format(command(dir), 0.02 + math.random() * seconds * 0.6))
          if result.status == 137 then
            kills = kills + 1
          else
            assert.equal(0, result.status, result.err)
            ended = true
          end
        end
        if not ended then finish(dir) end
        same(wanted, dir)
      end
      assert.equal(KILLS, kills)
    end)
  end)

  it("#slow that is killed at a rename, fsync or ftruncate continues when called again", function()
    if shell.run("command -v strace").out == "" then
      pending("there is no strace")
      return
    end
    shell.in_directory(function(folder)
      local wanted <const> = folder .. "/alone"
      alone(wanted)
      for _, call in ipairs{"renameat", "fsync", "fdatasync", "ftruncate"} do
        local dir <const> = folder .. "/" .. call
        for _, when in ipairs{1, 2, 3, 5, 8, 4} do
          local result <const> = shell.run(("strace -f -o /dev/null -e trace=%s "
            .. "-e inject=%s:signal=KILL:when=%d %s"):format(call, call, when, command(dir)))
          assert.is_true(result.status == 137 or result.signal == 9 or result.status == 0,
            result.err)
        end
        finish(dir)
        same(wanted, dir)
      end
    end)
  end)
end)
