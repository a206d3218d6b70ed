--- net:ablate, and each mixer with one task's map hidden, against the mixer's own equation.
-- As in Trottier et al. 2018, section 4.4: the map is zero before the concatenation at the input
-- of the central aggregation H, while the task's own skip and F_t still get the map. In sums
-- y_j = sum_k alpha_jk x_k, this means alpha_jt = 0 for every j except t.

local braid <const> = require "braid"
local mtl <const>, nn <const> = braid.mtl, braid.nn

local NAMES <const> = {"a", "b", "c"}
local function fails(f, message) assert.error_matches(f, message, 1, true) end
local function largest(a, b) return (a - b):abs():max():item() end

-- The options that each mixer is tested with. REFUSES has the mixers whose columns take nothing
-- from each other.
local CASES <const> = {
  cross_stitch = {{}, {granularity = "scalar"}, {diag = 0.5, off = 0.3}},
  ttc = {{}, {granularity = "channel", start = 0.2}, {normalize = true, start = 0.3},
    {normalize = true, granularity = "channel"}}, sluice = {{}, {subspaces = 3}},
  nddr = {{}}, progressive = {{}, {order = {"c", "a", "b"}}},
  collaborative = {{}, {final_relu = false, ratio = 0.5}},
}
local REFUSES <const> = {none = true, separation = true}

