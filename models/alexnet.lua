--- AlexNet in its single-tower form (Krizhevsky 2014), with torchvision's layout and names.
-- Input (n,3,h,w), at least 63 pixels on a side; 224 as published. With tasks, each task has a
-- linear head on the last hidden layer. Without tasks, a last layer gives a score for each of
-- o.classes (1000) classes.
-- Options: classes, dropout (0.5), width (1.0; multiplies the channels and the hidden layers),
-- channels of the input (3), head.
-- Parameters: 61,100,840 for 1000 classes.
local AlexNet = class("AlexNet", nn.Module)

function AlexNet:init(o)
  local p, features = o.dropout or 0.5, {}
  local blocks = nn.backbone("alexnet", {channels = o.channels, width = o.width})
  for _, name in ipairs(blocks:blocks()) do
    for _, layer in ipairs(blocks[name]) do features[#features + 1] = layer end
  end
  self.features = nn.Sequential(features, {first = 0})
  self.avgpool = nn.AdaptiveAvgPool2d({6, 6})
  self.outputs = math.floor(4096 * (o.width or 1) + 0.5)
  local layers = {nn.Dropout(p), nn.Linear(blocks:channels() * 6 * 6, self.outputs), nn.ReLU(),
    nn.Dropout(p), nn.Linear(self.outputs, self.outputs), nn.ReLU()}
  if o.classes then table.insert(layers, nn.Linear(self.outputs, o.classes)) end
  self.classifier = nn.Sequential(layers, {first = 0})
end

function AlexNet:forward(x)
  return self.classifier(self.avgpool(self.features(x)):flatten(2))
end

return function(tasks, o)
  local net = AlexNet{channels = o.channels, width = o.width, dropout = o.dropout,
    classes = not tasks and (o.classes or 1000) or nil}
  if not tasks then return net end
  return mtl.shared(tasks, net, o.head or "linear", net.outputs)
end
