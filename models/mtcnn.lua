--- MTCNN's networks P, R and O (Zhang, Zhang, Li and Qiao 2016), in the form whose weights are
-- published. With a mixer each task has a column: Trottier, Giguere and Chaib-draa 2018 (section
-- 4.5) use collaborative blocks, {mixer = mtl.collaborative{}}. To slide P over larger images,
-- give mtl.collaborative{kernel = 1}: blocks without padding give each window the outputs that P
-- gives for the window cut out.
-- PReLU has a slope for each channel. Pooling (window/stride) keeps windows that reach over the
-- edge:
--   P  12x12  conv 3x3x10, pool 2/2, conv 3x3x16, conv 3x3x32; heads are 1x1 convolutions
--   R  24x24  conv 3x3x28, pool 3/2, conv 3x3x48, pool 3/2, conv 2x2x64, fc 128
--   O  48x48  conv 3x3x32, pool 3/2, conv 3x3x64, pool 3/2, conv 3x3x64, pool 2/2,
--             conv 2x2x128, fc 256
-- The input is (n,3,h,w), RGB as (x - 127.5)/128. P(x) takes 12x12 pixels. P:slide(x) takes any
-- larger image and gives a map (n,size,oh,ow) for each task, with one place for every second pixel.
-- If no tasks are given, they are: face (1 no, 2 yes; mining keeps the 70% highest losses); box
-- (the distance of each side of the box from the same side of the window, in window sizes; the
-- mean of the four squares is half of their sum, as in the paper, times the paper's weight 0.5);
-- landmarks (weight 0.5; in O 1). A sample has only some labels; a missing label is -100 or NaN.
-- A loss is the mean over the samples that have its label.
-- Options: stage ("O"; or "P", "R"), mixer, at (all convolutions; the blocks with mixers), width
-- (1; multiplies the channels), channels of the input (3), head, groups.
-- Parameters: O 389,040; R 101,468; P 6,962 (6,632 without landmarks, as published).
local STAGES = {
  P = {{"conv1", 10, 3, pool = 2}, {"conv2", 16, 3}, {"conv3", 32, 3}},
  R = {{"conv1", 28, 3, pool = 3}, {"conv2", 48, 3, pool = 3}, {"conv3", 64, 2}, fc = 128},
  O = {{"conv1", 32, 3, pool = 3}, {"conv2", 64, 3, pool = 3}, {"conv3", 64, 3, pool = 2},
    {"conv4", 128, 2}, fc = 256},
}

-- The named blocks of a stage. Each is made for the channels of the block before it.
local function blocks_of(stage, width)
  local function wide(c) return math.max(1, math.floor(c * width + 0.5)) end
  local blocks = {}
  for i, s in ipairs(stage) do
    blocks[i] = {s[1], function(c)
      return nn.Sequential{nn.Conv2d(c, wide(s[2]), {kernel = s[3]}), nn.PReLU(wide(s[2])),
        s.pool and nn.MaxPool2d(s.pool, {stride = 2, ceil_mode = true}) or nn.Identity()}
    end}
  end
  if stage.fc then
    blocks[#stage + 1] = {"fc", function(c)
      return nn.Sequential{nn.Flatten(), nn.Linear(c * 3 * 3, wide(stage.fc)),
        nn.PReLU(wide(stage.fc))}
    end}
  end
  return blocks
end

-- The network P, which also slides over images larger than its window.
local Sliding = class("Sliding", mtl.columns)

Sliding.slide = mtl.columns.forward

function Sliding:forward(x, tap)
  if x:size(3) ~= 12 or x:size(4) ~= 12 then
    error(("mtcnn: P wants (n, 3, 12, 12), not (%s); slide() takes larger images"):format(
      table.concat(x.shape, ", ")), 2)
  end
  local outputs = self:slide(x, tap)
  for name, y in pairs(outputs) do outputs[name] = y:flatten(2) end
  return outputs
end

return function(tasks, o)
  local stage = STAGES[o.stage or "O"]
  if not stage then
    error(("mtcnn: stage must be \"P\", \"R\" or \"O\", not %s"):format(tostring(o.stage)), 2)
  end
  tasks = tasks or mtl.tasks{
    face = mtl.classes{2, hardest = 0.7, names = {"no", "yes"}},
    box = mtl.real{4},
    landmarks = mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4},
      weight = stage == STAGES.O and 1 or 0.5},
  }
  local width = o.width == nil and 1 or o.width
  if type(width) ~= "number" or not (width > 0 and width <= 100) then
    error("mtcnn: width must be a number above 0, up to 100", 0)
  end
  local trunk = nn.backbone(blocks_of(stage, width), {channels = o.channels or 3})
  local Network = stage.fc and mtl.columns or Sliding
  local net = Network(tasks, trunk, {columns = o.mixer and "per_task" or "shared",
    groups = o.groups})
  if o.mixer then
    local convolutions = {}
    for i, s in ipairs(stage) do convolutions[i] = s[1] end
    net:mix(o.at or convolutions, o.mixer)
  end
  return net:heads(mtl.heads(o.head, {maps = not stage.fc}))
end
