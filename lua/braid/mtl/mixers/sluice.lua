--- mtl.sluice: sluice networks (Ruder, Bingel, Augenstein and Sogaard 2019). Each column's map is
-- cut into subspaces, and every subspace takes a weighted sum of all subspaces of all columns.
--
-- Options:
--   subspaces   (2)
--   diag, off   the first weights (default: 0.9, and 0.1 divided by the number of other subspaces)
--   lr_mult     (100) multiplies alpha's learning rate; alpha has no weight decay
--   penalty     (1) the weight of the orthogonality constraint, which net:penalty() returns
-- If the number of subspaces does not divide the channels, the last subspaces are shorter or empty:
-- 9 channels in 4 subspaces give 3, 3, 3 and 0. Decision: the paper also mixes layers of different
-- depth. That needs maps of one size, which these networks do not have, so it is left out.
-- @usage
-- local net = mtl.columns(tasks, nn.backbone("tcdcn"))
-- net:mix("*", mtl.sluice{})

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local apart_maps <const> = require "braid.mtl.columns.apart"
local linear <const> = require "braid.mtl.columns.linear_mix"
local Mixer <const> = require "braid.mtl.mixer"
local Pair <const> = require "braid.mtl.columns.stack.pair"
local PerColumn <const> = require "braid.mtl.columns.per_column"
local ops <const> = core.ops

local Sluice <const> = class("sluice", Mixer)
Sluice.aggregates = true

local function hint(o) return {lr_mult = o.lr_mult, weight_decay = 0} end

-- The first weights of column i of t columns, (s * t * s): for each of its s subspaces, a row of
-- weights for the t * s subspaces of all columns.
local function first_rows(i, t, o)
  local s <const> = o.subspaces
  local off <const> = linear.off(o.off, t * s - 1)
  return linear.row(s * t * s, nil, hint(o), function(k)
    local row <const>, column <const> = (k - 1) // (t * s), (k - 1) % (t * s)
    return column == (i - 1) * s + row and o.diag or off
  end)
end

function Sluice:init(at, o)
  self.names, self.options = at.names, o
  self.missing = -at.channels % o.subspaces -- how many more channels would make the subspaces equal
  local rows <const> = {}
  for i, name in ipairs(at.names) do rows[name] = first_rows(i, #at.names, o) end
  self.alpha = PerColumn(at.names, rows)
end

-- Concatenates the maps, each followed by zeros for the missing channels.
local function filled(self, xs)
  local parts <const> = {}
  for i, x in ipairs(xs) do
    local n <const>, c <const> = x:size(1), self.missing
    parts[2 * i - 1], parts[2 * i] = x, core.new({n, c, table.unpack(x.shape, 3)}, x.dtype, 0)
  end
  return ops.cat(self.missing > 0 and parts or xs, 2)
end

-- The maps of c channels in the concatenation y, without the zeros.
local function cut(self, y, c)
  local ys <const> = {}
  for i in ipairs(self.names) do
    ys[i] = ops.clone(ops.narrow(y, 2, (i - 1) * (c + self.missing) + 1, c))
  end
  return ys
end

local function mixed(self, x, rows, apart)
  local t <const>, s <const> = #self.names, self.options.subspaces
  return linear.braid(x, apart_maps.weights(rows, apart, t, 1, s), t * s)
end

function Sluice:list(xs, _, apart)
  local rows <const> = {}
  for i, name in ipairs(self.names) do rows[i] = self.alpha[name].weight end
  return cut(self, mixed(self, filled(self, xs), ops.cat(rows, 1), apart), xs[1]:size(2))
end

function Sluice:braid(x, _, apart)
  local rows <const> = self.alpha.stacked.weight
  if self.missing == 0 then return mixed(self, x, rows, apart) end
  local xs <const> = Pair.each(x, #self.names)
  return ops.cat(cut(self, mixed(self, filled(self, xs), rows, apart), xs[1]:size(2)), 2)
end

function Sluice:macs(y) return linear.macs(y, #self.names * self.options.subspaces) end

--- How much a column takes from each column: the sum of the weights, averaged over its subspaces.
function Sluice:weights()
  local s <const>, t <const>, result <const> = self.options.subspaces, #self.names, {}
  for i, name in ipairs(self.names) do
    result[i] = self.alpha:rows(name).weight:reshape(s, t, s):sum(3):mean(1):totable()
  end
  return result
end

--- A new column takes from the other columns with the first weights, and gives them nothing.
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
  self.names, self.alpha = names, PerColumn(names, rows)
end

--- The penalty of a column: the sum, over pairs of its subspaces, of the squared norm of the
-- product of their weights, times the option penalty. `weight` (o, ...) belongs to the layer that
-- makes the subspaces.
function Sluice:penalty(weight)
  local o <const>, spaces <const> = weight:size(1), {}
  local rows <const> = (o + self.options.subspaces - 1) // self.options.subspaces
  for from = 1, o, rows do
    local count <const> = math.min(rows, o - from + 1)
    spaces[#spaces + 1] = ops.narrow(weight, 1, from, count):reshape(count, -1)
  end
  local total
  for a = 1, #spaces do
    for b = a + 1, #spaces do
      local part <const> = spaces[a]:matmul(spaces[b]:t()):square():sum()
      total = total and total + part or part
    end
  end
  return total and total * self.options.penalty
end

return Mixer.define(Sluice, {
  subspaces = check.whole{2, from = 1}, diag = check.number(0.9), off = check.number(),
  lr_mult = check.number{100, from = 0}, penalty = check.number{1, from = 0},
})
