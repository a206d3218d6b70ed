--- Dynamic multi-task network, DMT (Fang, Ma, Zhang, Zhang and Bai 2017), figure 1: a subnet for
-- each task; what task i takes of task j at a layer is alpha_ij = sigmoid(beta_ij), learned
-- (equation 8), with alpha_ii = 1: task transfer connections. The order of the indices is ours: the
-- paper's alpha^ij scales the signal of task j on subnet i, so that in "forward" it is alpha_ji.
-- Subnets (section 4.1): convolutions 5x5x40, 5x5x60, 3x3x80, 3x3x100, 2x2x140 with batch
-- norm (section 3) and ReLU, 2x2 pooling between them; a layer of 360; the output. Decisions:
-- 32x32; padding 2, 2, 1, 1, 0; batch norm stands before the ReLU of convolutions, and not after
-- fc; connections take maps after pooling; first weights are those of such layers; a task's F of
-- equations 3 and 6 is the softmax's second of two outputs, not the sigmoid of one; on batches of
-- tasks in turns the subnets of the others run as in evaluation.
-- Two readings: reading = "forward" (default), the next layer's input is sum_j alpha_ij x_j; and
-- "update", algorithm 1, where weights move by all tasks' updates: subnets that start equal
-- and run alone, trained by mtl.ttc_update(net, any optimizer).
-- With start = 0 all are networks of single tasks; with start = 1 all alpha are equal: with init =
-- "copy" and normalize = true (sum_j alpha_ij x_j / sum_j alpha_ij) the conventional multi-task
-- network, whose trunk's gradient each of the T columns gets 1/T of. They leave that as they
-- train; net:freeze{"mixers"} keeps them there.
-- Options: reading, start (0.5; the first alpha_ij), granularity "scalar" or "channel", normalize
-- (false), lr_mult (1; of beta), init "fresh" or "copy", width (1.0), channels of the input (1;
-- gray, equalised), input (32), head, groups.
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
