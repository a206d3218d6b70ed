--- TCDCN with hard sharing (Zhang, Luo, Loy and Tang 2014). 40x40 images; convolutions 5x5x16,
-- 3x3x48, 3x3x64, each with 2x2 pooling, and 2x2x64; a shared layer of 100 units; one linear head
-- for each task. The activation is |tanh|, after each convolution and the shared layer.
-- Options: activation ("AbsTanh" as published, or the name of another activation of nn); norm =
-- true puts batch normalisation before the activation; channels of the input (1); input (40; the
-- side of the image in pixels); width (1.0; multiplies the channels), head.
-- Parameters for MTFL's five tasks (21 outputs): 79,357 (79,741 with norm).
return function(tasks, o)
  local trunk = nn.backbone("tcdcn",
    {activation = o.activation, norm = o.norm, channels = o.channels, input = o.input,
      width = o.width})
  local net = mtl.columns(tasks, trunk, {columns = "shared"})
  return net:heads(o.head)
end
