--- Fang, Ma, Zhang, Zhang and Bai 2017, section 4.2, table 5: CIFAR-10 as five tasks of two
-- classes, each alone (ST), in one shared network (MT) and in the dynamic network (DMT); figure 5:
-- what a task takes of the others, by layer.
--
-- Section 4.1: tasks take turns, each with batches of both its classes in equal shares, and an
-- accuracy is the mean of those of the two classes. All pictures: 50,000 train, 10,000 test.
local braid <const> = require "braid"
local mtl <const>, optim <const>, plot <const> = braid.mtl, braid.optim, braid.plot
local papers <const> = require "braid.papers"
local paper <const> = papers.part "dynamic"

-- Figure 5: what the first task takes of the others, by layer.
local function draw_layers(path, net, names)
  local weights <const>, rows <const> = net:transfer().weights, {}
  for i, block in ipairs(net:blocks()) do rows[i] = paper.others(weights[block][1], 1) end
  plot.heatmap(path, rows, {rows = net:blocks(), columns = paper.without(names, 1),
    title = "what " .. names[1] .. " takes of the others, in shares, by layer"})
end

return papers.experiment{
  paper = "001", item = "table 5", title = "CIFAR-10 in five pairs: alone, shared, dynamic",
  data = {"cifar10", "faces"}, minutes = 400,
  options = paper.options{epochs = {2, from = 1}}, quick = paper.quick(),
  differs = {
    "half of the width; batch, rate, epochs and colours are not printed: Adam, cosine by step, in "
      .. "colour, whitened one by one; each task's turns are ten passes over its two classes (two "
      .. "epochs of as many samples as CIFAR-10 has), in every network",
    "MT shares all but the output; DMT is read as a forward mixture of maps (its alphas learn by "
      .. "gradient), and in a second row as algorithm 1",
    "on faces, attributes stand for the pairs",
  },
  run = function(e)
    local o <const>, sets <const> = e.o, paper.data(e)
    sets.train = sets.all or sets.train
    local names <const>, given <const> = sets.names, paper.turns(o, sets)
    given.tasks, given.take = paper.tasks(names), "last"
    given.test = paper.whole(sets, sets.test)
    local all <const> = o.epochs * #names -- so that each task has as many turns as alone
    given.epochs, given.lr = all, nil
    local function adam(net) return optim.Adam(net:parameters(), {lr = o.lr}) end
    given.optimizer = adam
    given.networks = {ST = {parts = paper.alone(names, o, sets), epochs = o.epochs},
      MT = paper.shared(names, o, sets), DMT = paper.dynamic(names, o, sets),
      ["DMT, algorithm 1"] = {paper.dynamic(names, o, sets, "update"), optimizer = function(net)
        return mtl.ttc_update(net, adam(net), {start = o.start, beta_lr = 100})
      end}}
    given.order = {"ST", "MT", "DMT", "DMT, algorithm 1"}
    given.after = function(net, job)
      if job.network == "DMT" and job.seed == e.seeds[1] then
        draw_layers(e.dir .. "/figure5.svg", net, names)
      end
    end
    local r <const> = e:compare("table5", given)
    e:beside{title = "Table 5: mean of the two classes' accuracies, %", results = r,
      columns = paper.columns(names, paper.TABLE5)}
    e:picture "figure5.svg"
  end,
}
