--- Splits a data set into two parts: at its end, at random, or class by class.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local Part <const> = require "braid.data.tabular.part"

-- How many samples of each stratum go into the second part: whole numbers, in proportion to the
-- sizes of the strata, that add up to `n`.
local function quotas(strata, n, total)
  local counts <const>, order <const>, sum = {}, {}, 0
  for s, members in ipairs(strata) do
    local exact <const> = n * #members / total
    counts[s] = math.floor(exact)
    order[s] = {rest = exact - counts[s], s = s}
    sum = sum + counts[s]
  end
  table.sort(order, function(a, b) return a.rest ~= b.rest and a.rest > b.rest
    or a.rest == b.rest and a.s < b.s end)
  for i = 1, n - sum do counts[order[i].s] = counts[order[i].s] + 1 end
  return counts
end

-- Lists of sample numbers, one for each class. Missing labels count as a class.
local function strata_of(self, name)
  local list <const>, by_class <const> = {}, {}
  if name == nil then
    list[1] = {}
    for i = 1, self.n do list[1][i] = i end
    return list
  end
  if self.kinds[name] ~= "class" then
    check.fail("split: stratify wants the name of a class label; '%s' is %s", tostring(name),
      self.kinds[name] or "no label")
  end
  for i, label in ipairs(self.labels[name]:totable()) do
    local members <const> = by_class[label] or {}
    by_class[label] = members
    members[#members + 1] = i
  end
  for _, label in ipairs(check.sorted_keys(by_class)) do
    list[#list + 1] = by_class[math.tointeger(tonumber(label))]
  end
  return list
end

local OPTIONS <const> = check.declare("split", {
  share = check.argument(check.number{above = 0}), stratify = check.text(), seed = check.whole(),
})

--- ds:split(share, given); see dataset.lua.
return function(self, share, given)
  local o <const> = check.options(OPTIONS, given, {share = share})
  local n <const> = share < 1 and math.floor(self.n * share + 0.5) or math.tointeger(share)
  if not n or n < 1 or n >= self.n then
    check.fail("split: %s of %d samples leaves one part empty: give a share between 0 and 1, or "
      .. "a number of samples from 1 to %d", tostring(share), self.n, math.max(self.n - 1, 1))
  end
  if not (o.stratify or o.seed) then
    return Part.split(self, self:subset(1, self.n - n), self:subset(self.n - n + 1, self.n))
  end
  local strata <const> = strata_of(self, o.stratify)
  local counts <const>, second, first = quotas(strata, n, self.n), {}, {}
  for s, members in ipairs(strata) do
    for k, at in ipairs(core.randperm(#members, (o.seed or 1) * 1000003 + s):totable()) do
      table.insert(k <= counts[s] and second or first, members[at])
    end
  end
  table.sort(first)
  table.sort(second)
  return Part.split(self, self:subset(first), self:subset(second))
end
