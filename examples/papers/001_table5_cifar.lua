--- Fang, Ma, Zhang, Zhang and Bai 2017, section 4.4, table 5: CIFAR-10 as five tasks of two
-- classes, each alone (ST), in one shared network (MT) and in the dynamic network (DMT); figure 5:
-- what a task takes of the others, by layer.
--
-- Section 4.1: tasks take turns, each with batches of both its classes in equal shares, and an
-- accuracy is the mean of those of the two classes. All pictures: 50,000 train, 10,000 test.
local braid <const> = require "braid"
local mtl <const>, nn <const>, plot <const> = braid.mtl, braid.nn, braid.plot
local papers <const> = require "braid.papers"

local PRINTED <const> = { -- ST, MT, DMT
  cat_dog = {73.8, 73.9, 73.9}, deer_horse = {88.8, 89.1, 89.4}, bird_frog = {89.2, 89.6, 90.7},
  airplane_ship = {89.9, 90.4, 91.2}, automobile_truck = {88.4, 90.0, 90.0}}

-- The first task's shares of the others' alphas at a layer.
local function others(row)
  local total, shares <const> = 0.0, {}
  for j = 2, #row do total = total + row[j] end
  for j = 2, #row do shares[j - 1] = row[j] / total end
  return shares
end

-- Figure 5: what the first task takes of the others, by layer.
local function draw_layers(path, net, names)
  local weights <const>, rows <const> = net:transfer().weights, {}
  for i, block in ipairs(net:blocks()) do rows[i] = others(weights[block][1]) end
  plot.heatmap(path, rows, {rows = net:blocks(), columns = table.move(names, 2, #names, 1, {}),
    title = "what " .. names[1] .. " takes of the others, in shares, by layer"})
end

return papers.experiment{
  paper = "001", item = "table 5", title = "CIFAR-10 in five pairs: alone, shared, dynamic",
  data = {"cifar10", "faces"}, minutes = 400,
  options = {epochs = {10, from = 1}, width = {0.5, above = 0}, batch = {64, from = 1},
    lr = {2e-3, above = 0}, start = {0.2, from = 0, to = 1}, images = {0, from = 0},
    faces = {2000, from = 10}},
  quick = {epochs = 1, width = 0.1, faces = 80, images = 200},
  differs = {
    "half of the width; batch, rate, epochs and colours are not printed: Adam, ten epochs, each of "
      .. "as many samples as the training set has over all turns, in colour, whitened one by one",
    "MT shares all but the output; DMT is read as a forward mixture of maps (its alphas learn by "
      .. "gradient), not as algorithm 1",
    "on rendered faces: gender, glasses and smile stand for the pairs",
  },
  run = function(e)
    local o <const> = e.o
    local sets <const>, names = e:cifar{images = o.images}, {}
    if sets then
      for name in pairs(PRINTED) do names[#names + 1] = name end
      table.sort(names)
    else
      names = {"gender", "glasses", "smile"}
    end
    local faces <const> = sets or e:faces{faces = o.faces, channels = 3, size = 64}
    local function tasks_of(list)
      local tasks <const> = {}
      for _, name in ipairs(list) do tasks[name] = mtl.classes{2, metric = "balanced"} end
      return mtl.tasks(tasks)
    end
    local function shared(list)
      return function()
        return mtl.network{tasks = tasks_of(list), columns = "shared",
          blocks = nn.backbone("dmt", {width = o.width, channels = 3})}
      end
    end
    local parts <const>, metrics <const> = {}, {}
    for i, name in ipairs(names) do
      parts[name], metrics[i] = shared{name}, name .. ".balanced"
    end
    local r <const> = e:compare("table5", {tasks = tasks_of(names), train = faces.train,
      test = faces.test, epochs = o.epochs, batch = o.batch, lr = o.lr, take = "last",
      loader = {size = 32}, turns = true,
      networks = {ST = {parts = parts}, MT = shared(names), DMT = function()
        return braid.model("models/dmt.lua", {tasks = tasks_of(names), width = o.width,
          channels = 3, start = o.start, lr_mult = 10})
      end}, order = {"ST", "MT", "DMT"}, metrics = metrics, after = function(net, job)
        if job.network == "DMT" and job.seed == e.seeds[1] then
          draw_layers(e.dir .. "/figure5.svg", net, names)
        end
      end})
    local columns <const> = {}
    for i, name in ipairs(names) do
      local p <const> = PRINTED[name]
      columns[i] = {metric = metrics[i], title = name, percent = true, direction = "max",
        printed = p and {ST = p[1], MT = p[2], DMT = p[3]}}
    end
    e:beside{title = "Table 5: mean of the two classes' accuracies, %", results = r,
      columns = columns}
    e:picture "figure5.svg"
  end,
}
