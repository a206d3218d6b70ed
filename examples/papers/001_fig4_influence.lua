--- Fang, Ma, Zhang, Zhang and Bai 2017, section 4.3, figure 4: the influence of the other tasks on
-- one task over training, at layer 6; figure 5: the same at each layer, when training is over.
--
-- Section 4.3: the network of table 4, and NoBeard's subnet. What the higher layers take is related
-- more clearly to the tasks than what the lower ones do; the groups are those of section 2: animals
-- stand near each other on CIFAR-10, and so do vehicles.
local braid <const> = require "braid"
local plot <const> = braid.plot
local papers <const> = require "braid.papers"
local paper <const> = papers.part "dynamic"

local LAYER <const> = "fc" -- layer 6

return papers.experiment{
  paper = "001", item = "figure 4", title = "influence of the others over training and by layer",
  data = {"cifar10", "mtfl", "faces"}, minutes = 90,
  options = paper.options{task = {1, from = 1, to = 5}}, quick = paper.quick{epochs = 2},
  differs = paper.differs("the task is the first (female; airplane_ship of CIFAR-10); --set "
    .. "task=3 takes another", "an influence is alpha_ij in shares of what task i takes of "
    .. "others, once an epoch"),
  run = function(e)
    local o <const>, sets <const> = e.o, paper.data(e)
    local of <const>, others <const> = o.task, paper.without(sets.names, o.task)
    local given <const> = paper.turns(o, sets)
    given.tasks, given.take = paper.tasks(sets.names), "last"
    given.test = paper.whole(sets, sets.test)
    given.networks, given.epochs = {DMT = paper.dynamic(sets.names, o, sets)}, o.epochs
    -- Notes go into the run's history, which a run that is taken up again cuts and continues.
    given.on = {epoch = function(fit, event)
      fit:note{event = "influence", epoch = event.epoch,
        shares = paper.others(fit.net:transfer().weights[LAYER][of], of)}
    end}
    given.after = function(net, job)
      local weights <const>, numbers <const>, rows <const> = net:transfer().weights, {}, {}
      for i, block in ipairs(net:blocks()) do
        rows[i] = paper.others(weights[block][of], of)
        for j, name in ipairs(others) do numbers[name .. " at " .. block] = rows[i][j] end
      end
      if job.seed == e.seeds[1] then
        plot.heatmap(e.dir .. "/figure5.svg", rows, {rows = net:blocks(), columns = others,
          title = ("what %s takes of the others, in shares, by layer"):format(sets.names[of])})
      end
      return {share = numbers}
    end
    local r <const> = e:compare("figure4", given)
    local columns <const> = {}
    for i, name in ipairs(others) do
      columns[i] = {metric = ("share.%s at %s"):format(name, LAYER), title = name, percent = true}
    end
    e:beside{title = ("Shares of the others in what %s takes at layer 6, %%"):format(
      sets.names[of]), results = r, columns = columns}
    local curves <const>, history <const> = {}, e:history("figure4", "DMT")
    for _, event in ipairs(history and history.events or {}) do
      for j, share in ipairs(event.event == "influence" and event.shares or {}) do
        local curve <const> = curves[others[j]] or {x = {}, y = {}}
        curve.x[#curve.x + 1], curve.y[#curve.y + 1] = event.epoch, share
        curves[others[j]] = curve
      end
    end
    if next(curves) then
      e:figure("figure4", plot.lines(curves, {xlabel = "epoch", ylabel = "share at layer 6",
        title = ("influence of the others on %s"):format(sets.names[of])}))
    end
    e:picture "figure5.svg"
  end,
}
