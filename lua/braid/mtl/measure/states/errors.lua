--- The error of every face: the mean distance of its points, divided by a length of the face. It
-- also counts the faces whose length is not known.

local class <const> = require "braid.class"
local relative <const> = require "braid.mtl.measure.parts.relative"

local Errors <const> = class("errors")

function Errors:init(context, o)
  self.context, self.by, self.named = context, o.by, false
  self.samples, self.missing, self.told = 0, 0, false
  self.errors, self.count = {}, 0
end

function Errors:add(seen)
  local lengths <const>, errors <const> = seen:length(self.by), self.errors
  local means <const> = seen:means()
  local values <const> = self.by == "none" and means
    or lengths and (seen.mean / lengths):totable()
  for _, v in ipairs(values or {}) do
    if v == v then errors[#errors + 1] = v end
  end
  self.missing = self.missing + seen.missing
  self.told = self.told or lengths ~= false
  self.samples, self.count = self.samples + seen.n, #errors
end

function Errors:fits(other) return self.context.points == other.context.points end

function Errors:merge(other)
  table.move(other.errors, 1, #other.errors, #self.errors + 1, self.errors)
  self.samples, self.missing = self.samples + other.samples, self.missing + other.missing
  self.told, self.count = self.told or other.told, #self.errors
end

--- The number of faces that have points but no length to divide by.
function Errors:without() return self.samples - self.missing - #self.errors end

--- The reason why there is no error, or nil.
function Errors:reason()
  if #self.errors > 0 then return nil end
  if not self.told then return "the batches have no box_width" end
  return self.samples == self.missing and "no face has points"
    or ("no face has %s"):format(relative[self.by].without)
end

function Errors:parts() return {self} end

return Errors
