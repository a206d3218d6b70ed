--- Separation multi-task network (Matsui, Yamashita and Fujiyoshi 2019), figure 2: a stream that
-- all tasks share and one for each task, of one layout, all fed the image; after each layer the
-- shared stream's map joins each task's. net:stage(1) trains the shared stream with heads of its
-- own, hard sharing and the paper's baseline (equation 1: the sum of the losses, of landmarks the
-- mean squared error, section 3.2: weights of 1, reduction = "mean"); net:stage(2)
-- freezes it, batch norm and dropout too, and trains the task streams.
-- Table 1, whose printing is damaged: 128x128; 3x3 convolutions, 2 of 64, 2 of 128, 3 of 256, 3
-- of 512 (as many as VGG-16 has), 2x2 pooling after each group; a layer of 2048; ReLU. Decisions:
-- maps join after pooling; the shared stream has the layer of 2048 too, which joins those of the
-- tasks: all streams are of one layout (section 4.3), though its cell in the table is empty. With
-- fc = "task" it ends with the convolutions, as in the table: each task has its own layer of 2048,
-- in stage 1 too. No ReLU after 1x1 convolutions; He's first weights and biases 0, but for 1x1
-- convolutions and outputs, which begin as such layers do; no dropout; landmarks in [-1, 1] of the
-- picture; the loss of 40 attributes is the mean of theirs.
-- Pretrained weights are taken by the shared stream and, where 1x1 convolutions keep the channels,
-- by the task streams; those of the plain variant take twice the channels and stay as drawn, for
-- which reason section 3.3 has these convolutions.
-- Options: variant "plain", "channelwise" (section 3.3: 1x1 convolutions bring the joined maps
-- back to their channels), "fine_tuned" (channelwise, and task streams and their heads start as
-- the shared ones are); branch, the block up to which there is but one stream ("conv1_2",
-- "conv2_2", "conv3_3" in table 4); end_to_end = true trains all at once; crelu = true halves the
-- filters (both future work of theirs); norm = true, batch norm; width (1.0), channels (3), input
-- (128); fc ("shared"; "task"); backbone, in place of table 1 (without crelu, norm and fc, its own
-- input); head, groups.
-- Parameters for 5 landmarks and 40 attributes: 374,271,092, of which 74,930,586 train in
-- stage 1; with fc = "task" 441,197,684, of which 142,041,498.
local FORMS = {plain = "plain", channelwise = "channelwise", fine_tuned = "channelwise"}

local function scaled(n, width) return math.floor(n * width + 0.5) end

-- Heads that begin with a fully connected layer of their own, on maps of `input` pixels pooled four
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
