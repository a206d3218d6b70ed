--- data.mix: several data sets, of different tasks and sizes, as one.
--
-- data.mix{{a, 2}, {b, 1}} gives two batches of a for each batch of b. When a set ends, it begins
-- again in a new order. by = "sample" takes every batch from all sets, in these shares. by = "once"
-- has each sample once, set after set; train.fit and train.test go through a mix in this way for
-- validation and tests. n is the number of samples of an epoch (default: the sum of the sizes). A
-- label that a set does not have is missing in its samples. Either all parts have pictures, in
-- memory or in files, or all have rows of numbers with the same inputs. Parts that are tables must
-- be prepared with the same means and deviations: part:prepared(train).
-- @usage
-- local mixed <const> = data.mix{{faces.train, 0.7}, {faces.val, 0.3}}
-- for batch in data.loader(mixed, {batch = 16}) do print(batch) end

local class <const> = require "braid.class"
local check <const> = require "braid.check"

local Mix <const> = class("Mix")

local OPTIONS <const> = check.declare("data.mix", {
  by = check.choice{"batch", "sample", "once"}, n = check.whole{from = 1},
})
local SHARE <const> = check.number{above = 0}

function Mix:init(given)
  local named <const> = {}
  self.parts, self.shares = {}, {}
  for key, value in pairs(check.copy("data.mix", given)) do
    if math.type(key) == "integer" then self.parts[key] = value else named[key] = value end
  end
  local o <const> = check.options(OPTIONS, named)
  if #self.parts == 0 then
    check.fail("data.mix: wants data sets, as in data.mix{{faces, 0.7}, {others, 0.3}}")
  end
  local size = 0
  for i, part in ipairs(self.parts) do
    if type(part) ~= "table" or type(part[1]) ~= "table" or not part[1].labels then
      check.fail("data.mix: part %d must be {data set, share}, not %s", i, check.shown(part))
    end
    local ds <const>, share <const> = part[1], part[2] == nil and 1 or part[2]
    check.value("data.mix", "the share of part " .. i, share, SHARE)
    self.parts[i], self.shares[i], size = ds, share, size + #ds
  end
  if o.by == "once" and o.n and o.n ~= size then
    check.fail("data.mix: by = \"once\" has all %d samples, so leave out n", size)
  end
  self.by, self.n = o.by, o.n or size
end

--- The same parts, each sample once.
function Mix:once()
  local parts <const> = {by = "once"}
  for i, ds in ipairs(self.parts) do parts[i] = {ds} end
  return Mix(parts)
end

Mix.__len = function(self) return self.n end

return Mix
