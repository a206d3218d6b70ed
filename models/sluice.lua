--- Sluice networks (Ruder, Bingel, Augenstein and Sogaard 2019): a column for each task, whose
-- maps are divided into subspaces. After every block each subspace takes a weighted sum (by
-- alpha) of all subspaces of all columns. net:penalty() makes a column's subspaces orthogonal: it
-- is the squared norm of the products of their weights. Add it to the loss.
-- Decisions: columns of convolutions on images replace the paper's recurrent layers. The paper's
-- second mixing, beta, combines layers of different depth. It is left out, because their maps have
-- different sizes here. The first alphas are 0.9 for a subspace's own map, and 0.1 divided by the
-- number of other subspaces for each of these. Their learning rate is 100 times the rate of other
-- weights, as in cross-stitch networks.
-- Options: subspaces (2), penalty (0.01; the weight of the orthogonality), diag (0.9), lr_mult
-- (100), at ("*"; the blocks with mixers), backbone ("tcdcn"), and its width, channels and input,
-- head, groups.
-- Parameters for MTFL's five tasks (21 outputs): 388,801.
return function(tasks, o)
  local net = mtl.columns(tasks, nn.backbone(o.backbone or "tcdcn",
    {width = o.width, channels = o.channels, input = o.input}), {groups = o.groups})
  net:mix(o.at or "*", mtl.sluice{subspaces = o.subspaces, diag = o.diag, lr_mult = o.lr_mult,
    penalty = o.penalty or 0.01})
  return net:heads(o.head)
end
