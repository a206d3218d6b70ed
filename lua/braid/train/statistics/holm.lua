--- Holm's correction of p values for several tests (Holm 1979).
--
-- With corrected p values, the chance that even one of all tests wrongly finds a difference is at
-- most the level. The m p values are sorted; p_(i) becomes the largest of (m + 1 - j) p_(j) for j
-- up to i, and at most 1.
-- train.statistics.holm(p) takes a list of numbers, or a table of them by name. false stands for a
-- test without p: it stays false and does not count.
-- @treturn table a table with the same keys
-- @usage print(train.statistics.holm({0.01, 0.04, 0.03})[1]) -- 0.03

local check <const> = require "braid.check"

local SHARE <const> = check.number{from = 0, to = 1}
local ARGUMENTS <const> = check.declare("train.statistics.holm", {
  p = check.argument(check.kind("a table of numbers from 0 to 1", function(v)
    return type(v) == "table" and not check.is_object(v)
  end)),
})

return function(p)
  check.options(ARGUMENTS, nil, {p = p})
  local keys <const>, adjusted <const> = {}, {}
  for key, value in pairs(p) do
    if value == false then
      adjusted[key] = false
    else
      keys[#keys + 1] = key
      check.value("train.statistics.holm", ("p[%s]"):format(key), value, SHARE)
    end
  end
  table.sort(keys, function(a, b)
    if p[a] ~= p[b] then return p[a] < p[b] end
    return tostring(a) < tostring(b)
  end)
  local most = 0.0
  for i, key in ipairs(keys) do
    most = math.min(1, math.max(most, (#keys + 1 - i) * p[key]))
    adjusted[key] = most
  end
  return adjusted
end
