--- Embedding: the rows of weight (count, size) that labels (...) name -> (..., size).
-- @usage nn.Embedding(1000, 64, {padding_index = 1})

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local embedding <const> = require "braid.functional.embedding"
local initial <const> = require "braid.nn.initial"
local Module <const> = require "braid.nn.module"

local Embedding <const> = class("Embedding", Module)

--- The row padding_index starts at 0 and stays there.
function Embedding:init(count, size, given)
  check.size("Embedding", "count", count)
  check.size("Embedding", "size", size)
  local o <const> = check.options("Embedding", given, {padding_index = check.none})
  self.padding_index = o.padding_index
  local weight <const> = initial.normal(core.new({count, size}, "float32"), 0, 1)
  if o.padding_index then
    if check.size("Embedding", "padding_index", o.padding_index) > count then
      error(("Embedding: there is no row %d of %d"):format(o.padding_index, count), 3)
    end
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
