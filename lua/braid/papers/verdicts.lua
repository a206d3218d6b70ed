--- Compares a paper's ranking with ours, for each two rows that differ in the paper.

local format <const> = require "braid.format"
local tests <const> = require "braid.train.comparing.tests"

local M <const> = {}

local HOLDS <const>, REVERSED <const>, EQUAL <const> = "holds", "the other way round", "equal here"
local NOT_SURE <const> = ", not distinguishable"

-- The verdict on two rows. `ours` is the gain, in our results, of the row that is better in the
-- paper.
local function verdict(ours, test, level)
  local certain <const> = test.p ~= nil and tests.differ(test, level)
  if ours == 0 then return EQUAL end
  return (ours > 0 and HOLDS or REVERSED) .. (certain and "" or NOT_SURE)
end

--- Compares each two rows in one column. r: the results of train.compare; column: {metric =,
-- direction =, percent =, printed = {ROW = number}}; level: the significance level of the tests.
-- @return a list of {better =, worse =, printed = difference, ours = difference (above 0: as
--   printed), p =, corrected = whether p is corrected for several pairs, verdict =}
function M.pairs(r, column, level)
  local list <const> = {}
  local sign <const> = column.direction == "max" and 1 or -1
  for _, test in ipairs(r:tests(column.metric)) do
    local a <const>, b <const> = column.printed[test.a], column.printed[test.b]
    if type(a) == "number" and type(b) == "number" and a ~= b and test.difference then
      local first <const> = (a - b) * sign > 0
      local ours <const> = test.difference * sign * (first and 1 or -1) + 0.0 -- -0 becomes 0
      list[#list + 1] = {better = first and test.a or test.b, worse = first and test.b or test.a,
        printed = math.abs(a - b), ours = ours, p = test.holm, corrected = (test.tests or 0) > 1,
        verdict = verdict(ours, test, level)}
    end
  end
  return list
end

--- A sentence for a pair. names: what rows are called, {ROW = text}.
function M.words(pair, column, names)
  local function shown(v) return format(column.percent and "%.3g points" or "%.3g", v) end
  return ("%s before %s by %s: %s, %s%s"):format(names[pair.better] or pair.better,
    names[pair.worse] or pair.worse, shown(pair.printed),
    pair.verdict, shown(column.percent and 100 * pair.ours or pair.ours),
    pair.p and format(pair.corrected and " (p %.2g corrected)" or " (p %.2g)", pair.p) or "")
end

--- A sentence for all pairs of a column: "5 of 6 pairs hold (3 of them distinguishable), 1 ...".
function M.summary(list)
  local count <const> = {}
  for _, pair in ipairs(list) do count[pair.verdict] = (count[pair.verdict] or 0) + 1 end
  local function both(key)
    local sure <const>, unsure <const> = count[key] or 0, count[key .. NOT_SURE] or 0
    return sure + unsure, sure
  end
  local held <const>, surely <const> = both(HOLDS)
  local words <const> = {("%d of %d pairs hold (%d distinguishable)"):format(held, #list, surely)}
  local other <const>, contrary <const> = both(REVERSED)
  if other > 0 then
    words[2] = ("%d are the other way round (%d distinguishable)"):format(other, contrary)
  end
  if count[EQUAL] then words[#words + 1] = ("%d are equal here"):format(count[EQUAL]) end
  return table.concat(words, ", ")
end

return M
