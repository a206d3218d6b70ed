--- Deep collaboration network (Trottier, Giguere and Chaib-draa 2018), figure 2, equations 1 to 3:
-- a column for each task. Each column gets the image. A collaborative block follows every block
-- of the backbone, including the stem. Head: global average pooling, Linear(c, floor((c +
-- outputs) / 2)), batch norm, ReLU, Linear. With AlexNet a collaborative block follows each
-- maximum pooling, as in the authors' code. All tasks of the paper are classification:
-- mtl.landmark_bins{pixels = 64} classifies landmarks by pixel.
-- Decisions: the batch norms' gamma starts at 1; the final ReLU is on (the authors' first version
-- had none).
-- Options: backbone ("resnet18"; or "alexnet" or another), and its width, channels (3) and input,
-- at (the blocks with mixers), ratio (1/4), final_relu (true), gamma_init ("one"; or "uniform",
-- "zero"), head ("deep", as published; other networks accept it too, for comparison), groups.
-- Parameters for MTFL's five tasks (21 outputs): 83,547,573; 84,076,458 with 5
-- points in bins of 64x64.
local AFTER_MAXIMA = {"conv1", "conv2", "conv5"}

return function(tasks, o)
  local backbone = nn.backbone(o.backbone or "resnet18",
    {width = o.width, channels = o.channels, input = o.input})
  local net = mtl.columns(tasks, backbone, {groups = o.groups})
  net:mix(o.at or backbone:kind() == "alexnet" and AFTER_MAXIMA or "*", mtl.collaborative{
    ratio = o.ratio, final_relu = o.final_relu, gamma_init = o.gamma_init})
  return net:heads(o.head or "deep")
end
