--- mtl.progressive: progressive networks (Rusu et al. 2016). Columns are learned one after the
-- other, and each takes from earlier columns: y_k = x_k + ReLU(V_k cat_j(a_kj x_j)), j < k.
--
-- a_kj is a learned scale and V_k a 1x1 convolution. Decision: what a column takes is added to its
-- own map, so that the next layer uses the same weights for both. Options: order, the tasks in the
-- order in which they are learned (default: sorted by name); start (0.1), the first value of a_kj.
-- net:train_only{name} freezes all columns except the column of this task.
-- @usage
-- local net = mtl.columns(tasks, nn.backbone("tcdcn"))
-- net:mix("*", mtl.progressive{order = {"smile", "landmarks"}})

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local nn <const> = require "braid.nn"
local apart_maps <const> = require "braid.mtl.columns.apart"
local inputs <const> = require "braid.mtl.columns.inputs"
local linear <const> = require "braid.mtl.columns.linear_mix"
local Mixer <const> = require "braid.mtl.mixer"
local PerColumn <const> = require "braid.mtl.columns.per_column"
local ops <const> = core.ops

local Progressive <const> = class("progressive", Mixer)
Progressive.aggregates, Progressive.alone, Progressive.wants_maps = true, true, true
Progressive.braid = nil -- no stacked form, because columns take from different numbers of others

local Lateral <const> = class("Lateral", nn.Module)

-- The connections to one column from the columns in `from`.
function Lateral:init(from, c, start)
  self.from = from
  self.scale = linear.row(#from, nil, {weight_decay = 0}, function() return start end)
  self.conv = nn.Conv2d(#from * c, c, {kernel = 1})
end

function Lateral:forward(x, maps)
  local list <const> = {}
  for j, name in ipairs(self.from) do list[j] = maps[name] * self.scale.weight[j] end
  return x + self.conv(ops.cat(list, 2)):relu()
end

local function order_of(at_names, given)
  if not given then return at_names end
  local known <const> = {}
  for _, name in ipairs(at_names) do known[name] = true end
  local order <const> = {}
  for _, name in ipairs(given) do
    if known[name] then order[#order + 1] = name end
    known[name] = nil
  end
  for _, name in ipairs(at_names) do
    if known[name] then
      check.fail("mtl.progressive: order does not name '%s'; it lists every task once: %s", name,
        table.concat(at_names, ", "))
    end
  end
  return order
end

function Progressive:init(at, o)
  self.names, self.channels, self.options = at.names, at.channels, o
  self.sequence = order_of(at.names, o.order)
  local parts <const> = {}
  for k, name in ipairs(self.sequence) do
    parts[name] = k == 1 and nn.Identity()
      or Lateral(table.move(self.sequence, 1, k - 1, 1, {}), at.channels, o.start)
  end
  self.task = PerColumn(at.names, parts)
end

function Progressive:list(xs, _, apart)
  local maps <const>, ys <const>, given <const> = {}, {}, apart_maps.list(xs, apart)
  for i, name in ipairs(self.names) do maps[name] = given[i] end
  for i, name in ipairs(self.names) do ys[i] = self.task[name](xs[i], maps) end
  return ys
end

function Progressive:needs(i)
  local name <const> = self.names[i]
  local from <const> = self.task[name].from or {}
  local needed <const> = table.move(from, 1, #from, 1, {})
  needed[#needed + 1] = name
  return needed
end

--- A new column comes last. Connections from a removed column are removed.
function Progressive:resize(names)
  local kept <const>, sequence <const>, parts <const> = {}, {}, {}
  for _, name in ipairs(names) do kept[name] = true end
  for _, name in ipairs(self.sequence) do
    if kept[name] then sequence[#sequence + 1] = name end
    kept[name] = false
  end
  for _, name in ipairs(names) do
    if kept[name] then sequence[#sequence + 1] = name end
  end
  for k, name in ipairs(sequence) do
    local from <const> = table.move(sequence, 1, k - 1, 1, {})
    local old <const> = self.task[name]
    if k == 1 then
      parts[name] = nn.Identity()
    elseif old then
      linear.resize(old.scale, "weight", old.from, from, 0)
      inputs.resize(old.conv, old.from, from, self.channels)
      old.from, parts[name] = from, old
    else
      parts[name] = Lateral(from, self.channels, self.options.start)
    end
  end
  self.names, self.sequence, self.task = names, sequence, PerColumn(names, parts)
end

return Mixer.define(Progressive, {
  order = check.list{of = check.text()}, start = check.number(0.1),
})
