--- Dataset: images of one size with labels, all in memory.
--
-- Fields: images, uint8 (n,c,h,w), channels last in memory; labels, a table of tensors
-- whose first size is n. `landmarks`, when there, is float32 (n,points,2): x, y in pixels
-- of the image, pixel centres at whole numbers from 0. Class labels are int64 and count
-- from 1; 0 marks a missing one. inner is the side of the square in the middle that is
-- the picture proper; what lies around it gives a rotated or shifted cut something to
-- show.

local core <const> = require "braid.core"
local class <const> = require "braid.class"

local Dataset <const> = class("Dataset")

function Dataset:init(fields)
  self.images, self.labels = core.keep(fields.images), {}
  self.inner = fields.inner or self.images:size(3)
  self.unreadable, self.first_unreadable = fields.unreadable or 0, fields.first_unreadable
  for name, t in pairs(fields.labels) do
    if t:size(1) ~= self.images:size(1) then
      error(("Dataset: %d images, but %d of %s"):format(self.images:size(1), t:size(1), name), 3)
    end
    self.labels[name] = core.keep(t)
  end
end

Dataset.__len = function(self) return self.images:size(1) end

-- ds[i]: {image = uint8 (c,h,w), landmarks = (points,2), gender = 1, ...}; a missing
-- label is nil.
Dataset.__index = function(self, key)
  if math.type(key) ~= "integer" then return Dataset[key] end
  if key < 1 or key > #self then return nil end
  local sample <const> = {image = self.images[key]}
  for name, t in pairs(self.labels) do
    if t:dim() > 1 then
      sample[name] = t[key]
    else
      local label <const> = t[key]:item()
      sample[name] = label ~= 0 and label or nil
    end
  end
  return sample
end

--- The samples first .. last.
function Dataset:subset(first, last)
  if first < 1 or last > #self or last < first then
    error(("subset: there is no range %d to %d in %d samples"):format(first, last, #self), 2)
  end
  local labels <const> = {}
  for name, t in pairs(self.labels) do labels[name] = t[{ {first, last} }] end
  return Dataset{images = self.images[{ {first, last} }], labels = labels, inner = self.inner}
end

--- Two data sets, the second with the last `share` of the samples, or that many if it is
-- a number from 1.
function Dataset:split(share)
  local n <const> = share < 1 and math.floor(#self * share + 0.5) or share
  return self:subset(1, #self - n), self:subset(#self - n + 1, #self)
end

return Dataset
