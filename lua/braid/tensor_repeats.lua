--- Functions of tensors that are put together from operators: repetition, and the shape or type of
-- another tensor. Each is a method and a function of `braid`.

local core <const> = require "braid.core"
local check <const> = require "braid.check"

local M <const> = {}
local ops <const> = core.ops

-- The sizes of t. Raises an error if t is not a tensor.
local function shape_of(t) return core.dim(t) and t.shape end

-- Integers as several arguments or as one table.
local function integers(...)
  local first <const> = ...
  return type(first) == "table" and first or {...}
end

-- A view of t with n dimensions; new dimensions have size 1 and come first.
local function widened(t, n)
  local shape <const> = t.shape
  if #shape >= n then return t end
  for _ = #shape + 1, n do table.insert(shape, 1, 1) end
  return (ops.reshape(t, shape))
end

local function check_times(name, times)
  if #times <= 8 then return end
  check.fail("%s: %d numbers are more than the 8 dimensions of a tensor", name, #times)
end

--- A copy of t repeated along each dimension. With more numbers than dimensions, new dimensions are
-- added in front. (PyTorch calls it repeat, which is a keyword of Lua.)
-- @usage braid.arange(2):repeat_(2, 3)  -- shape 2, 6
function M.repeat_(t, ...)
  local times <const> = integers(...)
  check_times("repeat_", times)
  if #times < core.dim(t) then
    check.fail("repeat_: %d numbers are fewer than the dimensions of %s", #times,
      "(" .. table.concat(t.shape, ", ") .. ")")
  end
  return (ops.repeat_(widened(t, #times), times))
end

--- A copy of t repeated along its last dimensions. If there are fewer numbers than dimensions, the
-- first dimensions stay as they are.
-- @usage x:tile(2)
function M.tile(t, ...)
  local given <const>, times <const> = integers(...), {}
  check_times("tile", given)
  for i = 1, core.dim(t) - #given do times[i] = 1 end
  for _, n in ipairs(given) do times[#times + 1] = n end
  return (ops.repeat_(widened(t, #times), times))
end

--- Moves the elements of t by `shifts` along `dims` (numbers or tables of numbers). Elements that
-- leave one end enter at the other. Without dims, t is treated as flat.
-- @usage x:roll(1, 2)
function M.roll(t, shifts, dims)
  if dims then return (ops.roll(t, integers(shifts), integers(dims))) end
  return (ops.reshape(ops.roll(ops.reshape(t, -1), integers(shifts), {1}), t.shape))
end

--- t repeated along its dimensions of size 1 to the shape of other, without a copy.
-- @usage braid.ones(1, 3):expand_as(x)
function M.expand_as(t, other) return (ops.expand(t, shape_of(other))) end

--- t in the shape of other without a copy, or an error.
-- @usage braid.arange(6):view_as(x)
function M.view_as(t, other) return (ops.view(t, shape_of(other))) end

--- t converted to the element type of other.
-- @usage x:type_as(labels)
function M.type_as(t, other)
  core.dim(other)
  return (core.dim(t) and t.dtype == other.dtype and t or ops.to(t, other.dtype))
end

return M
