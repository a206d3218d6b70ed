--- Progressive networks (Rusu et al. 2016, equation 2): columns are learned one after the other;
-- each takes the maps of those before it, through a 1x1 convolution, ReLU and a learned
-- scale, and none of them changes any more: net:train_only("pose") trains one task's column
-- and what it takes.
-- Decision: what is taken is added to the column's own map rather than to the next layer's sum.
-- Options: order (the tasks as they are learned; by name), at (blocks, "*"), start (0.1; the
-- first scale), backbone ("tcdcn"), width, channels and input of it, head, groups.
-- Parameters for MTFL's five tasks (21 outputs): 597,039.
return function(tasks, o)
  local net = mtl.columns(tasks, nn.backbone(o.backbone or "tcdcn",
    {width = o.width, channels = o.channels, input = o.input}), {groups = o.groups})
  net:mix(o.at or "*", mtl.progressive{order = o.order, start = o.start})
  return net:heads(o.head)
end
