--- Tensors: how they are made, their methods, arithmetic with Lua's operators, and printing.

local core <const> = require "braid.core"
local check <const> = require "braid.check"

local M <const> = {}
local ops <const> = core.ops
local meta <const> = core.tensor_metatable
local methods <const> = meta.methods

local flag <const>, optional <const> = check.flag, check.optional
local DTYPE <const> = check.choice{"float32", "float64", "int64", "int32", "uint8", "bool"}

-- Declares the options of a function that makes tensors. The default type is float32; for functions
-- such as zeros_like it is the type of the other tensor.
local function creation(name)
  return check.declare(name, {dtype = DTYPE, requires_grad = flag(false)})
end

local function alike(name)
  return check.declare(name, {dtype = optional(DTYPE), requires_grad = flag(false)})
end

-- Errors name the user's line that called Braid.
core.set_home(debug.getinfo(1, "S").source:match("^(.*)tensor%.lua$") or "=[braid]")

-- Checks that an argument is a number.
local function number(name, what, value)
  if type(value) == "number" then return value end
  check.fail("%s: %s must be a number, not %s", name, what, type(value))
end

-- A number, true or false, with which a tensor is filled.
local function filler(name, value)
  if type(value) == "boolean" then return value end
  return number(name, "value", value)
end

local function count(name, what, value)
  local whole <const> = math.type(value) and math.tointeger(value)
  if whole and whole >= 0 then return whole end
  check.fail("%s: %s must be a whole number from 0, not %s", name, what, tostring(value))
end

-- Sizes as numbers or one table, then perhaps a table of options.
local function sizes_and_options(name, ...)
  local first <const> = ...
  local n <const> = select("#", ...)
  local sizes, given = {}, nil
  if type(first) == "table" then
    sizes, given = first, select(2, ...)
    if type(next(sizes)) == "string" then
      check.fail("%s: sizes come first, options such as %s after them", name, next(sizes))
    end
  else
    for i = 1, n do
      local value <const> = select(i, ...)
      if type(value) == "table" and i == n then
        given = value
      elseif value ~= nil or i < n or n == 1 then
        local whole <const> = math.type(value) and math.tointeger(value)
        if not whole or whole < 0 then count(name, "size " .. i, value) end
        sizes[i] = whole
      end
    end
  end
  return sizes, given
end

local function finish(t, options)
  if options.requires_grad then core.requires_grad(t) end
  return t
end

local TENSOR <const> = alike("tensor")

--- A tensor from a number or nested tables of numbers. The type is float32 unless {dtype = ...}
-- says otherwise; true and false give bool. A number that the type cannot hold (300 or 1.5 for
-- uint8, 2 for bool) is an error; a float type rounds numbers to its precision.
-- @treturn Tensor
-- @usage braid.tensor{1, 2.5}   braid.tensor({{1, 2}, {3, 4}}, {dtype = "float64"})
function M.tensor(values, given)
  local options <const> = check.options(TENSOR, given)
  local first = values
  for _ = 1, 9 do -- a limit, because a table may contain itself
    if type(first) == "table" then first = first[1] end
  end
  local dtype <const> = options.dtype or (type(first) == "boolean" and "bool" or "float32")
  return finish(core.from_table(values, dtype), options)
end

local function filled(name, value)
  local CREATE <const>, LIKE <const> = creation(name), alike(name .. "_like")
  M[name] = function(...)
    local sizes <const>, given <const> = sizes_and_options(name, ...)
    local options <const> = given == nil and CREATE.defaults or check.options(CREATE, given)
    return finish(core.new(sizes, options.dtype, value), options)
  end
  M[name .. "_like"] = function(t, given)
    local dtype <const> = core.dim(t) and t.dtype
    local options <const> = given == nil and LIKE.defaults or check.options(LIKE, given)
    return finish(core.like(t, options.dtype or dtype, value), options)
  end
end

--- zeros_like(t, {options}): zeros in the shape and type of t.
-- @treturn Tensor
-- @usage braid.zeros_like(x)
--- zeros(sizes, {options}): zeros. Sizes are numbers or one table; float32 unless the options say
-- otherwise.
-- @treturn Tensor
-- @overload fun(size: integer, ...: integer|table): Tensor
-- @usage braid.zeros(2, 3)   braid.zeros({2, 3}, {dtype = "int64"})
filled("zeros", 0)
--- ones_like(t, {options}): ones in the shape and type of t.
-- @treturn Tensor
-- @usage braid.ones_like(x)
--- ones(sizes, {options}): ones. Sizes are numbers or one table; float32 unless the options say
-- otherwise.
-- @treturn Tensor
-- @overload fun(size: integer, ...: integer|table): Tensor
-- @usage braid.ones(2, 3)   braid.ones({2, 3}, {dtype = "int64"})
filled("ones", 1)
--- empty_like(t, {options}): a tensor like t whose values are not set.
-- @treturn Tensor
-- @usage braid.empty_like(x):fill_(3)
--- empty(sizes, {options}): a tensor whose values are not set: they are whatever the memory held.
-- @treturn Tensor
-- @overload fun(size: integer, ...: integer|table): Tensor
-- @usage braid.empty(2, 3):fill_(3)
filled("empty", nil)

local FULL <const>, FULL_LIKE <const> = creation("full"), alike("full_like")

--- A tensor filled with one value, which its type must be able to hold: braid.full({2, 3}, 7).
-- @treturn Tensor
-- @usage braid.full({2, 3}, 7, {dtype = "int64"})
function M.full(sizes, value, given)
  local options <const> = check.options(FULL, given)
  if type(sizes) ~= "table" then sizes = {sizes} end
  return finish(core.new(sizes, options.dtype, filler("full", value), "full"), options)
end

