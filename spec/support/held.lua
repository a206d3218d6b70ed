--- Every bound function, called while something within the call closes the scope of its
-- tensors and collects them: the lengths of the tables that it reads, or a finalizer that runs
-- at the first allocation. The answer is the right one or an error; reading what has been
-- freed shows under the address sanitizer. Run by spec/held_spec.lua in a process of its own,
-- whose heap is small. Prints how many calls there were.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local arrays <const> = require "spec.support.arrays"

local rows <const> = assert(loadfile("spec/ops_spec.lua", "t",
  setmetatable({describe = function() end}, {__index = _G})))()

local count, answered = 0, 0

-- The same, but for f, which runs whenever the length of a table in it is read.
local function trapped(value, f)
  if type(value) ~= "table" then return value end
  local copy <const> = {}
  for k, v in pairs(value) do copy[k] = trapped(v, f) end
  return setmetatable(copy, {__len = function(t)
    f()
    return rawlen(t)
  end})
end

-- What a call gave, as text that can be compared.
local function shown(...)
  local parts <const> = table.pack(...)
  for i = 1, parts.n do
    local v <const> = parts[i]
    if core.is_tensor(v) then
      parts[i] = v.dtype .. table.concat(v.shape, "x") .. core.bytes(v)
    elseif type(v) == "table" then
      local list <const> = {}
      for k, x in pairs(v) do list[#list + 1] = shown(k) .. "=" .. shown(x) end
      table.sort(list)
      parts[i] = table.concat(list, ";")
    else
      parts[i] = (type(v) == "number" or type(v) == "string") and tostring(v) or type(v)
    end
  end
  return table.concat(parts, "|")
end

local ALLOWED <const> = {"was released", "released by its scope", "this tensor is empty",
  "does not require"}

local function check(what, ok, got, wanted)
  count = count + 1
  if ok then
    answered = answered + 1
    if wanted and got ~= wanted then error(what .. ": another answer than undisturbed", 0) end
    return
  end
  for _, text in ipairs(ALLOWED) do
    if got:find(text, 1, true) then return end
  end
  error(("%s: %s"):format(what, got), 0)
end

local function collect_at_every_allocation()
  collectgarbage("incremental", 1, 400, 63)
  collectgarbage()
end

local function collect_as_usual()
  collectgarbage("incremental", 200, 100, 13)
  collectgarbage()
end

-- make() gives a function and its arguments, all made anew and held by nothing else.
local function attack(what, make, free)
  local wanted
  if not free then
    local f <const>, args <const> = make()
    wanted = shown(f(table.unpack(args, 1, args.n)))
  end
  for how = 1, 3 do
    local scope <const> = braid.scope()
    local f, args = make()
    local function close()
      args = nil
      scope:close()
      collectgarbage()
    end
    if how == 1 then
      for i = 1, args.n do args[i] = trapped(args[i], close) end
      check(what, pcall(function() return shown(f(table.unpack(args, 1, args.n))) end))
    elseif how == 2 then -- by a finalizer, with the arguments on the stack alone
      local function call(...)
        args = nil
        setmetatable({}, {__gc = close})
        return shown(f(...))
      end
      collect_at_every_allocation()
      local ok <const>, got <const> = pcall(call, table.unpack(args, 1, args.n))
      collect_as_usual()
      check(what, ok, got)
    else -- no scope is closed, but everything that nothing holds is collected
      scope:close()
      f, args = make()
      collect_at_every_allocation()
      local function call(...)
        args = nil
        return f(...)
      end
      local results <const> = table.pack(pcall(call, table.unpack(args, 1, args.n)))
      collect_as_usual()
      check(what, results[1], results[1] and shown(table.unpack(results, 2, results.n))
        or results[2], wanted)
    end
    scope:close()
  end
end

-- ---- operators ------------------------------------------------------------------------

local function grads(f)
  return function(...)
    local y <const> = f(...)
    if y.requires_grad then y:backward{gradient = y:detach()} end
    return y
  end
end

for _, known in ipairs(core.rows) do
  local row <const> = rows[known.name]
  for i, case in ipairs(row and not row.elsewhere and row.cases or {}) do
    if i > 3 then break end
    for _, recorded in ipairs{false, known.differentiable or nil} do
      attack(known.name, function()
        local args <const> = arrays.arguments(case, "float32")
        for _, t in ipairs(recorded and arrays.tensors(args) or {}) do
          if arrays.is_float(t) then t:requires_grad_() end
        end
        return recorded and grads(core.ops[known.name]) or core.ops[known.name], args
      end)
    end
    if known.in_place and i == 1 then
      attack(known.name .. "_", function()
        return core.ops[known.name .. "_"], arrays.arguments(case, "float32")
      end, true)
    end
  end
end

-- ---- the rest -------------------------------------------------------------------------

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

local CALLS <const> = {
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
  draw_disk = function() return core.draw_disk, pack(canvas(), 1, 1, 2, colour()) end,
  draw_circle = function() return core.draw_circle, pack(canvas(), 1, 1, 2, 1, colour()) end,
  draw_line = function() return core.draw_line, pack(canvas(), 1, 1, 2, 2, 1, colour()) end,
  draw_rect = function() return core.draw_rect, pack(canvas(), 1, 1, 2, 2, 1, colour()) end,
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

for what, make in pairs(CALLS) do attack(what, make, what:find "^step") end

print(count, answered)
