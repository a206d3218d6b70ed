--- What `make valgrind` runs: a little of everything that the core does with memory.

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

-- A step of a small network: convolution, norm, pooling, product and loss, there and back.
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

-- An image, written, read, cut short and read again.
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
local faces <const> = core.faces(1, 0, 2, 32, 3)
assert(faces.shape[1] == 2)
collectgarbage()
