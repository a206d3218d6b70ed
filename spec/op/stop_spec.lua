--- Ctrl-C in the middle of operators: they stop soon, and leave nothing half done.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local arrays <const> = require "spec.support.arrays"
local errors <const> = require "braid.repl.errors"
local ops <const> = core.ops

-- The rows of ops_spec.lua, without running its tests.
local rows <const> = assert(loadfile("spec/op/ops_spec.lua", "t",
  setmetatable({describe = function() end}, {__index = _G})))()

local CASES <const> = 3 -- how many cases of each operator are tested
local BANDS <const> = "run(j, total" -- a loop of conv/pool.c that checks for a stop in each band

local function live()
  collectgarbage()
  return braid.memory().live
end

local function bytes_of(tensors)
  local parts <const> = {}
  for i, t in ipairs(tensors) do parts[i] = core.bytes(t) end
  return table.concat(parts, "|")
end

-- Runs f with a stop at its n-th allocation, for n = 0 to 200. Then after(n, ok) checks the state.
-- Returns how often f was stopped.
local function stop_everywhere(f, after)
  local stops = 0
  for n = 0, 200 do
    local scope <close> = braid.scope()
    core.stop_after(n)
    local ok <const>, message <const> = pcall(f)
    core.stop_after(-1)
    scope:close()
    if not ok then
      assert.matches("interrupted!$", message)
      stops = stops + 1
    end
    after(n, ok)
  end
  return stops
end

