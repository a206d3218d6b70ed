--- Compares train.fit with a plain loop of the same steps: TCDCN on rendered faces, two epochs in a
-- round. The loop, train.fit, and train.fit with a directory take turns.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local measure <const> = require "spec.bench.measure"

local M <const> = {}

local EPOCHS <const>, BATCH <const> = 2, 64

local function made(network)
  braid.manual_seed(1)
  return network.net(), {batch = BATCH, shuffle = true, seed = 1, tasks = network.tasks}
end

-- Runs the loop that a user would write, and returns the number of its steps.
local function plain(network, faces)
  local net <const>, options <const> = made(network)
  local opt <const>, steps = braid.optim.Adam(net:parameters(), {lr = 1e-3}), 0
  for epoch = 1, EPOCHS do
    options.epoch = epoch
    for batch in braid.data.loader(faces, options) do
      local _ <close> = braid.scope()
      local loss <const> = network.tasks:loss(net(batch.image), batch)
      opt:zero_grad()
      loss:backward()
      opt:step()
      loss:item()
      steps = steps + 1
    end
  end
  return steps
end

local function fitted(network, faces, dir)
  local net <const> = made(network)
  braid.train.fit{net = net, tasks = network.tasks, train = faces, epochs = EPOCHS, batch = BATCH,
    optimizer = {"Adam", lr = 1e-3}, seed = 1, log = 0, dir = dir,
    progress = false}
end

--- Returns {plain_ms, fit_ms, dir_ms} of a step: medians of rounds in turns.
-- The time of fit includes its beginning and, with a directory, its files. It prints nothing.
function M.run(o, show)
  if not o.wanted("fit", "tcdcn train.fit") then return nil end
  local network <const> = require "spec.bench.networks.tcdcn"
  local faces <const> = braid.data.faces{n = o.quick and 400 or 4000, seed = 1, size = 40}.train
  local steps, times <const> = nil, {{}, {}, {}}
  local dir <const> = os.tmpname()
  os.remove(dir)
  local ways <const> = {
    function() steps = plain(network, faces) end,
    function() fitted(network, faces) end,
    function(round) fitted(network, faces, dir .. round) end,
  }
  for round = 0, o.quick and 1 or 9 do
    for i = 1, #ways do
      local k <const> = (i + round) % #ways + 1
      local from <const> = core.clock()
      ways[k](round)
      if round > 0 then times[k][round] = (core.clock() - from) * 1e3 / steps end
    end
    os.execute(("rm -r '%s%d'"):format(dir, round))
  end
  local row <const> = {name = "tcdcn", plain_ms = measure.summary(times[1]).median,
    fit_ms = measure.summary(times[2]).median, dir_ms = measure.summary(times[3]).median}
  show(row, network.title)
  return row
end

return M
