--- mtl.collaborative: the collaborative block (Trottier, Giguere and Chaib-draa 2018, equations 1
-- to 3), for maps x_1..x_T of C channels, with m = floor(C T ratio):
--   z   = ReLU BN conv3x3(m, m) ReLU BN conv1x1(C T, m) of cat(x_1, ..., x_T)
--   y_t = ReLU(x_t + BN conv3x3(C, C) ReLU BN conv1x1(C + m, C) of cat(x_t, z))
-- Convolutions have no bias. Options:
--   ratio        (1/4)
--   final_relu   (true); the authors' first version has no last ReLU
--   gamma_init   the first scale of the batch norms: "one", "uniform" (random from 0 to 1, as was
--                usual in 2018), or "zero": the last batch norm of each y_t starts at 0, so that
--                the block starts as the identity
--   kernel       3 (default), or 1, which makes the 3x3 convolutions 1x1. These need no padding.
--                A network that slides over a picture then gives, for each window, the outputs that
--                it gives for the window cut out (network P of models/mtcnn.lua)
-- @usage
-- local net = mtl.columns(tasks, nn.backbone("tcdcn"))
-- net:mix("*", mtl.collaborative{ratio = 1/4})

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local nn <const> = require "braid.nn"
local apart_maps <const> = require "braid.mtl.columns.apart"
local Mixer <const> = require "braid.mtl.mixer"
local Pair <const> = require "braid.mtl.columns.stack.pair"
local PerColumn <const> = require "braid.mtl.columns.per_column"
local inputs <const> = require "braid.mtl.columns.inputs"

local Collaborative <const> = class("collaborative", Mixer)
Collaborative.aggregates, Collaborative.wants_maps = true, true

local function convolution(c_in, outputs, kernel)
  return nn.Conv2d(c_in, outputs, {kernel = kernel, padding = kernel // 2, bias = false})
end

local function start_gamma(module, how)
  if how == "one" then return end
  local norms <const> = module:find(nn.BatchNorm2d)
  if how == "uniform" then
    for _, norm in ipairs(norms) do nn.init.uniform(norm.weight, 0, 1) end
  else
    nn.init.constant(norms[#norms].weight, 0)
  end
end

-- Makes F_t, the part of y_t that is added to x_t.
local function task_part(c, m, o)
  local part <const> = nn.Sequential{
    convolution(c + m, c, 1), nn.BatchNorm2d(c), nn.ReLU(),
    convolution(c, c, o.kernel), nn.BatchNorm2d(c),
  }
  start_gamma(part, o.gamma_init)
  return part
end

function Collaborative:init(at, o)
  local c <const> = at.channels
  local m <const> = math.max(1, math.floor(c * #at.names * o.ratio))
  self.names, self.options, self.channels, self.middle = at.names, o, c, m
  self.came = at.names
  self.central = nn.Sequential{ -- H, which makes z
    convolution(c * #at.names, m, 1), nn.BatchNorm2d(m), nn.ReLU(),
    convolution(m, m, o.kernel), nn.BatchNorm2d(m), nn.ReLU(),
  }
  if o.gamma_init == "uniform" then start_gamma(self.central, "uniform") end
  local parts <const> = {}
  for _, name in ipairs(at.names) do parts[name] = task_part(c, m, o) end
  self.task = PerColumn(at.names, parts)
end

-- A map that is hidden from the other columns (apart) is replaced by 0 only in the input of H;
-- x_t + F_t keeps it (section 4.4).
function Collaborative:list(xs, _, apart)
  local z <const>, ys <const> = self.central(core.ops.cat(apart_maps.list(xs, apart), 2)), {}
  for i, part in ipairs(self.task:run_each(xs, z)) do
    local y <const> = xs[i] + part
    ys[i] = self.options.final_relu and y:relu() or y
  end
  return ys
end

function Collaborative:braid(x, _, apart)
  local z <const> = self.central(apart_maps.braid(x, apart, #self.names))
  local y <const> = x + self.task.stacked(Pair(x, z, #self.names))
  return self.options.final_relu and y:relu() or y
end

--- A new column takes from the common map z. At first z takes nothing from the new column.
function Collaborative:resize(names)
  inputs.resize(self.central[1], self.names, names, self.channels)
  self.came = inputs.arrived(self.came, names)
  self.central[1] = inputs.ordered(self.central[1], self.came, names, self.channels)
  self.task = self.task:extended(names, function()
    return task_part(self.channels, self.middle, self.options)
  end)
  self.names = names
end

return Mixer.define(Collaborative, {
  ratio = check.number{1 / 4, above = 0}, final_relu = check.flag(true),
  gamma_init = check.choice{"one", "uniform", "zero"}, kernel = check.choice{3, 1},
})
