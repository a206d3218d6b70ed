--- Every mixer in lua/braid/mtl/mixers: stacked columns against columns in a list, state,
-- gradients; and the values of some mixers against plain PyTorch (spec/support/golden_mixers.py).

local braid <const> = require "braid"
local nn <const>, mtl <const> = braid.nn, braid.mtl

local tasks <const> = mtl.tasks{a = mtl.classes{3}, b = mtl.classes{2}, c = mtl.classes{4}}

-- The options that each mixer is tested with. Some specs use the first case only.
local CASES <const> = {
  none = {{}}, share = {{}}, nddr = {{}}, sluice = {{}, {subspaces = 4}}, progressive = {{}},
  cross_stitch = {{}, {granularity = "scalar", diag = 0.7, off = 0.2}},
  ttc = {{}, {granularity = "channel", start = 0.2}},
  separation = {{end_to_end = true}, {end_to_end = true, form = "channelwise"}},
  collaborative = {{}, {kernel = 1}, {final_relu = false, gamma_init = "uniform", ratio = 0.4},
    {gamma_init = "zero"}},
}
local HAS_NO_JOINED_FORM <const> = {progressive = true, share = true}

local function mixers()
  local pipe <const> = assert(io.popen("ls lua/braid/mtl/mixers"))
  local names <const> = {}
  for file in pipe:lines() do names[#names + 1] = file:match("^(.*)%.lua$") end
  pipe:close()
  return names
end

local function block(outputs, pool)
  return function(c)
    return nn.Sequential{nn.Conv2d(c, outputs, {kernel = 3, padding = 1}),
      nn.BatchNorm2d(outputs), nn.ReLU(), pool and nn.MaxPool2d(2) or nn.Identity()}
  end
end

-- A convolution with its ReLU right after it.
local function bare(c)
  return nn.Sequential{nn.Conv2d(c, 8, {kernel = 3, padding = 1}), nn.ReLU()}
end

local function backbone()
  return nn.backbone({{"conv1", block(6, true)}, {"conv2", bare}, {"conv3", block(4)}},
    {channels = 2})
end

local function head(task, c)
  return nn.Sequential{nn.GlobalAvgPool(), nn.Linear(c, task.size)}
end

local function build(mixer, stacked)
  braid.manual_seed(7)
  return mtl.columns(tasks, backbone(), {stacked = stacked}):mix("*", mixer):heads(head)
end

local function largest(a, b) return (a:to("float64") - b:to("float64")):abs():max():item() end

-- Returns the outputs, and the state with gradients in place of parameters.
local function run(net, x)
  local out <const>, total = net(x), 0
  for i, name in ipairs(tasks.names) do total = total + (out[name]:square() * i):sum() end
  total:backward()
  braid.no_grad(function()
    for name, p in net:named_parameters() do p:copy_((assert(p.grad, name))) end
  end)
  return out, net:state_dict()
end

for _, name in ipairs(mixers()) do
  describe("mtl." .. name, function()
    it("has options to test with in CASES", function() assert.is_table(CASES[name]) end)

    for k, options in ipairs(CASES[name] or {}) do
      if not HAS_NO_JOINED_FORM[name] then
        it("gives the same outputs and gradients stacked and in a list, case " .. k, function()
          local x <const> = braid.randn(3, 2, 8, 6)
          local list <const> = build(mtl[name](options), false)
          local stacked <const> = build(mtl[name](options), true)
          assert.is_false((list:stacked()))
          assert.is_true((stacked:stacked()))
          assert.equal(list:count_parameters(), stacked:count_parameters())
          local out1 <const>, state1 <const> = run(list, x)
          local out2 <const>, state2 <const> = run(stacked, x)
          for _, task in ipairs(tasks.names) do
            assert.is_true(largest(out1[task], out2[task]) < 1e-5, task)
          end
          for key, t in pairs(state1) do
            assert.is_truthy(state2[key], key)
            assert.is_true(largest(t, state2[key]) < 1e-4, key) -- float32 sums of 100 products
          end
          for key in pairs(state2) do assert.is_truthy(state1[key], key) end
        end)

        it("loads a state of columns in a list into stacked ones and back, case " .. k, function()
          local x <const> = braid.randn(2, 2, 8, 6)
          local list <const> = build(mtl[name](options), false):eval()
          braid.manual_seed(8)
          local stacked <const> = mtl.columns(tasks, backbone(), {stacked = true})
            :mix("*", mtl[name](options)):heads(head):eval()
          stacked:load_state_dict(list:state_dict())
          local back <const> = stacked:clone():unstack()
          for _, task in ipairs(tasks.names) do
            assert.is_true(largest(list(x)[task], stacked(x)[task]) < 1e-5)
            assert.equal(0, largest(list(x)[task], back(x)[task]))
          end
        end)
      end
    end

    it("gives every parameter a gradient, and some steps lower the loss", function()
      local net <const> = build(mtl[name](CASES[name][1]))
      local opt <const> = braid.optim.Adam(net:parameters(), {lr = 3e-3})
      local x <const> = braid.randn(12, 2, 8, 8)
      local labels <const> = {a = braid.randint(1, 3, {12}), b = braid.randint(1, 2, {12}),
        c = braid.randint(1, 4, {12})}
      local first, last
      for _ = 1, 12 do
        local _ <close> = braid.scope()
        local loss <const> = tasks:loss(net(x), labels)
        opt:zero_grad()
        loss:backward()
        for path, p in net:named_parameters() do assert.is_truthy(p.grad, path) end
        opt:step()
        last = loss:item()
        first = first or last
      end
      assert.is_true(last < 0.95 * first, ("%g -> %g"):format(first, last))
    end)

    it("names the option that it does not know", function()
      assert.error_matches(function() mtl[name]{colour = 1} end,
        "mtl." .. name .. ": there is no option 'colour'", 1, true)
    end)

    it("adds no parameters to a network of a single task", function()
      local one <const> = mtl.columns(tasks, backbone(), {single = "b"})
        :mix("*", mtl[name](CASES[name][1])):heads(head)
      assert.same({2, 2}, one(braid.randn(2, 2, 8, 8)).b.shape)
      if name ~= "separation" then
        local plain <const> = mtl.columns(tasks, backbone(), {single = "b"}):heads(head)
        assert.equal(plain:count_parameters(), one:count_parameters())
      end
    end)
  end)
end

describe("mtl.sluice", function()
  it("has a shorter last subspace if `subspaces` does not divide the channels", function()
    local two <const> = mtl.tasks{a = mtl.classes{2}, b = mtl.classes{2}}
    local net <const> = mtl.columns(two, nn.backbone({{"conv", nn.Identity()}}, {channels = 3}))
    net:mix("*", mtl.sluice{diag = 0.5, off = 0.1}):heads(function() return nn.Flatten() end)
    local out <const> = net{a = braid.tensor{{1, 2, 3}}:reshape(1, 3, 1, 1),
      b = braid.tensor{{10, 20, 30}}:reshape(1, 3, 1, 1)}
    local wanted <const> = { -- the subspaces are the channels {1, 2} and {3}
      a = {0.5 * 1 + 0.1 * (3 + 10 + 30), 0.5 * 2 + 0.1 * 20, 0.5 * 3 + 0.1 * (1 + 10 + 30)},
      b = {0.5 * 10 + 0.1 * (30 + 1 + 3), 0.5 * 20 + 0.1 * 2, 0.5 * 30 + 0.1 * (10 + 1 + 3)},
    }
    for name, values in pairs(wanted) do
      assert.is_true(largest(out[name], braid.tensor{values}) < 1e-5, name)
    end
  end)

  it("penalises products of weights of different subspaces, also if one is shorter", function()
    local two <const> = mtl.tasks{a = mtl.classes{2}, b = mtl.classes{2}}
    local net <const> = mtl.columns(two, nn.backbone({{"conv", nn.Identity()}}, {channels = 3}))
    net:mix("*", mtl.sluice{penalty = 2}):heads(function() return nn.Flatten() end)
    -- The subspaces are the rows {1, 2} and {3}: 1 * 5 + 2 * 6 = 17, 3 * 5 + 4 * 6 = 39.
    local w <const> = braid.tensor{{1, 2}, {3, 4}, {5, 6}}
    assert.near(2 * (17 ^ 2 + 39 ^ 2), net.mixer.conv:penalty(w):item(), 1e-2)
  end)

  it("accepts any width of models/sluice.lua", function()
    for _, width in ipairs{0.0625, 0.33, 0.4} do
      local net <const> = braid.model("models/sluice.lua", {tasks = tasks, width = width})
      net(braid.randn(2, 1, 40, 40)).a:sum():backward()
      assert.is_true(net:penalty():item() >= 0)
    end
  end)
end)

describe("a mixer's outputs and gradients", function()
  local golden <const> = assert(braid.load("spec/golden/mixers.safetensors"))
  local OPTIONS <const> = {
    cross_stitch = {"cross_stitch"}, ttc = {"ttc"}, nddr = {"nddr"},
    cross_stitch_scalar = {"cross_stitch", {granularity = "scalar"}},
    collaborative = {"collaborative"},
  }

  local function check_case(case, name, options)
    local at <const> = {block = "x", names = {"a", "b", "c"}, channels = 4}
    local mixer <const> = mtl[name](options):build(at):to("float64")
    local xs <const>, state <const> = {}, {}
    for i = 1, 3 do xs[i] = golden[("%s/x%d"):format(case, i)]:clone():requires_grad_() end
    for key, t in pairs(golden) do
      local path <const> = key:match("^" .. case .. "/param/(.+)$")
      if path then state[path] = t end
    end
    local report <const> = mixer:load_state_dict(state, {strict = false})
    assert.same({}, report.unexpected)
    local ys <const>, total = mixer(xs), 0
    for i, y in ipairs(ys) do
      assert.is_true(largest(y, golden[("%s/y%d"):format(case, i)]) < 1e-10)
      local wave <const> = braid.arange(0, y:numel() - 1, {dtype = "float64"}):cos()
      total = total + (y * wave:reshape(y.shape)):sum() * i
    end
    total:backward()
    for i = 1, 3 do
      assert.is_true(largest(xs[i].grad, golden[("%s/dx%d"):format(case, i)]) < 1e-10)
    end
    for path, p in mixer:named_parameters() do
      assert.is_true(largest(p.grad, golden[("%s/grad/%s"):format(case, path)]
        or braid.zeros(p.shape)) < 1e-10, path)
    end
  end

  for case, given in pairs(OPTIONS) do
    it("equal PyTorch's: " .. case, function() check_case(case, given[1], given[2]) end)
  end
end)
