--- mtl.nddr: neural discriminative dimensionality reduction (Gao et al. 2019). Each column takes a
-- 1x1 convolution of the maps of all columns, then batch norm and ReLU.
--
-- Options: diag (0.9) and off (0.1 / (T - 1)). At first the convolution adds diag times a column's
-- own map and off times each other map.
-- @usage
-- local net = mtl.columns(tasks, nn.backbone("tcdcn"))
-- net:mix("*", mtl.nddr{})

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local apart_maps <const> = require "braid.mtl.columns.apart"
local grad <const> = require "braid.grad"
local nn <const> = require "braid.nn"
local inputs <const> = require "braid.mtl.columns.inputs"
local linear <const> = require "braid.mtl.columns.linear_mix"
local Mixer <const> = require "braid.mtl.mixer"
local Pair <const> = require "braid.mtl.columns.stack.pair"
local PerColumn <const> = require "braid.mtl.columns.per_column"

local NDDR <const> = class("nddr", Mixer)
NDDR.aggregates, NDDR.wants_maps = true, true

-- Makes the mixer's layers for column i of t columns.
local function task_part(i, t, c, o)
  local conv <const> = nn.Conv2d(t * c, c, {kernel = 1, bias = false})
  local off <const> = linear.off(o.off, t - 1)
  local _ <close> = grad.no_grad()
  conv.weight:zero_()
  for j = 1, t do
    for k = 1, c do conv.weight[{k, (j - 1) * c + k, 1, 1}] = i == j and o.diag or off end
  end
  return nn.Sequential{conv, nn.BatchNorm2d(c), nn.ReLU()}
end

function NDDR:init(at, o)
  self.names, self.channels, self.options, self.came = at.names, at.channels, o, at.names
  local parts <const> = {}
  for i, name in ipairs(at.names) do parts[name] = task_part(i, #at.names, at.channels, o) end
  self.task = PerColumn(at.names, parts)
end

function NDDR:list(xs, _, apart)
  local function run(zeroed)
    return self.task:run_each(core.ops.cat(apart_maps.list(xs, zeroed), 2))
  end
  local ys <const> = run(apart)
  for i in pairs(apart or {}) do -- column i still gets its own map
    local others <const> = {}
    for j in pairs(apart) do others[j] = j ~= i or nil end
    ys[i] = run(others)[i]
  end
  return ys
end

function NDDR:braid(x, _, apart)
  if not apart then return self.task.stacked(x) end
  return core.ops.cat(self:list(Pair.each(x, #self.names), nil, apart), 2)
end

function NDDR:resize(names)
  local place <const> = {}
  for i, name in ipairs(names) do place[name] = i end
  for _, part in ipairs(self.task:parts()) do
    inputs.resize(part[1], self.names, names, self.channels)
  end
  self.task = self.task:extended(names, function(name)
    return task_part(place[name], #names, self.channels, self.options)
  end)
  self.came = inputs.arrived(self.came, names)
  for _, part in ipairs(self.task:parts()) do
    part[1] = inputs.ordered(part[1], self.came, names, self.channels)
  end
  self.names = names
end

return Mixer.define(NDDR, {diag = check.number(0.9), off = check.number()})
