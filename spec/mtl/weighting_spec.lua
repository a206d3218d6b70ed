--- The methods of mtl.weighting: their results for given gradients, against torchjd's values
-- (spec/support/weightings_torchjd.py) and the papers' equations. All methods in extreme cases.

local braid <const> = require "braid"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local errors <const> = require "braid.repl.errors"
local folder <const> = require "braid.folder"
local jacobian <const> = require "spec.support.jacobian"
local methods <const> = require "spec.support.weightings"
local mtl <const> = braid.mtl
local w <const> = mtl.weighting

local function doubles(values) return braid.tensor(values, {dtype = "float64"}) end

-- The largest difference, divided by the length of the expected vector or of the gradients.
local function apart(got, wanted, j)
  local size <const> = math.max(wanted:norm():item(), 1e-9 * j:norm():item())
  return (got - wanted):norm():item() / size
end

describe("a weighting", function()
  local golden <const> = assert(braid.load("spec/golden/weightings.safetensors"))
  -- CAGrad's values come from cagrad_exact.py, since torchjd's solver stops 2e-5 from the minimum.
  local TOLERANCE <const> = {cagrad = 1e-10}

  for name, make in pairs(methods) do
    local cases <const> = {}
    for key in pairs(golden) do
      local k <const> = key:sub(1, #name + 1) == name .. "." and key:sub(#name + 2)
      if k and k:find("^%d+$") then cases[#cases + 1] = k end
    end
    if #cases > 0 then
      it("agrees with torchjd: " .. name, function()
        for _, k in ipairs(cases) do
          local j <const>, losses <const> = golden["j." .. k], golden["losses." .. k]
          local wanted <const> = golden[name .. "." .. k]
          local _, step <const> = jacobian.weighing(make(j:size(2)), j:size(2))
          for i = 1, wanted:size(1) do
            local got <const> = step(j[i], losses[i]:totable())
            assert.is_true(apart(got, wanted[i], j[i]) <= (TOLERANCE[name] or 1e-7),
              ("case %s, step %d: %.1e"):format(k, i, apart(got, wanted[i], j[i])))
          end
        end
      end)
    end
  end

  local ALONE <const> = {["mgda exact"] = true, nash = true, fairgrad = true, ["fairgrad 2"] = true}
  it("has torchjd's values, or is in ALONE, whose equations are tested below", function()
    for name in pairs(methods) do
      assert.is_true(ALONE[name] or golden[name .. ".0"] ~= nil, name)
    end
  end)
end)

describe("upgrad", function()
  it("gives a combination along which both tasks of a conflict improve", function()
    local _, step <const> = jacobian.weighing(w.upgrad{}, 2)
    local g <const>, c <const> = step(doubles{{-4, 1, 1}, {6, 1, 1}})
    assert.near(1.1109, c[1], 5e-5)
    assert.near(0.7894, c[2], 5e-5)
    for i, wanted in ipairs{0.2929, 1.9004, 1.9004} do assert.near(wanted, g[i]:item(), 5e-5) end
  end)
end)

describe("the equations of methods that use gradients", function()
  local function each_gram(f)
    braid.manual_seed(5)
    for _, t in ipairs{2, 3, 7, 20, 40} do
      local j <const> = braid.randn({t, t + 9}, {dtype = "float64"})
        + braid.randn({1, t + 9}, {dtype = "float64"})
      f(j, t, require("braid.core").ops.gram(j):totable())
    end
  end
  local matrix <const> = require "braid.mtl.weigh.matrix"

  it("hold for nash and fairgrad: G w = w^(-1 / alpha)", function()
    for _, row in ipairs{{w.nash{}, 1}, {w.fairgrad{alpha = 1}, 1}, {w.fairgrad{alpha = 2}, 0.5},
      {w.fairgrad{alpha = 0.5}, 2}, {w.fairgrad{alpha = 10}, 0.1}} do
      each_gram(function(j, t, gram)
        local _, step <const> = jacobian.weighing(row[1], t)
        local _, c <const> = step(j)
        for i, x in ipairs(matrix.times(gram, c)) do
          assert.near(1, x * c[i] ^ row[2], 1e-8, tostring(row[1]))
        end
      end)
    end
  end)

  it("hold for nash: the sum's length is sqrt(T), or max_norm if that is less", function()
    each_gram(function(j, t)
      local _, step <const> = jacobian.weighing(w.nash{}, t)
      assert.near(math.sqrt(t), step(j):norm():item(), 1e-8)
      local _, short <const> = jacobian.weighing(w.nash{max_norm = 0.5}, t)
      assert.near(0.5, short(j):norm():item(), 1e-8)
    end)
  end)

  it("hold for mgda: no gradient has less than |g|^2 along the shortest mixture g", function()
    each_gram(function(j, t)
      local _, step <const> = jacobian.weighing(w.mgda{}, t)
      local g <const>, c <const> = step(j)
      local square <const> = g:square():sum():item()
      assert.near(1, matrix.sum(c), 1e-12)
      for i = 1, t do
        local along <const> = (j[i] * g):sum():item()
        assert.is_true(along >= square - 1e-10)
        if c[i] > 0 then assert.near(square, along, 1e-10) end
      end
    end)
  end)

  it("hold for cagrad: its w minimises the paper's function on the simplex", function()
    each_gram(function(j, t, gram)
      local _, step <const> = jacobian.weighing(w.cagrad{c = 0.4}, t)
      local _, c <const> = step(j)
      local equal <const> = matrix.map(c, function() return 1 / t end)
      local b <const> = matrix.times(gram, equal)
      local r <const> = 0.4 * math.sqrt(matrix.dot(equal, b))
      local share <const> = matrix.map(c, function(x) return x - 1 / t end)
      local mix <const> = matrix.scaled(share, 1 / matrix.sum(share))
      local products <const> = matrix.times(gram, mix)
      local length <const> = math.sqrt(matrix.dot(mix, products))
      assert.near(r / length, matrix.sum(share), 1e-8)
      local least <const> = matrix.dot(mix, b) + r * length
      for i, x in ipairs(mix) do
        local slope <const> = b[i] + r * products[i] / length
        assert.is_true(slope >= least - 1e-8 * math.abs(least))
        if x > 1e-12 then assert.near(least, slope, 1e-8 * math.abs(least)) end
      end
    end)
  end)

  it("hold for imtl: equal projections; config: equal cosines", function()
    each_gram(function(j, t)
      local _, impartial <const> = jacobian.weighing(w.imtl{parts = "gradients"}, t)
      local _, config <const> = jacobian.weighing(w.config{}, t)
      local length <const> = j:square():sum(2):sqrt()
      for _, f in ipairs{impartial, config} do
        local g <const> = f(j)
        local along <const> = (j * g):sum(2) / length
        assert.near(0, (along - along:mean()):abs():max():item(), 1e-9)
      end
    end)
  end)

  it("hold for pcgrad and gradvac with two conflicting gradients", function()
    local j <const> = doubles{{1, 0}, {-1, 1}}
    local _, step <const> = jacobian.weighing(w.pcgrad{}, 2) -- g1 - <g1,g2>/|g2|^2 g2 and so on
    assert.same({0.5, 1.5}, (step(j)):totable())
    local _, vaccine <const> = jacobian.weighing(w.gradvac{beta = 0.5}, 2)
    assert.near(0, (vaccine(j) - doubles{0.5, 1.5}):norm():item(), 1e-6) -- phi_hat is 0 at first
  end)
end)

-- ---- methods with memory, against plain loops ---------------------------------------------

describe("methods with memory", function()
  local function steps(method, t, f)
    braid.manual_seed(8)
    local weighing <const>, step <const> = jacobian.weighing(method, t)
    for k = 1, 6 do
      local j <const> = braid.randn({t, 5}, {dtype = "float64"}) + 0.3
      local losses <const> = braid.rand({t}, {dtype = "float64"}):add(0.2):totable()
      f(k, j, losses, step, weighing)
    end
  end

  it("gradnorm follows its algorithm, and its weights sum to T", function()
    local t <const>, weight <const>, m <const>, v <const> = 3, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}
    local first
    steps(w.gradnorm{lr = 0.1}, t, function(k, j, losses, step)
      local g <const>, c <const> = step(j, losses)
      first = first or losses
      local wanted = j[1] * weight[1] + j[2] * weight[2] + j[3] * weight[3]
      assert.near(0, (g - wanted):norm():item(), 1e-9)
      local mean, rates, mean_rate = 0, {}, 0
      for i = 1, t do
        assert.near(weight[i], c[i], 1e-12)
        mean = mean + weight[i] * j[i]:norm():item() / t
        rates[i] = losses[i] / first[i]
        mean_rate = mean_rate + rates[i] / t
      end
      local sum = 0
      for i = 1, t do
        local length <const> = j[i]:norm():item()
        local aim <const> = mean * (rates[i] / mean_rate) ^ 1.5
        local slope <const> = (weight[i] * length > aim and 1 or -1) * length
        m[i], v[i] = 0.9 * m[i] + 0.1 * slope, 0.999 * v[i] + 0.001 * slope ^ 2
        weight[i] = weight[i] - 0.1 * (m[i] / (1 - 0.9 ^ k)) /
          (math.sqrt(v[i] / (1 - 0.999 ^ k)) + 1e-8)
        sum = sum + weight[i]
      end
      for i = 1, t do weight[i] = weight[i] * t / sum end
    end)
  end)

  it("db averages gradients of log losses and scales them to the same length", function()
    local average = braid.zeros({3, 5}, {dtype = "float64"})
    steps(w.db{}, 3, function(k, j, losses, step)
      local g <const> = step(j, losses)
      local b <const>, total = 0.9 / math.sqrt(k), nil
      average = average * b + j / doubles(losses):reshape(3, 1) * (1 - b)
      local length <const> = average:square():sum(2):sqrt()
      for i = 1, 3 do
        local part <const> = average[i] * (length:max():item() / length[i]:item())
        total = total and total + part or part
      end
      assert.near(0, (g - total):norm():item() / total:norm():item(), 1e-6)
    end)
  end)

  it("moco averages gradients and moves its weights on the simplex", function()
    local y, lambda = braid.zeros({3, 5}, {dtype = "float64"}), {1 / 3, 1 / 3, 1 / 3}
    local onto <const> = require("braid.mtl.weigh.matrix").onto_simplex
    steps(w.moco{gamma = 0.5, rho = 0.1}, 3, function(k, j, losses, step)
      local g <const>, c <const> = step(j, losses)
      y = y + (j - y) * (0.5 / math.sqrt(k))
      local products <const> = y:matmul(y:t())
      local moved <const> = {}
      for i = 1, 3 do
        local slope = 0.1 * lambda[i]
        for l = 1, 3 do slope = slope + products[i][l]:item() * lambda[l] end
        moved[i] = lambda[i] - 0.5 / math.sqrt(k) * slope
      end
      lambda = onto(moved)
      for i = 1, 3 do assert.near(lambda[i], c[i], 1e-12) end
      local wanted <const> = (doubles(lambda):reshape(1, 3):matmul(y)):reshape(5)
      assert.near(0, (g - wanted):norm():item(), 1e-9)
    end)
  end)
end)

-- ---- edges, over all methods --------------------------------------------------------------

-- The state of a weighing as text.
local function remembered(weighing)
  local parts <const> = {}
  local function add(path, value)
    if core.is_tensor(value) then
      value = core.bytes(value)
    elseif type(value) == "table" then
      for _, key in ipairs(check.sorted_keys(value)) do add(path .. "." .. key, value[key]) end
      return
    end
    parts[#parts + 1] = ("%s=%q"):format(path, value)
  end
  add("", weighing:state_dict())
  return table.concat(parts, "\n")
end

local OPTIONS <const> = {fixed = {weights = {task01 = 2}}, dwa = {every = 1}}

local function each_method(f)
  for _, name in ipairs(folder.names(w)) do
    f(name, function() return w[name](OPTIONS[name]) end)
  end
end

local function is_finite(t) return t:eq(t):all():item() and t:abs():lt(math.huge):all():item() end

describe("every weighting", function()
  each_method(function(name, make)
    it("gives finite gradients for zero, equal, opposite, tiny and huge ones: " .. name, function()
      for _, t in ipairs{1, 2, 40} do
        local plain <const> = braid.randn({t, 12}, {dtype = "float64"})
        local cases <const> = {plain, plain * 0, plain:clone():fill_(1), -plain, plain * 1e-12,
          plain * 1e12, plain:clone()}
        cases[7][1] = 0
        for i, j in ipairs(cases) do
          local _, step <const> = jacobian.weighing(make(), t)
          for _ = 1, 3 do
            local g <const>, c <const> = step(j)
            assert.is_true(is_finite(g), ("T = %d, case %d"):format(t, i))
            for _, x in ipairs(c) do assert.is_true(x == x and x < math.huge) end
          end
        end
      end
    end)

    it("keeps the direction of the gradient if there is one task: " .. name, function()
      local j <const> = braid.randn({1, 12}, {dtype = "float64"})
      local _, step <const> = jacobian.weighing(make(), 1)
      local g <const> = step(j)
      if g:norm():item() > 0 then
        assert.near(1, (g * j[1]):sum():item() / g:norm():item() / j:norm():item(), 1e-6)
      end
    end)

    it("refuses a loss or gradient that is not finite, and keeps its state: " .. name, function()
      local j <const> = braid.randn({3, 12}, {dtype = "float64"})
      local weighing <const>, step <const>, losses_at <const> = jacobian.weighing(make(), 3)
      step(j)
      local before <const> = remembered(weighing)
      for _, bad in ipairs{0 / 0, math.huge} do
        local ok <const>, message <const> = pcall(step, j, {1, bad, 1})
        assert.is_false(ok)
        assert.matches("the loss of task 'task02'", message)
      end
      if weighing.method.by ~= "losses" then
        local broken <const> = j:clone()
        broken[3] = 0 / 0
        local own <const> = losses_at(broken, {1, 1, 1})
        for key, loss in pairs(own) do own[key] = loss end
        local ok <const>, message <const> = pcall(step, broken)
        assert.is_false(ok)
        assert.matches("task03'", message)
      end
      assert.equal(before, remembered(weighing))
    end)

    it("can repeat an interrupted step, with the same result: " .. name, function()
      local j <const> = braid.randn({4, 30}, {dtype = "float64"})
      local other <const>, losses <const> = j * 2, {2, 1, 0.5, 3}
      local function begun()
        local weighing <const>, step <const> = jacobian.weighing(make(), 4)
        for _ = 1, 2 do step(j) end
        return weighing, step
      end
      local function seeded(step)
        braid.manual_seed(7)
        return core.bytes((step(other, losses)))
      end
      braid.manual_seed(3)
      local whole <const>, step <const> = begun()
      local wanted <const> = seeded(step)
      local stops = 0
      for n = 0, 1500, 3 do
        braid.manual_seed(3)
        local weighing <const>, stopped_step <const> = begun()
        local before <const> = remembered(weighing)
        core.stop_after(n)
        local ok <const>, message <const> = pcall(stopped_step, other, losses)
        core.stop_after(-1)
        if ok then break end
        stops = stops + 1
        assert.matches("interrupted!$", message)
        assert.equal(before, remembered(weighing), "stop " .. n)
        assert.equal(wanted, seeded(stopped_step), "stop " .. n)
        assert.equal(remembered(whole), remembered(weighing), "stop " .. n)
      end
      assert.is_true(stops > 3 and stops < 500)
    end)

    it("leaves out tasks without a loss in a step, and uses them again later: " .. name, function()
      local j <const> = braid.randn({3, 12}, {dtype = "float64"})
      local weighing <const>, step <const>, losses_at <const>, names <const> =
        jacobian.weighing(make(), 3)
      for _, left in ipairs{{1, 2, 3}, {1, 3}, {2}, {1, 2, 3}, {}, {2, 3}} do
        local g <const> = step(j) -- makes a new parameter
        assert.is_true(is_finite(g))
        local all <const>, some <const> = losses_at(j, {1, 2, 3}), {}
        for _, i in ipairs(left) do some[names[i]] = all[names[i]] end
        weighing:backward(some)
        assert.equal(#left, #weighing.names)
        for i, k in ipairs(left) do assert.equal(names[k], weighing.names[i]) end
      end
    end)

    it("has its name and what it works on in tostring: " .. name, function()
      local weighing <const> = jacobian.weighing(make(), 2)
      assert.matches("mtl.weighting." .. name, tostring(weighing), 1, true)
      assert.matches(weighing.method.by == "losses" and "on losses" or "on the gradients of",
        tostring(weighing), 1, true)
    end)
  end)
end)

describe("a weighing step with many tasks", function()
  local TASKS <const> = 80

  each_method(function(name, make)
    it("stops within 50 ms of Ctrl-C: " .. name .. " #slow", function()
      local j <const> = braid.randn({TASKS, 2 * TASKS}, {dtype = "float64"})
      local _, step <const> = jacobian.weighing(make(), TASKS)
      step(j)
      local begun = core.clock()
      step(j)
      local wait <const>, best = (core.clock() - begun) / 2, math.huge
      for _ = 1, 10 do -- other programs may use the processors at the same time
        os.execute(("(sleep %.3f; kill -INT %d) &"):format(wait, core.process_id()))
        begun = core.clock()
        local ok <const> = core.interruptible(errors.caught, function()
          while core.clock() - begun < 10 do step(j) end
        end)
        best = math.min(best, core.clock() - begun - wait)
        assert.is_false(ok)
        if best < 0.05 then break end
      end
      assert.is_true(best < 0.05, ("%.0f ms to stop"):format(best * 1000))
    end)
  end)
end)

describe("random weightings", function()
  it("give the same with the same seed, and differ with another", function()
    for _, name in ipairs{"rlw", "pcgrad", "gradvac", "graddrop"} do
      local j <const> = braid.randn({6, 12}, {dtype = "float64"})
      local function run(seed)
        braid.manual_seed(seed)
        local _, step <const> = jacobian.weighing(w[name]{}, 6)
        local out <const> = {}
        for i = 1, 4 do out[i] = (step(j)):totable() end
        return out
      end
      assert.same(run(1), run(1))
      assert.is_not.same(run(1), run(2))
    end
  end)
end)
