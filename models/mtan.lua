--- Multi-task attention network (Liu, Johns and Davison 2019): one shared network. For each task
-- and block, a mask with values in [0, 1] selects from the shared map (equation 1):
--   a_hat_j = a_j * p_j,   a_j = sigmoid(BN conv1x1 ReLU BN conv1x1 [u_j, f(a_hat_(j-1))])
-- (equation 2). f is a 3x3 convolution, batch norm and ReLU, then average pooling to the size of
-- the block's map. A task's head takes the last a_hat.
-- Decisions: u_j is the block's first layer in the paper. Here it is the block's output p_j,
-- because a block runs as a whole. The output of a block without maps (fc) counts as maps of one
-- pixel.
-- Options: backbone ("tcdcn"), and its width, channels and input, head.
-- Parameters for MTFL's five tasks (21 outputs): 1,047,377.
local function unit(inputs, outputs, kernel, activation)
  return nn.Sequential{nn.Conv2d(inputs, outputs, {kernel = kernel, padding = kernel // 2}),
    nn.BatchNorm2d(outputs), activation}
end

local Attention = class("Attention", nn.Module)

-- c: the channels of the block; before: the channels of the previous block, nil at the first block
function Attention:init(c, before)
  self.mask = nn.Sequential{unit(before and 2 * c or c, c, 1, nn.ReLU()),
    unit(c, c, 1, nn.Sigmoid())}
  self.bring = before and unit(before, c, 3, nn.ReLU()) or nil
end

function Attention:forward(p, previous)
  if not self.bring then return self.mask(p) * p end
  local seen = self.bring(previous)
  if seen:size(3) ~= p:size(3) or seen:size(4) ~= p:size(4) then
    seen = braid.F.adaptive_avg_pool2d(seen, {p:size(3), p:size(4)})
  end
  return self.mask(braid.cat({p, seen}, 2)) * p
end

local MTAN = class("MTAN", nn.Module)

function MTAN:init(tasks, o)
  self.trunk = nn.backbone(o.backbone or "tcdcn",
    {width = o.width, channels = o.channels, input = o.input})
  local head = mtl.heads(o.head)
  self.names, self.attention, self.head = tasks.names, {}, {}
  for name, task in tasks:each() do
    self.attention[name] = {}
    local before
    for j, block in ipairs(self.trunk:blocks()) do
      self.attention[name][j] = Attention(self.trunk:channels(block), before)
      before = self.trunk:channels(block)
    end
    self.head[name] = head(task, before, name)
  end
end

function MTAN:forward(x)
  local picked, outputs = {}, {}
  for j, block in ipairs(self.trunk:blocks()) do
    x = self.trunk[block](x)
    local p = x:dim() == 2 and x:reshape(x:size(1), x:size(2), 1, 1) or x
    for _, name in ipairs(self.names) do
      picked[name] = self.attention[name][j](p, picked[name])
    end
  end
  for _, name in ipairs(self.names) do outputs[name] = self.head[name](picked[name]) end
  return outputs
end

return function(tasks, o)
  if not tasks then error("mtan: wants tasks, to attend for", 0) end
  return MTAN(tasks, o)
end
