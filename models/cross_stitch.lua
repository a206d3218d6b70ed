--- Cross-stitch networks (Misra, Shrivastava, Gupta and Hebert 2016): a column for each task.
-- After every block each column takes a weighted sum of all columns' maps, y_i = sum_j alpha_ij
-- x_j (equation 1). The paper starts the columns from trained single-task networks: from = {pose =
-- net}, each made by braid.model(this file, {tasks = tasks, single = "pose", ...}). The alphas'
-- learning rate is 100 times the rate of other weights, under any schedule. Alphas have no weight
-- decay.
-- With mutual = "l2", "exponential" or "trace", a loss also draws the columns' weights together:
-- net:penalty() is lambda_w sum_j r(theta_j^1, ..., theta_j^T). Add it to the loss.
-- Decisions: alpha_ii starts at 0.9, other alphas at 0.1/(T - 1). The poster gives no formula for
-- r: "l2" is ours, and "exponential" is the form of the paper that the poster cites (see
-- mtl.mutual).
-- Options: granularity ("channel", or "scalar"), diag (0.9), lr_mult (100), at ("*"; the blocks
-- with mixers), from, mutual, lambda_w (1e-3), backbone ("tcdcn", or {name = "tcdcn", norm =
-- true}), and its width, channels and input, head, groups ({face = {"landmarks"}, traits =
-- {"gender", "smile"}}: two columns, a head for each task).
-- Parameters for MTFL's five tasks (21 outputs): 395,601.
return function(tasks, o)
  local net = mtl.columns(tasks, nn.backbone(o.backbone or "tcdcn",
    {width = o.width, channels = o.channels, input = o.input}), {groups = o.groups})
  net:mix(o.at or "*",
    mtl.cross_stitch{granularity = o.granularity, diag = o.diag, lr_mult = o.lr_mult})
  net:heads(o.head)
  if o.mutual and #net.names > 1 then net:mutual{form = o.mutual, weight = o.lambda_w} end
  if o.from then net:start_from(o.from) end
  o.from = nil -- the network that it started from is not saved
  return net
end
