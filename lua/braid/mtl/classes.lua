--- A classification task: labels 1 .. n, where 0 is a missing label.
--
-- Loss: cross-entropy over the batch's labelled images. Metric: accuracy.
-- @usage mtl.classes{5, weight = 0.1, flip = {5, 4, 3, 2, 1}}

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local ops <const> = core.ops

local Classes <const> = class("Classes")

function Classes:init(given)
  local o <const> = check.options("mtl.classes", given,
    {[1] = check.none, flip = check.none, weight = 1})
  self.size = check.size("mtl.classes", "the number of classes", o[1])
  self.flip, self.weight = o.flip, o.weight
end

--- output (n, classes), target (n) -> a tensor without dimensions
function Classes.loss(_, output, target) return ops.cross_entropy(output, target) end

--- How many samples have a label.
function Classes.labelled(_, target) return ops.count_nonzero(target):item() end

function Classes.observe(_, sums, output, target)
  local labelled <const> = target:gt(0)
  local right <const> = output:argmax(2):eq(target):logical_and(labelled)
  sums.count = (sums.count or 0) + labelled:sum():item()
  sums.right = (sums.right or 0) + right:sum():item()
end

function Classes.metrics(_, sums) return {accuracy = sums.right / sums.count} end

function Classes.show(_, m) return ("%.1f%%"):format(100 * m.accuracy) end

return Classes
