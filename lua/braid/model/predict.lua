--- net:predict(pictures): a network's answers, in the terms of the person who asks.
--
-- Pictures are the path of a file or of a directory, a tensor of bytes (h,w), (c,h,w) or (n,c,h,w),
-- a list of these, or a data set. Each is prepared as net.card.preprocessing says, which train.fit
-- and files of networks keep: the outputs are those for the loader's batches, to the bit. Modes of
-- the network stay as they are.
--
-- The result is a list of answers, or for one picture its answer. An answer has a field for each
-- task, and `picture`: {number =, path =, height =, width =, box =}.
--   classes      {class = its label, name =, share = its probability, shares = of all classes}
--   landmarks    {points = {{x, y}, ...}} in pixels of the picture as it is, pixel centres at whole
--                numbers from 0
--   attributes   {each = {{label =, class =, name =, share =}, ...}}
--   real         {values = {...}}
--   pose_bins    {angles = {...}}, the middles of the bins in degrees
--
-- Options:
--   boxes        the parts to look at, in pixels: {x0, y0, x1, y1}, or a list of such boxes, and
--                for several pictures a list of these lists. There is an answer for each box
--   detector     finds the boxes: what vision.detector or vision.mtcnn.detector gives
--   margin       boxes are made so many times as wide and high (1)
--   size         the side of the pictures that the network sees, where the card has none
--   batch        how many pictures go through the network at once (64)
--   tasks        the tasks, where the network does not have them
-- @usage net:predict(faces.val[1].image)

local answers <const> = require "braid.model.answers"
local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local data <const> = require "braid.data"
local grad <const> = require "braid.grad"
local origin <const> = require "braid.origin"
local pictures <const> = require "braid.model.pictures"
local recipe <const> = require "braid.data.recipe"
local tensor <const> = require "braid.tensor"
local walk <const> = require "braid.nn.walk"
local ops <const> = core.ops

local OPTIONS <const> = check.declare("predict", {
  tasks = check.kind("tasks, as mtl.tasks gives them", function(v)
    return type(v) == "table" and v.each ~= nil
  end),
  boxes = check.kind("boxes {x0, y0, x1, y1}", function(v)
    return type(v) == "table" or core.is_tensor(v)
  end),
  detector = check.kind("a detector, as vision.detector gives it", function(v)
    return type(v) == "table" and v.detect ~= nil
  end),
  size = check.whole{from = 1, to = 4096}, batch = check.whole{64, from = 1},
  margin = check.number{1, from = 0.01, to = 100},
})

-- The number of channels that a network takes, found by trying. In evaluation mode this leaves the
-- network's running statistics as they are.
local function channels_of(net, size)
  local _ <close> = net:evaluating()
  local _ <close> = grad.no_grad()
  local why
  for _, channels in ipairs{3, 1} do
    local ok <const>, message <const> = check.caught(net, tensor.zeros(1, channels, size, size))
    if ok then return channels end
    why = message
  end
  check.fail("predict: the network takes no pictures of %d x %d pixels (size): %s", size, size, why)
end

-- The loader's options: what the card says, or else the user. `cut` is as in data/recipe.lua.
local function prepared(net, o, cut)
  local card <const> = rawget(net, "card")
  local known <const> = {}
  for key, value in pairs(type(card) == "table" and card.preprocessing or {}) do
    known[key] = value
  end
  if o.size and not known.transforms then
    local channels <const> = channels_of(net, o.size)
    known.size, known.channels = o.size, known.channels or channels
  end
  if not (known.size or known.transforms) then
    check.fail("predict: size is missing: the network's card does not say how large its pictures "
      .. "were; net.card = {preprocessing = loader:recipe()} keeps that")
  end
  local own <const>, why <const> = recipe.options(known, cut)
  return own or check.fail("predict: card.preprocessing: %s", why)
end

-- ---- places -------------------------------------------------------------------------------

-- Every transform of a recipe is an affine map, which these three places of a picture determine.
local SPAN <const> = 1024
local PLACES <const> = {{0, 0}, {SPAN, 0}, {0, SPAN}}
local LABEL <const> = "places_of_predict"

