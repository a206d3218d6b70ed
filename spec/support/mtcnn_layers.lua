--- Random weights for MTCNN's three networks, in Caffe's shapes.

local braid <const> = require "braid"

-- Sizes of the layers: convolutions (outputs, inputs, side), the linear layer after the last map,
-- and heads.
local LAYERS <const> = {
  P = {prelu = "PReLU", convs = {{10, 3, 3}, {16, 10, 3}, {32, 16, 3}}, heads = {2, 4}},
  R = {prelu = "prelu", convs = {{28, 3, 3}, {48, 28, 3}, {64, 48, 2}}, fc = {128, 64},
    heads = {2, 4, 10}},
  O = {prelu = "prelu", convs = {{32, 3, 3}, {64, 32, 3}, {64, 64, 3}, {128, 64, 2}},
    fc = {256, 128}, heads = {2, 4, 10}},
}

--- The layers of stage P, R or O as a list of {name, tensor, ...}, and by name.
return function(stage)
  local s <const>, list <const>, by_name <const> = LAYERS[stage], {}, {}
  local function add(name, ...)
    list[#list + 1], by_name[name] = {name, ...}, {...}
  end
  local function block(i, outputs, ...)
    add("conv" .. i, braid.randn(outputs, ...) * 0.1, braid.randn(outputs) * 0.1)
    add(s.prelu .. i, braid.rand(outputs))
  end
  for i, c in ipairs(s.convs) do block(i, c[1], c[2], c[3], c[3]) end
  local last = #s.convs
  local inputs = s.convs[last][1]
  if s.fc then
    last = last + 1
    block(last, s.fc[1], s.fc[2] * 9)
    inputs = s.fc[1]
  end
  for k, n in ipairs(s.heads) do
    local name <const> = ("conv%d-%d"):format(last + 1, k)
    if s.fc then
      add(name, braid.randn(n, inputs) * 0.1, braid.randn(n) * 0.1)
    else
      add(name, braid.randn(n, inputs, 1, 1) * 0.1, braid.randn(n) * 0.1)
    end
  end
  return list, by_name
end
