--- The tasks and networks that Trottier, Giguere and Chaib-draa 2018 compare, by the paper's names:
-- S (landmarks alone), N (hard sharing), Nx, XS (cross-stitch), XSx, dcnet (collaborative blocks).
-- An x means that the network is widened to the parameters of dcnet (section 4.2). All have the
-- head of figure 2.
local braid <const> = require "braid"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"
local data <const>, mtl <const> = braid.data, braid.mtl

local M <const> = {RELATED = {"gender", "glasses", "pose", "smile"}}

--- MTFL's tasks as classes (section 4.1). weights: {TASK = number}, 1 unless given.
function M.tasks(size, weights)
  local w <const> = weights or {}
  return mtl.tasks{
    landmarks = mtl.landmark_bins{points = 5, pixels = size, flip = {2, 1, 3, 5, 4}},
    pose = mtl.classes{5, flip = {5, 4, 3, 2, 1}, weight = w.pose},
    gender = mtl.classes{2, weight = w.gender}, smile = mtl.classes{2, weight = w.smile},
    glasses = mtl.classes{2, weight = w.glasses}}
end

--- Functions that make the networks, by name. o: width, backbone, channels; weights(job) gives a
-- job's weights of the tasks.
function M.networks(o, tasks, weights)
  local function network(path, more)
    return function(_, job)
      local own <const> = {width = o.width * job.width, channels = 3, backbone = o.backbone,
        head = "deep", tasks = weights and job.seed and M.tasks(o.size, weights(job)) or tasks}
      for key, value in pairs(more or {}) do own[key] = value end
      return braid.model(path, own)
    end
  end
  local dcnet <const> = network("models/dcnet.lua")
  local function wide(make)
    return function(_, job)
      local function of(width) return make(nil, {width = width * job.width, seed = job.seed}) end
      return (mtl.widen(of, dcnet(nil, job):count_parameters()))
    end
  end
  local hard <const> = network("models/hard_sharing.lua")
  local cross <const> = network("models/cross_stitch.lua")
  return {S = network("models/hard_sharing.lua", {single = "landmarks"}), N = hard, Nx = wide(hard),
    XS = cross, XSx = wide(cross), dcnet = dcnet}
end

--- The options that training has in all experiments of the paper. faces: {train =, test =}
function M.training(o, faces, tasks)
  return {tasks = tasks, train = faces.train, test = faces.test, epochs = o.epochs,
    batch = o.batch, lr = o.lr, schedule = "cosine", take = "last",
    loader = {size = o.size, drop_last = true,
      augment = {rotate = 15, scale = 0.1, shift = 0.04, flip = 0.5}}}
end

--- Keeps the errors of a network's test faces for M.draw_errors.
function M.keep_errors(e, net, job, set)
  if job.seed ~= e.seeds[1] then return end
  local report <const> = net.tasks:evaluate(net, data.loader(set, {batch = 64, size = e.o.size}))
  local errors <const> = {}
  for _, v in ipairs(report.landmarks.errors) do
    if v == v then errors[#errors + 1] = v end
  end
  assert(files.write(("%s/errors_%s.json"):format(e.dir, job.network), {json.encode(errors)}))
end

--- Draws the cumulative distributions of the errors that are kept.
function M.draw_errors(e, networks)
  local of <const> = {}
  for _, name in ipairs(networks) do
    local text <const> = files.read(("%s/errors_%s.json"):format(e.dir, name))
    of[name] = text and json.decode(text) or nil
  end
  if next(of) then e:figure("errors", braid.plot.ced(of, {title = "landmark errors, one try"})) end
end

M.DIFFERS = {
  "20 epochs unless --set epochs says otherwise, where the paper has 300; the last epoch counts, "
    .. "not the mean of the last five",
  "batch, optimizer and rate are not printed: Adam, cosine by step; so is no augmentation: "
    .. "rotation, scale, shift and mirror images",
}

M.OPTIONS = {epochs = {20, from = 1}, size = {64, from = 16}, width = {0.25, above = 0},
  batch = {32, from = 1}, lr = {1e-3, above = 0}, faces = {3000, from = 10}}
M.QUICK = {epochs = 1, size = 32, width = 0.0625, faces = 60, batch = 8}

function M.options(more)
  local all <const> = {}
  for key, value in pairs(M.OPTIONS) do all[key] = value end
  for key, value in pairs(more or {}) do all[key] = value end
  return all
end

--- These sentences, after the given ones.
function M.differs(...)
  local list <const> = {...}
  return table.move(M.DIFFERS, 1, #M.DIFFERS, #list + 1, list)
end

return M
