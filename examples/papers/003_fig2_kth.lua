--- Abrahamsson, Gruneau and Zuber 2017, section 4, figures 1 to 6: landmarks, pose and glasses each
-- alone (ST), together (MT), with early stopping of the tasks beside landmarks (MT ES), and with
-- more images, shifted to the side (MT aug); section 4.1 and figure 2 give accuracies per point.
--
-- Section 3: whole pictures of 150x150 in colour, 7,650 square ones train, 1,000 validate, 1,994
-- test; weights 6 for pose, 3 for glasses; Adam, 30 epochs, mean of three tries; a task ends by
-- equation 4 with epsilon 15 lambda. The text says: alone, together and with early stopping are
-- alike, augmentation is clearly best; glasses stopped after 11.3 and pose after 15.5 epochs on
-- average. The bars' numbers are in the pictures alone.
local braid <const> = require "braid"
local data <const>, mtl <const>, plot <const> = braid.data, braid.mtl, braid.plot
local papers <const> = require "braid.papers"
local points <const> = papers.part "points"

local function tasks_of()
  return mtl.tasks{
    landmarks = mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4}, weight = 75 ^ 2}, -- to pixels
    glasses = mtl.classes{2, weight = 3}, pose = mtl.classes{5, weight = 6}}
end

-- Figure 1: faces, and the same shifted to the side, with their points.
local function draw_shifted(path, set, copies, size)
  local chosen <const>, first <const> = {}, math.min(4, #set)
  for i = 1, first do chosen[i], chosen[first + i] = i, #set + i end
  local shown <const> = data.loader(copies:subset(chosen), {batch = #chosen, size = size,
    whiten = false})()
  plot.landmarks(path, shown.image, shown.landmarks)
end

-- Figures 3 and 4: the validation of each epoch, of the first try.
local function draw_curves(e)
  for _, task in ipairs{"landmarks", "pose", "glasses"} do
    local metric <const> = task == "landmarks" and "point_accuracy" or "accuracy"
    local curves <const> = {ST = e:history("figure2", "ST", {part = task})}
    for _, name in ipairs{"MT", "MT ES", "MT aug"} do curves[name] = e:history("figure2", name) end
    if next(curves) then
      e:figure("figure4_" .. task, plot.lines(curves, {of = ("val.%s.%s"):format(task, metric),
        title = ("%s, validation accuracy by epoch"):format(task)}))
    end
  end
end

-- When the tasks beside landmarks ended, on average over the tries in which they did.
local function tell_stops(e)
  local PRINTED <const> = {glasses = 11.3, pose = 15.5}
  for _, task in ipairs{"glasses", "pose"} do
    local sum, count = 0, 0
    for _, seed in ipairs(e.seeds) do
      local history <const> = e:history("figure2", "MT ES", {seed = seed})
      for _, event in ipairs(history and history.events or {}) do
        if event.event == "stopping" and event.task == task then
          sum, count = sum + event.epoch, count + 1
        end
      end
    end
    e:note(("%s stopped in %d of %d tries%s; printed: after %.1f epochs on average"):format(task,
      count, #e.seeds, count > 0 and (", after %.1f epochs on average"):format(sum / count) or "",
      PRINTED[task]))
  end
end

return papers.experiment{
  paper = "003", item = "figure 2", title = "landmarks alone, together, stopped, augmented",
  data = {"mtfl"}, minutes = 600,
  options = {epochs = {15, from = 2}, size = {64, from = 8}, width = {0.5, above = 0},
    batch = {64, from = 1}, lr = {1e-3, above = 0}, window = {5, from = 1},
    shift = {0.1, above = 0}, faces = {4000, from = 10}},
  quick = {epochs = 2, size = 24, width = 0.1, faces = 60, window = 1},
  differs = {
    "64x64 and half of the width for 15 epochs, where the paper has 150x150 and all of it for 30",
    "the window of early stopping (5), the shift (a tenth of the side), batch and rate are not "
      .. "printed",
  },
  run = function(e)
    local o <const>, tasks <const> = e.o, tasks_of()
    local faces <const> = e:faces{split = "kth", size = o.size, channels = 3, faces = o.faces}
    local function network(single)
      return function()
        return braid.model("models/kth.lua", {tasks = tasks_of(), single = single, width = o.width,
          input = o.size})
      end
    end
    local copies <const> = faces.train:copied{shift = {o.shift, 0}}
    e:draw("figure1.png", function(path)
      draw_shifted(path, faces.train, copies, o.size)
    end)
    local r <const> = e:compare("figure2", {tasks = tasks, train = faces.train, val = faces.val,
      test = faces.test, epochs = o.epochs, batch = o.batch, lr = o.lr, take = "last",
      loader = {size = o.size},
      networks = {["ST"] = {parts = {landmarks = network "landmarks", pose = network "pose",
          glasses = network "glasses"}}, ["MT"] = network(),
        ["MT ES"] = {network(), stopping = {main = "landmarks", window = o.window,
          epsilon = function(lambda) return 15 * lambda end}},
        ["MT aug"] = {network(), train = copies}},
      order = {"ST", "MT", "MT ES", "MT aug"},
      metrics = {"landmarks.point_accuracy", "pose.accuracy", "glasses.accuracy"},
      after = function(net, job)
        if not net.tasks.landmarks then return nil end
        if job.seed == e.seeds[1] then
          points.draw(("%s/figure6_%s.png"):format(e.dir, (job.network:gsub(" ", "_"))), net,
            faces.test, o.size)
        end
        return {within = points.shares(net, faces.test, o.size)}
      end})
    e:beside{title = "Figure 2: points within a tenth of the distance between the eyes, %",
      results = r, columns = points.columns("within", {})}
    e:figure("figure2", points.bars(r, "within", {"ST", "MT", "MT ES", "MT aug"},
      "figure 2: points within a tenth"))
    e:figure("figure3", points.bars(r, "within", {"MT", "MT ES"}, "figure 3: early stopping"))
    e:figure("figure5", points.bars(r, "within", {"MT", "MT aug"}, "figure 5: augmentation"))
    e:beside{title = "Attributes, %", results = r, columns = {
      {metric = "pose.accuracy", title = "pose", percent = true, direction = "max"},
      {metric = "glasses.accuracy", title = "glasses", percent = true, direction = "max"}}}
    draw_curves(e)
    tell_stops(e)
    for _, name in ipairs{"ST", "MT", "MT_ES", "MT_aug"} do
      e:picture(("figure6_%s.png"):format(name))
    end
  end,
}
