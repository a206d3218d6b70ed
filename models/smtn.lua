--- Separation multi-task network (Matsui, Yamashita and Fujiyoshi 2019), figure 2: a stream that
-- all tasks share, and a stream for each task. All streams have the same layers, and each gets the
-- image. After each layer the shared stream's map is concatenated to the map of each task's
-- stream. net:stage(1) trains the shared stream with heads of its own. This is hard sharing, the
-- paper's baseline (equation 1: the sum of the losses, with weights of 1; landmarks have the mean
-- squared error of section 3.2, reduction = "mean"). net:stage(2) freezes the shared stream, with
-- its batch norm and dropout, and trains the task streams.
-- The layers, from table 1, whose printing is damaged: input 128x128; 3x3 convolutions, 2 of 64
-- channels, 2 of 128, 3 of 256, 3 of 512 (as many as VGG-16 has), with 2x2 pooling after each
-- group; a layer of 2048 units; ReLU.
-- Decisions: maps are concatenated after pooling. The shared stream also has the layer of 2048
-- units, whose output joins the output of each task's layer: section 4.3 says that all streams
-- have one layout, though this cell of the table is empty. With fc = "task" the shared stream ends
-- with the convolutions, as in the table, and each task has its own layer of 2048 units, in stage
-- 1 too. No ReLU follows 1x1 convolutions.
-- Weights start by He's rule and biases at 0; 1x1 convolutions and outputs start as such layers
-- usually do. There is no dropout. Landmarks are in [-1, 1] of the picture. The loss of 40
-- attributes is the mean of their losses.
-- The shared stream takes pretrained weights. So do the task streams, if 1x1 convolutions keep
-- their channels; this is why section 3.3 has these convolutions. Task streams of the plain
-- variant have twice the input channels, so they keep their random weights.
-- Options: variant: "plain" (default), "channelwise" (section 3.3: 1x1 convolutions bring the
-- concatenated maps back to the number of channels before) or "fine_tuned" (channelwise, and the
-- task streams and their heads start as copies of the shared stream and its heads); branch: the
-- block up to which there is only one stream ("conv1_2", "conv2_2", "conv3_3" in table 4);
-- end_to_end = true trains everything at once, and crelu = true halves the filters (both are
-- future work in the paper); norm = true adds batch norm; width (1.0), channels of the input (3),
-- input (128); fc ("shared"; or "task"); backbone, instead of the layers of table 1 (without
-- crelu, norm and fc, and with its own input); head, groups.
-- Parameters for 5 landmarks and 40 attributes: 374,271,092, of which 74,930,586 train in
-- stage 1; with fc = "task" 441,197,684, of which 142,041,498 train in stage 1.
local FORMS = {plain = "plain", channelwise = "channelwise", fine_tuned = "channelwise"}

local function scaled(n, width) return math.floor(n * width + 0.5) end

-- Heads that begin with their own fully connected layer, on maps of `input` pixels pooled four
-- times.
local function with_fc(kind, outputs, input)
  local side = type(input) == "table" and input or {input, input}
  if side[1] < 16 or side[2] < 16 then
    error("smtn: input must be 16 pixels a side or more: it is pooled four times", 0)
  end
  return function(task, c, name)
    local fc = nn.Linear(c * (side[1] // 16) * (side[2] // 16), outputs)
    nn.init.kaiming_normal(fc.weight)
    nn.init.constant(fc.bias, 0)
    return nn.Sequential{nn.Flatten(), fc, nn.ReLU(), mtl.heads(kind)(task, outputs, name)}
  end
end

return function(tasks, o)
  tasks = tasks or mtl.tasks{attributes = mtl.attributes{40},
    landmarks = mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4}, reduction = "mean"}}
  local variant, width = o.variant or "plain", o.width == nil and 1 or o.width
  if not FORMS[variant] then
    error(("smtn: variant must be \"plain\", \"channelwise\" or \"fine_tuned\", not \"%s\""):format(
      tostring(variant)), 0)
  end
  if type(width) ~= "number" or not (width > 0 and width <= 100) then
    error("smtn: width must be a number above 0, up to 100", 0)
  end
  if o.fc ~= nil and o.fc ~= "shared" and o.fc ~= "task" then
    error(("smtn: fc must be \"shared\" or \"task\", not \"%s\""):format(tostring(o.fc)), 0)
  end
  if o.fc == "task" and o.backbone then
    error("smtn: fc is of table 1, and backbone takes its place: leave out one", 0)
  end
  local stream
  if o.backbone then
    stream = nn.backbone(o.backbone, {width = o.width, channels = o.channels, input = o.input})
  else
    stream = nn.backbone("vgg16", {stages = 4, fc = o.fc ~= "task" and scaled(2048, width) or nil,
      width = width, crelu = o.crelu, norm = o.norm, channels = o.channels, input = o.input or 128})
  end
  local net = mtl.columns(tasks, stream, {split = o.branch, groups = o.groups})
  net:mix("*", mtl.separation{form = FORMS[variant], fine_tune = variant == "fine_tuned",
    end_to_end = o.end_to_end})
  return net:heads(o.fc == "task" and with_fc(o.head, scaled(2048, width), o.input or 128)
    or o.head)
end
