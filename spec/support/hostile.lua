--- Calls every operator, method and function of tensors with hostile values. Prints each call that
-- took too long or too much memory, or that failed with a message not beginning with the name
-- that was called. spec/tensor/sizes_spec.lua runs this program with little memory.
--
-- It starts from a valid call, and replaces each argument, each entry of its tables and each
-- option in turn by each hostile value.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local F <const>, T <const> = braid.F, braid.tensor

local SECONDS <const>, BYTES <const> = 1, 100e6

local VALUES <const> = {0, -1, 1 << 31, (1 << 31) - 1, 1 << 53, 1 << 61, 1 << 62, math.maxinteger,
  math.mininteger, 0.5, 1e300, 0 / 0, 1 / 0, -1 / 0, "a", "", true, {}, {1, 1, 1, 1, 1, 1, 1, 1, 1},
  {{}}, {"a", "b"}, {unknown = 1}, {1 << 62, 1 << 62}, {-1, -1}, {0 / 0, 0}, function() end}

local function f32(...) return braid.rand(...) end
local function i64(t) return T(t, {dtype = "int64"}) end
local function image() return braid.rand(1, 4, 6, 6) end
local function square() return braid.eye(3) + 1 end

-- The arguments of a valid call, by the name of the function.
local function unary() return {f32(2, 3)} end
local function binary() return {f32(2, 3), f32(2, 3)} end
local function pair_of_images() return {f32(2, 3), f32(2, 3), {reduction = "mean"}} end

