--- ResNet-18 (He, Zhang, Ren and Sun 2016), with torchvision's layout and names.
-- Input (n,3,h,w), at least 32 pixels on a side. With tasks, each task has a linear head on the
-- pooled features. Without tasks, the layer `fc` gives a score for each of o.classes (1000)
-- classes.
-- Options: classes, width (1.0; multiplies the channels), channels of the input (3), head.
-- Parameters: 11,689,512 for 1000 classes.
local ResNet = class("ResNet", nn.Module)

function ResNet:init(blocks)
  self.conv1, self.bn1, self.maxpool = blocks.stem.conv1, blocks.stem.bn1, blocks.stem.maxpool
  for i = 1, 4 do self["layer" .. i] = blocks["layer" .. i] end
end

function ResNet:forward(x)
  x = self.maxpool(self.bn1(self.conv1(x), "relu"))
  x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
  x = x:mean({3, 4})
  return self.fc and self.fc(x) or x
end

return function(tasks, o)
  local blocks = nn.backbone("resnet18", {width = o.width, channels = o.channels})
  local net, features = ResNet(blocks), blocks:channels()
  if not tasks then
    net.fc = nn.Linear(features, o.classes or 1000)
    return net
  end
  return mtl.shared(tasks, net, o.head or "linear", features)
end
