--- Random programs over all of Braid, for spec/fuzz/api.lua. A program is a list of statements; an
-- error ends only its own statement. The statements share the tables v (tensors), m (modules), o
-- (optimizers), s (scopes and modes) and c (coroutines), each with PLACES places.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local arrays <const> = require "spec.support.arrays"

local M <const> = {PLACES = 6}

local random <const> = math.random
local function pick(list) return list[random(#list)] end
local function chance(percent) return random(100) <= percent end

local rows <const> = assert(loadfile("spec/op/ops_spec.lua", "t",
  setmetatable({describe = function() end}, {__index = _G})))()

-- ---- values ---------------------------------------------------------------------------

local function place(name) return ("%s[%d]"):format(name, random(M.PLACES)) end

local EDGES <const> = {"0", "-1", "-2", "1 << 31", "1 << 53", "1 << 61", "1 << 62",
  "math.maxinteger", "math.mininteger"}
local ODD <const> = {"0/0", "1/0", "-1/0", "1e300", "1e-300", "'a'", "{}", "true", "nil", "print"}

local function integer()
  if chance(4) then return pick(EDGES) end
  if chance(1) then return pick(ODD) end
  return tostring(random(-1, 4))
end

local function number()
  if chance(2) then return pick(EDGES) end
  if chance(2) then return pick(ODD) end
  return pick{"0", "1", "0.5", "-1.5", "2", "3", "1e-3"}
end

local function sizes(most)
  local list <const> = {}
  for i = 1, random(0, most or 4) do
    list[i] = chance(1) and pick(EDGES) or chance(3) and "0"
      or chance(3) and pick{"17", "65", "130"} or tostring(random(1, 4))
  end
  return "{" .. table.concat(list, ", ") .. "}"
end

local DTYPES <const> = {"float32", "float64", "int64", "int32", "uint8", "bool"}

local function fresh(shape)
  local options <const> = chance(50) and ", {requires_grad = true}" or ""
  local text = ("braid.%s(%s%s)"):format(pick{"randn", "randn", "ones", "zeros", "rand"},
    shape or sizes(), options)
  if chance(20) then text = text .. (":to('%s')"):format(pick(DTYPES)) end
  return text
end

local function tensor()
  if chance(70) then return place "v" end
  return chance(98) and fresh() or pick(ODD)
end

local function several(f, most)
  local list <const> = {}
  for i = 1, random(1, most or 3) do list[i] = f() end
  return "{" .. table.concat(list, ", ") .. "}"
end

-- A table that runs other code when its length is read.
local function trapped(text)
  if not chance(3) then return text end
  return ("trap(%s, function() %s end)"):format(text,
    pick{"collectgarbage()", "close(" .. place "s" .. ")", place "v" .. " = nil"})
end

-- Values for each kind of argument of csrc/op/signature.c.
local KINDS <const> = {
  t = tensor,
  n = function() return chance(50) and tensor() or number() end,
  l = function() return trapped(several(tensor)) end,
  f = number, v = number,
  i = integer,
  d = integer,
  k = integer,
  b = function() return chance(95) and pick{"true", "false"} or pick(ODD) end,
  s = function() return pick{"'mean'", "'sum'", "'none'", "'zeros'", "'reflect'", "'a'", "1"} end,
  y = function() return "'" .. pick(DTYPES) .. "'" end,
  D = function() return chance(50) and integer() or trapped(several(integer)) end,
  I = function() return chance(98) and trapped(sizes(5)) or pick(ODD) end,
  p = function() return chance(70) and integer() or trapped(several(integer)) end,
  P = function()
    return chance(70) and integer() or chance(50) and "'same'" or several(integer)
  end,
}

-- ---- calls of operators ---------------------------------------------------------------

local function described(d)
  if d.list then
    local list <const> = {}
    for i, one in ipairs(d.list) do list[i] = described(one) end
    return trapped("{" .. table.concat(list, ", ") .. "}")
  end
  if chance(10) then return place "v" end
  local shape <const> = "{" .. table.concat(d.shape, ", ") .. "}"
  local text
  if d.kind == "whole" then
    text = ("braid.randint(%d, %d, %s)"):format(d.low, d.high, shape)
  elseif d.kind == "mask" then
    text = ("braid.randn(%s):gt(0)"):format(shape)
  elseif d.kind == "constant" then
    text = fresh(shape) .. (d.dtype and (":to('%s')"):format(d.dtype) or "")
  else
    text = fresh(shape)
  end
  if #d.shape >= 2 and chance(15) then
    text = text .. (":transpose(%d, %d):contiguous():transpose(%d, %d)"):format(1, #d.shape, 1,
      #d.shape)
  end
  return text
end

local function literal(value)
  if arrays.is_description(value) then return described(value) end
  if type(value) == "table" then
    local list <const> = {}
    for _, x in ipairs(value) do list[#list + 1] = literal(x) end
    for k, x in pairs(value) do
      if type(k) == "string" then
        list[#list + 1] = k .. " = " .. (chance(90) and literal(x) or integer())
      end
    end
    return "{" .. table.concat(list, ", ") .. "}"
  end
  if math.type(value) == "integer" and chance(10) then return integer() end
  return type(value) == "string" and ("%q"):format(value) or tostring(value)
end

-- Arguments that fit, taken from the operators' own spec.
local function fitting(row)
  local case <const>, list <const> = pick(row.cases), {}
  for i = 1, case.n or #case do list[i] = literal(case[i]) end
  return list
end

local function any_arguments(row)
  local list <const>, named <const> = {}, {}
  for name, kind, rest in row.args:gmatch("(%S+):(%a)(%S*)") do
    local make <const> = KINDS[kind]
    if rest == "" then
      list[#list + 1] = make()
    elseif chance(40) then
      named[#named + 1] = name .. " = " .. make()
    end
  end
  if #named > 0 then list[#list + 1] = "{" .. table.concat(named, ", ") .. "}" end
  return list
end

local function operator()
  local row <const> = pick(core.rows)
  local known <const> = rows[row.name]
  local fits <const> = known and known.cases and chance(60)
  local list <const> = fits and fitting(known) or any_arguments(row)
  local name <const> = row.in_place and chance(25) and row.name .. "_" or row.name
  local call <const> = ("core.ops.%s(%s)"):format(name, table.concat(list, ", "))
  if chance(20) then return ("%s, %s = %s"):format(place "v", place "v", call) end
  return ("%s = %s"):format(place "v", call)
end

-- ---- the rest -------------------------------------------------------------------------

local function key()
  local one <const> = function()
    return pick{integer(), "{}", several(integer, 3), place "v",
      "braid.tensor({1, 2}, {dtype = 'int64'})"}
  end
  return chance(40) and one() or trapped(several(one))
end

local simple -- a statement inside another one

local LAYERS <const> = {
  function() return ("nn.Linear(%d, %d)"):format(random(4), random(4)) end,
  function()
    return ("nn.Conv2d(%d, %d, {kernel = %d, padding = %s})"):format(random(4), random(4),
      random(3), integer())
  end,
  function() return ("nn.BatchNorm2d(%d)"):format(random(4)) end,
  function() return ("nn.LayerNorm(%d)"):format(random(4)) end,
  function()
    return pick{"nn.ReLU()", "nn.PReLU()", "nn.Flatten()", "nn.Dropout(0.5)", "nn.Sigmoid()"}
  end,
  function() return ("nn.MaxPool2d(%s)"):format(integer()) end,
  function() return ("nn.Sequential{%s, %s}"):format(place "m", place "m") end,
  function()
    return "nn.Sequential{nn.Conv2d(3, 4, {kernel = 3}), nn.BatchNorm2d(4), nn.ReLU(), "
      .. "nn.MaxPool2d(2)}"
  end,
}

local OPTIMIZERS <const> = {"SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax",
  "LBFGS"}

local STATEMENTS <const> = {
  {40, operator},
  {8, function() return ("%s = %s"):format(place "v", fresh()) end},
  {5, function() return ("%s = %s[%s]"):format(place "v", place "v", key()) end},
  {4, function() return ("%s[%s] = %s"):format(place "v", key(), pick{place "v", number()}) end},
  {3, function() return ("%s.grad = %s"):format(place "v", pick{place "v", "nil"}) end},
  {3, function() return ("%s = %s.grad"):format(place "v", place "v") end},
  {2, function()
    return ("local _ = %s.%s"):format(place "v", pick{"shape", "dtype", "grad_fn"})
  end},
  {3, function() return ("%s = %s:detach()"):format(place "v", place "v") end},
  {3, function() return ("%s:requires_grad_(%s)"):format(place "v", pick{"true", "false"}) end},
  {8, function()
    return ("%s:sum():backward{retain_graph = %s}"):format(place "v", pick{"true", "false"})
  end},
  {5, function()
    return ("%s = braid.grad(%s, %s, {retain_graph = %s, allow_unused = %s})[1]"):format(
      place "v", pick{place "v", place "v" .. ":sum()"}, trapped(several(tensor)),
      pick{"true", "false"}, pick{"true", "false"})
  end},
  {4, function()
    return ("s.hook = %s:register_hook(function(g) %s %s end)"):format(place "v", simple(),
      pick{"", "return g * 2", "return v[1]", "error {}", "s.hook()"})
  end},
  {2, function()
    local f <const> = "braid.Function{forward = function(_, x) %s return x * 2 end, "
      .. "backward = function(_, dy) %s return %s end}(%s)"
    return ("%s = " .. f):format(place "v", simple(), simple(), pick{"dy", "v[1]", "nil"},
      place "v")
  end},
  {4, function()
    return ("%s = braid.scope()"):format(chance(90) and place "s" or "local _")
  end},
  {4, function() return ("close(%s)"):format(place "s") end},
  {2, function()
    return ("%s = braid.%s()"):format(place "s", pick{"no_grad", "no_grad", "detect_anomaly"})
  end},
  {2, function() return ("%s = nil"):format(place(pick{"v", "s", "m", "c", "o"})) end},
  {1, function() return ("%s:keep()"):format(place "v") end},
  {3, function()
    return ("%s = coroutine.wrap(function() %s coroutine.yield() %s end)"):format(place "c",
      simple(), simple())
  end},
  {5, function() return ("%s()"):format(place "c") end},
  {2, function() return ("finally(function() %s end)"):format(simple()) end},
  {4, function()
    return pick{"collectgarbage()", "collectgarbage 'step'", "stress(true)", "stress(false)"}
  end},
  {3, function() return ("%s = %s"):format(place "m", pick(LAYERS)()) end},
  {5, function() return ("%s = %s(%s)"):format(place "v", place "m", tensor()) end},
  {2, function()
    return ("%s:%s()"):format(place "m", pick{"train", "eval", "freeze", "unfreeze", "clone"})
  end},
  {2, function()
    return ("%s = braid.optim.%s(%s, {lr = 0.1})"):format(place "o", pick(OPTIMIZERS),
      pick{place "m" .. ":parameters()", several(tensor)})
  end},
  {3, function()
    return ("%s:%s(function() return %s:sum() end)"):format(place "o", pick{"step", "zero_grad"},
      place "v")
  end},
  {2, function() return ("local _ = %s"):format(pick{"tostring(" .. place "v" .. ")",
    "braid.is_tensor(" .. place "v" .. ") and core.totable(" .. place "v" .. ")",
    "core.bytes(" .. place "v" .. ")", "tostring(" .. place "m" .. ")",
    "core.version(" .. place "v" .. ")"}) end},
  {1, function() return ("braid.no_grad(function() %s end)"):format(simple()) end},
  {1, function()
    return ("for i, x in ipairs(%s) do %s = x if i > 9 then break end end"):format(place "v",
      place "v")
  end},
  {1, function() return ("braid.set_threads(%d)"):format(random(4)) end},
}

local total = 0
for _, kind in ipairs(STATEMENTS) do total = total + kind[1] end

local depth = 0
function simple()
  if depth > 2 then return "" end
  depth = depth + 1
  local at, text = random(total), nil
  for _, kind in ipairs(STATEMENTS) do
    at = at - kind[1]
    if at <= 0 then
      text = kind[2]()
      break
    end
  end
  depth = depth - 1
  return text
end

--- The statements of the program with this seed.
function M.make(seed, n)
  math.randomseed(seed)
  local list <const> = {}
  for i = 1, M.PLACES do list[i] = ("v[%d] = %s"):format(i, fresh()) end
  while #list < n do list[#list + 1] = simple() end
  return list
end

--- The code before every program.
M.START = [[
local braid <const> = require "braid"
local core <const> = require "braid.core"
local F <const>, nn <const> = braid.F, braid.nn
local v <const>, m <const>, o <const>, s <const>, c <const> = {}, {}, {}, {}, {}
local function close(scope) if scope then scope:close() end end
local function finally(f) setmetatable({}, {__gc = f}) end
local function trap(t, f)
  return setmetatable(t, {__len = function(x) f() return rawlen(x) end})
end
local function stress(on)
  if on then collectgarbage("incremental", 1, 400, 63)
  else collectgarbage("generational", 20, 100) end
end
]]

--- The code after every program. Hooks may hold the tables, so the tables are emptied, and again
-- after finalizers may have filled them.
M.FINISH = [[
stress(false)
for _ = 1, 4 do
  for _, t in pairs{v, m, o, s, c} do
    for k in next, t do t[k] = nil end
  end
  collectgarbage()
end
for _, t in pairs{v, m, o, s, c} do
  for k in next, t do t[k] = nil end
end
]]

--- A statement in a function of its own, so that an error ends only this statement.
function M.protected(statement) return ("pcall(function() %s end)\n"):format(statement) end

braid.set_threads(1)

return M
