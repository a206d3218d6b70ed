--- Lesson 7: your own layer. A class with two methods, and what it gets for that.
--
-- The layer here is squeeze and excitation (Hu, Shen and Sun 2018): it looks at the means of all
-- channels and decides how much of each to let through. Notice: `init` makes parameters,
-- `forward` reads them, and counting, saving, freezing and gradients follow.

local braid <const> = require "braid"
local class <const> = require "braid.class"
local nn <const>, F <const> = braid.nn, braid.F

-- `init` gets what the constructor is called with. Modules in fields are parts; a tensor becomes
-- a parameter by `nn.Module.parameter`, or state that is saved but not learned by `self:buffer`.

local Excite <const> = class("Excite", nn.Module)

function Excite:init(channels, ratio)
  self.down = nn.Linear(channels, channels // ratio)
  self.up = nn.Linear(channels // ratio, channels)
  self.scale = nn.Module.parameter(braid.ones(1))
end

-- x (n,c,h,w) -> (n,c,h,w). `forward` must not store anything of a call in self, so that the
-- layer can run several times in a step.

function Excite:forward(x)
  local means <const> = F.global_avg_pool(x) -- (n,c)
  local gate <const> = self.up(self.down(means):relu()):sigmoid():mul(self.scale)
  return x * gate:reshape(x:size(1), x:size(2), 1, 1)
end

-- `describe` is what print shows between the brackets.

function Excite:describe() return ("%d channels"):format(self.up.bias:numel()) end

braid.manual_seed(1)
local net <const> = nn.Sequential{
  nn.Conv2d(1, 16, {kernel = 3}), nn.BatchNorm2d(16), nn.ReLU(), Excite(16, 4),
  nn.GlobalAvgPool(), nn.Linear(16, 2),
}
print(net)
for name, p in net:named_parameters() do print(name, table.concat(p.shape, " x ")) end

-- The gradient, against differences. In double precision all digits are there to compare.

local layer <const> = Excite(4, 2):to("float64")
print(braid.gradcheck(function(x) return layer(x):square():sum() end,
  {braid.randn({2, 4, 3, 3}, {dtype = "float64"})}))

-- A wrong size is reported with the place in the network.

print((select(2, pcall(net, braid.randn(2, 3, 20, 20))):gsub("^.-:%d+: ", "")))

-- Its state goes to a file and back, and frozen it gives and takes no gradient.

local state <const> = net:state_dict()
local copy <const> = net:clone()
copy:load_state_dict(state)
net:eval()
copy:eval()
local x <const> = braid.randn(2, 1, 20, 20)
print(net(x):eq(copy(x)):all():item(), state["4.scale"]:item())
net:freeze()
print(net(x).requires_grad)

-- Where an operator is missing, `braid.Function` takes a forward and a backward of yours. This
-- one is a sign that passes its gradient through.

local straight_sign <const> = braid.Function{
  forward = function(_, v) return v:sign() end,
  backward = function(_, dy) return dy end,
}
local v <const> = braid.tensor{-2, 0.5, 3}:requires_grad_()
straight_sign(v):sum():backward()
print(straight_sign(v), v.grad)

-- Does it help? The same small network with the layer and without, on the same faces: on so easy
-- a question it does not, and a line of code told you so.

local data <const> = braid.data
local faces <const> = data.faces{n = 500, seed = 1, size = 40}
for _, name in ipairs{"with", "without"} do
  braid.manual_seed(1)
  local parts <const> = {nn.Conv2d(1, 16, {kernel = 5, stride = 2}), nn.BatchNorm2d(16), nn.ReLU(),
    name == "with" and Excite(16, 4) or nn.Identity(), nn.Flatten(), nn.Linear(2)}
  local small <const> = nn.Sequential(parts)
  small(braid.zeros(1, 1, 40, 40)) -- Linear(2) finds its input here, before an optimizer asks
  local opt <const> = braid.optim.Adam(small:parameters(), {lr = 1e-3})
  local last = 0
  for epoch = 1, 4 do
    last = 0
    for batch in data.loader(faces.train, {batch = 50, shuffle = true, epoch = epoch}) do
      local _ <close> = braid.scope()
      local loss <const> = F.cross_entropy(small(batch.image), batch.smile)
      opt:zero_grad()
      loss:backward()
      opt:step()
      last = last + loss:item() / 10
    end
  end
  print(("%-7s loss %.3f in the last epoch"):format(name, last))
end
