--- The script of `make valgrind`: a little of everything that the core does with memory.

local braid <const> = require "braid"
local core <const> = require "braid.core"

braid.manual_seed(1)
braid.set_threads(2)

local function raises(pattern, f, ...)
  local ok <const>, message <const> = pcall(f, ...)
  assert(not ok and tostring(message):find(pattern), message)
end

-- Tensors, views, and elements of every type.
for _, dtype in ipairs({"float32", "float64", "int64", "int32", "uint8"}) do
  local t <const> = braid.tensor({{1, 2, 3}, {4, 5, 6}}, {dtype = dtype})
  assert(t:t():contiguous():totable()[3][2] == 6)
  assert((t + t):sum():item() == 42 and #tostring(t) > 0)
  assert(braid.F.cat({t, t}, 1).shape[1] == 4)
end
assert(braid.zeros(0, 3):sum():item() == 0)

-- A step of a small network, forward and backward: convolution, norm, pooling, product and loss.
local x <const> = braid.randn(3, 5, 9, 7, {requires_grad = true})
local w <const> = braid.randn(6, 5, 3, 3, {requires_grad = true})
local b <const> = braid.zeros(6, {requires_grad = true})
local v <const> = braid.randn(6, 4, {requires_grad = true})
for _ = 1, 2 do
  local _ <close> = braid.scope()
  local h <const> = braid.F.conv2d(x, w, b, {stride = 2, padding = 1}):relu()
  local logits <const> = h:mean({3, 4}):matmul(v)
  braid.F.cross_entropy(logits, braid.tensor({1, 4, 2}, {dtype = "int64"})):backward()
  w.grad, v.grad = nil, nil
end
local kept
do
  local _ <close> = braid.scope()
  kept = braid.ones(4)
end
raises("", function() return kept:sum() end)

-- Wrong arguments, and memory that runs out in the middle.
raises("matmul", function() return braid.ones(2, 3):matmul(braid.ones(2, 3)) end)
raises("conv2d", function() return braid.F.conv2d(x, v) end)
for n = 0, 12 do
  core.fail_after(n)
  pcall(function() return braid.F.conv2d(x, w, b):sum():backward() end)
  core.fail_after(-1)
end

-- An image is written, read, cut short and read again.
local path <const> = os.tmpname()
local canvas <const> = braid.randint(0, 255, {20, 30, 3}, {dtype = "uint8"})
assert(core.image_write(path, canvas))
local image <const> = assert(core.image_read(path))
assert(image.shape[1] == 3 and image.shape[2] == 20 and image.shape[3] == 30)
local f <const> = assert(io.open(path, "rb"))
local bytes <const> = f:read("a")
f:close()
for _, n in ipairs({0, 7, 40, #bytes // 2, #bytes - 1}) do
  local g <const> = assert(io.open(path, "wb"))
  g:write(bytes:sub(1, n))
  g:close()
  local none <const>, message <const> = core.image_read(path)
  assert(not none and message)
end
os.remove(path)
-- A loader: workers, a loop left early, a picture that cannot be read, a cache.
local data <const> = braid.data
local directory <const> = os.tmpname()
os.remove(directory)
assert(os.execute("mkdir " .. directory))
local names <const> = {}
for i = 1, 6 do
  names[i] = i .. ".png"
  assert(core.image_write(directory .. "/" .. names[i], canvas))
end
local files <const> = require("braid.data.dataset"){files = names, root = directory,
  labels = {points = braid.rand(6, 4, 2), class = braid.ones({6}, {dtype = "int64"}),
    roll = braid.rand(6), face = braid.rand(6, 4), box_width = braid.rand(6)},
  kinds = {face = "box"}, flips = {class = {1}}}:copied{}
local steps <const> = {data.crop{margin = 1.2}, data.resize(24), data.augment{rotate = 20,
  flip = 0.5, size = 10}, data.blur(1), data.noise(0.1), data.equalize(), data.whiten(),
  data.pose_bins("roll", {as = "level", bins = 4})}
for _, stop in ipairs{1, 9} do
  for _, cache in ipairs{false, directory .. "/cache"} do
    local taken = 0
    local batches <close> = data.loader(files, {batch = 2, workers = 2, transforms = steps,
      tasks = {points = {flip = {2, 1, 4, 3}}}, cache = cache or nil, shuffle = true})
    for batch in batches do
      taken = taken + batch.count
      if taken >= stop then break end
    end
  end
end
os.remove(directory .. "/3.png")
raises("3.png", function()
  for _ in data.loader(files, {batch = 2, workers = 2, transforms = steps,
                               tasks = {points = {flip = {1, 2, 3, 4}}}}) do
    collectgarbage("step")
  end
end)
os.execute("rm -r " .. directory)

local faces <const> = core.faces(1, 0, 2, 32, 3)
assert(faces.shape[1] == 2)
collectgarbage()
