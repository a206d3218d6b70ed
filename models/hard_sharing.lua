--- Hard sharing (Caruana 1997): one trunk for all tasks, and a linear head for each. If the trunk
-- gives maps, the head takes the mean of each channel. The trunk can end at any block: tasks
-- share the blocks up to this block, and each task has its own blocks after it. The papers use
-- TCDCN with all layers shared except the last, and VGG split at conv1_2, conv2_2 or conv3_3
-- (Matsui et al. 2019, table 4):
--   {backbone = {name = "vgg16", stages = 4, fc = 2048}, input = 128, split = "conv2_2"}
-- The option fc does not follow width: with width = 0.25 give fc = 512.
-- single = "pose" builds the network for this task only. parameters = 5e6 chooses the width at
-- which the network has about this many parameters.
-- Options: backbone ("tcdcn"; a name, or a table of its name and options), split (the last block;
-- the name of the last block that all tasks share), width (1.0), channels and input as the
-- backbone has them, head, groups (for the blocks after split).
-- Parameters for MTFL's five tasks (21 outputs): 79,357.
return function(tasks, o)
  local trunk = nn.backbone(o.backbone or "tcdcn",
    {width = o.width, channels = o.channels, input = o.input})
  local net = mtl.columns(tasks, trunk, {columns = "shared", split = o.split, groups = o.groups})
  return net:heads(o.head)
end
