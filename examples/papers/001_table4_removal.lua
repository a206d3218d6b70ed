--- Fang, Ma, Zhang, Zhang and Bai 2017, sections 4.2 and 4.3, table 4: all tasks in one shared
-- network (MT) and in the dynamic network (DMT), and the latter when a task was removed; table 6:
-- how the connections from layer 6 to layer 7 change then.
--
-- Section 4.2: seven attributes, batches with as many samples of either class. Section 4.3: two of
-- the subnets are cut off, the others are frozen, and the connections alone are trained again.
local braid <const> = require "braid"
local plot <const>, train <const> = braid.plot, braid.train
local papers <const> = require "braid.papers"
local paper <const> = papers.part "dynamic"

local PRINTED <const> = {MT = {smile = 91.8}, DMT = {smile = 92.1}} -- Smiling; see the notes
local LAYER <const> = "fc" -- layer 6; what it gives to layer 7, the output, is mixed

-- Table 6, from (rows) to (columns): changes of the share of task j in what task i takes. `row[1]`
-- and `row[2]` are the alphas of a task before and after, without the removed column in the first.
local function changes(before, after, left)
  local change <const> = {}
  for i, row in ipairs(after) do
    local had <const>, has <const> = before[i < left and i or i + 1], row
    local all, now = 0.0, 0.0
    for _, v in ipairs(had) do all = all + v end
    for _, v in ipairs(has) do now = now + v end
    for j, v in ipairs(has) do
      change[j] = change[j] or {}
      change[j][i] = v / now - had[j < left and j or j + 1] / all
    end
  end
  return change
end

return papers.experiment{
  paper = "001", item = "table 4", title = "all tasks shared, dynamic, and after a task's removal",
  data = {"cifar10", "mtfl", "faces"}, minutes = 180,
  options = paper.options{again = {4, from = 1}}, quick = paper.quick{again = 1},
  differs = paper.differs("one of five tasks is removed (left; cat_dog of CIFAR-10's pairs), where "
    .. "the paper removes two of seven", "table 6 shows shares, alpha_ij / sum_j alpha_ij: the "
    .. "diagonal of the paper changes although its alpha_ii is 1, so that it cannot be alpha"),
  run = function(e)
    local o <const>, sets <const> = e.o, paper.data(e)
    local left <const> = #sets.names - 1
    local leaves <const>, stay <const> = sets.names[left], paper.without(sets.names, left)
    local given <const> = paper.turns(o, sets)
    given.tasks, given.take = paper.tasks(sets.names), "last"
    given.test = paper.whole(sets, sets.test)
    given.networks = {MT = paper.shared(sets.names, o, sets),
      DMT = paper.dynamic(sets.names, o, sets)}
    given.order, given.epochs = {"MT", "DMT"}, o.epochs
    given.after = function(net, job)
      if job.network ~= "DMT" then return nil end
      local before <const> = net:transfer().weights[LAYER]
      net:remove_task(leaves):train_only{"mixers"}
      local cut <const> = paper.accuracies(net, sets, sets.test)
      local again <const> = paper.turns(o, sets)
      again.net, again.epochs, again.seed, again.progress = net, o.again, job.seed, false
      train.fit(again)
      local change <const>, numbers <const> =
        changes(before, net:transfer().weights[LAYER], left), {}
      for j, from in ipairs(stay) do
        for i, to in ipairs(stay) do numbers[from .. " to " .. to] = change[j][i] end
      end
      if job.seed == e.seeds[1] then
        plot.heatmap(e.dir .. "/table6.svg", change, {rows = stay, columns = stay,
          title = "change of shares at layer 6, from (rows) to (columns)"})
      end
      return {cut = cut, again = paper.accuracies(net, sets, sets.test), change = numbers}
    end
    local r <const> = e:compare("table4", given)
    local pairs_of <const> = e:holds() == "cifar10"
    e:beside{title = pairs_of and "Table 4 on CIFAR-10's pairs, beside table 5, %"
      or "Table 4: mean of the two classes' accuracies, %", results = r,
      columns = paper.columns(sets.names, pairs_of
        and {MT = paper.TABLE5.MT, DMT = paper.TABLE5.DMT} or PRINTED)}
    local without <const> = paper.columns(stay, nil, "cut.%s")
    for i, c in ipairs(paper.columns(stay, {DMT = {smile = 91.7}}, "again.%s")) do
      without[i].title = stay[i] .. ", cut"
      c.title = stay[i] .. ", TTC trained again"
      without[#stay + i] = c
    end
    e:beside{title = ("Table 4, last row: without %s"):format(leaves), results = r, rows = {"DMT"},
      columns = without}
    local columns <const> = {}
    for _, from in ipairs(stay) do
      for _, to in ipairs(stay) do
        columns[#columns + 1] = {metric = ("change.%s to %s"):format(from, to),
          title = ("%s to %s"):format(from, to), percent = true}
      end
    end
    e:beside{title = "Table 6: changes of shares, %", results = r, rows = {"DMT"},
      columns = columns}
    e:picture "table6.svg"
    e:note("table 4 as printed, MT/DMT/after removal: Goatee 93.9/94.9/93.1, H.Makeup "
      .. "89.7/89.8/89.1, H.Cheekb. 86.0/86.5/85.8, NoBeard 91.9/92.6/91.2, Sideburns 93.1/93.9, "
      .. "Smiling 91.8/92.1/91.7, Wear.Lipstick 92.7/93.2")
    e:note("table 6 as printed has changes between -2% and +15%, such as Goatee to H.Makeup +10, "
      .. "H.Makeup to H.Makeup +15, Smiling to Smiling -2")
  end,
}
