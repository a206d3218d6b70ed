--- train.pool, which runs each job in its own process: results are the same in any process, and
-- nothing is lost or left running, however jobs or the pool end.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"

-- A script that makes a pool of the table `jobs` in DIR, with options.
local SCRIPT <const> = [[
local braid = require "braid"
local scale = tonumber(arg[1])
%s
local before = braid.rand(1):item()
local r = braid.train.pool(jobs, {dir = DIR, %s})
assert(braid.rand(1):item() ~= before)
local names = {}
for name in pairs(r) do names[#names + 1] = name end
table.sort(names)
for _, name in ipairs(names) do
  print(name, type(r[name]) == "table" and table.concat(r[name], " ") or r[name])
end
]]

local function write(dir, jobs, options)
  shell.write(dir .. "/script.lua", ("local DIR = %q\n"):format(dir .. "/pool")
    .. SCRIPT:format(jobs, options or "jobs = 2"))
end

local function command(dir, words)
  return ("cd %s; OMP_NUM_THREADS=2 %s %s/%s/braid %s/script.lua %s"):format(dir, shell.lua,
    shell.root, shell.build, dir, words or "1")
end

local function run(dir, words) return shell.run(command(dir, words)) end

local DRAWS <const> = [[
local jobs = {}
for _, name in ipairs{"a", "b", "c/d: é", ".."} do
  jobs[name] = function(job)
    assert(job.name == name)
    print("in " .. name)
    local x = braid.rand(2):totable()
    local y = braid.randn(64, 64):matmul(braid.randn(64, 64)):sum():item()
    return {scale * 2, x[1], x[2], y, 0 / 0}
  end
end]]

describe("a pool of jobs", function()
  it("gives the same results in one process and in several, for all names of jobs", function()
    shell.in_directory(function(dir)
      local outs <const> = {}
      for i, jobs in ipairs{1, 2, 3} do
        write(dir, DRAWS, "seed = 3, jobs = " .. jobs)
        local r <const> = run(dir)
        assert.equal("", r.err)
        assert.equal(0, r.status)
        outs[i] = r.out:gsub("%[%d/4%][^\n]*\n", ""):gsub("in [^\n]*\n", "")
        assert.equal(4, select(2, outs[i]:gsub("[^\n]+\t2 0%.%d+ 0%.%d+ [^ \n]+ nan\n", "")))
        if jobs > 1 then assert.equal("in ..\n", shell.read(dir .. "/pool/%2E./output.txt")) end
        shell.run("rm -rf " .. dir .. "/pool")
      end
      assert.equal(outs[1], outs[2])
      assert.equal(outs[1], outs[3])
    end)
  end)

  it("keeps finished jobs, runs missing jobs, and refuses results of other functions", function()
    shell.in_directory(function(dir)
      write(dir, DRAWS)
      local first <const> = run(dir)
      local again <const> = run(dir)
      assert.equal((first.out:gsub("%[%d/4%][^\n]*\n", "")), again.out)
      shell.run("rm -r " .. dir .. "/pool/b")
      assert.equal(1, select(2, run(dir).out:gsub("%[4/4%] b  done", "")))
      for _, case in ipairs{{"2", DRAWS}, {"1", (DRAWS:gsub("scale %* 2", "scale * 3"))}} do
        write(dir, case[2])
        local r <const> = run(dir, case[1])
        assert.equal(1, r.status)
        assert(r.err:find("script.lua:%d+: train.pool: .-pool/%%2E%./result.json is the result of "
          .. "another job '%.%.': the function that makes it, or a value that it uses, has "
          .. "changed; choose another dir, or remove "), r.err)
      end
      write(dir, "\n\n  -- a remark\n" .. DRAWS) -- the same functions on other lines
      assert.equal(again.out, run(dir).out)
      shell.write(dir .. "/pool/a/result.json", "{")
      assert(run(dir).err:find("pool/a/result.json is not the result of a job", 1, true))
    end)
  end)

  it("shows failed jobs with their last lines at the end, and repeats them when called again",
    function()
    shell.in_directory(function(dir)
      for _, jobs in ipairs{"1", "2"} do
        write(dir, [[
          local jobs = {good = function() return 1 end, bad = function()
            for i = 1, 50 do print("line " .. i) end
            if scale == 1 then error("no luck") end
            return 2
          end, worse = function() return print end}
          if scale == 2 then jobs.worse = nil end]], "jobs = " .. jobs)
        local r <const> = run(dir)
        assert.equal(1, r.status)
        assert(r.err:find("train.pool: 2 of 3 jobs failed; the results of the others are kept in ",
          1, true), r.err)
        assert(r.err:find("no luck", 1, true), r.err)
        assert(r.err:find("the result.value is a function", 1, true), r.err)
        if jobs == "2" then
          assert(r.err:find("bad: it ended with status 1: [^\n]*no luck\nthe end of "), r.err)
          assert(r.out:find("bad failed: it ended with status 1: [^\n]*no luck\n"), r.out)
          assert(r.err:find("line 50", 1, true) and not r.err:find("line 30", 1, true), r.err)
        end
        shell.run("rm -r " .. dir .. "/pool/good")
        assert.equal("bad\t2\ngood\t1\n", (run(dir, "2").out:gsub("%[[^\n]*\n", "")
          :gsub("line %d+\n", "")))
        shell.run("rm -r " .. dir .. "/pool")
      end
    end)
  end)

  it("stops early where every job fails", function()
    shell.in_directory(function(dir)
      write(dir, [[local jobs = {}
        for i = 1, 40 do jobs["j" .. i] = function() return nosuch.field end end]])
      local r <const> = run(dir)
      local count <const> = math.tointeger(tonumber(r.err:match("(%d+) of 40 jobs failed")))
      assert(count >= 3 and count <= 5, r.err)
      assert(r.err:find("attempt to index a nil value (global 'nosuch')", 1, true), r.err)
    end)
  end)

  it("works within a job of another pool, and detects jobs that a script does not reach", function()
    shell.in_directory(function(dir)
      local function go(text)
        shell.write(dir .. "/script.lua", ("local braid = require 'braid'\nlocal dir = %q\n")
          :format(dir) .. text)
        return run(dir)
      end
      local r = go([[
        local one = braid.train.pool({x = function() return 3 end, y = function() return 4 end},
          {dir = dir .. "/one", jobs = 2})
        local two = braid.train.pool({z = function() return one.x + one.y end, u = function()
          local inner = braid.train.pool({v = function() return 5 end, w = function() return 6 end},
            {dir = dir .. "/inner", jobs = 2})
          return inner.v + inner.w
        end}, {dir = dir .. "/two", jobs = 2})
        print(two.z, two.u)]])
      assert.equal("7\t11\n", (r.out:gsub("%[[^\n]*\n", "")), r.err)
      r = go([[
        if not os.getenv("BRAID_JOB") then
          braid.train.pool({x = function() return 3 end, y = function() return 1 end},
            {dir = dir .. "/three", jobs = 2})
        end]])
      assert(r.err:find("x: the script ended before it reached this job", 1, true), r.err)
      r = go([[
        local names = os.getenv("BRAID_JOB") and {"q"} or {"x", "y"}
        local work = {}
        for _, name in ipairs(names) do work[name] = function() return 1 end end
        braid.train.pool(work, {dir = dir .. "/four", jobs = 2})]])
      assert(r.err:find("q: this process was started for another job", 1, true), r.err)
      r = go([[
        local f = function(job) return job.name end
        local one = braid.train.pool({x = f, y = f}, {dir = dir .. "/five", jobs = 2})
        local more = braid.train.pool({x = f, y = f, z = f, u = f}, {dir = dir .. "/five"})
        print(one.x, more.y, more.z, more.u)]])
      assert.equal("x\ty\tz\tu\n", (r.out:gsub("%[[^\n]*\n", "")), r.err)
    end)
  end)

  it("explains the failure where each process removes the pool's directory", function()
    shell.in_directory(function(dir)
      local clear <const> = ("os.execute('rm -rf %s/pool') "):format(dir)
      local jobs <const> = "local jobs = {a = function() return 1 end, b = function() return 2 end}"
      write(dir, clear .. jobs)
      local r <const> = run(dir)
      assert(r.err:find("pool was removed while its jobs ran. Each process runs the script from "
        .. "its beginning; put what only the first process may do inside `if not "
        .. "train.in_job() then`", 1, true), r.err)
      write(dir, "if not braid.train.in_job() then " .. clear .. "end " .. jobs)
      assert.equal("a\t1\nb\t2\n", (run(dir).out:gsub("%[[^\n]*\n", "")))
    end)
  end)

  it("runs jobs in processes also for braid -e CODE and braid -m MODULE", function()
    shell.in_directory(function(dir)
      write(dir, "local jobs = {a = function() return 1 end, b = function() return 2 end}")
      for _, words in ipairs{"-e 'dofile(\"script.lua\")'", "-m script"} do
        local r <const> = shell.run(("cd %s; rm -rf pool; LUA_PATH='%s/?.lua;;' %s %s/%s/braid %s")
          :format(dir, dir, shell.lua, shell.root, shell.build, words))
        assert.equal("", r.err)
        assert(r.out:find("[2/2]", 1, true) and not r.out:find("one after", 1, true), r.out)
        assert(shell.read(dir .. "/pool/a/output.txt"))
      end
    end)
  end)

  it("runs jobs one after the other where there is no script, and says so", function()
    if shell.sanitized then pending("the Lua of the sanitizers reads no standard input") end
    shell.in_directory(function(dir)
      write(dir, "local jobs = {a = function() return 1 end, b = function() return 2 end}")
      for _, words in ipairs{"<script.lua", "- <script.lua", "-i <script.lua"} do
        local r <const> = shell.run(("cd %s; rm -rf pool; %s %s/%s/braid %s"):format(dir,
          shell.lua, shell.root, shell.build, words))
        assert(r.out:find("so the jobs run one after the other", 1, true), r.out .. r.err)
        assert(not require("braid.core").path_kind(dir .. "/pool/a/output.txt"))
      end
      shell.run("rm -r " .. dir .. "/pool")
      local r <const> = shell.run(("cd %s; OMP_NUM_THREADS=2 LUA_PATH='%s' LUA_CPATH='%s' %s - <%s")
        :format(dir, shell.root .. "/lua/?.lua;" .. shell.root .. "/lua/?/init.lua",
          shell.root .. "/" .. shell.build .. "/lib/?.so", shell.lua, dir .. "/script.lua"))
      assert.equal("", r.err)
      assert(r.out:find("train.pool: at a prompt there is no script to run again, so the jobs run "
        .. "one after the other", 1, true), r.out)
      assert(r.out:find("a\t1\nb\t2\n", 1, true), r.out)
    end)
  end)

  it("refuses a directory in use, a file, and a directory that is not a pool's", function()
    shell.in_directory(function(dir)
      local function pool(o) return braid.train.pool({a = function() return 1 end}, o) end
      shell.write(dir .. "/file", "")
      assert.error_matches(function() pool{dir = dir .. "/file"} end, "is a file, not a directory")
      assert.error_matches(function() pool{dir = ""} end, "dir is not a path")
      assert.error_matches(function() pool{} end, "dir is missing")
      assert.error_matches(function()
        braid.train.pool({a = function() pool{dir = dir .. "/p"} end}, {dir = dir .. "/p", jobs = 1,
          progress = false})
      end, "another process runs the jobs of")
    end)
  end)
end)

-- ---- signals ------------------------------------------------------------------------------

local SLEEPERS <const> = [[
local core = require "braid.core"
local jobs = {}
for _, name in ipairs{"a", "b", "c"} do
  jobs[name] = function(job)
    local tries = io.open(job.dir .. "/tries", "a")
    tries:write(core.process_id(), "\n")
    tries:close()
    local go = job.dir .. "/go"
    local until_then = core.clock() + 60
    while core.path_kind(go) ~= "file" do
      core.pause(0.01)
      assert(core.clock() < until_then, "nobody came")
    end
    return name
  end
end]]

-- Waits until f() returns a value that is not nil or false.
local function until_there(f)
  for _ = 1, 3000 do
    local value <const> = f()
    if value then return value end
    require("braid.core").pause(0.01)
  end
  error("waited in vain")
end

local function started(dir, name, tries)
  return until_there(function()
    local file <close> = io.open(("%s/pool/%s/tries"):format(dir, name))
    local ids <const> = {}
    for id in (file and file:read("a") or ""):gmatch("(%d+)\n") do ids[#ids + 1] = id end
    return ids[tries]
  end)
end

local function alive(id) return shell.run("kill -0 " .. id).status == 0
    and not shell.run(("grep State /proc/%s/status"):format(id)).out:find("Z") end

-- Begins the script in the background; its process id.
local function begin(dir)
  write(dir, SLEEPERS)
  shell.run(command(dir) .. " >out 2>err & echo $! >parent")
  return shell.read(dir .. "/parent"):match("%d+")
end

describe("a pool whose minutes are over", function()
  it("keeps finished jobs, ends running jobs, and continues at the next call #slow", function()
    shell.in_directory(function(dir)
      shell.run(("mkdir -p %s/pool/b; touch %s/pool/b/go"):format(dir, dir))
      write(dir, SLEEPERS, "jobs = 2, minutes = 0.05")
      local first <const> = run(dir)
      assert.equal("", first.err)
      assert.matches("the 0.05 minutes are over, 1 of 3 jobs done", first.out, 1, true)
      assert.matches("\nb\tb\n", first.out)
      for _, name in ipairs{"a", "c"} do
        local ids <const> = shell.read(("%s/pool/%s/tries"):format(dir, name))
        assert.is_false(alive(ids:match("%d+")))
        shell.run(("touch %s/pool/%s/go"):format(dir, name))
      end
      assert.equal("a\ta\nb\tb\nc\tc\n", (run(dir).out:gsub("%[[^\n]*\n", "")))
    end)
  end)
end)

describe("a pool whose processes are killed", function()
  it("starts a killed job again, and ends all jobs when it gets a signal #slow", function()
    for _, signal in ipairs{"INT", "TERM", "KILL"} do
      shell.in_directory(function(dir)
        local parent <const> = begin(dir)
        local a <const>, b <const> = started(dir, "a", 1), started(dir, "b", 1)
        shell.run("kill -9 " .. a)
        local again <const> = started(dir, "a", 2)
        assert.not_equal(a, again)
        shell.run(("kill -%s %s"):format(signal, parent))
        for _, id in ipairs{parent, again, b} do
          until_there(function() return not alive(id) end)
        end
        if signal ~= "KILL" then
          assert(shell.read(dir .. "/out"):find("0 of 3 jobs done; the same call continues", 1,
            true))
        end
        for _, name in ipairs{"a", "b", "c"} do
          shell.run(("mkdir -p %s/pool/%s; touch %s/pool/%s/go"):format(dir, name, dir, name))
        end
        assert.equal("a\ta\nb\tb\nc\tc\n", (run(dir).out:gsub("%[[^\n]*\n", "")))
      end)
    end
  end)

  it("gives up a job that is killed each time #slow", function()
    shell.in_directory(function(dir)
      write(dir, [[local core = require "braid.core"
        local jobs = {a = function() os.execute("kill -9 " .. core.process_id()) end,
          b = function() return 1 end}]])
      local r <const> = run(dir)
      assert(r.err:find("a: signal 9 ended it", 1, true), r.err)
      assert(r.err:find("1 of 2 jobs failed", 1, true), r.err)
    end)
  end)
end)