-- The map from the network's coordinates, [-1, 1] across what it sees, to pixels of the picture.
local function pixels_of(seen)
  local x0 <const>, y0 <const> = seen[1][1], seen[1][2]
  local ax <const>, ay <const> = (seen[2][1] - x0) / SPAN, (seen[2][2] - y0) / SPAN
  local bx <const>, by <const> = (seen[3][1] - x0) / SPAN, (seen[3][2] - y0) / SPAN
  local det <const> = ax * by - bx * ay
  return function(x, y)
    local dx <const>, dy <const> = x - x0, y - y0
    return (dx * by - bx * dy) / det, (ax * dy - dx * ay) / det
  end
end

-- A data set with the three places as a label of every sample.
local function placed(ds)
  local n <const> = #ds
  local places <const> = core.from_table(PLACES, "float32")
  return ds:labelled({[LABEL] = ops.contiguous_copy(ops.expand(ops.unsqueeze(places, 1), n, 3, 2))},
    {[LABEL] = "points"})
end

-- ---- asking -------------------------------------------------------------------------------

local Answer <const> = {__name = "answer"}

function Answer.__tostring(self)
  local words <const>, picture <const> = {}, self.picture
  for _, name in ipairs(check.sorted_keys(self)) do
    if name ~= "picture" then words[#words + 1] = name .. " " .. answers.words(self[name]) end
  end
  return (picture.path or "picture " .. picture.number) .. ": " .. table.concat(words, "; ")
end

-- Adds the answers for the samples of a data set to the list.
local function ask(net, tasks, ds, options, facts, list)
  local card <const> = rawget(net, "card")
  local classes <const> = type(card) == "table" and type(card.classes) == "table" and card.classes
    or {}
  local dtype <const> = (net:parameters()[1] or net:buffers()[1] or {dtype = "float32"}).dtype
  local _ <close> = net:evaluating()
  local _ <close> = grad.no_grad()
  for batch in data.loader(placed(ds), options) do
    local _ <close> = core.scope()
    local image <const> = dtype == "float64" and batch.image:to(dtype) or batch.image
    local outputs <const>, seen <const> = net(image), batch[LABEL]:totable()
    for i = 1, batch.count do
      list[#list + 1] = setmetatable(answers.of(tasks, outputs, i, pixels_of(seen[i]),
        classes), Answer)
      list[#list].picture = facts[#list]
    end
  end
end

-- The boxes that a detector finds in each picture.
local function found(detector, items)
  local lists <const> = {}
  for i, item in ipairs(items) do
    local boxes <const> = detector:detect(pictures.read(item)).boxes:totable()
    for _, box in ipairs(boxes) do -- the detector counts pixels from 1
      for k = 1, 4 do box[k] = box[k] - 1 end
    end
    lists[i] = boxes
  end
  return lists
end

-- Makes boxes `margin` times as wide and high about their middles.
local function widen(lists, margin)
  for _, list in ipairs(margin ~= 1 and lists or {}) do
    for i, b in ipairs(list) do
      local w <const> = (b[3] - b[1]) * (margin - 1) / 2
      local h <const> = (b[4] - b[2]) * (margin - 1) / 2
      list[i] = {b[1] - w, b[2] - h, b[3] + w, b[4] + h}
    end
  end
end

return function(net, given, options)
  local o <const> = check.options(OPTIONS, options)
  local record <const> = origin.of(net)
  local tasks <const> = o.tasks or rawget(net, "tasks") or record and record.tasks
  if not walk.is_module(net) then check.fail("predict: wants a network: net:predict(pictures)") end
  if not class.of(tasks) then
    check.fail("predict: the network has no tasks that say what its outputs are: give tasks")
  end
  answers.check(tasks)
  local is_set <const>, list <const> = pictures.is_set(given), {}
  local loader <const> = prepared(net, o, not is_set and ((o.boxes or o.detector) and "box"
    or "middle") or nil)
  loader.batch = o.batch
  if is_set then
    if o.boxes or o.detector then check.fail("predict: a data set has its own boxes") end
    ask(net, tasks, given, loader, pictures.facts(given), list)
    return list
  end
  if o.boxes and o.detector then check.fail("predict: only one of boxes and detector") end
  local items <const>, alone <const> = pictures.listed(given)
  local boxes <const> = o.detector and found(o.detector, items)
    or pictures.boxes(o.boxes, #items, alone)
  widen(boxes or {}, o.margin)
  local sets <const>, facts <const> = pictures.sets(items, boxes)
  for _, ds in ipairs(sets) do ask(net, tasks, ds, loader, facts, list) end
  return alone and not boxes and list[1] or list
end
