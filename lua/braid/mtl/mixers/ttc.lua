--- mtl.ttc: task transfer connections (Fang et al. 2017, dynamic multi-task network). Column i
-- takes sum_j alpha_ij x_j, where alpha_ij = sigmoid(beta_ij) is learned (eq. 8) and alpha_ii is
-- always 1.
--
-- Options:
--   start         (0.5) the first alpha_ij
--   granularity   "scalar" (default) or "channel"
--   normalize     true takes the mean, sum_j alpha_ij x_j / sum_j alpha_ij, instead of the sum
--   lr_mult       (1) multiplies beta's learning rate; beta has no weight decay
-- Decision: the sum is the default. The paper's subnets have batch norm, which corrects the range
-- of a sum. In a mean, each further task lowers the share of a column's own map. Use normalize in
-- networks without batch norm.
--
-- With all alpha equal to 1, every column gets the same sum, as in the conventional multi-task
-- network. With alpha_ij = 0 for i ~= j, every column is a separate network (section 3). start = 1
-- and start = 0 begin exactly at these limits. With normalize, start = 1 and equal columns (init =
-- "copy") in a list, the outputs are exactly the outputs of one trunk; stacked columns round
-- differently. Without normalize, the sum is T times the map. At first each column gets 1/T of the
-- trunk's gradient. For columns that move as the trunk would, SGD needs T times its learning rate;
-- Adam takes the same step with the same rate.
--
-- Connections from a late task to earlier tasks also begin at 0, so that earlier outputs do not
-- change. A connection at a limit has a gradient like any other. It stays exactly 0 or 1 until its
-- beta first changes; net:freeze{"mixers"} keeps beta as it is. Decision: after the change, alpha
-- is sigmoid(beta - 2), which begins at 0.12, or sigmoid(beta + 2), which begins at 0.88. These
-- values are near the limits, to keep what the columns have learned, but the sigmoid has a slope
-- there. net:unfreeze, net:train_only and net:remove_task reconnect (section 4.3): connections from
-- a late task to columns whose beta trains begin at `start`.
-- @usage
-- local net = mtl.columns(tasks, nn.backbone("tcdcn"))
-- net:mix({"conv1", "conv3"}, mtl.ttc{})

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local grad <const> = require "braid.grad"
local apart_maps <const> = require "braid.mtl.columns.apart"
local linear <const> = require "braid.mtl.columns.linear_mix"
local Mixer <const> = require "braid.mtl.mixer"
local PerColumn <const> = require "braid.mtl.columns.per_column"
local ops <const> = core.ops

local TTC <const> = class("ttc", Mixer)
TTC.aggregates, TTC.alone = true, true

local function hint(o) return {lr_mult = o.lr_mult, weight_decay = 0} end

-- A row of alpha = sigmoid(beta + EDGE limit). The limit of a connection is -1 if its alpha begins
-- at 0, 1 if it begins at 1, and otherwise 0.
local Row <const> = class("Row", linear.Row)
Row.buffer_names = {limit = true}

local EDGE <const> = 2
local FAR <const> = 1e4 -- the sigmoid of FAR is 1, that of -FAR is 0, and neither has a slope

local function limit_of(p) return p == 0 and -1 or p == 1 and 1 or 0 end
local function beta_of(p) return p > 0 and p < 1 and math.log(p / (1 - p)) or 0 end

-- Row i of t, whose connections begin at alpha = start.
local function first_row(i, t, self)
  local start <const> = self.options.start
  local function filled(own, other)
    return linear.values(t, self.channels, function(j) return i == j and own or other end)
  end
  local row <const> = Row(filled(1, beta_of(start)), hint(self.options))
  row.limit = core.keep(filled(FAR, limit_of(start))) -- alpha_ii stays 1, whatever beta is
  return row
end

function TTC:init(at, o)
  self.names, self.options = at.names, o
  self.channels = o.granularity == "channel" and at.channels or nil
  local rows <const> = {}
  for i, name in ipairs(at.names) do rows[name] = first_row(i, #at.names, self) end
  self.beta = PerColumn(at.names, rows)
end

-- The alpha of some rows. While beta is 0, the alpha of a connection at a limit is exactly 0 or 1,
-- but its gradient is the gradient of the sigmoid.
local function alpha_of(rows)
  local beta <const>, limit <const> = rows.weight, rows.limit
  local alpha <const>, still <const> = ops.sigmoid(beta + limit * EDGE), ops.eq(beta, 0)
  if not ops.any(still):item() then return alpha end
  local a <const> = core.detach(alpha)
  return alpha + (ops.where(still, ops.sigmoid(limit * FAR), a) - a)
end

-- The weights of the columns from number `first` on: alpha, or with normalize alpha divided by the
-- sum of its row.
local function taken(self, rows, first, apart)
  local count <const> = #self.names
  local alpha <const> = apart_maps.weights(alpha_of(rows), apart, count, first)
  if not self.options.normalize then return alpha end
  local table_of <const> = ops.reshape(alpha, -1, count, table.unpack(alpha.shape, 2))
  return ops.reshape(table_of / ops.sum(table_of, 2, true), alpha.shape)
end

function TTC:list(xs, _, apart)
  local rows <const> = {}
  for i, name in ipairs(self.names) do rows[i] = taken(self, self.beta[name], i, apart) end
  return linear.list(xs, rows, self.options.normalize)
end

function TTC:braid(x, _, apart)
  return linear.braid(x, taken(self, self.beta.stacked, 1, apart), #self.names,
    self.options.normalize)
end

function TTC:macs(y) return linear.macs(y, #self.names) end

function TTC:weights()
  local rows <const> = {}
  for i, name in ipairs(self.names) do
    rows[i] = linear.means(taken(self, self.beta:rows(name), i))
  end
  return rows
end

function TTC:needs(i, learning)
  local needed <const>, own <const> = {}, self.beta[self.names[i]] or self.beta.stacked
  if learning and own.weight.requires_grad then return self.names end
  local row <const> = alpha_of(self.beta:rows(self.names[i]))
  for j, name in ipairs(self.names) do
    if row[j]:ne(0):any():item() then needed[#needed + 1] = name end
  end
  return needed
end

--- A new column takes from the other columns with alpha = start. It gives them nothing until their
-- connections train.
function TTC:resize(names)
  self:unstack()
  local rows <const> = {}
  for i, name in ipairs(names) do
    local old <const> = self.beta[name]
    rows[name] = old or first_row(i, #names, self)
    if old then
      linear.resize(old, "weight", self.names, names, 0)
      linear.resize(old, "limit", self.names, names, -1)
    end
  end
  self.names, self.beta = names, PerColumn(names, rows)
end

--- Connections whose alpha is 0 begin at the option start, if their row trains.
function TTC:reconnect()
  local start <const> = self.options.start
  if limit_of(start) ~= 0 then return end
  local _ <close> = grad.no_grad()
  for _, rows in ipairs(self.beta:parts()) do
    local beta <const>, limit <const> = rows.weight, rows.limit
    if beta.requires_grad then
      local off <const> = ops.logical_and(ops.eq(limit, -1), ops.eq(beta, 0))
      ops.copy_(beta, ops.masked_fill(core.detach(beta), off, beta_of(start)))
      ops.copy_(limit, ops.masked_fill(limit, off, 0))
    end
  end
end

return Mixer.define(TTC, {
  start = check.number{0.5, from = 0, to = 1}, granularity = check.choice{"scalar", "channel"},
  normalize = check.flag(false), lr_mult = check.number{1, from = 0},
})
