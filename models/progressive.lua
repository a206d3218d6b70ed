--- Progressive networks (Rusu et al. 2016, equation 2): columns are learned one after the other.
-- Each column takes the maps of earlier columns through a learned scale, a 1x1 convolution and
-- ReLU. While a column learns, earlier columns stay as they are: net:train_only("pose") trains only
-- this task's column, its head and its connections.
-- Decision: the taken maps are added to the column's own map, not to the next layer's sum.
-- Options: order (sorted by name; the order in which tasks are learned), at ("*"; the blocks with
-- mixers), start (0.1; the first scale), backbone ("tcdcn"), and its width, channels and input,
-- head, groups.
-- Parameters for MTFL's five tasks (21 outputs): 597,039.
return function(tasks, o)
  local net = mtl.columns(tasks, nn.backbone(o.backbone or "tcdcn",
    {width = o.width, channels = o.channels, input = o.input}), {groups = o.groups})
  net:mix(o.at or "*", mtl.progressive{order = o.order, start = o.start})
  return net:heads(o.head)
end
