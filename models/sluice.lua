--- Sluice networks (Ruder, Bingel, Augenstein and Sogaard 2019): a column for each task, whose
-- maps are cut into subspaces; after every block each subspace takes a weighted sum of all
-- subspaces of all columns, by alpha. net:penalty() is the orthogonality of a column's
-- subspaces, the squared norm of their weights' products: add it to the loss.
-- Decisions: columns of images in place of the paper's recurrent layers; without its second
-- mixing, beta, of layers of different depth, whose maps here have different sizes; the first
-- alphas 0.9 and 0.1 over the number of the others, learning 100 times as fast, as in
-- cross-stitch networks.
-- Options: subspaces (2), penalty (0.01; the weight of the orthogonality), diag, lr_mult, at
-- (blocks, "*"), backbone ("tcdcn"), width, channels and input of it,
-- head, groups.
-- Parameters for MTFL's five tasks (21 outputs): 388,801.
return function(tasks, o)
  local net = mtl.columns(tasks, nn.backbone(o.backbone or "tcdcn",
    {width = o.width, channels = o.channels, input = o.input}), {groups = o.groups})
  net:mix(o.at or "*", mtl.sluice{subspaces = o.subspaces, diag = o.diag, lr_mult = o.lr_mult,
    penalty = o.penalty or 0.01})
  return net:heads(o.head)
end