local CALLS <const> = {
  where = function() return {T{{true, false}}, f32(1, 2), f32(1, 2)} end,
  masked_fill = function() return {f32(2), T{true, false}, 1} end,
  lerp = function() return {f32(2), f32(2), 0.5} end,
  clamp = function() return {f32(2), 0, 1} end,
  leaky_relu = function() return {f32(2), 0.1} end, elu = function() return {f32(2), 1} end,
  to = function() return {f32(2), "float64"} end,
  cat = function() return {{f32(2), f32(2)}, 1} end,
  stack = function() return {{f32(2), f32(2)}, 1} end,
  reshape = function() return {f32(2, 3), {3, 2}} end,
  view = function() return {f32(2, 3), {3, 2}} end,
  flatten = function() return {f32(2, 3), 1, 2} end,
  unflatten = function() return {f32(6), 1, {3, 2}} end,
  squeeze = function() return {f32(2, 1), 2} end, unsqueeze = function() return {f32(2), 1} end,
  permute = function() return {f32(2, 3), {2, 1}} end,
  transpose = function() return {f32(2, 3), 1, 2} end,
  expand = function() return {f32(2, 1), {2, 3}} end,
  narrow = function() return {f32(4), 1, 1, 2, 1} end,
  select = function() return {f32(4), 1, 1} end,
  matmul = function() return {f32(2, 3), f32(3, 2)} end,
  conv2d = function()
    return {image(), f32(4, 4, 3, 3), f32(4), {stride = 1, padding = 1, dilation = 1, groups = 1}}
  end,
  conv_transpose2d = function()
    return {image(), f32(4, 2, 3, 3), f32(2),
      {stride = 2, padding = 1, output_padding = 1, dilation = 1, groups = 1}}
  end,
  max_pool2d = function() return {image(), 2, 2, 1, false, 1} end,
  avg_pool2d = function() return {image(), 2, 2, 1, false, true} end,
  adaptive_max_pool2d = function() return {image(), 2} end,
  adaptive_avg_pool2d = function() return {image(), {2, 3}} end,
  batch_norm = function()
    return {image(), f32(4), f32(4), f32(4), f32(4), {training = true, momentum = 0.1, eps = 1e-5}}
  end,
  cross_entropy = function()
    return {f32(2, 3), i64{1, 2}, {label_smoothing = 0.1, ignore = -100, reduction = "mean"}}
  end,
  nll = function() return {f32(2, 3), i64{1, 2}, {ignore = -100, reduction = "mean"}} end,
  focal = function() return {f32(2, 3), i64{1, 2}, {gamma = 2, reduction = "mean"}} end,
  hinge = function() return {f32(2, 3), braid.ones(2, 3), {margin = 1}} end,
  cosine = function() return {f32(2, 3), f32(2, 3), braid.ones(2), {margin = 0}} end,
  huber = function() return {f32(2), f32(2), {delta = 1}} end,
  smooth_l1 = function() return {f32(2), f32(2), {beta = 1}} end,
  wing = function() return {f32(2), f32(2), {w = 10, eps = 2}} end,
  dropout = function() return {f32(2), 0.5, true} end,
  index_select = function() return {f32(2, 3), 1, i64{1, 2}} end,
  masked_select = function() return {f32(2), T{true, false}} end,
  flip = function() return {f32(2, 3), {1, 2}} end,
  roll = function() return {f32(2, 3), {1, 1}, {1, 2}} end,
  repeat_ = function() return {f32(2, 3), {1, 2}} end, tile = function() return {f32(2, 3), 2} end,
  pad = function() return {f32(2, 3), {1, 1}, "constant", 0} end,
  unfold = function() return {f32(5), 1, 2, 1} end,
  topk = function() return {f32(5), 2, 1, true} end,
  gather = function() return {f32(2, 3), 1, i64{{1, 2, 1}}} end,
  scatter = function() return {f32(2, 3), 1, i64{{1, 2, 1}}, f32(1, 3)} end,
  scatter_add = function() return {f32(2, 3), 1, i64{{1, 2, 1}}, f32(1, 3)} end,
  norm = function() return {f32(2, 3), 2, {1}, true} end,
  solve = function() return {square(), f32(3, 2)} end, inverse = function() return {square()} end,
  cholesky = function() return {square()} end, eigh = function() return {square()} end,
  grid_sample = function() return {image(), f32(1, 2, 2, 2), {mode = "bilinear"}} end,
  nms = function() return {f32(3, 4), f32(3), 0.5} end,
  prelu = function() return {f32(2, 3), f32(3)} end,
  linear = function() return {f32(2, 3), f32(4, 3), f32(4)} end,
  mix = function() return {f32(1, 4, 2, 2), f32(2, 2, 2)} end,
  t = unary, channels_last = function() return {image()} end,
  -- composed in Lua
  expand_as = function() return {f32(2, 1), f32(2, 3)} end,
  view_as = binary, type_as = binary, item = function() return {f32(1)} end,
  prelu_ = function() return {f32(2, 3), f32(3)} end,
  addmm = function() return {f32(2, 2), f32(2, 3), f32(3, 2), {alpha = 2, beta = 2}} end,
  argsort = function() return {f32(2, 3), 2, true} end,
  bmm = function() return {f32(2, 2, 3), f32(2, 3, 2)} end,
  mm = function() return {f32(2, 3), f32(3, 2)} end, mv = function() return {f32(2, 3), f32(3)} end,
  dot = function() return {f32(3), f32(3)} end, outer = function() return {f32(3), f32(2)} end,
  chunk = function() return {f32(6), 2, 1} end, split = function() return {f32(6), {2, 4}, 1} end,
  einsum = function() return {"ij,jk->ik", f32(2, 3), f32(3, 2)} end,
  index_add = function() return {f32(3, 2), 1, i64{1, 2}, f32(2, 2), {alpha = 2}} end,
  index_add_ = function() return {f32(3, 2), 1, i64{1, 2}, f32(2, 2), {alpha = 2}} end,
  one_hot = function() return {i64{1, 2}, 3} end, take = function() return {f32(4), i64{1, 2}} end,
  size = function() return {f32(2, 3), 1} end,
  affine_grid = function() return {f32(1, 2, 3), {1, 1, 4, 4}, {align_corners = true}} end,
  bilinear = function() return {f32(2, 3), f32(2, 4), f32(5, 3, 4), f32(5)} end,
  conv1d = function()
    return {f32(1, 4, 9), f32(4, 4, 3), f32(4), {stride = 1, padding = 1, dilation = 1, groups = 1}}
  end,
  crelu = function() return {image(), 2} end, glu = function() return {image(), 2} end,
  dropout2d = function() return {image(), 0.5, {training = true}} end,
  embedding = function() return {i64{1, 2}, f32(3, 2), {padding_index = 1}} end,
  global_avg_pool = function() return {image()} end,
  group_norm = function() return {image(), 2, f32(4), f32(4), {eps = 1e-5}} end,
  instance_norm = function() return {image(), f32(4), f32(4), {eps = 1e-5}} end,
  layer_norm = function() return {image(), {6, 6}, f32(6, 6), f32(6, 6), {eps = 1e-5}} end,
  interpolate = function() return {image(), {size = {3, 5}, mode = "bilinear"}} end,
  local_response_norm = function() return {image(), 3, {alpha = 1e-4, beta = 0.75, k = 1}} end,
  lp_pool2d = function() return {image(), 2, 2, {stride = 2, ceil_mode = true}} end,
  normalize = function() return {image(), {p = 2, dim = 2, eps = 1e-12}} end,
  pixel_shuffle = function() return {image(), 2} end,
  backward = function() return {f32(2, {requires_grad = true}):sum(), {retain_graph = true}} end,
  register_hook = function() return {f32(2, {requires_grad = true}), print} end,
  requires_grad_ = function() return {f32(2), true} end,
  -- makers
  tensor = function() return {{{1, 2}, {3, 4}}, {dtype = "float32"}} end,
  full = function() return {{2, 3}, 1, {dtype = "float32"}} end,
  full_like = function() return {f32(2), 1, {dtype = "float32"}} end,
  randint = function() return {1, 6, {2, 3}} end, randperm = function() return {3} end,
  arange = function() return {1, 5, 2, {dtype = "float32"}} end,
  linspace = function() return {0, 1, 5, {dtype = "float32"}} end,
  eye = function() return {3, {dtype = "float32"}} end,
  fill_ = function() return {f32(2), 1} end, copy_ = binary, where_ = function()
    return {f32(2), T{true, false}, f32(2)}
  end,
  uniform_ = function() return {f32(2), 0, 1} end, normal_ = function() return {f32(2), 0, 1} end,
  random_ = function() return {f32(2), 1, 6} end, bernoulli_ = function() return {f32(2), 0.5} end,
}
for _, name in ipairs{"zeros", "ones", "empty", "rand", "randn"} do
  CALLS[name] = function() return {2, 3, {dtype = "float32"}} end
  CALLS[name .. "_like"] = function() return {f32(2), {dtype = "float32"}} end
