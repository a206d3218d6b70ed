--- Mix: several data sets, of different tasks and sizes, as one.
--
-- data.mix{{a, 2}, {b, 1}}: two batches of a for one of b; each set goes around on its own,
-- in a new order each time. by = "sample" makes every batch of both, in those shares. n is
-- how many samples an epoch has (the sum of the sizes unless given). A label that a set
-- does not have is missing in its samples.
-- @usage for batch in data.loader(data.mix{{mtfl, 0.7}, {celeba, 0.3}}, {batch = 64}) do

local class <const> = require "braid.class"
local check <const> = require "braid.check"

local Mix <const> = class("Mix")

function Mix:init(given)
  local o <const> = {}
  self.parts, self.shares = {}, {}
  for key, value in pairs(given) do
    if math.type(key) == "integer" then self.parts[key] = value else o[key] = value end
  end
  check.options("data.mix", o, {by = "batch", n = check.none})
  if #self.parts == 0 then error("data.mix: there are no data sets", 2) end
  local size = 0
  for i, part in ipairs(self.parts) do
    local ds <const>, share <const> = part[1], part[2] or 1
    if type(ds) ~= "table" or not ds.labels then
      error(("data.mix: part %d must be {data set, share}"):format(i), 2)
    end
    if type(share) ~= "number" or not (share > 0 and share < math.huge) then
      error(("data.mix: the share of part %d must be a number above 0, not %s"):format(i,
        tostring(share)), 2)
    end
    self.parts[i], self.shares[i], size = ds, share, size + #ds
  end
  self.by, self.n = o.by or "batch", o.n or size
  if self.by ~= "batch" and self.by ~= "sample" then
    error(("data.mix: by must be \"batch\" or \"sample\", not %s"):format(tostring(self.by)), 2)
  end
  check.size("data.mix", "n", self.n)
end

Mix.__len = function(self) return self.n end

--- Whose turn each of `count` turns is: at any time each part has had its share, but for
-- one turn.
function Mix:turns(count)
  local total, due <const>, turns <const> = 0, {}, {}
  for i, share in ipairs(self.shares) do due[i], total = 0, total + share end
  for turn = 1, count do
    local best = 1
    for i, share in ipairs(self.shares) do
      due[i] = due[i] + share / total
      if due[i] > due[best] + 1e-9 then best = i end
    end
    due[best] = due[best] - 1
    turns[turn] = best
  end
  return turns
end

return Mix
