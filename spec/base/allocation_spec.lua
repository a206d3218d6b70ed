--- Tests that an allocation that fails causes only a Lua error, and that unused memory is freed.
-- Each failure causes a full collection, so this file should run before others have filled Lua's
-- heap. Its name puts it first.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local arrays <const> = require "spec.support.arrays"

-- The operators' rows of ops_spec.lua. Its describe blocks do not run.
local rows <const> = assert(loadfile("spec/op/ops_spec.lua", "t",
  setmetatable({describe = function() end}, {__index = _G})))()

local function live()
  collectgarbage() -- runs every finalizer, and finalizers free the tensors
  return braid.memory().live
end

-- Runs f with the n-th allocation failing, for n = first to last or until none fails. Every failure
-- must raise the error about memory. A scope frees what f makes, and gradients of `leaves` are
-- removed. Returns the last n.
local function fail_from(first, last, f, leaves)
  for n = first, last do
    local scope <close> = braid.scope()
    core.fail_after(n)
    local ok <const>, message <const> = pcall(f)
    core.fail_after(-1)
    scope:close()
    for _, t in ipairs(leaves or {}) do t.grad = nil end
    if ok then return n end
    assert.matches("out of memory", message)
  end
  return last
end

-- Fails every allocation of f in turn, and reports each failure that leaves memory behind. Returns
-- the number of allocations.
local function fail_everywhere(f, leaves)
  fail_from(-1, -1, f, leaves)
  local before <const> = live()
  local n <const> = fail_from(0, 500, f, leaves)
  if live() ~= before then
    for k = 0, n do
      local was <const> = live()
      fail_from(k, k, f, leaves)
      if live() ~= was then
        error(("failing allocation %d of a call leaks %d bytes"):format(k + 1,
          live() - was), 0)
      end
    end
  end
  assert.equal(before, live())
  return n
end

