--- ONNX's operators of transformers.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local values <const> = require "braid.onnx.import.values"

local ops <const> = core.ops

local M <const> = {}

-- Splits (n, length, heads * size) into (n, heads, length, size).
local function split_heads(x, heads)
  if x:dim() == 4 then return x end
  if not heads or heads < 1 or x:size(3) % heads ~= 0 then
    check.fail("%s heads do not divide %d values", tostring(heads), x:size(-1))
  end
  return x:reshape({x:size(1), x:size(2), heads, x:size(3) // heads}):transpose(2, 3)
end

-- Repeats the heads of keys or values for groups of queries.
local function repeated(x, heads)
  local own <const> = x:size(2)
  if own == heads then return x end
  if heads % own ~= 0 then check.fail("%d heads do not share %d", heads, own) end
  local n <const>, _, length <const>, size <const> = table.unpack(x.shape)
  return x:unsqueeze(3):expand({n, own, heads // own, length, size})
    :reshape({n, heads, length, size})
end

local function count(n) return ops.cumsum(core.new({n}, "int64", 1), 1) - 1 end

-- The term that is added to the scores: the mask, and -infinity for keys that come after a query,
-- outside its window or beyond the keys that count. Query i stands at place i + past among keys.
local function bias_of(a, q, keys, mask, past, lengths)
  local rows <const>, hidden = q:size(3), core.new({1, 1, q:size(3), keys}, q.dtype, 0)
  local ahead <const> = count(keys):unsqueeze(1) - count(rows):unsqueeze(2) - past
  local never <const> = core.new({}, q.dtype, -math.huge)
  local function hide(which) hidden = ops.where(which, never, hidden) end
  if a.is_causal == 1 then hide(ahead:gt(0)) end
  if (a.left_window_size or -1) >= 0 then hide(ahead:lt(-a.left_window_size)) end
  if (a.right_window_size or -1) >= 0 then hide(ahead:gt(a.right_window_size)) end
  if lengths then
    hide(count(keys):reshape({1, 1, 1, keys}):ge(lengths))
  end
  if not mask then return hidden end
  if mask:size(-1) < keys then
    local fill <const> = mask.dtype == "bool" and 0 or -math.huge
    mask = mask.dtype == "bool" and mask:to("uint8") or mask
    mask = ops.pad(mask, {0, keys - mask:size(-1)}, "constant", fill)
    if mask.dtype == "uint8" then mask = mask:ne(0) end
  end
  if mask.dtype == "bool" then
    return hidden + ops.where(mask, core.new(mask.shape, q.dtype, 0), -math.huge):to(q.dtype)
  end
  return hidden + mask
end

-- A row in which everything is hidden attends to nothing.
local function weights_of(scores, bias)
  local y <const>, all <const> = scores:softmax(4), bias:eq(-math.huge):all(-1, true)
  return ops.where(all, core.new({}, y.dtype, 0), y)
end

M.Attention = {3, function(a, q, k, v, mask, past_k, past_v, lengths)
  local flat <const> = q:dim() == 3
  q, k = split_heads(q, a.q_num_heads), split_heads(k, a.kv_num_heads)
  v = split_heads(v, a.kv_num_heads)
  local past <const> = past_k and past_k:size(3) or 0
  if past_k then k, v = ops.cat({past_k, k}, 3), ops.cat({past_v, v}, 3) end
  local heads <const>, size <const>, now_k <const>, now_v <const> = q:size(2), q:size(4), k, v
  k, v = repeated(k, heads), repeated(v, heads)
  local root <const> = math.sqrt(a.scale or 1 / math.sqrt(size))
  local scores = (q * root):matmul((k * root):transpose(3, 4))
  if a.softcap and a.softcap > 0 then scores = (scores / a.softcap):tanh() * a.softcap end
  lengths = lengths and lengths:to("int64"):reshape({-1, 1, 1, 1})
  local bias <const> = bias_of(a, q, k:size(3), mask, past_k and past or lengths
    and lengths - q:size(3) or 0, lengths)
  local masked <const> = scores + bias
  local weights <const> = weights_of(masked, bias)
  local y = weights:matmul(v)
  if flat then
    y = y:transpose(2, 3):reshape({y:size(1), y:size(3), heads * y:size(4)})
  end
  local shown <const> = {[0] = scores, [1] = a.softcap and scores or masked, [2] = masked,
    [3] = weights}
  return y, now_k, now_v, shown[a.qk_matmul_output_mode or 0]
end}

M.RotaryEmbedding = {3, function(a, x, cosines, sines, places)
  local flat <const>, shape <const> = x:dim() == 3, x.shape
  if flat then x = split_heads(x, a.num_heads) end
  local n <const>, _, length <const>, size <const> = table.unpack(x.shape)
  local turned <const> = (a.rotary_embedding_dim or 0) > 0 and a.rotary_embedding_dim or size
  local half <const> = turned // 2
  if places then
    local index <const> = values.index(places, cosines:size(1)):reshape({-1})
    local function row(t) return t:index_select(1, index):reshape({n, length, half}) end
    cosines, sines = row(cosines), row(sines)
  end
  cosines, sines = cosines:unsqueeze(2), sines:unsqueeze(2)
  local first, second
  if a.interleaved == 1 then
    first = x:narrow(4, 1, half, 2)
    second = x:narrow(4, 2, half, 2)
  else
    first, second = x:narrow(4, 1, half), x:narrow(4, half + 1, half)
  end
  local p <const>, q <const> = first * cosines - second * sines, first * sines + second * cosines
  local y = a.interleaved == 1
    and ops.stack({p, q}, 5):reshape({n, x:size(2), length, turned}) or ops.cat({p, q}, 4)
  if turned < size then y = ops.cat({y, x:narrow(4, turned + 1, size - turned)}, 4) end
  return flat and y:transpose(2, 3):reshape(shape) or y
end}

return M
