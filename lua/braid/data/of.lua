--- data.of: makes a data set of the samples that your function returns.
--
-- data.of{n = 1000, get = function(i) return {image = picture, smile = 1} end} -> a data set.
-- get(i) returns sample i, from 1 to n, as a table with
--   image   the picture, uint8 (1 or 3,h,w); or x or input, a tensor or a list of numbers
--   any other name, such as smile: a label. Whole numbers are classes from 1; other numbers, lists
--           and tensors are numbers, and tensors (points,2) are points in pixels from 0. A label
--           that is not there is missing
-- Sample 1 tells which labels there are and of which kind.
--
-- Options:
--   cache    true: each sample is made once and kept in memory
--   inputs   the names that the network sees, instead of x: {"x", "mask"}
--   kinds    {age = "real"}: kinds of labels that sample 1 does not show
--   labels   {name = tensor of n rows}: labels that are known beforehand, as in data.dataset;
--            balanced, stratify and ds:stats need them. get need not return them
--   points, flips, classes, missing, size   as in data.dataset
--
-- get is called on the thread that asks for a batch, for one sample after the other, and again in
-- each epoch unless cache = true; a loader's workers do not call it. The pictures then go through
-- the loader's steps on all threads. Besides the time of get, a batch takes about 0.2 ms longer
-- than a batch of pictures in memory, whatever its size. The loader's shuffle, seed and state work
-- as for other data sets.
-- @treturn data.dataset
-- @usage
-- local rings <const> = data.of{n = 60, get = function(i)
--   return {image = braid.full({1, 16, 16}, 4 * i, {dtype = "uint8"}), light = i > 30 and 2 or 1}
-- end}
-- for batch in data.loader(rings, {batch = 20, shuffle = true}) do
--   print(batch.image, batch.light)
-- end

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local Dataset <const> = require "braid.data.dataset"
local Getter <const> = require "braid.data.getter"

local function is_plain(v) return type(v) == "table" and not check.is_object(v) end
local TABLE <const> = check.kind("a table by label", is_plain)

local OPTIONS <const> = check.declare("data.of", {
  n = check.needed(check.whole{from = 0}), get = check.needed(check.call()),
  cache = check.flag(false), inputs = check.list{of = check.text(), least = 1},
  kinds = check.map(check.text()), labels = check.map(check.tensor()), flips = TABLE,
  classes = TABLE, points = TABLE, missing = check.whole(core.missing_class),
  size = check.whole{from = 1, to = 4096},
})

return function(given)
  local o <const> = check.options(OPTIONS, given)
  return Dataset{getter = Getter(o), labels = o.labels, flips = o.flips, classes = o.classes,
    missing = o.missing, size = o.size, points = o.points}
end
