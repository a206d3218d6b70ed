--- Tests that a misspelt name is an error that lists the nearest names.

local braid <const> = require "braid"
local folder <const> = require "braid.folder"
local nearest <const> = require "braid.nearest"

-- Misspelt forms of each name: two letters swapped, one letter left out, one letter added.
local function misspelt(name)
  local list <const> = {}
  if #name < 4 then return list end
  list[1] = name:sub(1, 2) .. name:sub(4, 4) .. name:sub(3, 3) .. name:sub(5)
  list[2] = name:sub(1, -3) .. name:sub(-1)
  list[3] = name .. "q"
  return list
end

local function message_of(f) return select(2, pcall(f)) end

local TABLES <const> = {
  braid = braid, nn = braid.nn, optim = braid.optim, mtl = braid.mtl, data = braid.data,
  plot = braid.plot, train = braid.train, vision = braid.vision, io = braid.io, loss = braid.loss,
  F = braid.F,
}

local function names_of(t)
  local names <const> = {}
  for name in tostring(t):match("^[%w.]+: (.*)$"):gmatch("[%w_]+") do names[#names + 1] = name end
  return names
end

describe("a misspelt name", function()
  for what, t in pairs(TABLES) do
    it("in " .. what .. " is an error that lists the nearest names", function()
      local names <const>, is_one <const> = names_of(t), {}
      for _, name in ipairs(names) do is_one[name] = true end
      assert.is_true(#names > 1)
      for _, name in ipairs(names) do
        assert.is_true(t[name] ~= nil, name)
        for _, wrong in ipairs(misspelt(name)) do
          if not is_one[wrong] then
            local message <const> = message_of(function() return t[wrong] end)
            assert.matches("names_spec.lua:%d+: ", message)
            local says <const> = "has no '" .. wrong .. "'; did you mean"
            assert.is_truthy(message:find(says, 1, true), message)
          end
        end
      end
    end)
  end

  it("of a tensor's field or method is an error too", function()
    local t <const> = braid.ones(2)
    for wrong, right in pairs{smu = "sum", shpae = "shape", requires_gard = "requires_grad",
      backwards = "backward", dtpye = "dtype"} do
      local message <const> = message_of(function() return t[wrong] end)
      assert.matches("names_spec.lua:%d+: a tensor has no field or method '" .. wrong
        .. "'; did you mean .*" .. right, message)
    end
    assert.is_nil(t.grad)
    assert.is_false(t.requires_grad)
  end)

  it("of a module's field or method, or of a task, is an error", function()
    local nn <const>, mtl <const> = braid.nn, braid.mtl
    local net <const> = nn.Sequential{nn.Linear(2, 2), nn.Conv2d(2, 2, {kernel = 1})}
    for wrong, right in pairs{trian = "train", paramters = "parameters", sumary = "summary",
      forwrad = "forward", foward = "forward"} do
      assert.matches("names_spec.lua:%d+: Sequential has no field or method '" .. wrong
        .. "'; did you mean " .. right, message_of(function() return net[wrong] end))
    end
    assert.error_matches(function() return net[1].wieght end, "Linear has no .* mean weight")
    assert.error_matches(function() return net[2].kerenl end, "Conv2d has no .* mean kernel")
    assert.is_nil(net[1].kernel)
    assert.is_nil(net.fc)
    local tasks <const> = mtl.tasks{pose = mtl.classes{2}}
    assert.error_matches(function() return tasks.psoe end, "did you mean pose?")
    assert.error_matches(function() return tasks.pose.wieght end, "did you mean weight?")
    assert.is_nil(tasks.smile)
  end)

  it("of a field of a user's class is an error; a field that was not set is nil", function()
    local class <const>, nn <const> = require "braid.class", braid.nn
    local Net <const> = class("Net", nn.Module)
    function Net:init(deep)
      self.layer = nn.Linear(2, 2)
      if deep then self.deeper = nn.Linear(2, 2) end
    end
    function Net:forward(x)
      x = self.layer(x)
      return self.deeper and self.deeper(x) or x
    end
    assert.same({1, 2}, Net(false)(braid.ones(1, 2)).shape)
    assert.same({1, 2}, Net(true)(braid.ones(1, 2)).shape)
    assert.error_matches(function() return Net().laeyr end, "did you mean layer?")
    assert.error_matches(function() Net().train = true end, "'train' is a method of every Module")
  end)

  it("that is near no name gives the list of all names, if that is short", function()
    assert.error_matches(function() return braid.loss.qqqqqq end, "there is bce, bce_with_logits")
    assert.error_matches(function() return braid.F.qqqqqq end, "none of its %d+ names is near that")
  end)

  it("never loads a file from another folder", function()
    for _, t in pairs(TABLES) do
      for _, name in ipairs{"../check", "..", "a/b", "init/..", "a.b", "%s", "", "\0",
        ("x"):rep(100000)} do
        assert.error_matches(function() return t[name] end, "has no '")
      end
    end
  end)
end)

describe("a folder of names", function()
  it("loads no file that package.path finds", function()
    local directory <const> = os.tmpname()
    os.remove(directory)
    os.execute(("mkdir -p '%s/braid/nn' '%s/braid/mtl/mixers'"):format(directory, directory))
    for _, place in ipairs{"nn/evil", "mtl/evil", "mtl/mixers/evil", "functional/evil"} do
      local f <const> = io.open(("%s/braid/%s.lua"):format(directory, place), "w")
      if f then f:write("EVIL = true return function() end") f:close() end
    end
    local before <const> = package.path
    package.path = directory .. "/?.lua;" .. before
    for _, f in ipairs{function() return braid.nn.evil end, function() return braid.mtl.evil end,
      function() return braid.F.evil end, function() return braid.nn.backbone("../evil") end,
      function() return braid.nn.backbone("evil") end} do
      assert.is_false(pcall(f))
    end
    package.path = before
    os.execute(("rm -r '%s'"):format(directory))
    assert.is_nil(rawget(_G, "EVIL"))
  end)

  it("offers no internal names", function()
    for _, name in ipairs{"walk", "state", "hints", "fold", "Walk", "linear", "Conv2D"} do
      assert.error_matches(function() return braid.nn[name] end, "braid.nn has no")
    end
    for _, name in ipairs{"build", "flow", "per_column"} do
      assert.error_matches(function() return braid.mtl[name] end, "braid.mtl has no")
    end
    assert.is_nil(folder.find(braid.nn, "walk"))
  end)
end)

describe("braid.nearest", function()
  it("finds names with letters changed, added, dropped or swapped", function()
    local known <const> = {"train", "eval", "Conv1d", "Conv2d"}
    assert.same({"train"}, nearest.names("trian", known))
    assert.same({"Conv1d", "Conv2d"}, nearest.names("Conv3d", known))
    assert.same({}, nearest.names("something", known))
  end)

  it("has slip, which finds misspelt names but not different names that are similar", function()
    local known <const> = {"weight", "train", "buffers", "conv_a", "norm1", "head"}
    assert.equal("weight", nearest.slip("wieght", known))
    assert.equal("weight", nearest.slip("weigt", known))
    assert.equal("train", nearest.slip("trian", known))
    for _, other in ipairs{"buffer", "conv_b", "norm2", "norm", "heads", "fc", "tail"} do
      assert.is_nil(nearest.slip(other, known))
    end
  end)
end)
