-- Every network in models/ is found here and must keep what its header says.

local braid <const> = require "braid"
local mtl <const> = braid.mtl

local function definitions()
  local pipe <const> = assert(io.popen("ls models/*.lua"))
  local paths <const> = {}
  for path in pipe:lines() do paths[#paths + 1] = path end
  pipe:close()
  return paths
end

local function header_of(path)
  local file <const> = assert(io.open(path))
  local text <const> = file:read("a")
  file:close()
  return text:match("^(%-%-%-.-)\n[^%-]")
end

-- A small input that each takes, and whether it makes sense without tasks.
local INPUT <const> = {
  ["models/tcdcn.lua"] = {shape = {2, 1, 40, 40}},
  ["models/resnet18.lua"] = {shape = {2, 3, 33, 40}, plain = true},
  ["models/alexnet.lua"] = {shape = {2, 3, 64, 70}, plain = true},
  ["models/mtcnn.lua"] = {shape = {2, 3, 48, 48}, plain = true},
  ["models/vgg16.lua"] = {shape = {2, 3, 32, 32}, plain = true},
}

local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{}, gender = mtl.classes{2},
  smile = mtl.classes{2}, glasses = mtl.classes{2}, pose = mtl.classes{5}}

for _, path in ipairs(definitions()) do
  describe(path, function()
    local known <const> = INPUT[path]
    local heavy <const> = path:find("vgg") and " #slow" or ""

    it("has an input to try it with here", function() assert.is_truthy(known) end)

    it("has the parameters that its header states" .. heavy, function()
      local stated <const> = assert(header_of(path):match("Parameters.-(%d+,[%d,]*%d)"))
      local wanted <const> = tonumber((stated:gsub(",", "")))
      local net <const> = braid.model(path, known.plain and {} or {tasks = tasks})
      assert.equal(wanted, net:count_parameters())
    end)

    it("gives an output for each task and every parameter a gradient" .. heavy, function()
      local net <const> = braid.model(path, {tasks = tasks})
      local out <const> = net(braid.randn(known.shape))
      local total
      for name, task in tasks:each() do
        assert.same({known.shape[1], task.size}, out[name].shape)
        total = total and total + out[name]:square():sum() or out[name]:square():sum()
      end
      total:backward()
      for name, p in net:named_parameters() do
        if p.requires_grad then assert.is_truthy(p.grad, name) end
      end
    end)

    it("gives the same with its columns stacked and in a list" .. heavy, function()
      local net <const> = braid.model(path, {tasks = tasks})
      if not (net.stacked and net:stacked()) then return end -- it has no columns, or a list
      local x <const> = braid.randn(known.shape)
      local out <const>, listed <const> = net:eval()(x), net:clone():unstack()(x)
      for name in tasks:each() do
        assert.is_true((out[name] - listed[name]):abs():max():item() < 1e-4, name)
      end
    end)
  end)
end