-- Calls an operator and its gradient, with a stop at each allocation. Neither its inputs nor their
-- gradients may change, and nothing may stay in memory.
local function check(known, case)
  local args <const> = arrays.arguments(case, "float32")
  local tensors <const>, leaves <const> = arrays.tensors(args), {}
  for i, t in ipairs(known.differentiable and tensors or {}) do
    if arrays.is_float(t) and (not case.differentiable or case.differentiable[i]) then
      leaves[#leaves + 1] = t:requires_grad_()
      t.grad = braid.ones(t.shape)
    end
  end
  local was
  local ones <const> = {}
  for i, t in ipairs(leaves) do ones[i] = core.bytes(t.grad) end
  local function f()
    local y <const> = ops[known.name](table.unpack(args, 1, args.n))
    was = bytes_of(tensors) -- running statistics may have changed
    if y.requires_grad then y:backward{gradient = y:detach()} end
  end
  f()
  for _, t in ipairs(leaves) do t.grad = braid.ones(t.shape) end
  local before <const> = live()
  return stop_everywhere(f, function(n, ok)
    local place <const> = ("%s, stop %d"):format(known.name, n)
    assert.equal(was, bytes_of(tensors), place)
    for i, t in ipairs(leaves) do
      if not ok then assert.equal(ones[i], core.bytes(t.grad), place) end
      t.grad = braid.ones(t.shape)
    end
    if not ok then assert.equal(before, live(), place) end
  end)
end

-- Calls an operator that writes into its first input. It must write all results or none.
local function check_in_place(known, case)
  local function run(n)
    local args <const> = arrays.arguments(case, "float32")
    local first <const> = args[1]
    local before <const> = core.bytes(first)
    core.stop_after(n)
    local ok <const> = pcall(ops[known.name .. "_"], table.unpack(args, 1, args.n))
    core.stop_after(-1)
    return ok, core.bytes(first), before
  end
  local _, wanted <const> = run(-1)
  for n = 0, 5 do
    local ok <const>, got <const>, before <const> = run(n)
    assert.equal(ok and wanted or before, got, known.name)
  end
end

describe("an operator that is stopped at an allocation", function()
  after_each(function() core.stop_after(-1) end)

  for _, known in ipairs(core.rows) do
    local row <const> = rows[known.name]
    if row and not row.elsewhere then
      it("raises an error and changes nothing: " .. known.name .. " #slow", function()
        local stops = 0
        for i = 1, math.min(CASES, #row.cases) do
          stops = stops + check(known, row.cases[i])
          if known.in_place then check_in_place(known, row.cases[i]) end
        end
        assert.is_true(stops > 0)
      end)
    end
  end
end)

-- ---- long work ------------------------------------------------------------------------

local function real(...) return ops.uniform(core.new({...}, "float32"), 0.1, 2) end
local function places(n, most) return ops.random(core.new({n}, "int64"), 1, most) end
local function leaf(t) return t:requires_grad_() end
local function backward(y) return function() y:backward{gradient = y:detach()} end end

-- Functions that make a long call, one for each kind of loop in operators.
local N <const> = 10000000
local LONG <const> = {
  map = function(x) return function() return ops.erf(x):erf():erf() end end,
  ["map of a view"] = function(x)
    local t <const> = x:reshape(2500, 4000):t()
    return function() return ops.tan(t):tan() end
  end,
  sum = function(x) return function() return ops.sum(x:expand(100, N)) end end,
  prod = function(x) return function() return ops.prod(x:expand(5, N)) end end,
  cumsum = function(x) return function() return ops.cumsum(x, 1):cumsum(1):cumsum(1) end end,
  norm = function(x) return function() return ops.norm(x, 3) end end,
  softmax = function(x) return function() return ops.log_softmax(x:reshape(10, -1), 1) end end,
  sort = function(x) return function() return ops.sort(x) end end,
  topk = function(x) return function() return ops.topk(x, N // 10) end end,
  median = function(x) return function() return ops.median(x:reshape(10, -1), 1) end end,
  gather = function(x)
    local at <const> = places(N, N)
    return function() return ops.gather(x, 1, at) end
  end,
  scatter_add = function(x)
    local at <const> = places(N // 2, N)
    return function() return ops.scatter_add(x, 1, at, x) end
  end,
  matmul = function(x)
    local a <const> = x[{ {1, 6250000} }]:reshape(2500, 2500)
    return function() return ops.matmul(a, a) end
  end,
  ["a deep matmul"] = function(x)
    local a <const> = x:reshape(100, N // 100)
    return function() return ops.matmul(a, a:t()) end
  end,
  conv2d = function()
    local x <const>, w <const> = real(8, 32, 256, 256), real(32, 32, 3, 3)
    return function() return ops.conv2d(x, w) end
  end,
  ["conv2d's gradient"] = function()
    return backward(ops.conv2d(leaf(real(8, 16, 200, 200)), leaf(real(32, 16, 5, 5))))
  end,
  ["conv2d on few pixels"] = function()
    local x <const>, w <const> = real(1, 512, 8, 8), real(1024, 512, 3, 3)
    return function() for _ = 1, 20 do ops.conv2d(x, w) end end
  end,
  avg_pool2d = function(x)
    local t <const> = x:reshape(1, 1, 2500, 4000)
    return function() return ops.adaptive_avg_pool2d(t, 1) end
  end,
  ["batch_norm's gradient"] = function()
    return backward(ops.batch_norm(leaf(real(64, 64, 64, 64)), nil, nil, nil, nil, true))
  end,
  normal = function()
    return function() return ops.normal(core.new({N}, "float32"), 0, 1) end
  end,
  grid_sample = function()
    local x <const>, at <const> = real(1, 16, 400, 400), real(1, 1000, 1000, 2)
    return function() return ops.grid_sample(x, at) end
  end,
  nms = function()
    local low <const> = ops.uniform(core.new({20000, 2}, "float32"), 0, 1000)
    local boxes <const>, scores <const> = ops.cat({low, low + 1}, 2), real(20000)
    return function() return ops.nms(boxes, scores, 0.9) end
  end,
  ["many inverses"] = function()
    local a <const> = real(20000, 20, 20):to("float64")
    return function() return ops.inverse(a) end
  end,
}

-- How long f goes on after a Ctrl-C that comes after `wait` seconds, on a machine that may be busy.
local function seconds_to_stop(f, wait)
  os.execute(("(sleep %.3f; kill -INT %d) &"):format(wait, core.process_id()))
  local begun <const> = core.clock()
  local ok <const> = core.interruptible(errors.caught, function()
    f()
    while core.clock() - begun < wait + 5 do end -- if f ended before the Ctrl-C came
  end)
  assert.is_false(ok)
  return core.clock() - begun - wait
end

describe("long work", function()
  local x
  setup(function() x = real(N) end)
  teardown(function() x = nil end)

  for name, make in pairs(LONG) do
    it("stops within 50 ms of Ctrl-C: " .. name .. " #slow", function()
      local begun <const>, best = core.clock(), math.huge
      make(x)()
      local full <const> = core.clock() - begun
      for _ = 1, 10 do -- other programs may delay an attempt
        local idle <const> = seconds_to_stop(function() end, 0.05)
        best = math.min(best, seconds_to_stop(make(x), full / 3) - idle)
        if best < 0.05 then break end
      end
      assert.is_true(best < 0.05, ("%s takes %.0f ms, and %.0f ms to stop"):format(name,
        full * 1000, best * 1000))
    end)
  end

  it("checks for a stop in every parallel loop of csrc/op", function()
    local loops = 0
    for _, folder in ipairs{"csrc/op", "csrc/op/conv"} do
      for _, name in ipairs((core.list_folder(folder))) do
        local lines <const> = {}
            for line in io.lines(folder .. "/" .. name) do lines[#lines + 1] = line end
        for i, line in ipairs(lines) do
          if line:find("^#pragma omp.* for ") then
            loops = loops + 1
            local text <const> = table.concat(lines, "\n", i, math.min(i + 6, #lines))
            assert.is_true(text:find("br_stopped()", 1, true) ~= nil
              or text:find(BANDS, 1, true) ~= nil, ("%s/%s:%d"):format(folder, name, i))
          end
        end
      end
    end
    assert.is_true(loops > 50)
  end)
end)
