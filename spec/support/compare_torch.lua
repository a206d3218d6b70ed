--- Runs the calls that compare_torch.py wrote, and says where Braid differs: in values, types,
-- shapes, gradients, or in what is an error. `compare_torch.lua CASES`

local braid <const> = require "braid"
local core <const> = require "braid.core"

local seen, count, differ = {}, {}, 0

local function tensor(d)
  if type(d) ~= "table" then return d end
  local flat <const> = table.move(d, 1, #d, 1, {})
  return braid.tensor(flat, {dtype = d.dtype}):reshape(d.shape)
end

-- Indices count from 1 in Braid.
local function from_one(t) return t.dtype == "bool" and t or t + 1 end
local function ranges(n)
  local key <const> = {}
  for d = 1, n do key[d] = {} end
  return key
end

local SPECIAL <const> = {
  ["[]"] = function(a) return a[1][a[2]] end,
  ["[d]"] = function(a, o)
    local key <const> = ranges(a[1]:dim())
    key[o.d] = from_one(a[2])
    return a[1][key]
  end,
  ["[de]"] = function(a, o)
    local key <const> = ranges(a[1]:dim())
    key[o.d], key[o.e] = from_one(a[2]), from_one(a[3])
    return a[1][key]
  end,
  gather = function(a, o) return a[1]:gather(o.d, from_one(a[2])) end,
  scatter = function(a, o) return a[1]:scatter(o.d, from_one(a[2]), a[3]) end,
  scatter_add = function(a, o) return a[1]:scatter_add(o.d, from_one(a[2]), a[3]) end,
  index_select = function(a, o) return a[1]:index_select(o.d, from_one(a[2])) end,
  cat = function(a, o) return braid.cat({a[1], a[2]}, o.d) end,
}

local INDEX_AT <const> = {max = 2, min = 2, median = 2, sort = 2, argmax = 1, argmin = 1}

local function call(c, args)
  local name <const> = c.name
  if SPECIAL[name] then
    return SPECIAL[name](args, assert(load("return {" .. c.lua .. "}"))())
  end
  local more <const> = table.pack(assert(load("return " .. c.lua))())
  local all <const> = table.move(more, 1, more.n, #args + 1, table.move(args, 1, #args, 1, {}))
  local f <const> = braid.is_tensor(all[1]) and name ~= "where" and all[1][name] or
    core.ops[name]
  return f(table.unpack(all, 1, #args + more.n))
end

-- Intended differences, and the reasons.
local INTENDED <const> = {
  -- PyTorch lacks some operators for a type that Braid has.
  {"", "PyTorch: .*not implemented for"}, {"", "PyTorch: .*bool input"},
  {"", "PyTorch: .*support bool"}, {"", "PyTorch: .*with a bool tensor"},
  -- PyTorch fails where Braid has a value: a number beyond a type becomes the nearest of that type.
  {"", "PyTorch: ZeroDivision"}, {"", "PyTorch: .*without overflow"},
  {"clamp", "PyTorch: .*representable range"},
  {"pad", "PyTorch: narrow%(%)"}, -- pad of an empty tensor
  -- Braid converts to a float type only on request; pooling and products take floats.
  {"pool2d", "must be float32 or float64"}, {"logsumexp", "must be float32 or float64"},
  -- Bools stay bools.
  {"clamp", "no meaning for bool"}, {"square", "type bool, PyTorch's int64"},
  {"median", "nothing to choose from"}, -- PyTorch gives NaN, or an arbitrary integer
  {"conv_transpose2d", "leaves"}, -- PyTorch allows sizes below 1 in a batch of 0 images
  -- At NaN, Braid's gradient is NaN or dy, and its sign is NaN; PyTorch has 0 for some.
  {"", "^gradient.*nan"}, {"sign", "nan"}, {"clamp", "^gradient"},
  {"gelu", "nan$"}, -- gelu of infinity, for which PyTorch's vector code is wrong
  {"pow", "^gradient"}, -- pow of two types: PyTorch rounds the exponent less 1 to float32
}

local function intended(c, text)
  for _, reason in ipairs(INTENDED) do
    if c.name:find(reason[1]) and text:find(reason[2]) then return true end
  end
  return false
end

local function close(a, b, tolerance)
  if a ~= a or b ~= b then return a ~= a and b ~= b end
  if a == b then return true end
  if type(a) == "boolean" then return false end
  return math.abs(a - b) <= tolerance * math.max(1, math.abs(a), math.abs(b))
end

local function difference(t, want, what)
  if t.dtype ~= want.dtype then
    return ("%s has type %s, PyTorch's %s"):format(what, t.dtype, want.dtype)
  end
  local shape <const> = table.concat(t.shape, ",")
  if shape ~= table.concat(want.shape, ",") then
    return ("%s has shape (%s), PyTorch's (%s)"):format(what, shape,
      table.concat(want.shape, ","))
  end
  local flat <const> = t:reshape(-1):totable()
  local tolerance <const> = t.dtype == "float64" and 1e-10 or 2e-5
  for i, v in ipairs(flat) do
    if not close(v, want[i], tolerance) then
      return ("%s differs: %s, PyTorch's %s"):format(what, v, want[i])
    end
  end
end

local function examine(c)
  local args <const>, asked <const> = {}, {}
  for i, a in ipairs(c.args) do
    args[i] = tensor(a)
    if c.grads and c.grads[i] then asked[i] = args[i]:requires_grad_() end
  end
  local out <const> = table.pack(pcall(call, c, args))
  if c.error then return out[1] and "is an error in PyTorch: " .. c.error end
  if not out[1] then return "is an error here: " .. tostring(out[2]) end
  for i, want in ipairs(c.wants) do
    local t = out[i + 1]
    if INDEX_AT[c.name] and (i == 2 or INDEX_AT[c.name] == 1) then t = t - 1 end
    local text <const> = difference(t, want, i == 1 and "the result" or "result " .. i)
    if text then return text end
  end
  if not next(asked) then return end
  local y <const> = out[2]
  if not y.requires_grad then return "has no gradient here" end
  y:backward{gradient = (braid.arange(1, y:numel()) % 7):to(y.dtype):reshape(y.shape)}
  for i, x in pairs(asked) do
    local text <const> = x.grad and difference(x.grad, c.grads[i], "gradient " .. i)
      or not x.grad and "gradient " .. i .. " is missing"
    if text then return text end
  end
end

local function shown(a)
  if type(a) ~= "table" then return tostring(a) end
  local values <const> = {}
  for i = 1, math.min(#a, 12) do values[i] = tostring(a[i]) end
  return ("%s(%s)[%s]"):format(a.dtype, table.concat(a.shape, ","), table.concat(values, " "))
end

function _G.case(c)
  local text <const> = examine(c)
  count[c.name] = (count[c.name] or 0) + 1
  if not text or intended(c, text) then return end
  differ = differ + 1
  local words <const> = text:gsub("^(is an error here): %S+", "%1"):gsub("%d[%d.e+-]*", "#")
  local kind <const> = c.name .. words:sub(1, 60)
  seen[kind] = (seen[kind] or 0) + 1
  if seen[kind] > 1 then return end
  local args <const> = {}
  for i, a in ipairs(c.args) do args[i] = shown(a) end
  print(("%s(%s; %s) %s"):format(c.name, table.concat(args, ", "), c.lua, text))
end

local total = 0
dofile(assert(arg[1], "compare_torch.lua CASES"))
for _, n in pairs(count) do total = total + n end
print(("%d calls, %d differ"):format(total, differ))
