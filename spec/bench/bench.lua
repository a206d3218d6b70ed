--- `make bench`: the speed of Braid, beside PyTorch's where it is installed.
--
-- Prints tables and writes them to a JSON file. Only ratios mean much on a machine that has
-- other work: both sides take turns, and single operators show the best of many calls.

local braid <const> = require "braid"
local json <const> = require "braid.io.json"
local convolutions <const> = require "spec.bench.convolutions"
local machine <const> = require "spec.bench.machine"
local networks <const> = require "spec.bench.networks"
local report <const> = require "spec.bench.report"

local o <const> = braid.train.arguments(arg, {
  quick = false,      -- fewer and shorter runs
  only = "",          -- words: rows whose part or name holds one of them
  python = "python3", -- that has PyTorch
  machine = "build/bench/machine",
  out = "build/bench.json",
})

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

local out <const> = assert(io.open(o.out, "w"))
out:write(json.encode(result), "\n")
out:close()
print("\nwritten to " .. o.out)
