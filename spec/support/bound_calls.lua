--- A call of each bound function that is not an operator. Each entry makes the function and its
-- arguments anew, in a list with its length `n`. spec/support/held.lua and
-- spec/base/allocation_spec.lua disturb these calls or let them fail.

local braid <const> = require "braid"
local core <const> = require "braid.core"

local function grads(f)
  return function(...)
    local y <const> = f(...)
    if y.requires_grad then y:backward{gradient = y:detach()} end
    return y
  end
end

local function ones(...) return braid.ones(...) end
local function pack(...) return table.pack(...) end
local function leaf(...) return ones(...):requires_grad_() end
local function bytes(...) return braid.ones(...):to("uint8") end
local function index(t, key) return t[key] end
local function write(t, key, v)
  t[key] = v
  return t
end
local function canvas() return bytes(4, 4, 3) end
local colour <const> = function() return {1, 2, 3} end
local function mask() return braid.tensor{ {true, false}, {false, true} } end

return {
  like = function() return core.like, pack(ones(2, 3), "float32", 2) end,
  from_table = function() return core.from_table, pack({ {1, 2}, {3, 4} }, "float32") end,
  new = function() return core.new, pack({2, 3}, "float32", 1) end,
  totable = function() return core.totable, pack(ones(2, 3)) end,
  ["totable of a view"] = function() return core.totable, pack(ones(2, 3):t()) end,
  bytes = function() return core.bytes, pack(ones(2, 3):t()) end,
  item = function() return core.item, pack(ones(1)) end,
  detach = function() return core.detach, pack(leaf(2)) end,
  requires_grad = function() return core.requires_grad, pack(ones(2)) end,
  keep = function() return core.keep, pack(ones(2)) end,
  version = function() return core.version, pack(ones(2), ones(1)) end,
  shape = function() return index, pack(ones(2, 3), "shape") end,
  grad = function()
    local t <const> = leaf(2)
    t.grad = ones(2)
    return index, pack(t, "grad")
  end,
  ["set grad"] = function() return write, pack(leaf(2), "grad", ones(2)) end,
  ["index by a number"] = function() return index, pack(ones(2, 3), 1) end,
  ["index by ranges"] = function() return index, pack(ones(4, 4), { {1, 2}, {2, 4} }) end,
  ["index by tensors"] = function()
    return index, pack(ones(4, 4), {braid.tensor({1, 2}, {dtype = "int64"}), 2})
  end,
  ["index by a mask"] = function() return index, pack(ones(2, 2), mask()) end,
  ["write by a number"] = function() return write, pack(ones(2, 3), 1, 5) end,
  ["write by ranges"] = function() return write, pack(ones(4, 4), { {1, 2}, {2, 4} }, ones(3)) end,
  ["write by tensors"] = function()
    return write, pack(ones(4, 4), {braid.tensor({1, 2}, {dtype = "int64"}), 2}, ones(2))
  end,
  ["write by a mask"] = function() return write, pack(ones(2, 2), mask(), 3) end,
  ["write by a mask in a table"] = function() return write, pack(ones(2, 2), {mask()}, 3) end,
  backward = function() return core.backward, pack(leaf(2) * 2, ones(2), false) end,
  ["braid.grad"] = function()
    local x <const> = leaf(2)
    return core.grad, pack(x * 2, {x}, ones(2), false)
  end,
  register_hook = function()
    return function(...) return type(core.register_hook(...)) end, pack(leaf(2), function() end)
  end,
  record_function = function()
    return core.record_function, pack({leaf(2), leaf(3)}, {ones(2)}, function() end)
  end,
  ["braid.Function"] = function()
    local f <const> = braid.Function{forward = function(_, x) return x * 2 end,
      backward = function(_, dy) return dy * 2 end}
    return grads(f), pack(leaf(3))
  end,
  has_grad = function() return core.has_grad, pack(leaf(3)) end,
  clear_grads = function() return core.clear_grads, pack{leaf(3)} end,
  count = function() return core.count, pack(braid.tensor({1}, {dtype = "int64"})) end,
  area = function()
    return core.area, pack(canvas(), braid.tensor({ {1, 1, 3, 3} }, {dtype = "int64"}), 2, 2)
  end,
  image_resize = function() return core.image_resize, pack(canvas(), 2, 3) end,
  image_encode = function() return core.image_encode, pack(canvas()) end,
  draw_disk = function() return core.draw_disk, pack(canvas(), 1, 1, 2, colour()) end,
  draw_circle = function() return core.draw_circle, pack(canvas(), 1, 1, 2, 1, colour()) end,
  draw_line = function() return core.draw_line, pack(canvas(), 1, 1, 2, 2, 1, colour()) end,
  draw_rect = function() return core.draw_rect, pack(canvas(), 1, 1, 2, 2, 1, colour()) end,
  draw_polygon = function()
    return core.draw_polygon, pack(canvas(), {0, 0, 3, 0, 0, 3}, 0.5, colour())
  end,
  draw_text = function() return core.draw_text, pack(canvas(), 0, 0, "a", 1, colour()) end,
  draw_image = function() return core.draw_image, pack(canvas(), bytes(2, 2, 3), 0, 0) end,
  warp = function()
    local images <const> = bytes(1, 4, 4, 3):permute(1, 4, 2, 3)
    return core.warp, pack(images, braid.tensor({1}, {dtype = "int64"}),
      braid.tensor({ {1, 0, 0, 0, 1, 0} }, {dtype = "float64"}), 2, 2, true)
  end,
  load_crops = function()
    return core.load_crops, pack({"/nowhere/a.png", "/nowhere/b.png"},
      braid.zeros(2, 4, {dtype = "float64"}), 4, 3)
  end,
  ["a step of an optimizer"] = function()
    return function(p, g)
      p.grad = g
      local u <const> = core.updates "sgd_step"
      u:add(p, false, 0.1, 0, 0, 0, 0, 1)
      u:run()
    end, pack(leaf(2), ones(2))
  end,
  ["a chain of layers"] = function()
    local nn <const> = braid.nn
    local net <const> = nn.Sequential{nn.Conv2d(3, 4, {kernel = 3}), nn.ReLU(), nn.MaxPool2d(2),
      nn.Flatten(), nn.Linear(4, 2)}
    for _, p in ipairs(net:parameters()) do p:detach():fill_(1) end
    net:eval()
    local no_grad <const> = braid.no_grad
    return function(x) return no_grad(function() return net(x) end) end, pack(ones(1, 3, 4, 4))
  end,
}
