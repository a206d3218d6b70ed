--- The input of metrics of points: the distance of each point from its true place, (n,points), in
-- half widths of the image. It is NaN if the place is not known, and infinite if the output is NaN.
--
-- The context has what, points, eyes and corners.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local eyes <const> = require "braid.mtl.tasks.eyes"
local relative <const> = require "braid.mtl.measure.parts.relative"
local two <const> = require "braid.data.eyes"
local ops <const> = core.ops

local M <const> = {}

M.TOLD = {"eyes", "corners"}
M.OPTIONS = {eyes = eyes.KIND, corners = check.list{n = 2, of = check.whole{from = 1}}}

--- The context of a metric that belongs to no task, made from the first batch.
function M.alone(metric, _, targets)
  local what <const> = "mtl.metric." .. metric.NAME
  if targets:dim() ~= 3 or targets:size(3) ~= 2 then
    check.fail("%s: targets must be points (n, points, 2), not {%s}", what,
      table.concat(targets.shape, ", "))
  end
  local points <const> = targets:size(2)
  return {what = what, points = points, problems = 1, noun = "faces",
    eyes = two.known{points = points}}
end

-- The height of a batch's images divided by their width.
function M.aspect(batch)
  local image <const> = type(batch) == "table" and rawget(batch, "image")
  return core.is_tensor(image) and image:dim() == 4 and image:size(3) / image:size(4) or 1
end

--- The distance of each point (n,points).
function M.distances(places, target, aspect)
  local lost <const> = places:ne(places):any(3):logical_and(target:eq(target):all(3))
  return eyes.lengths(places - target, aspect):masked_fill(lost, math.huge)
end

--- The mean over a face's points (n).
function M.mean(apart)
  local there <const> = apart:eq(apart)
  if there:all():item() then return apart:mean(2) end
  return ops.masked_fill(apart, there:logical_not(), 0):sum(2) / there:sum(2)
end

-- A batch in the form that metrics receive: apart (n,points), mean (n).
local Seen <const> = {}
Seen.__index = Seen

--- The mean over each face's points, as a list; `missing` counts faces without points.
function Seen:means()
  if not self.listed then
    self.listed, self.missing = self.mean:totable(), 0
    for _, mean in ipairs(self.listed) do
      if mean ~= mean then self.missing = self.missing + 1 end
    end
  end
  return self.listed
end

--- The lengths by which errors are divided (n); false if the batch does not have them.
function Seen:length(by)
  local length = self.lengths[by]
  if length == nil then
    length = relative[by].length(self.context, self.target, self.batch, self.aspect)
    length = length and length:to("float64") or false
    self.lengths[by] = length
  end
  return length
end

--- Makes a Seen of a batch.
function M.seen(context, outputs, target, batch)
  local n <const> = target:dim() > 0 and target:size(1) or 0
  if outputs:numel() ~= target:numel() or target:dim() ~= 3 or target:size(2) ~= context.points then
    check.fail("%s: outputs {%s} and targets {%s} must be %d points a face each", context.what,
      table.concat(outputs.shape, ", "), table.concat(target.shape, ", "), context.points)
  end
  local aspect <const> = M.aspect(batch)
  local apart <const> = M.distances(outputs:detach():reshape(n, context.points, 2), target, aspect)
    :to("float64") -- means must not depend on the size of batches
  return setmetatable({n = n, apart = apart, mean = M.mean(apart), lengths = {}, context = context,
    target = target, batch = batch, aspect = aspect}, Seen)
end

return M
