--- Dynamic multi-task network, DMT (Fang, Ma, Zhang, Zhang and Bai 2017), figure 1: a subnet for
-- each task. At each layer, task i takes the map of task j times alpha_ij = sigmoid(beta_ij),
-- which is learned (equation 8); alpha_ii = 1. The paper calls this a task transfer connection. It
-- writes the indices in the other order: the paper's alpha^ij scales the signal of task j on
-- subnet i. With reading = "forward" this is our alpha_ji. Subnets (section 4.1): convolutions
-- 5x5x40, 5x5x60, 3x3x80, 3x3x100, 2x2x140 with batch norm (section 3) and ReLU, with 2x2 pooling
-- between them; a layer of 360 units; the output.
-- Decisions: images of 32x32; padding 2, 2, 1, 1, 0. Batch norm comes before the ReLU of
-- convolutions, and not after fc. Connections take maps after pooling. Layers start with their
-- usual first weights. A task's F in equations 3 and 6 is the second of two softmax outputs, not
-- the sigmoid of one output. On batches of tasks that take turns, the subnets of other tasks run as
-- in evaluation.
-- There are two readings of the paper. With reading = "forward" (default) the next layer's input
-- is sum_j alpha_ij x_j. reading = "update" is algorithm 1, in which the updates of all tasks
-- change the weights: subnets start equal, run without connections, and are trained by
-- mtl.ttc_update(net, any optimizer).
-- With start = 0 all subnets are single-task networks. With start = 1 all alpha are equal. Then
-- init = "copy" and normalize = true (sum_j alpha_ij x_j / sum_j alpha_ij) give the conventional
-- multi-task network: each of the T columns gets 1/T of its trunk's gradient. Training moves the
-- alphas away from these values, unless net:freeze{"mixers"} keeps them.
-- Options: reading ("forward"; or "update"), start (0.5; the first alpha_ij), granularity
-- ("scalar"; or "channel"), normalize (false), lr_mult (1; multiplies the learning rate of beta),
-- init ("fresh" or "copy"; "update" begins with "copy"), width (1.0), channels of
-- the input (1; gray, equalised), input (32), head, groups.
-- Parameters for MTFL's five tasks (21 outputs): 1,428,831. For five pairs of CIFAR-10's classes,
-- in colour: 1,434,860.
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
