--- Other names for the tensors of a backbone, as published weights use them.
--
-- An alias is {map = {path of a layer in Braid = its path in the weights}, keep = whether all other
-- names are the same}. Every backbone whose blocks are layers in a row has these aliases:
--   by number   the layers are numbered from 0 over all blocks, like PyTorch's Sequential
--               (torchvision's `features`), with and without the layers that only Braid has
--   by block    a block's layer has the name of the block, as in Caffe's files
-- Aliases for a particular published layout are in the file of that backbone (nn/backbones).

local class <const> = require "braid.class"
local BatchNorm2d <const> = require "braid.nn.batch_norm2d"
local Identity <const> = require "braid.nn.identity"
local Sequential <const> = require "braid.nn.sequential"

local M <const> = {}

-- The layers of a block, as {path, layer}.
local function layers_of(block, m)
  if getmetatable(m) ~= Sequential then return {{block, m}} end
  local list <const> = {}
  for i = m.first, m.last do list[#list + 1] = {block .. "." .. i, m[i]} end
  return list
end

local function is_one_of(layer, classes)
  for _, c in ipairs(classes) do
    if class.is_a(layer, c) then return true end
  end
  return false
end

local function numbered(backbone, left_out)
  local map <const>, count = {}, 0
  for _, block in ipairs(backbone.order) do
    for _, entry in ipairs(layers_of(block, backbone[block])) do
      if not is_one_of(entry[2], left_out) then
        map[entry[1]], count = ("%d"):format(count), count + 1
      end
    end
  end
  return {map = map}
end

local function by_block(backbone)
  local map <const> = {}
  for _, block in ipairs(backbone.order) do
    for _, entry in ipairs(layers_of(block, backbone[block])) do
      local weight <const> = rawget(entry[2], "weight")
      if weight and weight:dim() > 1 then
        map[entry[1]] = block
        break
      end
    end
  end
  return {map = map}
end

--- The aliases of a backbone. The alias of its layout comes first.
function M.of(backbone, layout)
  local list <const> = {}
  if layout then list[1] = {map = layout, keep = true} end
  for _, left_out in ipairs{{}, {Identity}, {Identity, BatchNorm2d}} do
    list[#list + 1] = numbered(backbone, left_out)
  end
  list[#list + 1] = by_block(backbone)
  return list
end

--- The name that an alias gives to a tensor, or nil.
function M.name(alias, name)
  local last = #name
  while last do
    local path <const> = name:sub(1, last)
    if alias.map[path] then return alias.map[path] .. name:sub(last + 1) end
    last = path:find("%.[^.]*$")
    last = last and last - 1
  end
  return alias.keep and name or nil
end

return M
