--- Trottier, Giguere and Chaib-draa 2018, section 4.5: MTCNN's three stages with collaborative
-- blocks, compared with stages widened to as many parameters, by failures, error and missed faces;
-- figure 7: faces found in a picture of 2983x1197.
--
-- Section 4.5: stages are trained one after the other with hard negatives, from 600 thousand faces
-- with points (LFWNet, CelebA) and 1.5 million with boxes (WIDER). On MTFL's test set the widened
-- stages fail on 37.85% of the faces, have an error of 0.0996, and miss 112 faces. The stages with
-- blocks fail on 28.97%, have an error of 0.0930, and miss 79. All stages together have about 2
-- million parameters.
local braid <const> = require "braid"
local data <const>, plot <const>, vision <const> = braid.data, braid.plot, braid.vision
local papers <const> = require "braid.papers"
local cascade <const> = papers.part "cascade"

-- The picture of figure 7: a grid of test faces that fills it, or a rendered scene. Also returns
-- the number of faces.
local function large_picture(e, set)
  local height <const>, width <const> = e.o.height, e.o.height * 2983 // 1197
  if e:holds() ~= "mtfl" then
    local scene <const> = data.scenes{n = 1, size = {height, width}, faces = 60, least = 24,
      val = 1, test = 1, seed = 7}.train
    return scene.images[1]:contiguous(), #scene
  end
  local picture <const>, count = braid.zeros({3, height, width}, {dtype = "uint8"}), 0
  local x, y, tall = 1, 1, 0
  for i = 1, #set do
    local image <const> = set:image(i)
    local h <const>, w <const> = image:size(2), image:size(3)
    if x + w - 1 > width then x, y, tall = 1, y + tall, 0 end
    if y + h - 1 > height then break end
    picture[{ {}, {y, y + h - 1}, {x, x + w - 1} }] = image
    x, tall, count = x + w, math.max(tall, h), count + 1
  end
  return picture, count
end

return papers.experiment{
  paper = "002", item = "section 4.5", title = "MTCNN with collaborative blocks, and widened",
  data = {"mtfl", "scenes"}, minutes = 240,
  options = {epochs = {8, from = 1}, batch = {128, from = 1}, lr = {2e-3, above = 0},
    width = {1.0, above = 0}, scenes = {800, from = 2}, faces = {3000, from = 10},
    height = {1197, from = 200}},
  quick = {epochs = 1, width = 0.25, scenes = 12, faces = 40, height = 200},
  differs = {
    "training pictures are rendered scenes, or 3,000 of MTFL's, which have one box each, where the "
      .. "paper has CelebA, LFWNet and WIDER; so there are thousands of samples, not millions",
    "blocks of the first stage have 1x1 convolutions in place of 3x3: with padding a window would "
      .. "give something else when the stage slides",
    "batch, rate and epochs are not printed: Adam, cosine by step; a face is found if a detection "
      .. "has the middle of its points inside and overlaps its box (IoU above 0.3)",
  },
  run = function(e)
    local o <const> = e.o
    local real <const> = e:holds() == "mtfl"
    local sets <const> = real and e:faces{store = "files", channels = 3, val = 1}
      or data.scenes{n = o.scenes, seed = 1, test = math.max(4, o.scenes // 4), val = 1}
    if not real then e.used.data = ("%d rendered scenes"):format(o.scenes) end
    local smallest <const> = real and 40 or 22
    local MAKE <const> = {
      widened = function(stage) return cascade.widened(stage, o.width) end,
      collaborative = function(stage) return cascade.network(stage, true, o.width) end,
    }
    local r <const> = e:compare("section45", {networks = {"widened", "collaborative"},
      metrics = {"faces.missed"}, run = function(job)
        local nets <const> = cascade.learn(MAKE[job.network], sets.train, {epochs = o.epochs,
          batch = o.batch, lr = o.lr, seed = job.seed, min_face = smallest,
          pictures = real and o.faces or nil, thresholds = {0.5, 0.5, 0.6}}, job.dir)
        local detector <const> = vision.detector(nets, {min_face = smallest})
        local m <const> = vision.measure(detector, sets.test, {most = e.quick and 3 or nil})
        local count = 0
        for _, net in pairs(nets) do count = count + net:count_parameters() end
        if job.network == "collaborative" and job.seed == e.seeds[1] then
          local picture <const>, inside <const> = large_picture(e, sets.test)
          local found <const> = detector(picture)
          plot.detections(e.dir .. "/figure7.png", picture, found.boxes, found.points)
          m.seven, m.inside = found.boxes:size(1), inside
        end
        local function known(v) return v == v and v or nil end -- NaN: no face was found
        return {parameters = count, faces = {failure = known(m.failure), error = known(m.error),
          missed = m.missed, share = m.missed / m.faces, false_alarms = m.false_alarms,
          seven = m.seven, inside = m.inside}}
      end})
    e:beside{title = "Section 4.5", results = r, columns = {
      {metric = "faces.failure", title = "failures of the found, %", percent = true,
        direction = "min", printed = {widened = 37.85, collaborative = 28.97}},
      {metric = "faces.error", title = "error", direction = "min",
        printed = {widened = 0.0996, collaborative = 0.0930}},
      {metric = "faces.missed", title = "missed", direction = "min",
        printed = {widened = 112, collaborative = 79}},
      {metric = "faces.share", title = "missed, %", percent = true, direction = "min"},
      {metric = "faces.false_alarms", title = "false alarms", direction = "min"}}}
    local first <const> = r and r.results.collaborative[e.seeds[1]]
    local large <const> = first and first.metrics.faces
    if large and large.seven then
      e:note(("figure 7: %d boxes in a picture with %d faces"):format(large.seven, large.inside))
    end
    e:picture "figure7.png"
  end,
}
