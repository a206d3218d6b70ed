--- ResNet-18 (He, Zhang, Ren and Sun 2016), in torchvision's layout and with its names.
-- Input (n,3,h,w), 32 pixels a side or more. With tasks, one linear head on the pooled
-- features for each; without, one layer `fc` for o.classes (1000). Options: classes, width
-- (1.0; multiplies the channels), channels of the input (3).
-- Parameters: 11,689,512 for 1000 classes.
local Block = class("Block", nn.Module)

function Block:init(inputs, outputs, stride)
  local function conv3(c, s)
    return nn.Conv2d(c, outputs, {kernel = 3, stride = s, padding = 1, bias = false})
  end
  self.conv1, self.bn1 = conv3(inputs, stride), nn.BatchNorm2d(outputs)
  self.conv2, self.bn2 = conv3(outputs, 1), nn.BatchNorm2d(outputs)
  if stride ~= 1 or inputs ~= outputs then
    self.downsample = nn.Sequential({
      nn.Conv2d(inputs, outputs, {kernel = 1, stride = stride, bias = false}),
      nn.BatchNorm2d(outputs),
    }, {first = 0})
  end
end

function Block:forward(x)
  local y = self.bn1(self.conv1(x)):relu()
  y = self.bn2(self.conv2(y))
  return (y + (self.downsample and self.downsample(x) or x)):relu()
end

local ResNet = class("ResNet", nn.Module)

function ResNet:init(channels, widths)
  self.conv1 = nn.Conv2d(channels, widths[1], {kernel = 7, stride = 2, padding = 3, bias = false})
  self.bn1 = nn.BatchNorm2d(widths[1])
  self.maxpool = nn.MaxPool2d(3, {stride = 2, padding = 1})
  for i = 1, 4 do
    self["layer" .. i] = nn.Sequential({
      Block(widths[math.max(i - 1, 1)], widths[i], i == 1 and 1 or 2),
      Block(widths[i], widths[i], 1),
    }, {first = 0})
  end
end

function ResNet:forward(x)
  x = self.maxpool(self.bn1(self.conv1(x)):relu())
  x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
  x = x:mean({3, 4})
  return self.fc and self.fc(x) or x
end

return function(tasks, o)
  local widths = {}
  for i = 1, 4 do widths[i] = math.floor(64 * 2 ^ (i - 1) * (o.width or 1) + 0.5) end
  local net = ResNet(o.channels or 3, widths)
  if not tasks then
    net.fc = nn.Linear(widths[4], o.classes or 1000)
    return net
  end
  return mtl.shared(tasks, net, function(task) return nn.Linear(widths[4], task.size) end)
end
