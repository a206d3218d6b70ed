--- Fang, Ma, Zhang, Zhang and Bai 2017, section 4.1, table 3: four rare attributes in two groups of
-- two, each alone (ST), together (MT) and in the dynamic network (DMT), trained on the faces as
-- they are and with the rare class drawn again.
--
-- Section 4.1: Bald (2%) and Wear.Hat (5%) are learned jointly, and so are Mustache (4%) and Goatee
-- (6%). The accuracy is the mean of the accuracies of the two classes. In the second half of the
-- table tasks take turns, each with as many samples of either class.
local braid <const> = require "braid"
local papers <const> = require "braid.papers"
local paper <const> = papers.part "dynamic"

local GROUPS <const> = {first = {"female", "glasses"}, second = {"left", "smile"}}
local RARE <const> = {"female", "glasses", "left", "smile"}

-- Leaves out some of the samples that have a rare attribute, so that about `share` of the remaining
-- samples have it. Each sample is drawn independently.
local function thinned(set, share)
  local kept <const> = braid.full({#set}, 1.0)
  for _, name in ipairs(RARE) do
    local yes <const> = set.labels[name]:eq(1):to("float32")
    local now <const> = yes:mean():item()
    local keep <const> = math.min(1, share * (1 - now) / math.max(now * (1 - share), 1e-9))
    kept:mul_(1 - yes * (1 - keep))
  end
  braid.manual_seed(1)
  local draws <const>, chosen <const> = braid.rand(#set), {}
  for i, yes in ipairs(draws:lt(kept):to("int64"):totable()) do
    if yes == 1 then chosen[#chosen + 1] = i end
  end
  return set:subset(chosen)
end

-- In the order of RARE.
local PRINTED <const> = {
  unbalanced = {ST = {56.4, 82.2, 58.6, 73.3}, MT = {79.4, 89.1, 60.3, 78.7},
    DMT = {80.1, 91.2, 62.0, 79.3}},
  resampled = {ST = {95.5, 95.3, 90.9, 93.7}, MT = {96.2, 95.5, 91.2, 94.1},
    DMT = {96.2, 96.0, 91.9, 94.1}},
}
local STAND_FOR <const> = {"Bald", "Wear.Hat", "Mustache", "Goatee"}

return papers.experiment{
  paper = "001", item = "table 3", title = "rare attributes: alone, shared, dynamic; resampled",
  data = {"mtfl", "faces"}, minutes = 60,
  options = paper.options{share = {0.06, above = 0, below = 1}, faces = {20000, from = 10}},
  quick = paper.quick{share = 0.3, faces = 200},
  differs = paper.differs("female, glasses, left and smile stand for Bald, Wear.Hat, Mustache and "
    .. "Goatee; training faces that have them are left out until about 6% do (--set share=)",
    "all networks have the same epochs; with turns, each task has this number of epochs"),
  run = function(e)
    local o <const>, sets <const> = e.o, paper.faces(e)
    local few <const> = thinned(sets.train, o.share)
    local shares <const> = {}
    for i, name in ipairs(RARE) do
      shares[i] = ("%s %.1f%%"):format(name,
        100 * few.labels[name]:eq(1):to("float32"):mean():item())
    end
    sets.train = few
    for _, half in ipairs{"unbalanced", "resampled"} do
      local given <const> = paper.turns(o, sets)
      given.turns = half == "resampled"
      given.tasks, given.take = paper.tasks(RARE), "last"
      given.test = paper.whole(sets, sets.test)
      -- A group has two turns. With twice the epochs each of its tasks sees as much as a task
      -- alone.
      local both <const> = given.turns and 2 * o.epochs or o.epochs
      local mt <const>, dmt <const> = {}, {}
      for name, group in pairs(GROUPS) do
        mt[name], dmt[name] = paper.shared(group, o, sets), paper.dynamic(group, o, sets)
      end
      given.networks = {ST = {parts = paper.alone(RARE, o, sets), epochs = o.epochs},
        MT = {parts = mt, epochs = both}, DMT = {parts = dmt, epochs = both}}
      given.order, given.epochs = {"ST", "MT", "DMT"}, o.epochs
      local printed <const> = {}
      for row, numbers in pairs(PRINTED[half]) do
        printed[row] = {}
        for i, name in ipairs(RARE) do printed[row][name] = numbers[i] end
      end
      local columns <const> = paper.columns(RARE, printed)
      for i, c in ipairs(columns) do c.title = ("%s (%s)"):format(c.title, STAND_FOR[i]) end
      e:beside{title = ("Table 3, %s: mean of the two classes' accuracies, %%"):format(half),
        results = e:compare(half, given), columns = columns}
    end
    e:note(("%d training faces are left, of which are %s"):format(#few,
      table.concat(shares, ", ")))
  end,
}