local function mixers()
  local list <const> = {}
  for file in io.popen("ls lua/braid/mtl/mixers"):lines() do
    list[#list + 1] = file:match("^(.*)%.lua$")
  end
  return list
end

-- Sets parameters as if trained, and statistics that are not 0 and 1.
local function stirred(module)
  braid.no_grad(function()
    for _, p in ipairs(module:parameters()) do p:add_(braid.randn(p.shape) * 0.3) end
    for _, norm in ipairs(module:find(nn.BatchNorm2d)) do
      norm.running_mean:copy_(braid.randn(norm.running_mean.shape) * 0.2)
      norm.running_var:copy_(braid.rand(norm.running_var.shape) + 0.5)
    end
  end)
  return module:eval()
end

local function at_a_block(name, options)
  braid.manual_seed(11)
  return stirred(mtl[name](options):build{block = "x", names = NAMES, channels = 4})
end

local function maps()
  local xs <const> = {}
  for i = 1, 3 do xs[i] = braid.randn(2, 4, 5, 3) end
  return xs
end

local function zeroed(xs, t)
  local list <const> = {}
  for i, x in ipairs(xs) do list[i] = i == t and braid.zeros(x.shape) or x end
  return list
end

-- The maps that a mixer should give without the t-th map, by its own equation.
local EXPECTED <const> = {}

-- Equations 1 to 3: z is computed from the remaining maps, F_t and the skip from all maps.
function EXPECTED.collaborative(mixer, xs, t)
  local ys <const>, z <const> = {}, mixer.central(braid.cat(zeroed(xs, t), 2))
  for i, name in ipairs(NAMES) do
    local y <const> = xs[i] + mixer.task[name](braid.cat({xs[i], z}, 2))
    ys[i] = mixer.options.final_relu and y:relu() or y
  end
  return ys
end

-- y_j = sum_k alpha_jk x_k / sum_k alpha_jk, over the remaining maps.
local function of_means(mixer, xs, t)
  local ys <const> = {}
  for j, name in ipairs(NAMES) do
    local row <const> = mixer.beta[name]
    local total, weight
    for k, x in ipairs(xs) do
      local alpha <const> = k == j and braid.tensor(1)
        or (row.weight[k] + 2 * row.limit[k]):sigmoid():reshape(1, -1, 1, 1)
      if k ~= t or j == t then
        total = total and total + alpha * x or alpha * x
        weight = weight and weight + alpha or alpha
      end
    end
    ys[j] = total / weight
  end
  return ys
end

-- If y_j consists of sums of alpha_jk x_k, alpha_jt = 0 equals x_t = 0 for all columns but the
-- t-th.
local function of_sums(mixer, xs, t)
  local ys <const> = mixer(zeroed(xs, t))
  ys[t] = mixer(xs)[t]
  return ys
end

for _, name in ipairs(mixers()) do
  describe("mtl." .. name .. ", with one task's map hidden,", function()
    for k, options in ipairs(CASES[name] or {}) do
      it("leaves the map out for the other columns only, case " .. k, function()
        local mixer <const>, xs <const> = at_a_block(name, options), maps()
        local whole <const> = mixer(xs)
        for t = 1, 3 do
          local ys <const> = mixer(xs, nil, "x", {[t] = true})
          local expected <const> = options.normalize and of_means or EXPECTED[name] or of_sums
          for i, y in ipairs(expected(mixer, xs, t)) do
            assert.is_true(largest(y, ys[i]) < 1e-5, ("%d of %d"):format(i, t))
          end
          local moved = 0
          for i = 1, 3 do moved = math.max(moved, largest(ys[i], whole[i])) end
          assert.is_true(moved > 1e-3 or name == "progressive")
        end
        for i, y in ipairs(mixer(xs, nil, "x", nil)) do assert.equal(0, largest(y, whole[i])) end
      end)

      it("ignores NaN in the map, and can hide two maps, case " .. k, function()
        local mixer <const>, xs <const> = at_a_block(name, options), maps()
        local clean <const> = mixer(xs, nil, "x", {[2] = true, [3] = true})
        xs[2] = xs[2] * (0 / 0)
        local ys <const> = mixer(xs, nil, "x", {[2] = true, [3] = true})
        -- The mixers left out multiply the map by 0, and 0 * NaN is NaN.
        if name ~= "cross_stitch" and name ~= "ttc" and name ~= "sluice" then
          assert.equal(0, largest(ys[1], clean[1]))
          assert.equal(0, largest(ys[3], clean[3]))
        end
        if name == "collaborative" or options.normalize then return end
        local alone <const> = maps()
        local pair <const> = mixer(alone, nil, "x", {[2] = true, [3] = true})
        assert.is_true(largest(pair[1], mixer({alone[1], braid.zeros(alone[1].shape),
          braid.zeros(alone[1].shape)})[1]) < 1e-5)
        assert.is_true(largest(pair[2], mixer({alone[1], alone[2],
          braid.zeros(alone[1].shape)})[2]) < 1e-5)
      end)

      it("gives the same bits when its columns are stacked, case " .. k, function()
        local mixer <const>, xs <const> = at_a_block(name, options), maps()
        if not mixer.braid then return end
        local listed <const> = mixer(xs, nil, "x", {[2] = true})
        local stacked <const> = mixer:clone()
        stacked:stack()
        local y <const> = stacked(braid.cat(xs, 2), nil, "x", {[2] = true})
        local plain <const>, whole <const> = mixer(xs), stacked(braid.cat(xs, 2))
        for i = 1, 3 do -- the difference must not exceed that with no map hidden
          local own <const> = y[{ {}, {4 * i - 3, 4 * i} }]
          local base <const> = largest(plain[i], whole[{ {}, {4 * i - 3, 4 * i} }])
          local apart <const> = largest(own, listed[i])
          assert.is_true(apart <= base or name == "collaborative" and apart < 1e-5,
            ("%d: %g"):format(i, apart))
        end
      end)
    end

    if REFUSES[name] then
      it("raises an error that says that the mixer cannot hide a map", function()
        local mixer <const> = mtl[name]():build{block = "x", names = NAMES, channels = 4}
        fails(function() mixer(maps(), braid.randn(2, 4, 5, 3), "x", {true}) end, "mtl." .. name
          .. " at block 'x': it has no aggregates = true, so no map can be hidden from other")
      end)
    end

    it("is in CASES or REFUSES", function() assert.is_true((CASES[name] or REFUSES[name]) ~= nil
      or name == "share") end)
  end)
end

-- ---- networks -----------------------------------------------------------------------------

local tasks <const> = mtl.tasks{a = mtl.classes{3}, b = mtl.classes{2}, c = mtl.real{2}}

local function block(c)
  return nn.Sequential{nn.Conv2d(c, 6, {kernel = 3, padding = 1}), nn.ReLU()}
end

local function network(mixer, at, stacked)
  braid.manual_seed(5)
  local net <const> = mtl.columns(tasks,
    nn.backbone({{"one", block}, {"two", block}}, {channels = 2}), {stacked = stacked})
  if mixer then net:mix(at or "*", mixer) end
  return stirred(net:heads())
end

local batch <const> = {image = braid.randn(30, 2, 6, 6), a = braid.randint(1, 3, {30}),
  b = braid.randint(1, 2, {30}), c = braid.randn(30, 2), count = 30}

describe("net:ablate", function()
  it("gives the change of each metric when the mixer gets zeros for one map", function()
    for _, stacked in ipairs{false, true} do
      local net <const> = network(mtl.collaborative{}, "*", stacked)
      local table_of <const> = net:ablate(batch, {relative = false})
      assert.same({"one", "two"}, table_of.blocks)
      local other <const> = net:clone():unstack()
      for t, zero in ipairs(NAMES) do
        -- the second block by hand
        local function run(x)
          local xs <const> = {}
          for i, name in ipairs(NAMES) do xs[i] = other.columns[name].one(x) end
          local ys <const> = other.mixer.one(xs)
          for i, name in ipairs(NAMES) do xs[i] = other.columns[name].two(ys[i]) end
          local out <const> = {}
          for i, y in ipairs(EXPECTED.collaborative(other.mixer.two, xs, t)) do
            out[NAMES[i]] = other.head[NAMES[i]](y)
          end
          return out
        end
        local report <const> = tasks:evaluate(run, coroutine.wrap(function()
          coroutine.yield(batch)
        end))
        for name in tasks:each() do
          for metric, change in pairs(table_of.change.two[zero][name]) do
            assert.near(report[name][metric] - table_of.base[name][metric], change, 1e-5)
          end
        end
      end
    end
  end)

  it("changes no metric of tasks that take from no other, but part = 'map' does", function()
    for _, stacked in ipairs{false, true} do
      local net <const> = network(mtl.cross_stitch{diag = 1, off = 0}, "one", stacked)
      braid.no_grad(function() -- undoes the noise that stirred() added
        for i, name in ipairs(NAMES) do
          local row <const> = net.mixer.one.alpha:rows(name).weight
          for j = 1, 3 do row[j]:fill_(i == j and 1 or 0) end
        end
      end)
      for _, zero in ipairs(NAMES) do
        for name in tasks:each() do
          for _, v in pairs(net:ablate(batch).change.one[zero][name]) do assert.equal(0, v) end
        end
      end
      local whole <const> = net:ablate(batch, {part = "map", blocks = "one"})
      assert.is_true(math.abs(whole.change.one.c.c.mae or whole.change.one.c.c.error) > 0)
    end
  end)

  it("raises an error at a block whose columns take nothing from each other", function()
    fails(function() network():ablate(batch) end,
      'ablate: no block has a mixer whose columns take from each other; part = "map" zeroes')
    fails(function() network(mtl.none{}):ablate(batch, {blocks = "one"}) end,
      "ablate: block 'one' has mtl.none, so no column takes from another there; part")
    fails(function() network(mtl.ttc{}, "two"):ablate(batch, {blocks = {"two", "one"}}) end,
      "ablate: block 'one' has no mixer, so no column takes from another there; part")
    fails(function()
      network(mtl.ttc{}, "two")(batch.image, function() return nil, true end)
    end, "network: the tap at block 'one' hides a map from other columns, but no mixer there")
    assert.same({"two"}, network(mtl.ttc{}, "two"):ablate(batch).blocks)
    assert.same({"one", "two"}, network():ablate(batch, {part = "map"}).blocks)
  end)
end)

describe("plot.ablation", function()
  it("draws the row of the task in its option `task` first", function()
    local net <const> = network(mtl.collaborative{}, "*")
    local path <const> = os.tmpname() .. ".svg"
    braid.plot.ablation(path, net:ablate(batch), {task = "b", metric = "accuracy"})
    local text <const>, rows <const> = io.open(path):read("a"), {}
    os.remove(path)
    for name in text:gmatch('text%-anchor="end">(%a+)<') do rows[#rows + 1] = name end
    assert.same({"b", "a", "c"}, rows)
  end)
end)
