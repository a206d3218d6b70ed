--- Tests that programs with little address space (ulimit -v) work, or end with an error about
-- memory: none hangs, is killed or goes on with wrong results.

local shell <const> = require "spec.support.shell"

local PROGRAMS <const> = {
  product = [[
local x <const> = braid.ones(200, 200)
assert(x:matmul(x):sum():item() == 8e6)]],
  ["threads' products"] = [[
braid.set_threads(8)
local x <const> = braid.ones(700, 700)
assert(x:matmul(x):max():item() == 700)]],
  systems = [[
local a <const> = braid.eye(30) * 2
assert(math.abs(a:inverse():sum():item() - 15) < 1e-4)
assert(math.abs(a:cholesky():sum():item() - 30 * math.sqrt(2)) < 1e-3)
assert(math.abs(a:eigh():sum():item() - 60) < 1e-3)
assert(math.abs(a:solve(braid.ones(30, 2)):sum():item() - 30) < 1e-4)]],
  training = [[
local nn <const> = braid.nn
braid.set_threads(4)
local net <const> = nn.Sequential{nn.Conv2d(3, 8, {kernel = 3}), nn.BatchNorm2d(8), nn.ReLU(),
  nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 15 * 15, 10)}
local opt <const> = braid.optim.Adam(net:parameters(), {lr = 1e-3})
local x <const>, y <const> = braid.rand(8, 3, 32, 32), braid.randint(1, 10, {8})
for _ = 1, 3 do
  local _ <close> = braid.scope()
  opt:zero_grad()
  local loss <const> = braid.F.cross_entropy(net(x), y)
  loss:backward()
  opt:step()
  assert(loss:item() == loss:item())
end]],
  loading = [[
local data <const> = braid.data
local seen = 0
for batch in data.loader(data.faces{n = 40, size = 32}.train, {batch = 8, workers = 4}) do
  seen = seen + batch.count
end
assert(seen > 20)]],
  large = [[
local x <const> = braid.rand(10, 1000, 1000)
assert(x:sort(1):numel() == 10e6)
assert((x * 2 + 1):sum():item() > 0)]],
  tables = [[
local t <const> = {}
for i = 1, 3e6 do t[i] = i end
assert(#braid.tensor(t):totable() == 3e6)]],
}

-- Limits in KB. The library hardly fits into the smallest; each program fits into the largest.
local LIMITS <const> = {60000, 100000, 250000, 350000, 400000, 1000000}

-- Messages of Braid, of Lua, and of the system if it cannot even load the library.
local WORDS <const> = {"out of memory", "not enough memory", "annot allocate memory",
  "failed to map segment", "libgomp: Thread creation failed"} -- the last one if OPENMP=system

local START <const> = [[
package.path = %q .. package.path
package.cpath = %q .. package.cpath
local braid <const> = require "braid"
]]

describe("with little memory", function()
  for name, text in pairs(PROGRAMS) do
    it("the program '" .. name .. "' works, or ends with an error about memory", function()
      if shell.sanitized then pending("sanitizers need more address space") end
      shell.in_directory(function(directory)
        local path <const>, lua <const> = directory .. "/program.lua", shell.root .. "/lua"
        shell.write(path, START:format(lua .. "/?.lua;" .. lua .. "/?/init.lua;",
          shell.root .. "/" .. shell.build .. "/lib/?.so;") .. text)
        local worked = false
        for _, limit in ipairs(LIMITS) do
          local result <const> = shell.run(("ulimit -v %d; timeout 60 %s %s"):format(limit,
            shell.lua, shell.quote(path)))
          local at <const> = ("%s under %d KB: "):format(name, limit)
          assert.is_false(result.signal, at .. "a signal")
          if result.status ~= 0 then
            assert.equal(1, result.status, at .. result.err)
            local said = false
            for _, words in ipairs(WORDS) do
              said = said or result.err:find(words, 1, true) ~= nil
            end
            assert.is_true(said, at .. result.err)
          else
            worked = true
          end
        end
        assert.is_true(worked, name)
      end)
    end)
  end
end)
