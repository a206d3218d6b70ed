--- Braid's half of mtcnn_facenet.py: detects faces several times, prints the seconds of each time,
-- and writes the faces and the weights:
--   build/braid spec/support/mtcnn_facenet.lua WEIGHTS PICTURE TIMES THREADS OUT

local braid <const> = require "braid"
local core <const> = require "braid.core"

local weights <const>, picture <const>, times <const>, threads <const>, out <const> =
  table.unpack(arg)
braid.set_threads(math.tointeger(threads))
local detect <const> = assert(braid.vision.mtcnn.detector(weights))
local image <const> = assert(braid.load(picture))

local found = detect(image) -- the first run fills the memory pool
for _ = 1, math.tointeger(times) do
  local begun <const> = core.clock()
  found = detect(image)
  print(core.clock() - begun)
end
assert(braid.save(out .. "/found.safetensors", found))
for _, stage in ipairs{"P", "R", "O"} do
  assert(braid.save(("%s/%s.safetensors"):format(out, stage), detect[stage]:state_dict()))
end
