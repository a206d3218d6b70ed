--- Trottier, Giguere and Chaib-draa 2018, section 4.3, table 1: landmark failures with fewer faces
-- to train on, ResNet-18.
--
-- Section 4.3: AFLW; the first r of the faces train, the others test, r = 0.1, 0.3, 0.5, 0.7, 0.9;
-- the related tasks are pose and gender. RN-S is a network of one task, RN hard sharing, XS
-- cross-stitch.
local papers <const> = require "braid.papers"
local paper <const> = papers.part "deep_collaboration"

local PRINTED <const> = {
  ["0.1"] = {S = 57.39, N = 58.00, XS = 73.06, dcnet = 60.64},
  ["0.3"] = {S = 31.84, N = 32.00, XS = 36.24, dcnet = 29.73},
  ["0.5"] = {S = 23.41, N = 23.31, XS = 26.02, dcnet = 20.77},
  ["0.7"] = {S = 21.47, N = 21.92, XS = 22.37, dcnet = 18.50},
  ["0.9"] = {S = 13.03, N = 12.80, XS = 13.51, dcnet = 10.82},
}

return papers.experiment{
  paper = "002", item = "table 1", title = "landmark failures with fewer faces to train on",
  data = {"aflw", "mtfl"}, minutes = 900,
  options = paper.options{shares = "0.1 0.3 0.5 0.7 0.9"},
  quick = {epochs = 1, size = 32, width = 0.0625, faces = 60, batch = 8, shares = "0.5"},
  differs = paper.differs("MTFL's training faces, with its attributes, stand for AFLW, which is "
    .. "given out on request alone", "pictures of 64x64 and a quarter of the width"),
  run = function(e)
    local tasks <const> = paper.tasks(e.o.size)
    -- No face is placed by its points, because a part of these is tested with.
    local faces <const> = e:faces{size = e.o.size, channels = 3, val = 0, wrong = "whole",
      faces = e.o.faces}
    local all <const> = faces.train
    for share in e.o.shares:gmatch("%S+") do
      local count <const> = math.floor(tonumber(share) * #all + 0.5)
      local given <const> = paper.training(e.o, {train = all:subset(1, count),
        test = all:subset(count + 1, #all)}, tasks)
      local networks <const> = paper.networks({width = e.o.width, backbone = "resnet18",
        size = e.o.size}, tasks)
      given.networks = {S = networks.S, N = networks.N, XS = networks.XS, dcnet = networks.dcnet}
      given.order = {"S", "N", "XS", "dcnet"}
      given.metrics = {"landmarks.failure"}
      e:beside{title = ("Table 1, trained on %s of the faces"):format(share),
        results = e:compare("share" .. share, given),
        names = {S = "RN-S", N = "RN", dcnet = "collaborative"},
        columns = {{metric = "landmarks.failure", title = "failures, %", percent = true,
          direction = "min", printed = PRINTED[share]}}}
    end
  end,
}
