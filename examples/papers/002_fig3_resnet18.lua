--- Trottier, Giguere and Chaib-draa 2018, section 4.2, figure 3: failure rates on MTFL of networks
-- that differ in what connects their columns, on ResNet-18, from random weights.
--
-- Section 4.2: landmarks, gender, smile, glasses and pose; landmark coordinates and pose are
-- classes; 300 epochs; the failure rate is the share of test faces whose landmark error is above a
-- tenth of the distance between the eyes, the mean of the last five epochs and of three tries. RN-S
-- is a network of one task, RN hard sharing, XS cross-stitch, RNx and XSx the same widened to the
-- parameters of the network with collaborative blocks.
local papers <const> = require "braid.papers"
local paper <const> = papers.part "deep_collaboration"

return papers.experiment{
  paper = "002", item = "figure 3", title = "failures on MTFL by topology, ResNet-18",
  data = {"mtfl"}, minutes = 900, options = paper.OPTIONS, quick = paper.QUICK,
  differs = paper.differs("pictures of 64x64 and a quarter of the width, where the paper has "
    .. "224x224 and all of it"),
  run = function(e)
    local tasks <const> = paper.tasks(e.o.size)
    local faces <const> = e:faces{size = e.o.size, channels = 3, val = 0, faces = e.o.faces}
    local given <const> = paper.training(e.o, faces, tasks)
    given.networks = paper.networks({width = e.o.width, backbone = "resnet18", size = e.o.size},
      tasks)
    given.order = {"S", "N", "Nx", "XS", "XSx", "dcnet"}
    given.metrics = {"landmarks.failure", "landmarks.error"}
    given.after = function(net, job) paper.keep_errors(e, net, job, faces.test) end
    local r <const> = e:compare("figure3", given)
    e:beside{title = "Figure 3, ResNet-18, from random weights", results = r,
      names = {S = "RN-S", N = "RN", Nx = "RNx", dcnet = "collaborative"}, columns = {
      {metric = "landmarks.failure", title = "failures, %", percent = true, direction = "min",
        printed = {N = 20.05, Nx = 16.75, XS = 18.43, XSx = 17.28, dcnet = 14.95}},
      {metric = "landmarks.error", title = "landmark error", direction = "min"},
    }}
    e:figure("failures", r and r:figure("landmarks.failure"))
    paper.draw_errors(e, given.order)
  end,
}
