--- net:predict(inputs): a network's answers about pictures or rows, as class names, pixels and
-- numbers in their units.
--
-- Pictures are the path of a file or of a directory, a tensor of bytes (h,w), (c,h,w) or (n,c,h,w),
-- a list of these, or a data set. A network of a table (data.table) takes a row such as {age = 30,
-- sex = "f"}, a list of rows, columns by name, the path of a file, a tensor of numbers or a data
-- set; a network of tensors takes a tensor, tensors by name, or a data set (rows.lua). Pictures and
-- rows are prepared as net.card.preprocessing says; train.fit writes this field, and a network's
-- file keeps it. The outputs are the same to the bit as for the loader's batches. Modes of the
-- network stay as they are.
--
-- The result is a list of answers, or for one picture or row its answer. An answer prints as a line
-- of words. It has `picture`: {number =, path =, height =, width =, box =}, or `row`: {number =};
-- and a field for each task, by the task's kind:
--   classes      {class = its label, name =, share = its probability, shares = the probabilities of
--                all classes}
--   landmarks    {points = {{x, y}, ...}} in pixels of the original picture, with pixel centres at
--                whole numbers from 0
--   attributes   {each = {{label =, class =, name =, share =}, ...}}
--   real         {values = {...}}
--   pose_bins    {angles = {...}}, the middles of the bins in degrees
--
-- Options:
--   boxes        the parts to look at, in pixels: {x0, y0, x1, y1}, or a list of such boxes, and
--                for several pictures a list of these lists. There is an answer for each box
--   detector     finds the boxes: what vision.detector or vision.mtcnn.detector gives
--   margin       the factor by which boxes are made wider and higher (1)
--   size         the side in pixels of the pictures that the network sees, if the card has no size
--   batch        how many pictures or rows go through the network at once (64)
--   transforms   the functions of Lua among the loader's transforms, if it had any: the card says
--                where they were written, but no file can hold them. They run after the other
--                transforms
--   unknown      "missing": a category that was in no training row counts as missing; "error" (the
--                default) names its row
--   tasks        the tasks, if the network does not have them
-- @treturn table the answer, or a list of answers
-- @usage net:predict(faces.val[1].image)

local Asking <const> = require "braid.model.asking"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local pictures <const> = require "braid.model.pictures"
local recipe <const> = require "braid.data.recipe"
local rows <const> = require "braid.model.rows"

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
  margin = check.number{1, from = 0.01, to = 100}, unknown = check.choice{"error", "missing"},
  transforms = check.list{of = check.call()},
})

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

return function(net, inputs, given)
  local o <const> = check.options(OPTIONS, given)
  if not Asking.is_network(net) then
    check.fail("predict: wants a network: net:predict(pictures)")
  end
  local tasks <const>, known <const> = Asking.tasks_of(net, o), Asking.known_of(net, o)
  if recipe.is_of_rows(known) then return rows.ask(net, tasks, inputs, known, o) end
  local is_set <const>, list <const> = pictures.is_set(inputs), {}
  local asking <const> = Asking(net, o, not is_set and ((o.boxes or o.detector) and "box"
    or "middle") or nil)
  local _ <close> = net:evaluating()
  if is_set then
    if o.boxes or o.detector then check.fail("predict: a data set has its own boxes") end
    asking:ask(inputs, pictures.facts(inputs), list)
    return list
  end
  if o.boxes and o.detector then check.fail("predict: only one of boxes and detector") end
  local items <const>, alone <const> = pictures.listed(inputs)
  local boxes <const> = o.detector and found(o.detector, items)
    or pictures.boxes(o.boxes, #items, alone)
  widen(boxes or {}, o.margin)
  local sets <const>, facts <const> = pictures.sets(items, boxes)
  for _, ds in ipairs(sets) do asking:ask(ds, facts, list) end
  return alone and not boxes and list[1] or list
end
