--- Hard sharing (Caruana 1997): one trunk for all tasks, and a linear head for each. If the trunk
-- gives maps, the head takes the mean of each channel. The trunk can end at any block: tasks
-- share the blocks up to it, and each has its own blocks after it. The papers use TCDCN with
-- everything shared but the last layer, and VGG's stream split at conv1_2, conv2_2 or conv3_3
-- (Matsui et al. 2019, table 4):
--   {backbone = {name = "vgg16", stages = 4, fc = 2048}, input = 128, split = "conv2_2"}
-- There fc does not follow width: with width = 0.25 give 512.
-- single = "pose" builds the network for that task alone. parameters = 5e6 widens it to about
-- that number.
-- Options: backbone ("tcdcn"; a name, or a table of its name and options), split (the name of a
-- block; the last), width (1.0), channels and input as the backbone has them, head, groups (for
-- the blocks after split).
-- Parameters for MTFL's five tasks (21 outputs): 79,357.
return function(tasks, o)
  local trunk = nn.backbone(o.backbone or "tcdcn",
    {width = o.width, channels = o.channels, input = o.input})
  local net = mtl.columns(tasks, trunk, {columns = "shared", split = o.split, groups = o.groups})
  return net:heads(o.head)
end
