--- Measures overhead: the start of the program, the time to its prompt, and a call from Lua to the
-- kernel and back, on tensors of one element.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local pair <const> = require "spec.bench.pair"

local M <const> = {}

local x <const>, w <const> = braid.ones(1):keep(), braid.ones(1):keep():requires_grad_()
local image <const>, kernel <const> = braid.ones(1, 1, 1, 1):keep(), braid.ones(1, 1, 1, 1):keep()
local conv2d <const> = braid.F.conv2d

-- Microseconds of a call: the best of 20 rounds of 2000 calls.
local function per_call(f, recorded)
  local best = math.huge
  for _ = 1, 20 do
    local _ <close> = braid.scope()
    local _ <close> = not recorded and braid.no_grad() or nil
    local from <const> = core.clock()
    for _ = 1, 2000 do f() end
    best = math.min(best, (core.clock() - from) / 2000 * 1e6)
  end
  return best
end

M.calls = {
  {name = "x:relu()", measure = function() return per_call(function() return x:relu() end) end},
  {name = "x + x", measure = function() return per_call(function() return x + x end) end},
  {name = "x * 2", measure = function() return per_call(function() return x * 2 end) end},
  {name = "conv2d(x, w)",
    measure = function() return per_call(function() return conv2d(image, kernel) end) end},
  {name = "w:relu(), recorded",
    measure = function() return per_call(function() return w:relu() end, true) end},
  {name = "w:relu():backward()",
    measure = function() return per_call(function() w:relu():backward() end, true) end},
}

-- The shortest time of a command in milliseconds.
local function least(command, times)
  local best = math.huge
  for _ = 1, times do
    local from <const> = core.clock()
    assert(os.execute(command), command)
    best = math.min(best, (core.clock() - from) * 1e3)
  end
  return best
end

local function start_up(o, rows, show)
  local script <const> = os.tmpname()
  local file <const> = assert(io.open(script, "w"))
  file:write("require 'braid'\n")
  file:close()
  local row <const> = {name = "start-up", unit = "ms",
    braid = least("build/braid " .. script, o.quick and 5 or 20)}
  os.remove(script)
  if o.torch and not o.quick then
    row.torch = least(pair.quote(o.python) .. " -c 'import torch'", 3)
  end
  rows[#rows + 1] = row
  show(row)
end

local function numbers(text)
  local list <const> = {}
  for word in text:gmatch("%S+") do list[#list + 1] = tonumber(word) end
  return list
end

-- Adds the row of the time to the first prompt in a terminal, if there is python3.
local function prompt(o, rows, show)
  local pipe <const> = assert(io.popen(("python3 spec/bench/prompt.py %d build/braid 2>/dev/null")
    :format(o.quick and 5 or 20)))
  local best
  for ms in pipe:lines("n") do best = math.min(best or ms, ms) end
  pipe:close()
  if not best then return end
  rows[#rows + 1] = {name = "first prompt", unit = "ms", braid = best}
  show(rows[#rows])
end

--- Rows {name =, unit = "ms" | "us", braid =, torch = or nil}.
function M.run(o, show)
  local rows <const> = {}
  if o.wanted("overhead", "start-up") then start_up(o, rows, show) end
  if o.wanted("overhead", "first prompt") then prompt(o, rows, show) end
  if not o.wanted("overhead", "calls") then return rows end
  local sides <const> = {}
  local workers <close> = require("spec.bench.networks").start(o)
  for i, worker in ipairs(workers) do
    sides[i] = numbers(worker:ask("calls"))
  end
  for i, call in ipairs(M.calls) do
    local row <const> = {name = call.name, unit = "us", braid = sides[1][i],
      torch = sides[2] and sides[2][i]}
    rows[#rows + 1] = row
    show(row)
  end
  return rows
end

return M
