--- Runs random programs until one fails: `make fuzz FUZZ=api`.
--
--   lua spec/fuzz/api.lua --lua build-asan/lua --calls 100000 [--seed n] [--seconds n]
--
-- The given Lua runs the programs, 200 in a process. A program fails if it ends that process by a
-- signal or a sanitizer's report, takes longer than a minute, or leaves memory behind. It is then
-- run again alone, reduced to the statements that it needs to fail, and printed.

local shell <const> = require "spec.support.shell"

local STATEMENTS <const>, BATCH <const> = 60, 200 -- in a program; programs in a process

local o <const> = {lua = shell.lua, calls = 100000, seed = 1, seconds = math.huge}
for i = 1, #arg - 1, 2 do
  local name <const> = arg[i]:match("^%-%-(%a+)$")
  o[name] = tonumber(arg[i + 1]) or arg[i + 1]
end

-- ---- in the process that may fail -----------------------------------------------------

-- Runs a program; memory that it leaves behind is an error.
local function run_text(text)
  local core <const> = require "braid.core"
  local f <const> = assert(load(text, "=program", "t"))
  collectgarbage()
  local before <const> = core.memory().live
  f()
  for _ = 1, 4 do collectgarbage() end
  local left <const> = core.memory().live - before
  if left > 0 then error(("the program leaves %d bytes behind"):format(left), 0) end
end

local function text_of(statements)
  local programs <const> = require "spec.fuzz.programs"
  local list <const> = {}
  for i, statement in ipairs(statements) do list[i] = programs.protected(statement) end
  return programs.START .. table.concat(list) .. programs.FINISH
end

local function run(seed, count)
  local braid <const> = require "braid"
  local programs <const> = require "spec.fuzz.programs"
  require("braid.core").set_notice(function() end)
  for k = seed, seed + count - 1 do
    io.write(k, "\n")
    io.flush()
    braid.manual_seed(k)
    run_text(text_of(programs.make(k, STATEMENTS)))
  end
  io.write "done\n"
end

if o.worker then return run(o.seed, o.worker) end
if o.program then
  require("braid.core").set_notice(function() end)
  return run_text(shell.read(o.program))
end

-- ---- in the process that watches ------------------------------------------------------

local function command(rest, seconds)
  return shell.run(("LUA_PATH='./?.lua;lua/?.lua;lua/?/init.lua' LUA_CPATH='%s/lib/?.so' "
    .. "OMP_NUM_THREADS=1 timeout %d %s %s"):format(shell.build, seconds, o.lua, rest))
end

-- Whether a program fails when it runs alone, and how.
local function fails(statements)
  local path <const> = os.tmpname()
  shell.write(path, text_of(statements))
  local result <const> = command("spec/fuzz/api.lua --program " .. path, 60)
  os.remove(path)
  return result.status ~= 0, result
end

-- Reduces a failing program: removes halves of its statements first, single ones last.
local function shrunk(statements)
  local size = #statements // 2
  while size >= 1 do
    local from, shorter = 1, false
    while from <= #statements do
      local fewer <const> = table.move(statements, 1, from - 1, 1, {})
      table.move(statements, from + size, #statements, from, fewer)
      if #fewer < #statements and fails(fewer) then
        statements, shorter = fewer, true
      else
        from = from + size
      end
    end
    if not shorter then size = size // 2 end
  end
  return statements
end

local function report(seed, result)
  io.write(("program %d: status %s signal %s\n"):format(seed, result.status, result.signal),
    result.err:sub(1, 6000), "\n")
  local statements <const> = require "spec.fuzz.programs".make(seed, STATEMENTS)
  if not fails(statements) then
    io.write "the program does not fail alone: run it after the programs before it\n"
    return
  end
  local few <const> = shrunk(statements)
  local _, last <const> = fails(few)
  io.write("---- shrunk to ", #few, " statements\n", table.concat(few, "\n"), "\n----\n",
    last.err:sub(1, 3000), "\n")
end

local started <const>, findings = os.time(), 0
local seed, calls = o.seed, 0
while calls < o.calls and os.time() - started < o.seconds do
  local result <const> = command(("spec/fuzz/api.lua --worker %d --seed %d"):format(BATCH, seed),
    900)
  local last
  for number in result.out:gmatch("(%d+)\n") do last = tonumber(number) end
  if result.status == 0 and result.out:find("done\n$") then
    seed = seed + BATCH
    calls = calls + BATCH * STATEMENTS
  else
    findings = findings + 1
    report(last or seed, result)
    calls = calls + ((last or seed) - seed + 1) * STATEMENTS
    seed = (last or seed) + 1
    if findings >= (tonumber(o.findings) or 1) then break end
  end
end
io.write(("api: %d calls, seeds %d to %d, %d s, %d findings\n"):format(calls, o.seed, seed - 1,
  os.time() - started, findings))
os.exit(findings == 0)