--- A tensor of one value in the shape and type of t.
-- @treturn Tensor
-- @usage braid.full_like(x, 7)
function M.full_like(t, value, given)
  local dtype <const> = core.dim(t) and t.dtype
  local options <const> = check.options(FULL_LIKE, given)
  value = filler("full_like", value)
  return finish(core.like(t, options.dtype or dtype, value, "full_like"), options)
end

local function drawn(name, draw)
  local CREATE <const>, LIKE <const> = creation(name), alike(name .. "_like")
  M[name] = function(...)
    local sizes <const>, given <const> = sizes_and_options(name, ...)
    local options <const> = given == nil and CREATE.defaults or check.options(CREATE, given)
    return finish(draw(core.new(sizes, options.dtype)), options)
  end
  M[name .. "_like"] = function(t, given)
    local dtype <const> = core.dim(t) and t.dtype
    local options <const> = given == nil and LIKE.defaults or check.options(LIKE, given)
    return finish(draw(core.like(t, options.dtype or dtype)), options)
  end
end

--- rand_like(t, {options}): numbers in [0, 1) in the shape and type of t.
-- @treturn Tensor
-- @usage braid.rand_like(x)
--- rand(sizes, {options}): random numbers, uniform in [0, 1).
-- @treturn Tensor
-- @overload fun(size: integer, ...: integer|table): Tensor
-- @usage braid.rand(2, 3)
drawn("rand", ops.uniform_)

--- randn_like(t, {options}): normal numbers in the shape and type of t.
-- @treturn Tensor
-- @usage braid.randn_like(x)
--- randn(sizes, {options}): normal random numbers of mean 0 and deviation 1.
-- @treturn Tensor
-- @overload fun(size: integer, ...: integer|table): Tensor
-- @usage braid.randn(2, 3)   braid.randn({2, 3}, {requires_grad = true})
drawn("randn", ops.normal_)

local RANDINT <const> = check.declare("randint", {dtype = optional(DTYPE)})

--- Integers from low to high, both included: braid.randint(1, 6, {10}).
-- @treturn Tensor
-- @usage braid.randint(1, 6, {10})
function M.randint(low, high, sizes, given)
  if type(sizes) ~= "table" then
    check.fail("randint: sizes must be a table such as {2, 3}, not %s", type(sizes))
  end
  local dtype <const> = check.options(RANDINT, given).dtype or "int64"
  return (ops.random_(core.new(sizes, dtype), low, high))
end

--- The numbers 1 to n in random order (int64).
-- @treturn Tensor
-- @usage braid.randperm(5)
function M.randperm(n) return core.randperm(count("randperm", "n", n)) end

local ARANGE <const>, LINSPACE <const>, EYE <const> = alike("arange"), creation("linspace"),
  creation("eye")

--- The numbers first, first + step, ... up to last, which is included. Integers give int64.
-- @treturn Tensor
-- @usage braid.arange(5)   braid.arange(0, 1, 0.25)
function M.arange(first, last, step, given)
  if type(last) == "table" then last, given = nil, last end
  if type(step) == "table" then step, given = nil, step end
  if last == nil then first, last = 1, first end
  step = step or 1
  number("arange", "first", first)
  number("arange", "last", last)
  number("arange", "step", step)
  local whole <const> = math.type(first) == "integer" and math.type(last) == "integer"
    and math.type(step) == "integer"
  local options <const> = check.options(ARANGE, given)
  if step == 0 then check.fail("arange: step must not be 0") end
  local dtype <const> = options.dtype or (whole and "int64" or "float32")
  return finish(core.arange(first, last, step, dtype), options)
end

--- n evenly spaced values from first to last, both included.
-- @treturn Tensor
-- @usage braid.linspace(0, 1, 5)
function M.linspace(first, last, n, given)
  local options <const> = check.options(LINSPACE, given)
  number("linspace", "first", first)
  number("linspace", "last", last)
  return finish(core.linspace(first, last, count("linspace", "n", n), options.dtype), options)
end

--- The identity matrix (n, n).
-- @treturn Tensor
-- @usage braid.eye(3)
function M.eye(n, given)
  local options <const> = check.options(EYE, given)
  n = count("eye", "n", n)
  local t <const> = core.new({n, n}, options.dtype, 0)
  ops.fill_(ops.narrow(ops.reshape(t, -1), 1, 1, n, n + 1), 1)
  return finish(t, options)
end

require "braid.tensor_methods"

M.cat, M.stack, M.where = ops.cat, ops.stack, ops.where
M.einsum = require "braid.einsum"
for name, f in pairs(require "braid.tensor_parts") do M[name], methods[name] = f, f end

meta.__add, meta.__sub, meta.__mul, meta.__div = ops.add, ops.sub, ops.mul, ops.div
meta.__idiv, meta.__mod, meta.__pow = ops.floordiv, ops.mod, ops.pow
meta.__unm = function(t) return (ops.neg(t)) end

local FIELDS <const> = {"shape", "dtype", "requires_grad", "grad", "grad_fn"}

-- The core calls this for a name that is not a field of a tensor.
setmetatable(methods, {__index = function(_, name)
  local known <const> = table.move(FIELDS, 1, #FIELDS, 1, {})
  for method in next, methods do known[#known + 1] = method end
  check.fail("a tensor has no field or method '%s'; %s", name, check.nearest(name, known))
end})

--- #t is the first size.
meta.__len = function(t) return t.shape[1] or 0 end

for event, f in pairs(require "braid.tensor_events") do meta[event] = f end

meta.__tostring = require "braid.printing"
M.is_tensor = core.is_tensor

-- Messages use these names of functions.
for _, functions in ipairs{ops, methods, M, {index = meta.__index}, {index = meta.__newindex}} do
  core.name_functions(functions)
end

return M
