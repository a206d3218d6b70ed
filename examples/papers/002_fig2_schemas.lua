--- Trottier, Giguere and Chaib-draa 2018, sections 3 and 4.2, figures 1 and 2: the network with
-- collaborative blocks on ResNet-18, and those to which it is compared.
--
-- Section 4.5: the network with blocks has about 85 million parameters, and the three stages of
-- MTCNN with blocks about 2 million together.
local braid <const> = require "braid"
local mtl <const> = braid.mtl
local papers <const> = require "braid.papers"
local schemas <const> = papers.part "schemas"
local paper <const> = papers.part "deep_collaboration"

return papers.experiment{
  paper = "002", item = "figures 1 and 2", title = "schemas of deep collaboration and its rivals",
  data = {"faces"}, minutes = 1, options = {width = {1.0, above = 0}}, quick = {width = 0.0625},
  differs = {schemas.DIFFERS},
  run = function(e)
    local tasks <const> = paper.tasks(224)
    local function network(path, more)
      return function()
        local own <const> = {tasks = tasks, width = e.o.width, channels = 3}
        for key, value in pairs(more or {}) do own[key] = value end
        return braid.model(path, own)
      end
    end
    local resnet <const> = {backbone = "resnet18", head = "deep"}
    schemas.draw(e, {
      {"figure2", network("models/dcnet.lua", resnet), "figure 2: collaborative blocks"},
      {"hard", network("models/hard_sharing.lua", resnet), "RN: hard sharing"},
      {"stitched", network("models/cross_stitch.lua", resnet), "XS: cross-stitch"},
      {"hyperface", network("models/hyperface.lua", {input = 227}), "HF: HyperFace"},
      {"tcdcn", network("models/tcdcn.lua", {input = 40}), "TCDCN"},
      {"mtcnn_O", function()
        return braid.model("models/mtcnn.lua", {stage = "O", mixer = mtl.collaborative{},
          width = e.o.width})
      end, "section 4.5: the last stage of MTCNN with blocks"},
    })
    e:note "printed: about 85 million parameters for figure 2, about 2 million for three stages"
  end,
}
