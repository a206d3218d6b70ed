--- weighing:gather, a step on several batches, against weighing:backward on one batch with all
-- their samples; and sdmgrad, which takes several independent samples of batches.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local folder <const> = require "braid.folder"
local matrix <const> = require "braid.mtl.weigh.matrix"
local mtl <const>, nn <const> = braid.mtl, braid.nn
local w <const> = mtl.weighting

local function integers(...) return braid.tensor({...}, {dtype = "int64"}) end

-- Two batches, of 3 and 5 samples, and a batch of all 8 samples.
local function batches_of(b)
  braid.manual_seed(8)
  local all <const> = {image = braid.randn({8, 2, 10, 10}, {dtype = "float64"}), b = b,
    a = integers(1, 2, 3, 1, 2, 3, 1, 1), c = braid.randn({8}, {dtype = "float64"})}
  local parts <const> = {}
  for i, range in ipairs{ {1, 3}, {4, 8} } do
    parts[i] = {}
    for key, t in pairs(all) do parts[i][key] = t[{range}] end
  end
  return all, parts
end

local LABELS <const> = {
  ["all labels"] = {integers(1, 2, 1, 2, 2, 1, 2, 2), {3 / 8, 5 / 8}},
  ["a batch without labels of a task"] = {integers(0, 0, 0, 2, 2, 1, 2, 2), {0, 1}},
}

local function tasks_of()
  return mtl.tasks{a = mtl.classes{3}, b = mtl.classes{2, weight = 0.5, ignore = 0},
    c = mtl.real{1}}
end

local function conv(channels)
  return nn.Sequential{nn.Conv2d(channels, 3, {kernel = 3}), nn.Tanh()}
end

local FORMS <const> = {
  ["hard sharing"] = {mixer = mtl.share{}}, ["columns as one"] = {mixer = mtl.cross_stitch{}},
  ["columns in a list"] = {mixer = mtl.cross_stitch{}, stacked = false},
}

local function network(tasks, form)
  braid.manual_seed(3)
  return mtl.columns(tasks, nn.backbone({{"one", conv}, {"two", conv}}, {channels = 2}),
    {stacked = form.stacked}):mix("one", form.mixer):heads():to("float64")
end

-- Runs f(tasks, net, weighing) three times and gives the gradients after each.
local function steps(form, weighting, f)
  local tasks <const> = tasks_of()
  local net <const> = network(tasks, form)
  local weighing <const>, all <const> = tasks:weigh(net, weighting), {}
  braid.manual_seed(5)
  for k = 1, 3 do
    core.clear_grads(net:parameters())
    f(tasks, net, weighing)
    all[k] = {weighing = weighing, coefficients = weighing.coefficients, gram = weighing.gram}
    for name, p in net:named_parameters() do all[k][name] = p.grad and p.grad:clone() end
  end
  return all
end

local function assert_same(a, b)
  for k = 1, 3 do
    local largest = 0
    for name, g in pairs(a[k]) do
      if core.is_tensor(g) then largest = math.max(largest, g:abs():max():item()) end
      assert.equal(core.is_tensor(g), core.is_tensor(b[k][name]), name)
    end
    for name, g in pairs(a[k]) do
      if core.is_tensor(g) then
        assert.is_true((g - b[k][name]):abs():max():item() <= 1e-9 * math.max(largest, 1),
          ("step %d, %s"):format(k, name))
      end
    end
    for name, c in pairs(a[k].coefficients) do
      assert.near(c, b[k].coefficients[name], 1e-8 * math.max(1, math.abs(c)))
    end
  end
end

local OPTIONS <const> = {fixed = {weights = {b = 2}}, dwa = {every = 1}}

