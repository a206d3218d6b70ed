--- The report on pretrained weights: net.pretrained.
--
-- {source = the name of the weights, used = the number of the backbone's tensors that came from
-- them, of = the number of the backbone's tensors, fresh = the names of tensors that keep their
-- first values, unused = the names of weights that were not used, into = the parts of the network
-- that took weights, as text}. Batch norm's num_batches_tracked is left out of all of these.

local class <const> = require "braid.class"

local Report <const> = class("Report of weights")
Report.apart = true -- it is not a part of the network

local MAX_NAMES <const> = 3 -- names that are listed

--- The first names of a list, and how many more there are.
function Report.some(names)
  local text <const> = table.concat(names, ", ", 1, math.min(#names, MAX_NAMES))
  return #names > MAX_NAMES and ("%s and %d more"):format(text, #names - MAX_NAMES) or text
end

function Report:init(fields)
  for key, value in pairs(fields) do self[key] = value end
end

-- Adds names to a list: the names that are also in `others`, or with wanted = false the names that
-- are not.
local function add(list, names, others, wanted)
  local set <const> = {}
  for _, name in ipairs(others) do set[name] = true end
  for _, name in ipairs(names) do
    if (set[name] or false) == wanted then list[#list + 1] = name end
  end
  return list
end

--- Joins two reports on the same weights. In the result, `fresh` has the tensors that are fresh in
-- one of the two, and `unused` the weights that are unused in both.
function Report:with(other)
  local both <const> = Report(self)
  both.fresh = add(add({}, self.fresh, {}, false), other.fresh, self.fresh, false)
  both.unused = add({}, self.unused, other.unused, true)
  both.used = self.used - (#both.fresh - #self.fresh)
  return both
end

Report.__tostring = function(self)
  local words <const> = {("pretrained: %d of %d tensors of the backbone from %s%s"):format(
    self.used, self.of, self.source, self.into and ", in " .. self.into or "")}
  if #self.fresh > 0 then words[#words + 1] = "not found: " .. Report.some(self.fresh) end
  if #self.unused > 0 then words[#words + 1] = "not used: " .. Report.some(self.unused) end
  return table.concat(words, "; ")
end

return Report
