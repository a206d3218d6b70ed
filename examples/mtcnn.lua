--- Finds faces in a picture, and the five points of each, by MTCNN with its authors' weights.
--
--   build/braid examples/mtcnn.lua --weights dir --picture party.jpg
--   build/braid examples/mtcnn.lua --weights dir --data path/to/mtfl
--
-- dir holds det1, det2 and det3.caffemodel. The first form draws what was found on the picture.
-- The second measures the points of network O on `faces` faces, taken evenly from MTFL's test
-- set, and draws the points of a test picture. Each face is cut out by its box in
-- boxes_testing.txt, which is made square about its centre and read bilinearly at 48x48.
local braid <const> = require "braid"
local core <const> = require "braid.core"
local vision <const> = braid.vision

local o <const> = braid.train.arguments(arg, {weights = "", picture = "", data = "",
  faces = {150, from = 1}, min_face = {20, from = 1}, out = "build/mtcnn.png"})

if o.weights == "" then
  print([[
This wants the weights of MTCNN, which are not part of Braid: det1.caffemodel, det2.caffemodel
and det3.caffemodel, from kpzhang93/MTCNN_face_detection_alignment on GitHub, in one directory:
  build/braid examples/mtcnn.lua --weights that/directory --picture a/picture.jpg
To train such networks see models/mtcnn.lua.]])
  return
end

-- Lines as lists of words, by the first word.
local function rows_of(path)
  local rows <const>, order <const> = {}, {}
  for line in io.lines(path) do
    local words <const> = {}
    for word in line:gmatch("%S+") do words[#words + 1] = tonumber(word) or word end
    if #words > 1 then rows[words[1]], order[#order + 1] = words, words[1] end
  end
  return rows, order
end

-- The square around a box as a batch of one (1,3,48,48), and its corner and side.
local function square(image, box)
  local side <const> = math.max(box[4] - box[2], box[5] - box[3])
  local x <const>, y <const> = (box[2] + box[4] - side) / 2, (box[3] + box[5] - side) / 2
  if image:size(1) == 1 then image = image:expand(3, image:size(2), image:size(3)) end
  local rows <const> = image:permute(2, 3, 1):contiguous():unsqueeze(1):permute(1, 4, 2, 3)
  local step <const> = side / 48 -- pixel (i, j) of the square lies at (x, y) + step (i, j) + first
  local first <const> = (step - 1) / 2
  local matrix <const> = braid.tensor({{step, 0, x + first, 0, step, y + first}},
    {dtype = "float64"})
  local batch <const> = core.warp(rows, braid.tensor({1}, {dtype = "int64"}), matrix, 48, 48, false)
  return (batch - 127.5) / 128, x, y, side
end

-- The landmark error of each face, as a share of the distance between the eyes, in ascending
-- order; and the mean probability of a face.
local function measure(net, dir, count)
  local boxes <const>, order <const> = rows_of(dir .. "/boxes_testing.txt")
  local truth <const> = rows_of(dir .. "/testing.txt")
  local errors <const>, sure = {}, 0
  for i = 1, count do
    local path <const> = order[(i - 1) * #order // count + 1]
    local input <const>, x <const>, y <const>, side <const> =
      square(assert(braid.load(dir .. "/" .. path)), boxes[path])
    local out <const> = braid.no_grad(function() return net(input) end)
    local p <const>, t <const>, sum = out.landmarks:reshape(5, 2):totable(), truth[path], 0
    for k = 1, 5 do
      local px <const>, py <const> = x + (p[k][1] + 1) / 2 * side, y + (p[k][2] + 1) / 2 * side
      sum = sum + math.sqrt((px - t[1 + k] + 1) ^ 2 + (py - t[6 + k] + 1) ^ 2) -- t counts from 1
    end
    errors[i] = sum / 5 / math.sqrt((t[2] - t[3]) ^ 2 + (t[7] - t[8]) ^ 2)
    sure = sure + out.face:softmax(2)[{1, 2}]:item() / count
  end
  table.sort(errors)
  return errors, sure
end

if o.data ~= "" then
  local net <const> = assert(vision.mtcnn.network(o.weights, "O"))
  local errors <const>, sure <const> = measure(net, o.data, o.faces)
  local sum = 0
  for _, e in ipairs(errors) do sum = sum + e end
  print(("%d faces: landmark error %.1f%% of the inter-ocular distance, median %.1f%%, "
    .. "probability of a face %.2f"):format(#errors, 100 * sum / #errors,
    50 * (errors[(#errors + 1) // 2] + errors[#errors // 2 + 1]), sure))
end

local picture = o.picture
if picture == "" and o.data ~= "" then
  picture = o.data .. "/" .. select(2, rows_of(o.data .. "/testing.txt"))[1]
end
if picture ~= "" then
  local image <const> = assert(braid.load(picture))
  local detect <const> = assert(vision.mtcnn.detector(o.weights, {min_face = o.min_face}))
  local begun <const> = core.clock()
  local found <const> = detect(image)
  print(("%d faces in %s, %dx%d, in %.0f ms"):format(found.boxes:size(1), picture, image:size(3),
    image:size(2), 1e3 * (core.clock() - begun)))
  for i, b in ipairs(found.boxes:totable()) do
    print(("  %6.1f %6.1f to %6.1f %6.1f  probability %.3f"):format(b[1], b[2], b[3], b[4],
      found.scores[i]:item()))
  end
  braid.plot.detections(o.out, image, found.boxes, found.points)
  print("wrote " .. o.out)
end
