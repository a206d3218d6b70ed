--- NDDR-CNN (Gao, Ma, Zhao, Liu and Yuille 2019): a column for each task; after every block each
-- takes a 1x1 convolution of all columns' maps, batch norm, ReLU (neural discriminative
-- dimensionality reduction).
-- Decisions: the convolution starts with 0.9 of a column's own map and 0.1/(T - 1) of each
-- other's, as in the paper's best run; blocks of one pixel, such as fc, are mixed too.
-- Options: diag (0.9), off (0.1 / (T - 1)), at (blocks, "*"), backbone ("tcdcn"), width, channels
-- and input of it, head, groups.
-- Parameters for MTFL's five tasks (21 outputs): 910,021.
return function(tasks, o)
  local net = mtl.columns(tasks, nn.backbone(o.backbone or "tcdcn",
    {width = o.width, channels = o.channels, input = o.input}), {groups = o.groups})
  net:mix(o.at or "*", mtl.nddr{diag = o.diag, off = o.off})
  return net:heads(o.head)
end
