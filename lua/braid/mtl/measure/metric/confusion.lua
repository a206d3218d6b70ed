--- The confusion matrix: rows are the true classes, columns the predicted classes. It prints as a
-- table and has no direction. The value is {counts = rows of numbers, recall = {}, precision = {},
-- lost = the number of outputs that are NaN, names}, with recall and precision by class.
-- @usage mtl.classes{5, metrics = {"accuracy", "confusion"}}

local class <const> = require "braid.class"
local metric <const> = require "braid.mtl.measure.parts.metric"
local text <const> = require "braid.mtl.measure.parts.text"

local Matrix <const> = class("confusion matrix")

function Matrix:init(part, names)
  self.counts, self.recall, self.precision, self.lost = {}, {}, {}, part.lost
  self.names = {}
  for c = 1, part.size do
    self.counts[c], self.names[c] = {}, names and names[c] or tostring(c)
    for k = 1, part.size do self.counts[c][k] = 0 end
    self.recall[c] = part.of[c] > 0 and part.right[c] / part.of[c] or nil
    self.precision[c] = part.said[c] > 0 and part.right[c] / part.said[c] or nil
  end
  for _, cell in ipairs(part.cells) do
    if cell[2] > 0 then self.counts[cell[1]][cell[2]] = cell[3] end
  end
end

local function share(value) return value and metric.percent(value) or "-" end

Matrix.__tostring = function(self)
  local rows <const>, last <const> = {{"is \\ said"}}, {"precision"}
  for c, name in ipairs(self.names) do
    rows[1][c + 1], last[c + 1] = name, share(self.precision[c])
    rows[c + 1] = {name}
    for k, n in ipairs(self.counts[c]) do rows[c + 1][k + 1] = ("%d"):format(n) end
    rows[c + 1][#self.names + 2] = share(self.recall[c])
  end
  rows[1][#self.names + 2] = "recall"
  rows[#rows + 1] = last
  return text.aligned(rows) .. (self.lost > 0 and ("\n%d outputs are NaN"):format(self.lost) or "")
end

return metric.kind{name = "confusion", form = "classes", gathers = "confusion",
  counts = "samples with a label", unit = "samples", table = true,
  value = function(part, _, context)
    if part.count == 0 then return nil, "no sample has a label" end
    return Matrix(part, context.names)
  end}