-- The arguments are made before the call, so that the failure is in the call.
local function call_of(name, case, differentiable, in_place)
  local args <const> = arrays.arguments(case, "float32",
    not rows[name].as_it_lies and arrays.layouts.transposed or nil)
  local f <const> = core.ops[in_place and name .. "_" or name]
  local asked <const> = {}
  for i, t in ipairs(arrays.tensors(args)) do
    if differentiable and arrays.is_float(t) and (not case.differentiable
      or case.differentiable[i]) then
      asked[#asked + 1] = t:requires_grad_()
    end
  end
  return function()
    local y <const> = f(table.unpack(args, 1, args.n))
    if y.requires_grad and #asked > 0 and not in_place then
      y:backward {gradient = y:detach()}
    end
  end, asked
end

describe("when memory runs out", function()
  after_each(function() core.fail_after(-1) end)

  for _, known in ipairs(core.rows) do
    local row <const> = rows[known.name]
    if row and not row.elsewhere then
      it("in " .. known.name .. " or its gradient, an error is raised and nothing leaks",
        function()
        local f <const>, asked <const> = call_of(known.name, row.cases[1],
          known.differentiable)
        assert.is_true(fail_everywhere(f, asked) > 0)
      end)
    end
  end

  it("in the first cases of any operator, an error is raised and nothing leaks #slow",
    function()
    for _, known in ipairs(core.rows) do
      for i, case in ipairs(table.move(rows[known.name].cases or {}, 2, 4, 1, {})) do
        local f <const>, asked <const> = call_of(known.name, case, known.differentiable)
        local ok <const>, message <const> = pcall(fail_everywhere, f, asked)
        assert.is_true(ok, ("%s, case %d: %s"):format(known.name, i + 1, message))
        if known.in_place and i == 1 then
          fail_everywhere((call_of(known.name, case, false, true)))
        end
      end
    end
  end)

  it("in an operator in place, an error is raised and nothing leaks", function()
    for _, name in ipairs {"add", "masked_fill", "clamp", "copy", "fill", "exp"} do
      fail_everywhere((call_of(name, rows[name].cases[1], false, true)))
    end
  end)

  for _, name in ipairs {"uniform", "normal", "bernoulli", "dropout"} do
    it("in " .. name .. ", an error is raised and nothing leaks", function()
      local x <const> = braid.zeros(3, 4)
      assert.is_true(fail_everywhere(function() core.ops[name](x) end) > 0)
    end)
  end

  it("in a change in place that is recorded, an error is raised and nothing leaks",
    function()
    local x <const> = braid.ones(3):requires_grad_()
    fail_everywhere(function()
      local y <const> = (x * 3):mul_(2):square_()
      y:sum():backward()
    end, {x})
  end)

  it("in optimizer steps, an error is raised and nothing leaks", function()
    local p <const>, g <const> = braid.ones(4, 3), braid.ones(3, 4):t()
    local m <const>, v <const> = braid.zeros(4, 3), braid.zeros(4, 3)
    assert.is_true(fail_everywhere(function()
      core.ops.sgd_step(p, g, m, 0.1, 0.9, 0, 0, 0, 0)
    end) > 0)
    assert.is_true(fail_everywhere(function()
      core.ops.adam_step(p, g, m, v, nil, 0.1, 0.9, 0.99, 1e-8, 0, 0, 1)
    end) > 0)
    assert.is_true(fail_everywhere(function()
      core.ops.rmsprop_step(p, g, m, v, nil, 0.1, 0.9, 1e-8, 0, 0)
    end) > 0)
  end)

  it("in making, indexing, writing and printing, an error is raised and nothing leaks",
    function()
    local x <const> = braid.rand(4, 5)
    local mask <const>, index <const> = x:gt(0.5), braid.tensor({1, 3}, {dtype = "int64"})
    for i, f in ipairs {function() braid.zeros(2, 3) end,
      function() braid.tensor {{1, 2}, {3, 4}} end,
        function() braid.randn(3) end, function() braid.randperm(5) end,
          function() braid.eye(3) end,
        function() return x[2] end, function() return x[{{1, 2}, 3}] end,
        function() return x[mask] end, function() return x[index] end,
          function() x[1] = 2 end, function() return x[{{}, index}] end,
        function() return x[{index, index}] end, function() return x[mask:any(2)] end,
          function() x[{{}, index}] = 1 end, function() x[mask] = braid.ones(1) end,
        function() x[{{}, {1, 2}}] = braid.ones(2) end, function() x[mask] = 1 end,
        function() return tostring(x) end, function() return x:t():totable() end,
        function() return x:detach() end, function() return core.bytes(x:t()) end} do
      local ok <const>, message <const> = pcall(fail_everywhere, f)
      assert.is_true(ok, ("call %d: %s"):format(i, message))
    end
  end)

  it("in a network's step, an error is raised and nothing leaks", function()
    local F <const> = braid.F
    local x <const> = braid.randn(2, 3, 6, 6)
    local w <const>, b <const> = braid.randn(4, 3, 3, 3):requires_grad_(),
      braid.zeros(4):requires_grad_()
    local g <const>, s <const> = braid.ones(4):requires_grad_(),
      braid.zeros(4):requires_grad_()
    local l <const> = braid.randn(5, 36):requires_grad_()
    local target <const> = braid.tensor({1, 5}, {dtype = "int64"})
    local parameters <const> = {w, b, g, s, l}
    fail_everywhere(function()
      local h <const> = F.batch_norm(F.conv2d(x, w, b, {padding = 1}), g, s,
        {training = true})
      local pooled <const> = F.max_pool2d(h:relu(), 2):flatten(2)
      F.cross_entropy(F.linear(pooled, l), target):backward()
    end, parameters)
  end)

  for what, make in pairs(require "spec.support.bound_calls") do
    it("in a call (" .. what .. "), an error is raised and nothing leaks", function()
      local function refused(n)
        local f <const>, args <const> = make()
        core.fail_after(n)
        local ok <const>, message <const> = pcall(f, table.unpack(args, 1, args.n))
        core.fail_after(-1)
        if not ok then assert.matches("out of memory", message) end
        return ok
      end
      refused(-1)
      local before <const>, n = live(), 0
      while not refused(n) do n = n + 1 end
      live()
      assert.equal(before, live())
    end)
  end

  it("a failed backward can be repeated when there is memory again", function()
    local x <const> = braid.tensor({1, 2}):requires_grad_()
    for n = 0, 30 do
      x.grad = nil
      local y <const> = (x * x):exp():sum()
      core.fail_after(n)
      local ok <const> = pcall(y.backward, y)
      core.fail_after(-1)
      x.grad = nil;
      (x * x):sum():backward() -- fails if a call of the failed backward still waits
      assert.same({2, 4}, x.grad:totable())
      if ok then return end
    end
  end)

  it("running statistics change once, and not at all if the call fails", function()
    local x <const> = braid.randn(4, 3, 5)
    local weight <const> = braid.ones(3):requires_grad_()
    local moved <const>, failed = x:mean({1, 3}) * 0.5, 0
    for n = 0, 60 do
      local mean <const>, var <const> = braid.zeros(3), braid.zeros(3)
      core.fail_after(n)
      local ok <const> = pcall(core.ops.batch_norm, x, weight, nil, mean, var,
        {training = true, momentum = 0.5})
      core.fail_after(-1)
      if ok then
        assert.is_true((mean - moved):abs():max():item() < 1e-6)
        assert.is_true(failed > 8) -- some of them in the graph
        return
      end
      failed = failed + 1
      assert.same({0, 0, 0}, mean:totable())
      assert.same({0, 0, 0}, var:totable())
    end
    error("never succeeded")
  end)

  it("a random draw that fails does not change the state of the generator", function()
    local x <const> = braid.ones(40):requires_grad_()
    braid.manual_seed(7)
    local wanted <const> = core.ops.dropout(x, 0.5):totable()
    for n = 0, 60 do
      braid.manual_seed(7)
      core.fail_after(n)
      local ok <const> = pcall(core.ops.dropout, x, 0.5)
      core.fail_after(-1)
      if ok then return assert.is_true(n > 4) end
      assert.same(wanted, core.ops.dropout(x, 0.5):totable())
    end
    error("never succeeded")
  end)
end)

describe("memory", function()
  it("is refused for tensors that are too large", function()
    assert.error_matches(function() braid.zeros(1 << 50) end, "out of memory")
    assert.has_error(function() braid.zeros(1 << 40, 1 << 40) end,
      "zeros: (1099511627776, 1099511627776) "
      .. "is not a possible shape: a size is negative, or the product is too large")
    assert.has_error(function() braid.zeros(-1) end,
      "zeros: size 1 must be a whole number from 0, not -1")
    assert.has_error(function() braid.ones(2):expand(1 << 40, 1 << 40, 2) end,
      "expand: the shape (1099511627776, 1099511627776, 2) is too large")
  end)

  it("of tensors that are not used any more stays limited, without scopes", function()
    local before <const> = live()
    for _ = 1, 1000 do braid.empty(250000) end -- so that earlier use does not count in the limit
    core.reset_peak()
    for _ = 1, 1000 do braid.empty(250000) end
    -- The limit is 64 MB or twice what was live, whichever is larger.
    assert.is_true(braid.memory().peak <= math.max(64 << 20, 2 * before) + (4 << 20))
  end)

  it("of a graph that is dropped in every step stays limited", function()
    local before <const> = live()
    local w <const> = braid.ones(100000):requires_grad_()
    local function steps(n)
      for _ = 1, n do
        w.grad = nil
        w:exp():square():sum():backward()
      end
    end
    steps(300)
    core.reset_peak()
    steps(300)
    assert.is_true(braid.memory().peak <= math.max(64 << 20, 2 * before) + (8 << 20))
  end)

  it("is counted by live and peak", function()
    live()
    core.reset_peak()
    local before <const> = braid.memory()
    assert.equal(before.live, before.peak)
    local x <const> = braid.ones(1000000)
    local now <const> = braid.memory()
    assert.is_true(now.live - before.live >= 4000000)
    assert.is_true(now.peak >= now.live)
    assert.equal(1000000, x:numel())
  end)

  it("is freed when a tensor is collected", function()
    local before <const> = live()
    do local _ = braid.ones(1000) end
    assert.equal(before, live())
  end)

  it("of one tensor never overlaps that of another, in any order of making and freeing", function()
    local held <const>, state = {}, 12345
    local function draw(n)
      state = (state * 1103515245 + 12345) % (1 << 31)
      return state // 7 % n + 1
    end
    for i = 1, 1500 do
      local place <const> = draw(40)
      if held[place] then
        local t <const>, value <const> = held[place][1], held[place][2]
        assert.equal(value, t:min():item())
        assert.equal(value, t:max():item())
      end
      held[place] = nil
      if i % 100 == 0 then collectgarbage() end
      local size <const> = draw(3) == 1 and draw(100) or draw(20000)
      held[place] = {braid.full({size}, i), i}
    end
  end)

  -- The build with sanitizers never reuses a block.
  local no_pool <const> = package.cpath:find("build-asan", 1, true)
  local stat <const> = io.open("/proc/self/stat")
  if stat then stat:close() end

  -- The page faults of this process so far.
  local function faults()
    local file <const> = assert(io.open("/proc/self/stat"))
    local text <const> = file:read("a")
    file:close()
    return tonumber(text:match("%) %S+ %S+ %S+ %S+ %S+ %S+ %S+ (%d+)"))
  end

  if stat and not no_pool then
    it("is reused: training steps after the first ones cause few page faults", function()
      local nn <const> = braid.nn
      local net <const> = nn.Sequential{nn.Conv2d(3, 16, {kernel = 5}), nn.BatchNorm2d(16),
        nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * 18 * 18, 64), nn.ReLU(),
        nn.Linear(64, 4)}
      local opt <const> = braid.optim.Adam(net:parameters(), {lr = 1e-3})
      local x <const>, y <const> = braid.rand(16, 3, 40, 40), braid.randint(1, 4, {16})
      local function steps(n)
        for _ = 1, n do
          local _ <close> = braid.scope()
          opt:zero_grad()
          braid.F.cross_entropy(net(x), y):backward()
          opt:step()
        end
      end
      steps(4)
      local before <const> = faults()
      steps(10)
      -- A step's buffers are over a thousand pages; Lua's own heap may grow by some.
      assert.is_true(faults() - before < 300, faults() - before .. " pages")
    end)
  end
end)
