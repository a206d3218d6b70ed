--- Adds copies of a data set's samples whose visible part of the picture is shifted.

local check <const> = require "braid.check"
local core <const> = require "braid.core"

local SHIFT <const> = check.number{0.1, from = 0, to = 1}
local OPTIONS <const> = check.declare("copied", {
  shift = check.either(SHIFT, check.list{of = SHIFT, n = 2}), times = check.whole{1, from = 1},
  seed = check.whole{1, from = 0},
})

--- ds:copied{shift = 0.1, times = 1, seed = 1}: a data set of the samples and `times` copies of
-- each. A copy is shifted, with its labels, by up to `shift` of the visible part in each direction
-- ({across, down} sets the two directions apart). Shifts are drawn once and stay the same in every
-- epoch (Abrahamsson, Gruneau and Zuber 2017, sections 3.1 and 4.1). Decision: the paper gives
-- neither the distance nor the number of copies; the default is up to a tenth, and one copy.
return function(self, given)
  local o <const> = check.options(OPTIONS, given)
  if not self:has_pictures() then
    check.fail("copied: a table of numbers has no pictures to shift; only pictures can be copied")
  end
  local most <const> = type(o.shift) == "table" and o.shift or {o.shift, o.shift}
  local chosen <const> = {}
  for i = 0, (o.times + 1) * #self - 1 do chosen[i + 1] = i % #self + 1 end
  local shifts <const> = {self.shifts or core.new({#self, 2}, "float32", 0)}
  for k = 1, o.times do
    local drawn <const> = core.uniforms(o.seed, k, 2 * #self):reshape(#self, 2)
    local moved <const> = (drawn * 2 - 1) * core.from_table(most, "float64")
    shifts[k + 1] = shifts[1] + moved:to("float32")
  end
  local result <const> = self:subset(chosen)
  result.shifts = core.keep(core.ops.cat(shifts, 1))
  return result
end
