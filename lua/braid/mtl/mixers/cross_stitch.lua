--- mtl.cross_stitch: cross-stitch units (Misra, Shrivastava, Gupta and Hebert 2016), y_i = sum_j
-- alpha_ij x_j.
--
-- Options: granularity "channel" (a weight for each channel; default) or "scalar"; diag (0.9), the
-- first alpha_ii; off (0.1 / (T - 1)), the first alpha_ij for i ~= j; lr_mult (100), which
-- multiplies alpha's learning rate under any schedule. Alpha has no weight decay. Usually the
-- columns start from trained single-task networks: net:start_from takes their states by task.
--
-- With Adam, alpha does not stay a convex mixture, because the size of Adam's steps does not depend
-- on the gradient. The unit does not require a convex mixture. On MTFL with TCDCN's columns, alpha
-- went from 0.9 and 0.025 to -4 .. 6 in four epochs. The failure rate was 39%, against 49% with
-- lr_mult = 1 (means of three seeds).
-- @usage
-- local net = mtl.columns(tasks, nn.backbone("tcdcn"))
-- net:mix({"conv1", "conv3"}, mtl.cross_stitch{diag = 0.9})

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local apart_maps <const> = require "braid.mtl.columns.apart"
local linear <const> = require "braid.mtl.columns.linear_mix"
local Mixer <const> = require "braid.mtl.mixer"
local PerColumn <const> = require "braid.mtl.columns.per_column"

local CrossStitch <const> = class("cross_stitch", Mixer)
CrossStitch.aggregates = true

local function hint(o) return {lr_mult = o.lr_mult, weight_decay = 0} end

function CrossStitch:init(at, o)
  self.names, self.options = at.names, o
  local t <const> = #at.names
  local off <const> = linear.off(o.off, t - 1)
  local rows <const> = {}
  for i, name in ipairs(at.names) do
    rows[name] = linear.row(t, o.granularity == "channel" and at.channels or nil, hint(o),
      function(j) return i == j and o.diag or off end)
  end
  self.alpha = PerColumn(at.names, rows)
end

function CrossStitch:list(xs, _, apart)
  local rows <const> = {}
  for i, name in ipairs(self.names) do
    rows[i] = apart_maps.weights(self.alpha[name].weight, apart, #self.names, i)
  end
  return linear.list(xs, rows)
end

function CrossStitch:braid(x, _, apart)
  local t <const> = #self.names
  return linear.braid(x, apart_maps.weights(self.alpha.stacked.weight, apart, t, 1), t)
end

function CrossStitch:macs(y) return linear.macs(y, #self.names) end

function CrossStitch:weights()
  local rows <const> = {}
  for i, name in ipairs(self.names) do rows[i] = linear.means(self.alpha:rows(name).weight) end
  return rows
end

function CrossStitch:needs(i, learning)
  local needed <const>, own <const> = {}, self.alpha[self.names[i]] or self.alpha.stacked
  if learning and own.weight.requires_grad then return self.names end
  local row <const> = self.alpha:rows(self.names[i]).weight
  for j, name in ipairs(self.names) do
    if row[j]:ne(0):any():item() then needed[#needed + 1] = name end
  end
  return needed
end

--- A new column takes from the other columns with the first weights, and gives them nothing.
function CrossStitch:resize(names)
  self:unstack()
  local rows <const>, o <const> = {}, self.options
  local off <const> = linear.off(o.off, #names - 1)
  local any <const> = self.alpha[self.names[1]].weight
  local channels <const> = any:dim() == 2 and any:size(2) or nil
  for i, name in ipairs(names) do
    local old <const> = self.alpha[name]
    if old then linear.resize(old, "weight", self.names, names, 0) end
    rows[name] = old or linear.row(#names, channels, hint(o),
      function(j) return i == j and o.diag or off end)
  end
  self.names, self.alpha = names, PerColumn(names, rows)
end

return Mixer.define(CrossStitch, {
  granularity = check.choice{"channel", "scalar"}, diag = check.number(0.9), off = check.number(),
  lr_mult = check.number{100, from = 0},
})
