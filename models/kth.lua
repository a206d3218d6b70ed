--- The network of Abrahamsson, Gruneau and Zuber (2017), section 3.2, for landmarks, pose and
-- glasses: 150x150 RGB; convolutions 5x5x16 and 5x5x32 that keep the size, each with ReLU and 2x2
-- pooling (150 -> 75 -> 38); a shared layer of 1024; one linear head for each task. Weights start
-- by Xavier's rule and biases at a small positive constant (section 3.3). The loss is equation 3,
-- with lambda 6 for pose and 3 for glasses.
-- Decisions: the constant is 0.1. ReLU follows every layer except the heads; the paper does not
-- say where it is. Landmarks are in [-1, 1] of the image, not in pixels. Their loss (equation 2)
-- gets the weight 75^2, so the sum of the losses is the same as in the paper.
-- The paper's six runs are in examples/kth.lua: this network with single = "pose", "glasses" or
-- "landmarks"; with all tasks; also with mtl.early_stopping (equation 4); and with shifted images.
-- Options: dropout (0; the authors tried it and removed it), bias (0.1; the first value of all
-- biases), width (1.0), channels of the input (3), input (150), head.
-- Parameters: 47,349,489.
return function(tasks, o)
  tasks = tasks or mtl.tasks{
    landmarks = mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4}, weight = 75 ^ 2},
    glasses = mtl.classes{2, weight = 3},
    pose = mtl.classes{5, weight = 6, flip = {5, 4, 3, 2, 1}},
  }
  local trunk = nn.backbone("kth", {dropout = o.dropout, bias = o.bias, width = o.width,
    channels = o.channels, input = o.input})
  local net = mtl.columns(tasks, trunk, {columns = "shared"})
  return net:heads(type(o.head) == "function" and o.head or function(task, c)
    local head = mtl.heads(o.head)(task, c)
    for _, layer in ipairs(head:find(nn.Linear)) do
      nn.init.xavier_uniform(layer.weight)
      nn.init.constant(layer.bias, o.bias or 0.1)
    end
    return head
  end)
end