describe("weighing:gather", function()
  for _, name in ipairs(folder.names(w)) do
    for form_name, form in pairs(FORMS) do
      local slow <const> = form_name ~= "hard sharing" and " #slow" or ""
      it("weighs two batches as if they were one: " .. name .. ", " .. form_name .. slow, function()
        for _, row in pairs(LABELS) do
          local all <const>, halves <const> = batches_of(row[1])
          local weighting <const> = w[name](OPTIONS[name])
          local whole <const> = steps(form, weighting, function(_, net, weighing)
            weighing:backward(net(all.image), all)
          end)
          local gathered <const> = steps(form, weighting, function(_, net, weighing)
            for i, half in ipairs(halves) do
              local _ <close> = braid.scope()
              weighing:gather(net(half.image), half,
                {share = {a = #half.a / 8, b = row[2][i], c = #half.a / 8}})
            end
            weighing:backward()
          end)
          assert_same(whole, gathered)
        end
      end)
    end
  end

  it("works with a user's function, whether it reads the Gram matrix or not", function()
    local all <const>, halves <const> = batches_of(LABELS["all labels"][1])
    for _, f in ipairs{function() return {1, 2, 3} end,
                       function(_, gram) return {gram[1][1], 2, 3} end} do
      local function run(step) return steps(FORMS["hard sharing"], f, step) end
      assert_same(run(function(_, net, weighing) weighing:backward(net(all.image), all) end),
        run(function(_, net, weighing)
          for _, half in ipairs(halves) do
            weighing:gather(net(half.image), half, {share = #half.a / 8})
          end
          weighing:backward()
        end))
    end
  end)

  it("uses the same memory for gradients in every step", function()
    local _, halves <const> = batches_of(LABELS["all labels"][1])
    local arenas <const> = {}
    steps(FORMS["hard sharing"], w.upgrad{}, function(_, net, weighing)
      weighing:gather(net(halves[1].image), halves[1])
      weighing:backward()
      arenas[#arenas + 1] = weighing.arenas[1]
    end)
    assert.is_true(rawequal(arenas[1], arenas[3]))
  end)

  it("names what is wrong with a call, and works as before after the error", function()
    local tasks <const> = tasks_of()
    local net <const> = network(tasks, FORMS["hard sharing"])
    local all <const> = batches_of(LABELS["all labels"][1])
    local function refused(message, f)
      local ok <const>, why <const> = pcall(f)
      assert.is_false(ok)
      assert.matches(message, why, 1, true)
      assert.matches("gather_spec.lua", why, 1, true)
    end
    local plain <const> = tasks:weigh(net, w.upgrad{})
    refused("batches that weighing:gather took before", function() plain:backward() end)
    refused("sample is 2, but a step of mtl.weighting.upgrad{", function()
      plain:gather(net(all.image), all, {sample = 2})
    end)
    plain:gather(net(all.image), all)
    refused("gathered batches wait to be weighed", function()
      plain:backward(net(all.image), all)
    end)
    plain:backward()
    plain:backward(net(all.image), all)
    refused("sends the weighed sum back through every batch's graph", function()
      tasks:weigh(net, w.upgrad{on = "representation"}):gather(net(all.image), all)
    end)
    local double <const> = tasks:weigh(net, w.sdmgrad{sampling = "double"})
    assert.equal(3, double:samples())
    refused("takes 3 independent batches", function() double:backward(net(all.image), all) end)
    refused("the loss of task 'a' is nan", function()
      plain:gather{a = braid.ones(1):requires_grad_():sum() * (0 / 0)}
    end)
  end)
end)

-- ---- independent samples ----------------------------------------------------------------------

describe("sdmgrad with double sampling", function()
  -- Losses <J_t, p>: the gradient of task t is row t of J.
  local function weighing_of(weighting)
    local tasks <const> = mtl.tasks{a = mtl.real{1}, b = mtl.real{1}, c = mtl.real{1}}
    local p <const> = braid.zeros({6}, {dtype = "float64"}):requires_grad_()
    local weighing <const> = tasks:weigh({p}, weighting)
    local function losses(j) return {a = (j[1] * p):sum(), b = (j[2] * p):sum(),
      c = (j[3] * p):sum()} end
    return weighing, losses, p
  end

  local function jacobian() return braid.randn({3, 6}, {dtype = "float64"}) end

  for _, moves in ipairs{1, 2, 5} do
    it(("follows the paper's algorithm, with steps = %d"):format(moves), function()
      local lambda <const>, lr <const> = 0.4, 0.05
      local weighing <const>, losses <const>, p <const> = weighing_of(w.sdmgrad{
        sampling = "double", steps = moves, lambda = lambda, lr = lr})
      local v = {1 / 3, 1 / 3, 1 / 3}
      for _ = 1, 4 do
        core.clear_grads{p}
        local js <const> = {}
        for i = 1, 2 * moves + 1 do
          js[i] = jacobian()
          weighing:gather(losses(js[i]), nil, {sample = i})
        end
        weighing:backward()
        for i = 1, moves do -- w <- P(w - lr J(x) J(x')' (w + lambda w0))
          local u <const> = braid.tensor(matrix.map(v, function(x) return x + lambda / 3 end),
            {dtype = "float64"})
          local slope <const> = js[2 * i - 1]:mv(js[2 * i]:t():mv(u)):totable()
          v = matrix.onto_simplex(matrix.map(v, function(x, t) return x - lr * slope[t] end))
        end
        local u <const> = braid.tensor(matrix.map(v, function(x) return x + lambda / 3 end),
          {dtype = "float64"})
        local wanted <const> = js[#js]:t():mv(u)
        assert.is_true((p.grad - wanted):abs():max():item() < 1e-12)
        assert.near(v[2] + lambda / 3, weighing.coefficients.b, 1e-12)
      end
    end)
  end

  it("accepts a step with fewer batches, and uses those", function()
    local weighing <const>, losses <const>, p <const> = weighing_of(w.sdmgrad{sampling = "double",
      lambda = 0})
    local j <const> = jacobian()
    weighing:gather(losses(j))
    weighing:backward()
    assert.is_true((p.grad - j:sum(1) / 3):abs():max():item() < 1e-12)
  end)

  it("goes on with the same numbers after load_state_dict", function()
    braid.manual_seed(4)
    local js <const> = {}
    for i = 1, 6 do js[i] = jacobian() end
    local function step(weighing, losses, from)
      for i = 0, 2 do weighing:gather(losses(js[from + i]), nil, {sample = i + 1}) end
      weighing:backward()
    end
    local a <const>, losses <const>, p <const> = weighing_of(w.sdmgrad{sampling = "double"})
    step(a, losses, 1)
    local b <const>, other <const>, q <const> = weighing_of(w.sdmgrad{sampling = "double"})
    b:load_state_dict(a:state_dict())
    core.clear_grads{p}
    step(a, losses, 4)
    step(b, other, 4)
    assert.equal(core.bytes(p.grad), core.bytes(q.grad))
  end)

  it("is refused with on = 'representation'", function()
    assert.has_error(function() w.sdmgrad{sampling = "double", on = "representation"} end)
  end)
end)
