--- Combines a metric's values of all classes.
--
--   "macro"      the mean over the classes that occur
--   "weighted"   the mean in which each class counts by its samples
--   "micro"      the value for all samples together
--   "each"       a table by class
-- The option `class` takes the value of one class.

local check <const> = require "braid.check"
local classes <const> = require "braid.mtl.measure.forms.classes"

local M <const> = {}

--- The options average, class and undefined. undefined = 0 counts a class without a value as 0 in a
-- mean, as in scikit-learn; "out" leaves it out. In both cases a note counts such classes.
function M.options(averages)
  return {average = check.choice(averages),
    class = check.either(check.whole{from = 1}, check.text()),
    undefined = check.choice{0, "out"}}
end

M.WORDS = {"average", "class"}

function M.relation(o)
  if o.class and o.average and o.average ~= "macro" then
    return "average and class do not go together"
  end
end

local function of_each(part, f)
  local values <const> = {}
  for c = 1, part.size do values[c] = f(part, c) end
  if next(values) == nil then return nil, "no class has a value" end
  return values
end

--- Combines values: of(part, c) returns the value of class c, or nil and a reason. occurs(part, c)
-- tells whether the class counts in a mean. whole(part) is the "micro" value. -> value or nil,
-- reason, notes
function M.mean(part, o, context, of, occurs, whole)
  if part.count == 0 then return nil, "no sample has a label", {} end
  if o.class then
    local c <const>, wrong <const> = classes.class(context, o.class)
    if not c then check.fail("%s: %s", context.what, wrong) end
    if c > part.size then return nil, ("no sample is of %s"):format(classes.called(context, c)) end
    return of(part, c)
  end
  if o.average == "each" then return of_each(part, of) end
  if o.average == "micro" then return whole(part) end
  local total, weight, undefined, why = 0.0, 0, 0, nil
  for c = 1, part.size do
    if occurs(part, c) then
      local value <const>, reason <const> = of(part, c)
      why = why or reason
      if not value then undefined = undefined + 1 end
      if value or o.undefined == 0 then
        local share <const> = o.average == "weighted" and part.of[c] or 1
        total, weight = total + share * (value or 0), weight + share
      end
    end
  end
  local notes <const> = {undefined = undefined > 0 and undefined or nil}
  if weight == 0 then return nil, why or "no class has a value", notes end
  return total / weight, nil, notes
end

return M
