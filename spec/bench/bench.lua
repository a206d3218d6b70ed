--- `make bench`: the speed of Braid, and of PyTorch if it is installed.
--
-- Prints tables and writes them to a JSON file. If other programs use the machine, trust only
-- ratios: Braid and PyTorch take turns, and single operators show the best of many calls.

local braid <const> = require "braid"
local json <const> = require "braid.io.json"
local convolutions <const> = require "spec.bench.convolutions"
local machine <const> = require "spec.bench.machine"
local networks <const> = require "spec.bench.networks"
local operators <const> = require "spec.bench.operators"
local overhead <const> = require "spec.bench.overhead"
local report <const> = require "spec.bench.report"
local columns <const> = require "spec.bench.columns"
local fitting <const> = require "spec.bench.fitting"
local weightings <const> = require "spec.bench.weightings"

local o <const> = braid.train.arguments(arg, {
  quick = false,      -- fewer and shorter runs
  only = "",          -- words: measures only rows whose part or name contains one of them
  profile = "",       -- a network: show only where its training step spends its time
  winograd = true,    -- no: measures single convolutions without Winograd
  python = "python3", -- an interpreter that has PyTorch
  machine = "build/bench/machine",
  out = "build/bench.json",
})

if o.profile ~= "" then
  local STEPS <const> = 10
  local _, step <const> =
    require("spec.bench.step").train(require("spec.bench.networks." .. o.profile))
  for _ = 1, 3 do step() end
  print(("%d training steps of %s:"):format(STEPS, o.profile))
  print(braid.profile(function() for _ = 1, STEPS do step() end end))
  os.exit(0, true)
end

braid.set_winograd(o.winograd)
local words <const> = {}
for word in o.only:lower():gmatch("[^%s,]+") do words[#words + 1] = word end

function o.wanted(part, name)
  if #words == 0 then return true end
  local text <const> = (part .. " " .. name):lower()
  for _, word in ipairs(words) do
    if text:find(word, 1, true) then return true end
  end
  return false
end

o.threads, o.isa = braid.get_threads(), require("braid.core").isa()
o.torch = networks.find_torch(o)
local result <const> = {quick = o.quick, threads = o.threads, isa = o.isa, torch = o.torch,
  machine = machine(o), operators = {}}
report.start(o, result.machine)
result.networks = networks.training(o, report.networks())
result.geometric_mean = report.mean(result.networks)
result.inference = networks.inference(o, report.inference())
convolutions.run(o, result.machine, result.operators, report.convolutions())
operators.run(o, result.machine, result.operators, report.operators())
result.columns = columns.run(o, report.columns())
result.weightings = weightings.run(o, report.weightings())
result.fit = fitting.run(o, report.fit())
result.threads_of = networks.threads(o, report.threads())
result.overhead = overhead.run(o, report.overhead())
networks.finish(o)

local out <const> = assert(io.open(o.out, "w"))
out:write(json.encode(result), "\n")
out:close()
print("\nwritten to " .. o.out)