end
for _, name in ipairs{"softmax", "log_softmax", "cumsum", "sort", "median", "max", "min", "argmax",
  "argmin", "sum", "mean", "prod", "var", "std", "count_nonzero", "any", "all", "logsumexp"} do
  CALLS[name] = function() return {f32(2, 3), 1} end
end
for _, name in ipairs{"mse", "l1", "bce", "bce_with_logits", "kl_div"} do
  CALLS[name] = pair_of_images
end

-- Methods whose arguments have another order than in the function of the same name.
local METHODS <const> = {where = function() return {f32(2), T{true, false}, f32(2)} end}

-- Functions that open a mode, or take no value that could be hostile.
local OTHERS <const> = {}
for name in ([[Function detect_anomaly get_threads set_threads grad gradcheck is_tensor manual_seed
  memory no_grad scope set_winograd save load open model inspect]]):gmatch("%S+") do
  OTHERS[name] = true
end

-- ---- the calls --------------------------------------------------------------------------

local problems, calls, gradients = 0, 0, 0

local said <const> = {}

-- Prints at most 3 problems of one function.
local function say(name, ...)
  problems, said[name] = problems + 1, (said[name] or 0) + 1
  if said[name] <= 3 then print(string.format(...)) end
end

local function text_of(v)
  if core.is_tensor(v) then return "a tensor" end
  if type(v) ~= "table" then return type(v) == "string" and ("%q"):format(v) or tostring(v) end
  local words <const> = {}
  for key, value in pairs(v) do
    words[#words + 1] = (type(key) == "string" and key .. " = " or "") .. text_of(value)
  end
  return "{" .. table.concat(words, ", ") .. "}"
end

-- Sets requires_grad on all float tensors among the arguments.
local function ask_for_gradients(arguments)
  for i = 1, arguments.n do
    local x <const> = arguments[i]
    if core.is_tensor(x) and x.dtype == "float32" and x.grad_fn == nil then x:requires_grad_() end
  end
end

local function attempt(name, f, arguments)
  local words <const> = {}
  for i = 1, arguments.n do words[i] = text_of(arguments[i]) end
  local shown <const> = ("%s(%s)"):format(name, table.concat(words, ", "))
  if os.getenv("HOSTILE_TRACE") then io.stderr:write(shown, "\n") end
  calls = calls + 1
  core.reset_peak()
  local live <const>, kept <const> = braid.memory().live, collectgarbage("count")
  local from <const> = os.clock()
  if not name:find("_$") then ask_for_gradients(arguments) end
  local ok <const>, message <const> = pcall(f, table.unpack(arguments, 1, arguments.n))
  if ok and core.is_tensor(message) and message.requires_grad then
    local went <const>, why <const> = pcall(message.backward, message:sum())
    gradients = gradients + 1
    if not went then say(name, "%s: its gradient: %s", shown, why) end
  end
  local seconds <const> = os.clock() - from
  local bytes <const> = braid.memory().peak - live + (collectgarbage("count") - kept) * 1024
  if seconds > SECONDS then say(name, "%s took %.1f s", shown, seconds) end
  if bytes > BYTES then say(name, "%s took %.0f MB", shown, bytes / 1e6) end
  if ok then return end
  local blamed <const> = tostring(message):match("^[^:]*hostile%.lua:%d+: (.*)$")
  if not blamed or blamed:sub(1, #name + 2) ~= name .. ": " then
    say(name, "%s says: %s", shown, tostring(message))
  end
  if #tostring(message) > 500 then say(name, "%s says too much", shown) end
end

local function copy(t)
  local new <const> = {}
  for key, value in pairs(t) do new[key] = value end
  return new
end

-- Calls f from a line of this file, which its error must name. (pcall has no line.)
local function caller_of(f)
  return function(...)
    local result <const> = f(...)
    return result
  end
end

local function attack(name, function_, base)
  local f <const> = caller_of(function_)
  local right <const> = base()
  right.n = #right
  local ok <const>, message <const> = pcall(f, table.unpack(right, 1, right.n))
  if not ok then say(name, "%s: the right call fails: %s", name, message) end
  for i = 1, right.n + 1 do
    for _, value in ipairs(VALUES) do
      local arguments <const> = base()
      arguments.n = math.max(i, right.n)
      arguments[i] = value
      attempt(name, f, arguments)
      local part <const> = right[i]
      if type(part) == "table" and not core.is_tensor(part) then
        for key in pairs(part) do
          arguments[i] = copy(part)
          arguments[i][key] = value
          attempt(name, f, arguments)
        end
      end
    end
    local without <const> = base()
    without.n = right.n
    without[i] = nil
    if i <= right.n then attempt(name, f, without) end
  end
  collectgarbage()
end

-- Tries each optional argument of an operator by name, with each value.
local function attack_options(row)
  local base <const> = CALLS[row.name] or unary
  for name, optional in row.args:gmatch("([%w_]+):%a(%S*)") do
    for _, value in ipairs(optional ~= "" and VALUES or {}) do
      local arguments = base()
      while #arguments > 0 and type(arguments[#arguments]) ~= "userdata" do
        if row.args:find("%f[%w]" .. name .. ":") and #arguments <= 1 then break end
        if select(2, row.args:gsub(":%a%f[%s]", "")) >= #arguments then break end
        arguments[#arguments] = nil
      end
      if type(arguments[#arguments]) == "table" then arguments[#arguments] = nil end
      arguments[#arguments + 1] = {[name] = value}
      arguments.n = #arguments
      attempt(row.name, caller_of(core.ops[row.name]), arguments)
    end
  end
end

local function two_tensors(row) return row.args:find("^x:n y:n") and binary or unary end

local done <const> = {}

for _, row in ipairs(core.rows) do
  if not row.hidden then
    local base <const> = CALLS[row.name] or two_tensors(row)
    attack(row.name, core.ops[row.name], base)
    attack_options(row)
    if row.in_place then attack(row.name .. "_", core.ops[row.name .. "_"], base) end
    done[core.ops[row.name]], done[core.ops[row.name .. "_"] or 0] = true, true
  end
end

local function attack_table(functions, own)
  local names <const> = {}
  for name, f in pairs(functions) do
    if type(f) == "function" and not done[f] and not OTHERS[name] then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local f <const> = functions[name]
    local row <const> = core.ops[name] == f
    done[f] = true
    if not CALLS[name] and (row or pcall(f, f32(2, 3))) then CALLS[name] = unary end
    local call <const> = own and own[name] or CALLS[name]
    if call then attack(name, f, call) else say(name, "%s has no call here", name) end
  end
end

-- The folder tables load composed functions and losses only when they are named.
for name in pairs(CALLS) do
  if not core.ops[name] then pcall(function() return F[name] end) end
end
attack_table(core.tensor_metatable.methods, METHODS)
attack_table(braid)
attack_table(F)

print(("%d calls, %d gradients, %d problems"):format(calls, gradients, problems))
