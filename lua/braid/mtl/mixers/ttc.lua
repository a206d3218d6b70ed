--- Task transfer connections (Fang et al. 2017, dynamic multi-task network): column i takes
-- sum_j alpha_ij x_j, where alpha_ij = sigmoid(beta_ij) is learned and alpha_ii = 1 is not.
--
-- With all alpha equal every column gets the same sum, the conventional multi-task network;
-- with alpha_ij = 0 for i ~= j every column is a network of its own: start = 1 and 0 give
-- both exactly, and stay, for there the sigmoid has no slope.
-- Options: start (0.5; the first alpha_ij), granularity "scalar" (default) or "channel", lr_mult
-- (1). Beta has no weight decay.

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local linear <const> = require "braid.mtl.linear_mix"
local Mixer <const> = require "braid.mtl.mixer"
local Strands <const> = require "braid.mtl.strands"
local ops <const> = core.ops

local TTC <const> = class("ttc", Mixer)
TTC.alone = true

local function hint(o) return {lr_mult = o.lr_mult, weight_decay = 0} end

-- Where the sigmoid is 1 exactly, and at its negative 0: a number, for of infinities
-- optimizers make NaN.
local FAR <const> = 1e4

local function logit(p)
  if p <= 0 then return -FAR end
  return p >= 1 and FAR or math.log(p / (1 - p))
end

function TTC:init(at, o)
  self.names, self.options = at.names, o
  self.channels = o.granularity == "channel" and at.channels or nil
  local rows <const>, beta <const> = {}, logit(o.start)
  for i, name in ipairs(at.names) do
    rows[name] = linear.row(#at.names, self.channels, hint(o),
      function(j) return i == j and 0 or beta end) -- a column's own beta is not used
  end
  self.beta = Strands(at.names, rows)
end

-- alpha of columns from the first-th on, from their betas one after the other
local function alpha_of(beta, first, count)
  local rows <const> = beta:size(1) // count
  local own <const> = core.new({rows * count}, "bool", 0)
  for i = 1, rows do own[(i - 1) * count + first + i - 1] = true end
  if beta:dim() == 2 then return ops.masked_fill(ops.sigmoid(beta), own:reshape(-1, 1), 1) end
  return ops.masked_fill(ops.sigmoid(beta), own, 1)
end

function TTC:list(xs)
  local rows <const> = {}
  for i, name in ipairs(self.names) do
    rows[i] = alpha_of(self.beta[name].weight, i, #self.names)
  end
  return linear.list(xs, rows)
end

function TTC:braid(x)
  return linear.braid(x, alpha_of(self.beta.joined.weight, 1, #self.names), #self.names)
end

function TTC:macs(y) return linear.macs(y, #self.names) end

function TTC:weights()
  local rows <const> = {}
  for i, name in ipairs(self.names) do
    rows[i] = linear.means(alpha_of(self.beta:rows(name).weight, i, #self.names))
  end
  return rows
end

function TTC:needs(i)
  local needed <const> = {}
  local row <const> = alpha_of(self.beta:rows(self.names[i]).weight, i, #self.names)
  for j, name in ipairs(self.names) do
    if row[j]:ne(0):any():item() then needed[#needed + 1] = name end
  end
  return needed
end

--- A new column takes as at the start and gives nothing to the others.
function TTC:resize(names)
  self:unstack()
  local rows <const>, beta <const> = {}, logit(self.options.start)
  for i, name in ipairs(names) do
    local old <const> = self.beta[name]
    rows[name] = old
      and linear.Row(linear.resized(old, self.names, names, -FAR), hint(self.options))
      or linear.row(#names, self.channels, hint(self.options),
        function(j) return i == j and 0 or beta end)
    if old and not old.weight.requires_grad then rows[name]:freeze() end
  end
  self.names, self.beta = names, Strands(names, rows)
end

return Mixer.define(TTC, {
  start = check.number{0.5, from = 0, to = 1}, granularity = check.choice{"scalar", "channel"},
  lr_mult = check.number{1, from = 0},
})
