--- AlexNet in its single-tower form (Krizhevsky 2014), torchvision's layout and names.
-- Input (n,3,h,w), 63 pixels a side or more; 224 as published. With tasks, one linear head
-- on the last hidden layer for each; without, an output for o.classes (1000).
-- Options: classes, dropout (0.5), channels of the input (3).
-- Parameters: 61,100,840 for 1000 classes.
local AlexNet = class("AlexNet", nn.Module)

function AlexNet:init(o)
  local p = o.dropout or 0.5
  self.features = nn.Sequential({
    nn.Conv2d(o.channels or 3, 64, {kernel = 11, stride = 4, padding = 2}), nn.ReLU(),
    nn.MaxPool2d(3, {stride = 2}),
    nn.Conv2d(64, 192, {kernel = 5, padding = 2}), nn.ReLU(),
    nn.MaxPool2d(3, {stride = 2}),
    nn.Conv2d(192, 384, {kernel = 3, padding = 1}), nn.ReLU(),
    nn.Conv2d(384, 256, {kernel = 3, padding = 1}), nn.ReLU(),
    nn.Conv2d(256, 256, {kernel = 3, padding = 1}), nn.ReLU(),
    nn.MaxPool2d(3, {stride = 2}),
  }, {first = 0})
  self.avgpool = nn.AdaptiveAvgPool2d({6, 6})
  local layers = {nn.Dropout(p), nn.Linear(256 * 6 * 6, 4096), nn.ReLU(), nn.Dropout(p),
    nn.Linear(4096, 4096), nn.ReLU()}
  if o.classes then layers[7] = nn.Linear(4096, o.classes) end
  self.classifier = nn.Sequential(layers, {first = 0})
end

function AlexNet:forward(x)
  return self.classifier(self.avgpool(self.features(x)):flatten(2))
end

return function(tasks, o)
  local net = AlexNet{channels = o.channels, dropout = o.dropout,
    classes = not tasks and (o.classes or 1000) or nil}
  if not tasks then return net end
  return mtl.shared(tasks, net, function(task) return nn.Linear(4096, task.size) end)
end
