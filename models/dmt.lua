--- Dynamic multi-task network, DMT (Fang, Ma, Zhang, Zhang and Bai 2017), figure 1: a subnet for
-- each task. At a layer task i takes the share alpha_ij = sigmoid(beta_ij) of task j, which is
-- learned (equation 8), and alpha_ii = 1. The paper calls this a task transfer connection. It
-- writes the indices in the other order: its alpha^ij scales the signal of task j on subnet i, so
-- in "forward" it is our alpha_ji. Subnets (section 4.1): convolutions 5x5x40, 5x5x60, 3x3x80,
-- 3x3x100, 2x2x140 with batch norm (section 3) and ReLU, with 2x2 pooling between them; a layer
-- of 360; the output.
-- Decisions: 32x32; padding 2, 2, 1, 1, 0. Batch norm comes before the ReLU of convolutions, and
-- not after fc. Connections take maps after pooling. First weights are the layers' usual ones. A
-- task's F in equations 3 and 6 is the softmax's second output of two, not a sigmoid of one. On
-- batches of tasks that take turns, the subnets of other tasks run as in evaluation.
-- There are two readings. With reading = "forward" (default) the next layer's input is sum_j
-- alpha_ij x_j. "update" is algorithm 1, where the updates of all tasks move the weights: subnets
-- that start equal and run alone, trained by mtl.ttc_update(net, any optimizer).
-- With start = 0 all are single-task networks. With start = 1 all alpha are equal. Then init =
-- "copy" and normalize = true (sum_j alpha_ij x_j / sum_j alpha_ij) give the conventional
-- multi-task network: each of the T columns gets 1/T of its trunk's gradient. Training moves the
-- alphas away from these values, unless net:freeze{"mixers"} keeps them.
-- Options: reading, start (0.5; the first alpha_ij), granularity ("scalar" or "channel"),
-- normalize (false), lr_mult (1; for beta), init ("fresh" or "copy"), width (1.0), channels of
-- the input (1; gray, equalised), input (32), head, groups.
-- Parameters for MTFL's five tasks (21 outputs): 1,428,831. For CIFAR-10's five pairs in colour
-- 1,434,860.
return function(tasks, o)
  local reading = o.reading or "forward"
  if reading ~= "forward" and reading ~= "update" then
    error(("dmt: reading must be \"forward\" or \"update\", not \"%s\""):format(
      tostring(reading)), 0)
  end
  local subnet = nn.backbone("dmt", {width = o.width, channels = o.channels, input = o.input})
  local net = mtl.columns(tasks, subnet,
    {groups = o.groups, init = o.init or reading == "update" and "copy" or nil})
  local connection = mtl.ttc{start = o.start, granularity = o.granularity,
    normalize = o.normalize, lr_mult = o.lr_mult}
  if reading == "forward" then net:mix("*", connection) end
  return net:heads(o.head)
end
