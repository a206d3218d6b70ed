--- Sluice networks (Ruder, Bingel, Augenstein and Sogaard 2019): each column's map is cut into
-- subspaces, and every subspace takes a weighted sum of all subspaces of all columns.
--
-- Options: subspaces (2); diag (0.9) and off, the first weights, off = 0.1 over the number of
-- the other subspaces; lr_mult (100); penalty (1), the weight of the orthogonality constraint,
-- which is net:penalty(). No weight decay on alpha. Decision: the paper's second mixing, of
-- layers of different depth, wants maps of one size, which these networks do not have; it is
-- left out.

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local linear <const> = require "braid.mtl.linear_mix"
local Mixer <const> = require "braid.mtl.mixer"
local Strands <const> = require "braid.mtl.strands"
local ops <const> = core.ops

local Sluice <const> = class("sluice", Mixer)

local function hint(o) return {lr_mult = o.lr_mult, weight_decay = 0} end

-- The rows of the i-th of t columns: (s * t * s), subspace after subspace.
local function first_rows(i, t, o)
  local s <const> = o.subspaces
  local off <const> = o.off or (t * s > 1 and 0.1 / (t * s - 1) or 0)
  return linear.row(s * t * s, nil, hint(o), function(k)
    local row <const>, column <const> = (k - 1) // (t * s), (k - 1) % (t * s)
    return column == (i - 1) * s + row and o.diag or off
  end)
end

function Sluice:init(at, o)
  if at.channels % o.subspaces ~= 0 then
    check.fail("mix: mtl.sluice at '%s' cuts into %d subspaces, which do not divide %d channels",
      at.block, o.subspaces, at.channels)
  end
  self.names, self.options = at.names, o
  local rows <const> = {}
  for i, name in ipairs(at.names) do rows[name] = first_rows(i, #at.names, o) end
  self.alpha = Strands(at.names, rows)
end

function Sluice:list(xs)
  local rows <const>, ys <const> = {}, {}
  for i, name in ipairs(self.names) do rows[i] = self.alpha[name].weight end
  local y <const> = linear.braid(ops.cat(xs, 2), ops.cat(rows, 1),
    #self.names * self.options.subspaces)
  local c <const> = xs[1]:size(2)
  for i in ipairs(xs) do ys[i] = ops.clone(ops.narrow(y, 2, (i - 1) * c + 1, c)) end
  return ys
end

function Sluice:braid(x)
  return linear.braid(x, self.alpha.joined.weight, #self.names * self.options.subspaces)
end

function Sluice:macs(y) return linear.macs(y, #self.names * self.options.subspaces) end

--- The mean over a column's subspaces of the summed magnitude taken from each column.
function Sluice:weights()
  local s <const>, t <const>, result <const> = self.options.subspaces, #self.names, {}
  for i, name in ipairs(self.names) do
    result[i] = self.alpha:rows(name).weight:reshape(s, t, s):sum(3):mean(1):totable()
  end
  return result
end

--- A new column takes as at the start and gives nothing to the others.
function Sluice:resize(names)
  self:unstack()
  local s <const>, rows <const>, place <const> = self.options.subspaces, {}, {}
  for j, name in ipairs(self.names) do place[name] = j end
  for i, name in ipairs(names) do
    local old <const> = self.alpha[name]
    if not old then
      rows[name] = first_rows(i, #names, self.options)
    else
      local was <const> = core.detach(old.weight):reshape(s, #self.names, s)
      local now <const> = core.new({s, #names, s}, was.dtype, 0)
      for j, other in ipairs(names) do
        if place[other] then now[{ {}, j }] = was[{ {}, place[other] }] end
      end
      rows[name] = linear.Row(now:reshape(-1), hint(self.options))
      if not old.weight.requires_grad then rows[name]:freeze() end
    end
  end
  self.names, self.alpha = names, Strands(names, rows)
end

--- The squared norm of the products of a column's subspaces, from the weights (o, ...) of the
-- layer that makes them, summed over pairs of subspaces.
function Sluice:penalty(weight)
  local s <const>, rows <const> = self.options.subspaces, weight:size(1) // self.options.subspaces
  local total
  for a = 1, s do
    for b = a + 1, s do
      local wa <const> = ops.narrow(weight, 1, (a - 1) * rows + 1, rows):reshape(rows, -1)
      local wb <const> = ops.narrow(weight, 1, (b - 1) * rows + 1, rows):reshape(rows, -1)
      local part <const> = wa:matmul(wb:t()):square():sum()
      total = total and total + part or part
    end
  end
  return total and total * self.options.penalty
end

return Mixer.define(Sluice,
  {subspaces = 2, diag = 0.9, off = check.none, lr_mult = 100, penalty = 1},
  function(name, o) check.size(name, "subspaces", o.subspaces) end)
