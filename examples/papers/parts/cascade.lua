--- The three stages of MTCNN, trained one after the other (Trottier, Giguere and Chaib-draa 2018,
-- section 4.5; samples and weights of the losses as in the paper of MTCNN).
local braid <const> = require "braid"
local mtl <const>, train <const>, vision <const> = braid.mtl, braid.train, braid.vision

local M <const> = {STAGES = {"P", "R", "O"}, SIZES = {P = 12, R = 24, O = 48}}

--- The network of a stage: plain, or with collaborative blocks between columns of its tasks.
function M.network(stage, blocks, width)
  -- Blocks of P have no padding, so P gives the same result when it slides over a picture.
  local mixer <const> = blocks and mtl.collaborative{kernel = stage == "P" and 1 or 3} or nil
  return braid.model("models/mtcnn.lua", {stage = stage, mixer = mixer, width = width})
end

--- A plain stage with about as many parameters as the stage with blocks has.
function M.widened(stage, width)
  local count <const> = M.network(stage, true, width):count_parameters()
  return (mtl.widen(function(wide) return M.network(stage, false, wide * width) end, count))
end

--- Trains the stages that make(stage) returns, in a directory where a stopped training continues.
-- Each stage trains on squares from pictures of `set`. After the first stage, the squares are those
-- that the stages before it find. o: epochs, batch, lr, pictures (the most), seed, min_face,
-- thresholds (of proposals)
-- @return {P =, R =, O =}, and {STAGE = {negative =, part =, positive =}}
function M.learn(make, set, o, dir)
  local nets <const>, counts <const>, before = {}, {}, nil
  for _, stage in ipairs(M.STAGES) do
    braid.manual_seed(o.seed)
    local net <const> = make(stage)
    local samples <const> = vision.samples(set, {size = M.SIZES[stage], seed = o.seed,
      pictures = o.pictures, detector = before})
    counts[stage] = samples.counts
    train.fit{net = net, epochs = o.epochs, lr = o.lr, optimizer = "Adam", schedule = "cosine",
      seed = o.seed, dir = ("%s/%s"):format(dir, stage), progress = false, train = function(epoch)
        return samples:loader{batch = o.batch, epoch = epoch}
      end}
    nets[stage] = net:eval()
    before = stage ~= "O" and vision.detector({P = nets.P, R = nets.R}, {last = stage,
      min_face = o.min_face, thresholds = o.thresholds}) or nil
  end
  return nets, counts
end

return M
