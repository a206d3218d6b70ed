--- Trottier, Giguere and Chaib-draa 2018, section 4.3, figure 5: collaborative blocks against
-- cross-stitch when the weights of the related tasks are drawn at random.
--
-- Section 4.3: AFLW, 100 draws; the weight of each related task is exp(g), g uniform between log
-- 1e-4 and log 1; half of the faces train, the other half tests. Printed: collaborative blocks fail
-- less in 86 of 100 draws; they gain 2.80 points on average, 3.66 in the median, 9.83 at best.
local braid <const> = require "braid"
local papers <const> = require "braid.papers"
local paper <const> = papers.part "deep_collaboration"

-- A draw's weights: the same for both networks.
local function weights_of(job)
  braid.manual_seed(1000 + job.seed)
  local weights <const> = {}
  for _, name in ipairs(paper.RELATED) do
    weights[name] = math.exp(braid.rand(1):item() * math.log(1e-4))
  end
  braid.manual_seed(job.seed)
  return weights
end

return papers.experiment{
  paper = "002", item = "figure 5", title = "random weights of the related tasks",
  data = {"aflw", "mtfl"}, minutes = 1500, options = paper.options{draws = {100, from = 1}},
  quick = {epochs = 1, size = 32, width = 0.0625, faces = 60, batch = 8, draws = 2},
  differs = paper.differs("MTFL's training faces, with its attributes, stand for AFLW",
    "pictures of 64x64 and a quarter of the width", "a draw is trained once"),
  run = function(e)
    local tasks <const> = paper.tasks(e.o.size)
    local faces <const> = e:faces{size = e.o.size, channels = 3, val = 0, wrong = "whole",
      faces = e.o.faces}
    local all <const> = faces.train
    local given <const> = paper.training(e.o, {train = all:subset(1, #all // 2),
      test = all:subset(#all // 2 + 1, #all)}, tasks)
    local networks <const> = paper.networks({width = e.o.width, backbone = "resnet18",
      size = e.o.size}, tasks, weights_of)
    given.networks = {XS = networks.XS, dcnet = networks.dcnet}
    given.seeds, given.metrics, given.order = e.o.draws, {"landmarks.failure"}, {"XS", "dcnet"}
    local r <const> = e:compare("figure5", given)
    if not r then return end
    local of <const>, gains <const>, wins, sum = r:values("landmarks.failure"), {}, 0, 0.0
    for draw = 1, e.o.draws do
      local stitched <const>, ours <const> = of.XS[draw], of.dcnet[draw]
      if stitched and ours then
        gains[#gains + 1] = 100 * (stitched - ours)
        wins, sum = wins + (ours < stitched and 1 or 0), sum + gains[#gains]
      end
    end
    if #gains == 0 then return end
    e:figure("gains", braid.plot.histogram({gain = gains},
      {title = "failures of cross-stitch less those of collaborative blocks, points, by draw"}))
    table.sort(gains)
    e:note(("collaborative blocks fail less in %d of %d draws (paper: 86 of 100); mean gain %.2f "
      .. "points (2.80), median %.2f (3.66), best %.2f (9.83)"):format(wins, #gains, sum / #gains,
      gains[(#gains + 1) // 2], gains[#gains]))
  end,
}
