--- Embedding: looks up labels (...) as rows of weight (count, size) -> (..., size).
-- @usage nn.Embedding(1000, 64, {padding_index = 1})

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local fresh <const> = require "braid.nn.fresh"
local embedding <const> = require "braid.functional.embedding"
local initial <const> = require "braid.nn.initial"
local Module <const> = require "braid.nn.module"

local argument <const>, whole <const> = check.argument, check.whole

local Embedding <const> = class("Embedding", Module)

local OPTIONS <const> = check.declare("Embedding", {
  count = argument(whole{from = 1}), size = argument(whole{from = 1}),
  padding_index = whole{from = 1},
}, function(o)
  if o.padding_index and o.padding_index > o.count then
    return ("padding_index = %d is not one of the %d rows"):format(o.padding_index, o.count)
  end
end)

--- The row padding_index starts as zeros and is never trained.
function Embedding:init(count, size, given)
  local o <const> = check.options(OPTIONS, given, {count = count, size = size})
  self.padding_index = o.padding_index
  local weight <const> = initial.normal(fresh(self, {count, size}, "float32"), 0, 1)
  if o.padding_index then
    initial.constant(weight:select(1, o.padding_index), 0)
  end
  self.weight = Module.parameter(weight)
end

function Embedding:forward(labels)
  return (embedding(labels, self.weight, {padding_index = self.padding_index}))
end

function Embedding:describe()
  return ("%d, %d"):format(self.weight.shape[1], self.weight.shape[2])
end

return Embedding
