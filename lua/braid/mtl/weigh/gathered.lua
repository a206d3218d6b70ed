--- The gradients of several batches, until a weighting weighs them: one arena of T rows for each
-- sample, in which the gradients of the sample's batches add up. Only one batch's graph lives at a
-- time.
--
-- A batch may lack labels, so it is known only after the last batch which parameters are shared.
-- Until then the rows hold all parameters that train. Then the rows are divided: shared parameters
-- stay in the rows, and the other parameters get the gradient of their own task.

local class <const> = require "braid.class"
local core <const> = require "braid.core"
local pieces_of <const> = require "braid.mtl.weigh.pieces"
local Shared <const> = require "braid.mtl.weigh.shared"
local ops <const> = core.ops

local Gathered <const> = class("Gathered", Shared)

--- `names` are the names of all tasks. parameters() iterates over names and parameters. `arenas` is
-- a list of tensors that are used again in every step.
function Gathered:init(names, parameters, arenas)
  self.place, self.trained, self.paths, self.size = {}, {}, {}, 0
  self.samples, self.reached, self.at = {}, {}, {}
  for i, name in ipairs(names) do self.place[name] = i end
  for path, p in parameters() do
    if p.requires_grad then
      self.trained[#self.trained + 1], self.paths[#self.paths + 1] = p, path
      self.at[p], self.size = self.size + 1, self.size + p:numel()
      self.reached[p] = {}
    end
  end
  self.all, self.arenas = names, arenas
  self.dtype = Shared.widest(self.trained)
end

-- The sums of a sample.
local function sample_of(self, k)
  while #self.samples < k do
    local i <const> = #self.samples + 1
    local rows = self.arenas[i]
    if rows and rows:size(2) == self.size and rows.dtype == self.dtype then
      ops.fill_(rows, 0)
    else
      rows = core.keep(core.new({#self.all, self.size}, self.dtype, 0))
      self.arenas[i] = rows
    end
    self.samples[i] = {rows = rows, losses = {}}
  end
  return self.samples[k]
end

--- Adds a batch's losses, by name, to a sample, and their gradients, each times its factor.
function Gathered:add(k, names, losses, factors)
  local sample <const> = sample_of(self, k)
  local row <const> = core.new({1, self.size}, self.dtype)
  for i, name in ipairs(names) do
    local loss <const> = losses[i]
    for j, count in ipairs(core.reach({loss}, self.trained)) do
      if count > 0 then self.reached[self.trained[j]][name] = true end
    end
    core.backward_rows({loss}, {core.new({}, loss.dtype, factors[i])}, self.trained, row, 1,
      i < #names)
    ops.add_(ops.narrow(sample.rows, 1, self.place[name], 1), row)
    sample.losses[name] = (sample.losses[name] or 0.0) + loss:item() * factors[i]
  end
end

--- The names of the tasks that have a loss in some batch, in order, and their losses in the last
-- sample.
function Gathered:tasks()
  local names <const>, losses <const> = {}, {}
  for _, name in ipairs(self.all) do
    local has = false
    for _, sample in ipairs(self.samples) do has = has or sample.losses[name] ~= nil end
    if has then
      names[#names + 1] = name
      losses[#names] = self.samples[#self.samples].losses[name] or 0.0
    end
  end
  return names, losses
end

-- Takes the targets' values out of rows that have values for all parameters.
local function columns_of(self, rows)
  local parts <const> = {}
  local from, n
  for _, p in ipairs(self.targets) do
    if from and from + n == self.at[p] then
      n = n + p:numel()
    else
      if from then parts[#parts + 1] = ops.narrow(rows, 2, from, n) end
      from, n = self.at[p], p:numel()
    end
  end
  if from then parts[#parts + 1] = ops.narrow(rows, 2, from, n) end
  if #parts == 1 and n == self.size then return rows end
  return #parts == 0 and core.new({rows:size(1), 0}, self.dtype) or ops.cat(parts, 2):contiguous()
end

-- The rows of a sample for the tasks, each times its factor.
local function scaled_rows(self, sample, names, scales)
  local wanted <const> = {}
  for i, name in ipairs(names) do wanted[i] = self.place[name] end
  local rows = sample.rows
  if #wanted < #self.all then
    rows = ops.index_select(rows, 1, core.from_table(wanted, "int64"))
  end
  for i, scale in ipairs(scales) do
    if scale ~= 1 then ops.mul_(ops.narrow(rows, 1, i, 1), scale) end
  end
  return rows
end

-- Adds the sum of the rows to the gradients of the parameters in `wanted` {p = true}.
local function give_own(self, rows, wanted)
  local ones <const> = {}
  for i = 1, rows:size(1) do ones[i] = 1.0 end
  local sum <const> = ops.weighted_rows(rows, core.from_table(ones, self.dtype))
  for i, gradient in ipairs(core.split_row(ops.reshape(sum, 1, -1), 1, self.trained)) do
    local p <const> = self.trained[i]
    if wanted[p] and next(self.reached[p]) then self.add_gradient(p, gradient) end
  end
end

--- Gives each parameter the sum of the rows, each times its factor. It serves methods that weigh
-- losses and not gradients.
function Gathered:give(names, factors)
  give_own(self, scaled_rows(self, self.samples[#self.samples], names, factors), self.reached)
end

--- Divides the rows. A parameter that only one task uses accumulates its gradient, times the task's
-- factor. The rows of shared parameters stay: `rows` has the rows of the last sample, `sampled` a
-- list of the rows of all samples.
function Gathered:divide(names, scales, known, net)
  local pieces <const> = pieces_of.of(net)
  self.losses, self.on, self.known, self.pieces = names, "parameters", known, pieces
  self.targets, self.layout, self.sampled = {}, {}, {}
  local counts <const>, own <const> = {}, {}
  for i, p in ipairs(self.trained) do
    counts[i], own[p] = 0, true
    for _ in pairs(self.reached[p]) do counts[i] = counts[i] + 1 end
  end
  self:choose(self.trained, self.paths, counts)
  for _, p in ipairs(self.targets) do own[p] = nil end
  for k, sample in ipairs(self.samples) do
    local rows <const> = scaled_rows(self, sample, names, scales)
    self.rows = columns_of(self, rows)
    if k == #self.samples then give_own(self, rows, own) end
    local taken <const> = pieces and pieces:part(self)
    if k == #self.samples then self.own = taken end
    self.sampled[k] = self.rows
  end
end

return Gathered
