--- Makes Braid's layers of ONNX's nodes whose weights are constants. A node that no layer fits
-- stays an operator, with its weights as parameters.
--
-- A maker gets the node, the tensors of its constant inputs, and the number of dimensions of its
-- first input, if that is known. It returns the layer, or nil.

local core <const> = require "braid.core"
local nn <const> = require "braid.nn"

local M <const> = {}

local parameter <const> = nn.Module.parameter

local function is_float(t) return t.dtype == "float32" or t.dtype == "float64" end

-- Replaces the weight and bias that a layer has or would make. They are made contiguous, because
-- optimizers need that.
local function filled(layer, weight, bias)
  layer.unsized = nil
  layer.weight = parameter(weight:contiguous())
  layer.bias = bias and parameter(bias:contiguous()) or nil
  return layer
end

-- The padding of a convolution {h, w} if it is the same at both ends.
local function even_padding(a, n)
  local auto <const>, pads <const> = a.auto_pad or "NOTSET", a.pads
  local list <const> = {}
  for i = 1, n do
    list[i] = pads and auto == "NOTSET" and pads[i] or 0
    if pads and auto == "NOTSET" and pads[n + i] ~= list[i] or list[i] < 0 then return nil end
  end
  if auto ~= "NOTSET" and auto ~= "VALID" or pads and #pads ~= 2 * n then return nil end
  return list
end

local function fits(list, n, least)
  for _, v in ipairs(list or {}) do
    if v < least then return false end
  end
  return not list or #list == n
end

local function is_bias(b, n) return not b or is_float(b) and b:dim() == 1 and b:numel() == n end

-- Whether a node of either kind of convolution can be a layer.
local function plain_convolution(a, w, b, outputs)
  return w and w:dim() == 4 and is_float(w) and w:numel() > 0 and is_bias(b, outputs)
    and even_padding(a, 2) and fits(a.strides, 2, 1) and fits(a.dilations, 2, 1)
    and (not a.kernel_shape or a.kernel_shape[1] == w:size(3) and a.kernel_shape[2] == w:size(4))
end

function M.Conv(node, given)
  local a <const>, w <const>, b <const> = node.attributes, given[2], given[3]
  local groups <const> = a.group or 1
  if node.inputs[3] and node.inputs[3] ~= "" and not b then return nil end
  if not plain_convolution(a, w, b, w and w:size(1)) then return nil end
  if groups < 1 or w:size(1) % groups ~= 0 then return nil end
  return filled(nn.Conv2d(w:size(1), {kernel = {w:size(3), w:size(4)}, stride = a.strides,
    padding = even_padding(a, 2), dilation = a.dilations, groups = groups, bias = b ~= nil}), w, b)
end

function M.ConvTranspose(node, given)
  local a <const>, w <const>, b <const> = node.attributes, given[2], given[3]
  local groups <const> = a.group or 1
  if node.inputs[3] and node.inputs[3] ~= "" and not b then return nil end
  if groups < 1 or not w or w:dim() ~= 4 or w:size(1) % groups ~= 0 or a.output_shape
    or not plain_convolution(a, w, b, w:size(2) * groups) or not fits(a.output_padding, 2, 0) then
    return nil
  end
  return filled(nn.ConvTranspose2d(groups, groups, {kernel = 1, stride = a.strides,
    padding = even_padding(a, 2), output_padding = a.output_padding, dilation = a.dilations,
    groups = groups}), w, b)
end

--- Values of more than four dimensions, or of an unknown number, go through the layer with all
-- dimensions after the channels as one (program.lua).
function M.BatchNormalization(node, given, dims)
  local a <const> = node.attributes
  local weight <const>, bias <const>, mean <const>, var <const> = table.unpack(given, 2, 5)
  if dims and dims < 2 or not (weight and bias and mean and var) then
    return nil
  end
  local channels <const> = weight:numel()
  for i = 2, 5 do
    if channels == 0 or not is_bias(given[i], channels) then return nil end
  end
  local eps <const>, momentum <const> = a.epsilon or 1e-5, 1 - (a.momentum or 0.9)
  if not (eps > 0 and momentum >= 0 and momentum <= 1) or a.spatial == 0
    or a.training_mode == 1 then
    return nil
  end
  local layer <const> = nn[dims == 4 and "BatchNorm2d" or "BatchNorm1d"](channels,
    {eps = eps, momentum = momentum})
  layer.running_mean, layer.running_var = core.keep(mean), core.keep(var)
  return filled(layer, weight, bias)
end

function M.Gemm(node, given)
  local a <const>, w <const>, b <const> = node.attributes, given[2], given[3]
  if not w or w:dim() ~= 2 or not is_float(w) or w:numel() == 0 or (a.alpha or 1) ~= 1
    or (a.beta or 1) ~= 1 or a.transA == 1 then
    return nil
  end
  if node.inputs[3] and node.inputs[3] ~= "" and not b then return nil end
  local weight <const> = a.transB == 1 and w or w:t()
  if not is_bias(b, weight:size(1)) then return nil end
  return filled(nn.Linear(weight:size(1), {bias = b ~= nil}), weight, b)
end

--- A layer for MatMul, with the bias that the next node adds, if that adds one.
function M.MatMul(_, given)
  local w <const>, b <const> = given[2], given[3]
  if not w or w:dim() ~= 2 or not is_float(w) or w:numel() == 0 or not is_bias(b, w:size(2)) then
    return nil
  end
  return filled(nn.Linear(w:size(2), {bias = b ~= nil}), w:t(), b)
end

function M.PRelu(_, given, dims)
  local slope <const> = given[2]
  if not slope or not is_float(slope) or slope:numel() == 0 then return nil end
  local shape <const> = slope:dim() > 0 and slope.shape or {1}
  -- (c, 1, 1) goes along the channels of an image
  if slope:numel() > 1 and (not dims or #shape ~= dims - 1 or shape[1] ~= slope:numel()) then
    return nil
  end
  local layer <const> = nn.PReLU(slope:numel())
  layer.weight = parameter(slope:reshape({-1}):contiguous())
  return layer
end

function M.Dropout(node, given)
  if #node.outputs > 1 and node.outputs[2] ~= "" then return nil end
  local ratio = node.attributes.ratio or 0.5
  if node.inputs[2] and node.inputs[2] ~= "" then
    if not given[2] or given[2]:numel() ~= 1 then return nil end
    ratio = given[2]:item()
  end
  if type(ratio) ~= "number" or not (ratio >= 0 and ratio < 1) then return nil end
  return nn.Dropout(ratio)
end

return M
