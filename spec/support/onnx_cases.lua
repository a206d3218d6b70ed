--- Networks that are written as ONNX files and compared with onnxruntime: a list of {name =, make =
-- a function that returns the network, shape = of one sample, or shapes = of each input}.
--
-- All models of models/, each mixer with stacked columns and with columns in a list, and for each
-- operator that has a form in ONNX a network that calls it (onnx_operators.lua).

local braid <const> = require "braid"
local check <const> = require "braid.check"
local class <const> = require "braid.class"
local definitions <const> = require "spec.support.definitions"
local operators <const> = require "spec.support.onnx_operators"
local mtl <const>, nn <const> = braid.mtl, braid.nn

local cases <const> = {}

local function add(name, shape, make, slow)
  cases[#cases + 1] = {name = name, shape = shape, make = make, slow = slow}
end

local function tasks()
  return mtl.tasks{landmarks = mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4}},
    pose = mtl.classes{5, weight = 0.1}, smile = mtl.classes{2, names = {"no", "yes"}}}
end

-- Statistics and slopes that are not those of a new network, so that no sum is zero by chance.
local function stir(net)
  local _ <close> = braid.no_grad()
  for _, m in ipairs(net:find(nn.Module)) do
    if m.running_mean then
      m.running_mean:copy_(braid.randn(m.running_mean.shape) * 0.1)
      m.running_var:copy_(braid.rand(m.running_var.shape) + 0.5)
    end
  end
  for name, p in net:named_parameters() do
    if p:dim() == 1 or name:find("alpha") or name:find("beta") or name:find("mixer") then
      p:add_(braid.randn(p.shape) * 0.05)
    end
  end
  return net
end

-- ---- models -----------------------------------------------------------------------------

for _, path in ipairs(definitions.paths()) do
  local facts <const> = definitions.known[path]
  local _, c <const>, h <const>, w <const> = table.unpack(facts.shape)
  local name <const> = path:match("([%w_]+)%.lua$")
  add(name, {c, h, w}, function()
    return braid.model(path,
      definitions.small(path, {tasks = tasks(), channels = c ~= 3 and c or nil}))
  end)
end

for _, stage in ipairs{"P", "R"} do
  local side <const> = stage == "P" and 12 or 24
  add("mtcnn " .. stage, {3, side, side}, function()
    return braid.model("models/mtcnn.lua", {stage = stage})
  end)
end

for _, size in ipairs{"resnet18", "alexnet", "vgg16"} do
  add(size .. " at full size", {3, 64, 64}, function()
    return braid.model(("models/%s.lua"):format(size), {tasks = tasks()})
  end, true)
end

-- ---- mixers -----------------------------------------------------------------------------

local MIXERS <const> = {"collaborative", "cross_stitch", "nddr", "none", "progressive",
  "separation", "share", "sluice", "ttc"}

for _, name in ipairs(MIXERS) do
  for _, stacked in ipairs{true, false} do
    if not (stacked and name == "progressive") then -- it has no stacked form
      add(("mtl.%s, %s"):format(name, stacked and "stacked" or "in a list"), {1, 32, 32}, function()
        return mtl.network{tasks = tasks(), blocks = nn.backbone("dmt", {width = 0.25}),
          mixer = mtl[name]{}, at = {"conv1", "conv3"}, stacked = stacked}
      end, true)
    end
  end
end

-- ---- operators --------------------------------------------------------------------------

local Call <const> = class("Call", nn.Module)
function Call:init(f) self.f = f end
function Call:forward(...) return self.f(...) end

for _, name in ipairs(check.sorted_keys(operators)) do
  for i, case in ipairs(operators[name]) do
    cases[#cases + 1] = {name = ("%s %d"):format(name, i), operator = name, shapes = case.shapes,
      make = function()
        if braid.nn.Module.is(case.f) then return case.f end
        return Call(case.f)
      end}
  end
end

-- ---- pictures ---------------------------------------------------------------------------

local Same <const> = class("Same", nn.Module)
function Same.forward(_, x) return x * 1 end

-- {recipe, shape (c, h, w) of the pictures, end of the case's name}
local PICTURES <const> = {
  {{size = 24, channels = 3}, {3, 24, 24}}, {{size = 24, channels = 1}, {3, 50, 37}},
  {{size = 24, channels = 1, filter = "bilinear"}, {1, 50, 60}},
  {{size = 24, channels = 3, whiten = false}, {1, 100, 160}},
  {{size = 12, channels = 1}, {3, 20, 30}},
  {{size = 40, channels = 3, whiten = false}, {3, 31, 17}},
  {{channels = 3, transforms = {{"resize", 20, 31}, {"normalize", {mean = {0.4, 0.5, 0.6},
    std = {0.2, 0.3, 0.25}}}}}, {3, 47, 64}},
  {{channels = 1, transforms = {{"crop", 0.8}, {"resize", 33, {filter = "bilinear"}}, {"whiten"}}},
    {3, 60, 44}, ", halfway between bytes"},
  {{channels = 3, transforms = {{"resize", 64}, {"crop", {margin = 0.5, square = false}},
    {"resize", 16}, {"normalize"}}}, {3, 90, 128}},
  {{channels = 1, transforms = {{"align", {size = 20}}}}, {1, 30, 30}},
}

for i, picture in ipairs(PICTURES) do
  local recipe <const>, shape <const>, more <const> = table.unpack(picture)
  cases[#cases + 1] = {name = ("picture %d%s"):format(i, more or ""), picture = true, shape = shape,
    make = function()
      local net <const> = Same()
      net.card = {preprocessing = recipe}
      return net
    end}
end

for _, case in ipairs(cases) do
  local make <const> = case.make
  case.shapes = case.shapes or {case.shape}
  case.make = function()
    braid.manual_seed(7)
    local net <const> = make()
    local inputs <const> = {}
    for i, shape in ipairs(case.shapes) do
      inputs[i] = braid.randn({2, table.unpack(shape)})
    end
    do
      local _ <close> = net:evaluating()
      net(table.unpack(inputs)) -- layers without a number of inputs find it
    end
    return stir(net)
  end
end

return cases
