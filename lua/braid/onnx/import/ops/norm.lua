--- ONNX's normalisations.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local F <const> = require "braid.functional"
local values <const> = require "braid.onnx.import.values"

local ops <const> = core.ops

local M <const> = {}

-- In training ONNX gives the new running statistics too; its variance is over n, not n - 1.
local function trained(a, x, w, b, mean, var)
  local m <const>, v <const> = mean:clone(), var:clone()
  local keep <const>, n <const> = a.momentum or 0.9, x:numel() / x:size(2)
  local y <const> = ops.batch_norm(x, w, b, m, v, true, 1 - keep, a.epsilon or 1e-5)
  return y, m, (v - var * keep) * ((n - 1) / n) + var * keep
end

M.BatchNormalization = {5, function(a, x, w, b, mean, var)
  if x:dim() > 4 then -- a volume as a line
    local f <const>, line <const> = M.BatchNormalization[2], x:flatten(3, -1)
    local y <const>, m <const>, v <const> = f(a, line, w, b, mean, var)
    return y:reshape(x.shape), m, v
  end
  if a.training_mode == 1 then return trained(a, x, w, b, mean, var) end
  return ops.batch_norm(x, w, b, mean, var, false, 0, a.epsilon or 1e-5)
end}

M.InstanceNormalization = {3, function(a, x, w, b)
  return F.instance_norm(x, w, b, {eps = a.epsilon or 1e-5})
end}

M.GroupNormalization = {3, function(a, x, w, b)
  local groups <const>, channels <const> = a.num_groups or 1, x:size(2)
  if w:numel() == groups and groups ~= channels then -- before version 21: a weight for each group
    if groups < 1 or channels % groups ~= 0 then check.fail("num_groups = %d", groups) end
    local function wide(t)
      return t:unsqueeze(2):expand({groups, channels // groups}):reshape({channels})
    end
    w, b = wide(w), wide(b)
  end
  return F.group_norm(x, groups, w, b, {eps = a.epsilon or 1e-5})
end}

-- The dimensions from the node's axis on, and their sizes.
local function from_axis(a, x)
  local first <const> = values.dim(a.axis or -1, x:dim())
  local list <const> = {}
  for d = first, x:dim() do list[#list + 1] = d end
  return list, {table.unpack(x.shape, first)}
end

-- The reciprocal deviation, in float32 at least.
local function deviation(square, a) return (square + (a.epsilon or 1e-5)):sqrt():reciprocal() end

M.LayerNormalization = {2, function(a, x, w, b)
  local list <const>, shape <const> = from_axis(a, x)
  if a.results < 2 and w:dim() == #shape then
    return F.layer_norm(x, shape, w, b, {eps = a.epsilon or 1e-5})
  end
  local mean <const> = x:mean(list, true)
  local apart <const> = x - mean
  local inverse <const> = deviation((apart * apart):mean(list, true), a)
  local y <const> = apart * inverse * w
  return b and y + b or y, mean, inverse
end}

M.RMSNormalization = {2, function(a, x, w)
  return x * deviation((x * x):mean(from_axis(a, x), true), a) * w
end}

-- A window of even size reaches one channel further after its own channel in ONNX, before in Braid.
M.LRN = {1, function(a, x)
  local size <const> = a.size or check.fail("it has no size")
  local o <const> = {alpha = a.alpha or 1e-4, beta = a.beta or 0.75, k = a.bias or 1}
  if size % 2 == 1 then return F.local_response_norm(x, size, o) end
  return F.local_response_norm(x:flip({2}), size, o):flip({2})
end}

M.LpNormalization = {1, function(a, x)
  local d <const> = values.dim(a.axis or -1, x:dim())
  local size <const> = x:norm(a.p or 2, d, true)
  return x / ops.where(size:eq(0), size + 1, size) -- 0 where all are 0
end}

M.MeanVarianceNormalization = {1, function(a, x)
  local list <const> = values.dims(a.axes or {0, 2, 3}, x:dim())
  local apart <const> = x - x:mean(list, true)
  return apart / ((apart * apart):mean(list, true):sqrt() + 1e-9)
end}

return M
