--- Trottier, Giguere and Chaib-draa 2018, section 4.2, figure 3: failure rates on MTFL of networks
-- on AlexNet, from random weights, beside HyperFace and TCDCN.
--
-- Section 4.2: as on ResNet-18 (002_fig3_resnet18); AN-S is a network of one task, AN hard sharing,
-- HF HyperFace; TCDCN is only printed pretrained (25.00). Blocks of collaboration stand after each
-- maximum of AlexNet. HyperFace and TCDCN have heads and inputs of their own.
local braid <const> = require "braid"
local papers <const> = require "braid.papers"
local paper <const> = papers.part "deep_collaboration"

return papers.experiment{
  paper = "002", item = "figure 3", title = "failures on MTFL by topology, AlexNet",
  data = {"mtfl"}, minutes = 400,
  options = paper.options{size = {95, from = 63}, batch = {32, from = 1}},
  quick = {epochs = 1, size = 63, width = 0.0625, faces = 60, batch = 8},
  differs = paper.differs("pictures of 95x95 and a quarter of the width, where the paper has "
    .. "227x227 and all of it", "TCDCN sees the same pictures in colour, with landmark bins, and "
    .. "no pretrained weights; HyperFace does not detect faces"),
  run = function(e)
    local o <const>, tasks <const> = e.o, paper.tasks(e.o.size)
    local faces <const> = e:faces{size = o.size, channels = 3, val = 0, faces = o.faces}
    local given <const> = paper.training(o, faces, tasks)
    given.networks = paper.networks({width = o.width, backbone = "alexnet", size = o.size}, tasks)
    function given.networks.HF(_, job)
      return braid.model("models/hyperface.lua", {tasks = tasks, width = o.width * job.width,
        input = o.size, channels = 3})
    end
    function given.networks.TCDCN(_, job)
      return braid.model("models/tcdcn.lua", {tasks = tasks, width = job.width, input = o.size,
        channels = 3})
    end
    given.order = {"S", "N", "Nx", "HF", "TCDCN", "XS", "XSx", "dcnet"}
    given.metrics = {"landmarks.failure", "landmarks.error"}
    given.after = function(net, job) paper.keep_errors(e, net, job, faces.test) end
    local r <const> = e:compare("figure3", given)
    e:beside{title = "Figure 3, AlexNet, from random weights", results = r,
      names = {S = "AN-S", N = "AN", Nx = "ANx", dcnet = "collaborative"}, columns = {
      {metric = "landmarks.failure", title = "failures, %", percent = true, direction = "min",
        printed = {N = 28.02, Nx = 26.88, HF = 27.75, TCDCN = "25.00 (pretrained)", XS = 26.41,
          XSx = 25.23, dcnet = 19.67}},
      {metric = "landmarks.error", title = "landmark error", direction = "min"},
    }}
    e:figure("failures", r and r:figure("landmarks.failure"))
    paper.draw_errors(e, given.order)
  end,
}
