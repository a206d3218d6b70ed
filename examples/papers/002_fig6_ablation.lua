--- Trottier, Giguere and Chaib-draa 2018, section 4.4, figure 6: failures when one task's map is
-- taken from the central aggregation of one block; and figure 4: predictions, good and bad.
--
-- Section 4.4: un-pretrained ResNet-18 on MTFL; x_t is set to zero before the concatenation at the
-- input of the central aggregation, and the failure rate's relative change is shown for each task
-- and block. Printed: landmarks at block 3 29.72%, at block 2 47.00; profile (pose) at block 5
-- 83.87.
local braid <const> = require "braid"
local data <const>, plot <const> = braid.data, braid.plot
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"
local papers <const> = require "braid.papers"
local paper <const> = papers.part "deep_collaboration"

-- Figure 4: the test faces whose points are least and most off, true points green. A file beside it
-- has their labels as the network finds them, and in brackets as they are where it is wrong.
local function draw_extremes(path, net, set, size)
  local errors <const> = net.tasks:evaluate(net, data.loader(set, {batch = 64, size = size}))
    .landmarks.errors
  local order <const> = {}
  for i, error_of in ipairs(errors) do
    if error_of == error_of then order[#order + 1] = i end
  end
  table.sort(order, function(a, b) return errors[a] < errors[b] end)
  local chosen <const> = {}
  local half <const> = math.min(4, #order // 2)
  for i = 1, half do chosen[i], chosen[half + i] = order[i], order[#order + 1 - i] end
  local picked <const> = set:subset(chosen)
  local words <const> = {}
  local seen <const> = data.loader(picked, {batch = #chosen, size = size})()
  local shown <const> = data.loader(picked, {batch = #chosen, size = size, whiten = false})()
  local _ <close> = net:evaluating()
  local _ <close> = braid.no_grad()
  local out <const> = net(seen.image)
  for i, number in ipairs(chosen) do
    words[i] = {("error %.3f"):format(errors[number])}
    for _, name in ipairs(paper.RELATED) do
      local found <const>, right <const> = out[name][i]:argmax(1):item(), seen[name][i]:item()
      table.insert(words[i], ("%s %s"):format(name, set.classes[name][found])
        .. (found ~= right and (" (%s)"):format(set.classes[name][right] or "?") or ""))
    end
    words[i] = table.concat(words[i], ", ")
  end
  assert(files.write(path:gsub("png$", "json"), {json.encode(words)}))
  plot.landmarks(path, shown.image, shown.landmarks, net.tasks.landmarks:places(out.landmarks))
end

return papers.experiment{
  paper = "002", item = "figure 6", title = "a task's map taken from one central aggregation",
  data = {"mtfl"}, minutes = 120, options = paper.OPTIONS, quick = paper.QUICK,
  differs = paper.differs("pictures of 64x64 and a quarter of the width, where the paper has "
    .. "224x224 and all of it"),
  run = function(e)
    local tasks <const> = paper.tasks(e.o.size)
    local faces <const> = e:faces{size = e.o.size, channels = 3, val = 0, faces = e.o.faces}
    local given <const> = paper.training(e.o, faces, tasks)
    given.networks = {dcnet = paper.networks({width = e.o.width, backbone = "resnet18",
      size = e.o.size}, tasks).dcnet}
    given.metrics = {"landmarks.failure", "landmarks.error"}
    given.after = function(net, job)
      local loader <const> = data.loader(faces.test, {batch = 64, size = e.o.size})
      local changes <const> = net:ablate(loader)
      if job.seed == e.seeds[1] then
        plot.ablation(e.dir .. "/figure6.svg", changes, {task = "landmarks", metric = "failure"})
        draw_extremes(e.dir .. "/figure4.png", net, faces.test, e.o.size)
      end
      local numbers <const> = {}
      for block, of in pairs(changes.change) do
        for task, report in pairs(of) do
          numbers[task .. " at " .. block] = report.landmarks.failure
        end
      end
      return {change = numbers}
    end
    local r <const> = e:compare("figure6", given)
    e:beside{title = "The network", results = r, names = {dcnet = "collaborative"}, columns = {
      {metric = "landmarks.failure", title = "failures, %", percent = true, direction = "min",
        printed = {dcnet = 14.95}}}}
    local rows <const>, columns <const> = {"landmarks at layer2", "landmarks at layer1",
      "pose at layer4"}, {}
    local printed <const> = {29.72, 47.00, 83.87}
    for i, name in ipairs(rows) do
      columns[i] = {metric = "change." .. name, title = name, percent = true,
        printed = {dcnet = printed[i]}}
    end
    e:beside{title = "Failures' relative change, %", results = r,
      names = {dcnet = "collaborative"}, columns = columns}
    e:picture "figure6.svg"
    e:picture "figure4.png"
    for i, text in ipairs(json.decode(files.read(e.dir .. "/figure4.json") or "") or {}) do
      e:note(("figure 4, face %d: %s"):format(i, text))
    end
  end,
}
