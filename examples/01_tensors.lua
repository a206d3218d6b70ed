--- Lesson 1: tensors. What they hold, how they are indexed, and how sizes meet.
--
-- Run a lesson with `build/braid examples/01_tensors.lua`, or enter its lines at the prompt,
-- which is `build/braid` alone. Notice: every index counts from 1, and ranges include
-- both ends.

local braid <const> = require "braid"

-- A tensor is a block of numbers of one type. `shape` is a list; `#t` is the size of the first
-- dimension. The type is float32 unless you say something else.

local t <const> = braid.tensor{{1, 2, 3}, {4, 5, 6}}
print(t)
print(#t, t:numel(), table.concat(t.shape, " x "), t.dtype)
print(braid.arange(1, 5, {dtype = "int64"}).dtype, braid.zeros(2, 2):size(2))

-- An index takes a part. `t[2]` is the second row, `t[-1]` the last one. Inside braces there is
-- an entry for each dimension: `{from, to}` is a range, `{}` all of it, a number one place.

print(t[2], t[{-1, 1}]:item())
print(t[{{}, {2, 3}}])

-- A part is a view: it shares its memory with the whole. `clone` makes a tensor of its own.

local row <const> = t[1]
row:mul_(10) -- a name that ends in _ changes the tensor in place
print(t[{1, 3}]:item(), t:clone()[1]:fill_(0):sum():item(), t[{1, 3}]:item())

-- Operators go element by element. Sizes of 1, and dimensions that are missing in front, are
-- repeated: here a row of 3 meets two rows of 3, then a column of 2.

local means <const> = t:mean(1)
print(t - means)
print(t / t:sum(2, {keepdim = true}))

-- A reduction takes the dimension that disappears. max and min along a dimension also tell where.

local most <const>, where <const> = t:max(2)
print(most, where)

-- Comparisons give bool tensors, which choose elements.

print(t[t:gt(4)], t:gt(4):sum():item())

-- Pictures are batches (n, c, h, w). This one holds four rendered faces; `mean({1, 3, 4})` leaves
-- one number for each of the three colours.

local faces <const> = braid.data.faces{n = 4, size = 64, channels = 3, seed = 1}.train
local images <const> = faces.images[{{1, 4}}]:to("float32"):div(255)
print(table.concat(images.shape, " "), images:mean({1, 3, 4}))
braid.save("build/lesson_mirrored.png", braid.cat({images[1], images[1]:flip(3)}, 3):mul(255)
  :to("uint8"))

-- A number that a type cannot hold is an error, at your own line and in words. So are sizes that
-- do not meet.

local function message(...) return (select(2, pcall(...)):gsub("^.-:%d+: ", "")) end
print(message(braid.tensor, {1, 300}, {dtype = "uint8"}))
print(message(function() return t + braid.zeros(4) end))

-- Random numbers depend on the seed alone, not on the number of threads.

braid.manual_seed(7)
local first <const> = braid.randn(3)
braid.manual_seed(7)
print(first:eq(braid.randn(3)):all():item())
