--- Computes what the networks of a comparison share besides data, order and seeds: how long they
-- train, or how many parameters they have. The results are kept in plan.json, so that all seeds and
-- later runs use the same values.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local entry_of <const> = require "braid.train.comparing.entry"
local files <const> = require "braid.io.files"
local fit <const> = require "braid.train.fit"
local json <const> = require "braid.io.json"
local training <const> = require "braid.train.comparing.training"

local M <const> = {}

local WARM <const>, TIMED <const> = 3, 15 -- steps before the clock starts, and steps timed

-- The seconds that a step of training takes, measured on a network made for this.
local function step_seconds(net, all, tasks)
  local own <const>, first, last = {}, nil, nil
  for key, value in pairs(all) do own[key] = value end
  local stage <const> = own.stages and own.stages[1] or {}
  for _, key in ipairs{"stages", "epochs", "val", "best", "patience", "stopping", "every", "on",
    "profile"} do
    own[key] = nil
  end
  own.steps, own.net, own.tasks, own.progress = WARM + TIMED, net, tasks, false
  own.on = {step = function(f)
    if f.at.step == WARM then first = core.clock() end
    if f.at.step == WARM + TIMED then last = core.clock() end
  end}
  if stage.prepare then stage.prepare(net) end
  fit(own)
  return (last - first) / TIMED
end

-- The cost of all parts of an entry together, and of a training as its options describe it.
local function cost_of(c, entry, width)
  local all <const> = training.options(c.o, entry.options)
  local cost <const> = {parameters = 0, macs = 0, seconds = 0.0, width = width}
  for _, part in ipairs(entry.parts) do
    core.manual_seed(1)
    local net <const> = entry_of.make(c.what, entry, part, c.o.tasks,
      {network = entry.name, seed = 1, width = width or 1.0})
    local tasks <const> = rawget(net, "tasks") or all.tasks
    local parameters <const>, macs <const> = training.cost(net, all, tasks)
    if not macs and c.o.budget == "macs" then
      check.fail("%s: budget = \"macs\": the multiplications of '%s' are not known", c.what,
        entry.name)
    end
    cost.parameters, cost.macs = cost.parameters + parameters, cost.macs + (macs or 0)
    if c.o.budget == "seconds" then
      cost.seconds = cost.seconds + step_seconds(net, all, tasks)
    end
    cost.per_epoch = training.steps_of_epoch(all, tasks)
  end
  cost.steps = 0
  for _, stage in ipairs(all.stages or {all}) do
    cost.steps = cost.steps + (stage.steps or stage.epochs * cost.per_epoch)
  end
  return cost
end

-- The number of parameters that all networks should have.
local function wanted(c, costs)
  if c.o.parameters then return c.o.parameters end
  local reference, most = c.o.baseline and costs[c.o.baseline], 0
  if reference then return reference.parameters end
  for _, cost in pairs(costs) do most = math.max(most, cost.parameters) end
  return most
end

local function find_widths(c, costs)
  local count <const> = wanted(c, costs)
  for _, entry in ipairs(c.entries) do
    if #entry.parts == 1 and costs[entry.name].parameters ~= count then
      local width <const> = entry_of.width(c.what, entry, c.o.tasks, count)
      costs[entry.name] = cost_of(c, entry, width)
    end
  end
end

-- Sets for each network the ratio of the steps that it trains to the steps that its options say.
local function find_ratios(c, costs)
  if c.o.budget == "seconds" then
    for _, cost in pairs(costs) do cost.ratio = c.o.seconds / cost.seconds / cost.steps end
    return
  end
  local reference, most = c.o.baseline and costs[c.o.baseline], 0
  for _, cost in pairs(costs) do most = math.max(most, cost.macs * cost.steps) end
  local total <const> = reference and reference.macs * reference.steps or most
  for _, cost in pairs(costs) do cost.ratio = total / (cost.macs * cost.steps) end
end

local function read(path)
  return core.path_kind(path) == "file" and json.decode(files.read(path) or "") or nil
end

-- A text of everything that the plan depends on.
local function mark_of(c)
  local words <const> = {c.o.budget, tostring(c.o.same), tostring(c.o.parameters),
    tostring(c.o.seconds), tostring(c.o.baseline), tostring(c.o.epochs), tostring(c.o.steps),
    tostring(c.o.batch)}
  for _, entry in ipairs(c.entries) do
    words[#words + 1] = entry.name
    for _, part in ipairs(entry.parts) do
      words[#words + 1] = table.concat(part.code.lines, "\n")
    end
  end
  return ("%08x"):format(core.crc32(table.concat(words, "\0"), 0))
end

--- The plan, {NETWORK = {width =, ratio =, per_epoch =}}; empty if nothing has to be computed.
function M.find(c, dir)
  if c.o.run or c.o.budget == "epochs" and not c.o.same then return {} end
  local path <const>, mark <const> = dir .. "/plan.json", mark_of(c)
  local kept <const> = read(path)
  if type(kept) == "table" and kept.mark == mark then return kept.networks end
  local threads <const>, seed <const>, stream <const> = core.get_threads(), core.random_state()
  core.set_threads(c.o.threads)
  local costs <const> = {}
  for _, entry in ipairs(c.entries) do costs[entry.name] = cost_of(c, entry) end
  if c.o.same then find_widths(c, costs) end
  if c.o.budget ~= "epochs" then find_ratios(c, costs) end
  core.set_threads(threads)
  core.set_random_state(seed, stream)
  local ok <const>, why <const> = files.write(path, {json.encode{mark = mark, networks = costs},
    "\n"})
  if not ok then check.fail("%s: dir: %s", c.what, why) end
  return costs
end

return M
