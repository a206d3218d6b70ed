--- net:freeze and net:train_only, and mtl.widen, which finds the width at which a network has a
-- given number of parameters.

local braid <const> = require "braid"
local nn <const>, mtl <const> = braid.nn, braid.mtl

local three_blocks <const> = require "spec.support.three_blocks"
local tasks <const> = three_blocks.tasks
local backbone <const> = three_blocks.backbone
local head <const> = three_blocks.head
local columns <const> = three_blocks.columns

local function fails(f, message) assert.error_matches(f, message, 1, true) end

describe("net:freeze", function()
  it("with a task freezes its column, its head and its part of mixers", function()
    local net <const> = columns():mix("*", mtl.cross_stitch{}):heads(head)
    net:freeze("a")
    assert.is_false((net:stacked()))
    for name, p in net:named_parameters() do
      assert.equal(name:find("%f[%w]a%f[%W]") == nil, p.requires_grad, name)
    end
    net:train_only{"mixers"}
    for name, p in net:named_parameters() do
      assert.equal(name:find("^mixer") ~= nil, p.requires_grad, name)
    end
    net:unfreeze()
    for _, p in ipairs(net:parameters()) do assert.is_true(p.requires_grad) end
  end)
end)

describe("mtl.widen", function()
  it("finds the width at which the number of parameters is nearest", function()
    local function count(width)
      return nn.backbone("tcdcn", {width = width}):count_parameters()
    end
    local net <const>, width <const> = mtl.widen(function(w)
      return nn.backbone("tcdcn", {width = w})
    end, 200000)
    local n <const> = net:count_parameters()
    assert.equal(n, count(width))
    assert.is_true(math.abs(n - 200000) <= math.abs(count(width + 1 / 64) - 200000))
    assert.is_true(math.abs(n - 200000) <= math.abs(count(width - 1 / 64) - 200000))
    assert.is_true(math.abs(n - 200000) < 0.02 * 200000)
    fails(function() mtl.widen(function() return backbone() end, 5000) end,
      "at any width: does make(width) use it?")
  end)

  it("finds narrow networks too; refuses a number that no width reaches", function()
    for _, name in ipairs{"resnet18", "alexnet", "tcdcn"} do
      local function make(w) return nn.backbone(name, {width = w}) end
      for _, wanted in ipairs{20000, 60000} do
        local n <const> = mtl.widen(make, wanted):count_parameters()
        assert.is_true(math.abs(n - wanted) < 0.05 * wanted, name .. " " .. n)
      end
      fails(function() mtl.widen(make, 5) end,
        "mtl.widen: the narrowest network of the family has ")
    end
    local function bounded(w) return nn.Linear(math.min(40, math.ceil(w)), 2) end
    fails(function() mtl.widen(bounded, 1000) end,
      "mtl.widen: the widest network of the family has 82 parameters, not about 1000")
  end)

  it("is what braid.model's option `parameters` uses; `single` leaves one task", function()
    local net <const> = braid.model("models/tcdcn.lua", {tasks = tasks, single = "b"})
    assert.same({1, 2}, net(braid.randn(1, 1, 40, 40)).b.shape)
    assert.is_nil(net(braid.randn(1, 1, 40, 40)).a)
    local wide <const> = braid.model("models/tcdcn.lua", {tasks = tasks, parameters = 150000})
    assert.is_true(math.abs(wide:count_parameters() - 150000) < 3000)
  end)
end)
