--- NDDR-CNN (Gao, Ma, Zhao, Liu and Yuille 2019): a column for each task. After every block each
-- column takes a 1x1 convolution of all columns' maps, batch norm and ReLU. The letters stand for
-- neural discriminative dimensionality reduction.
-- Decisions: the convolution starts with 0.9 for a column's own map and 0.1/(T - 1) for each
-- other map, as in the paper's best run. Blocks of one pixel, such as fc, are mixed too.
-- Options: diag (0.9), off (0.1 / (T - 1)), at ("*"; the blocks with mixers), backbone ("tcdcn"),
-- and its width, channels and input, head, groups.
-- Parameters for MTFL's five tasks (21 outputs): 910,021.
return function(tasks, o)
  local net = mtl.columns(tasks, nn.backbone(o.backbone or "tcdcn",
    {width = o.width, channels = o.channels, input = o.input}), {groups = o.groups})
  net:mix(o.at or "*", mtl.nddr{diag = o.diag, off = o.off})
  return net:heads(o.head)
end
