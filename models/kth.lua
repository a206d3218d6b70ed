--- The network of Abrahamsson, Gruneau and Zuber (2017), section 3.2, for landmarks, pose and
-- glasses: 150x150 RGB; convolutions 5x5x16 and 5x5x32 that keep the size, ReLU, 2x2 pooling
-- after each (150 -> 75 -> 38); a shared layer of 1024; one linear head per task. Xavier's
-- weights, biases a slight positive constant (section 3.3); loss as in equation 3, with lambda 6
-- for pose and 3 for glasses.
-- Decisions: the constant is 0.1; ReLU, of which they say nothing, after every layer but the
-- heads; landmarks here are in [-1, 1] of the image, not in pixels, so that their loss
-- (equation 2) has the weight 75^2: the sum is the paper's.
-- Their six runs are this network with single = "pose", "glasses" or "landmarks", and all
-- tasks: as it is, with mtl.early_stopping (equation 4), with shifted images: examples/kth.lua.
-- Options: dropout (0; they had it and took it out), bias (0.1; the first of all biases), width
-- (1.0), channels of the input (3), input (150), head.
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
