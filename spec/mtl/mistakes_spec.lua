--- Mistakes that users make with columns, and the message about each.

local braid <const> = require "braid"
local nn <const>, mtl <const>, optim <const> = braid.nn, braid.mtl, braid.optim

local three_blocks <const> = require "spec.support.three_blocks"
local tasks <const> = three_blocks.tasks
local backbone <const> = three_blocks.backbone
local head <const> = three_blocks.head
local columns <const> = three_blocks.columns

local function largest(a, b) return (a - b):abs():max():item() end

local function fails(f, message) assert.error_matches(f, message, 1, true) end

describe("the message names a user's mistake", function()
  it("with a block that does not exist or is shared", function()
    fails(function() columns():mix("conv9", mtl.ttc{}) end,
      "mix: there is no block 'conv9'; there is conv1, conv2, conv3")
    fails(function() columns{split = "x"} end, "mtl.columns: split: there is no block 'x'")
    fails(function() columns{split = "conv2"}:mix("conv1", mtl.ttc{}) end,
      "mix: block 'conv1' is shared by all tasks; put mixers after block 'conv2'")
  end)

  it("with columns of different channels", function()
    fails(function()
      mtl.columns(tasks, {a = backbone(4), b = backbone(5)}):mix("conv1", mtl.cross_stitch{})
    end, "mix: cross_stitch at 'conv1' wants columns of equal channels, but 'a' has 4 and 'b' 5")
  end)

  it("with a task that has no head, or a network without heads", function()
    local function some(task) return task.size == 2 and nn.Identity() end
    fails(function() columns():heads(some) end,
      "heads: task 'a' has no head: the function returned a boolean, not a module such as "
      .. "nn.Linear(channels, task.size)")
    fails(function() columns()(braid.randn(1, 1, 5, 5)) end, "there are no heads yet; net:heads(")
  end)

  it("with labels that are missing", function()
    local net <const> = columns():heads(head)
    fails(function()
      tasks:loss(net(braid.randn(1, 1, 5, 5)), {a = braid.ones({1}, {dtype = "int64"})})
    end, "tasks: the data has no label 'b', which its loss wants; it has a. Name the task as its "
      .. "label, or leave it out of mtl.tasks")
  end)

  it("with a mixer's parameter that no optimizer holds", function()
    local net <const> = columns{stacked = false}:mix("*", mtl.cross_stitch{}):heads(head)
    local _ <const> = optim.SGD(net.columns:parameters(), {lr = 0.1})
    fails(function() net(braid.randn(1, 1, 5, 5)) end,
      "network: no optimizer holds mixer.conv1.alpha.a.weight, though one holds other "
      .. "parameters: make it with net:parameters(), or freeze with net:freeze{\"mixers\"}")
    net:freeze{"mixers"}
    assert.is_table(net(braid.randn(1, 1, 5, 5)))
    net:unfreeze{"mixers"}
    fails(function() net(braid.randn(1, 1, 5, 5)) end, "no optimizer holds mixer.conv1.alpha")
    assert.is_table(braid.no_grad(function() return net(braid.randn(1, 1, 5, 5)) end))
  end)

  it("with an optimizer from before add_task or unstack", function()
    local x <const> = braid.randn(2, 1, 5, 5)
    local function trained(o, mixer)
      local net <const> = columns(o)
      if mixer then net:mix("*", mixer) end
      local _ <const> = optim.SGD(net:heads(head):parameters(), {lr = 0.1})
      net(x)
      return net
    end
    local shared <const> = trained{columns = "shared"}:add_task("c", mtl.classes{2})
    fails(function() shared(x) end, "network: no optimizer holds head.c.2.bias, because add_task "
      .. "made new parameters: make the optimizer anew, with net:parameters()")
    local list <const> = trained({stacked = false}, mtl.ttc{}):add_task("c", mtl.classes{2})
    fails(function() list(x) end, "holds columns.c.conv1.1.bias, because add_task made")
    local parted <const> = trained({}, mtl.ttc{}):unstack()
    fails(function() parted(x) end, "holds columns.a.conv1.1.bias, because unstack made")
    assert.is_table(parted:eval()(x))
    local fewer <const> = list:clone():remove_task("a") -- no optimizer held the clone's
    assert.is_table(fewer(x))
    local _ <const> = optim.SGD(shared:parameters(), {lr = 0.1})
    assert.is_table(shared(x))
  end)

  it("with images that have a channel for each column", function()
    local net <const> = columns():heads(head)
    assert.is_true((net:stacked()))
    local two <const> = braid.randn(1, 2, 5, 5)
    fails(function() net(two) end, "network: its columns take images of 1 channels, not 2")
    local each <const> = {a = two[{ {}, {1, 1} }], b = two[{ {}, {2, 2} }]}
    assert.is_true(largest(net(each).b, net(each.b).b) < 1e-6)
  end)

  it("with a mixer's option of the wrong kind, at the line that sets it", function()
    fails(function() mtl.cross_stitch{diag = "x"} end,
      "mtl.cross_stitch: diag must be a number, not \"x\"")
    for _, name in ipairs{"cross_stitch", "nddr", "sluice"} do
      fails(function() mtl[name]{off = "x"} end, name .. ": off must be a number, not \"x\"")
      fails(function() mtl[name]{diag = 0 / 0} end, name .. ": diag must be a number, not ")
    end
    fails(function() mtl.progressive{start = "x"} end, "start must be a number, not \"x\"")
    fails(function() mtl.collaborative{final_relu = "no"} end,
      "mtl.collaborative: final_relu must be true or false, not \"no\"")
    fails(function() mtl.ttc{start = 0 / 0} end,
      "mtl.ttc: start must be a number from 0 to 1, not nan")
    fails(function() mtl.cross_stitch{granularity = 3} end,
      "granularity must be \"channel\" or \"scalar\", not 3")
  end)

  it("with other arguments of mix, heads, freeze, stage and mtl.columns", function()
    fails(function() columns():mix(nil, mtl.ttc{}) end,
      "mix: wants a block, a list of them or \"*\"; there is conv1, conv2")
    fails(function() columns():mix("*", 3) end,
      "mix: the mixer is a number; it must be one like mtl.cross_stitch{}")
    fails(function() columns():mix("*", mtl.ttc{}):mix("conv1", mtl.ttc{}) end,
      "mix: block 'conv1' has a mixer already")
    fails(function() columns():heads(head):mix("*", mtl.separation{}) end,
      "mix: mtl.separation decides which layers are made, and the heads are made already: mix it")
    fails(function() columns{columns = "shared"}:mix("*", mtl.ttc{}) end,
      "all blocks are shared by the tasks; there is no column")
    fails(function() mtl.columns(tasks, nn.Identity()) end,
      "the backbone is a Identity, not a name or what nn.backbone gives")
    fails(function() mtl.columns(tasks, {a = backbone()}) end, "no backbone for task 'b'")
    fails(function() columns():heads(head):freeze{"c"} end, "there is no task or part 'c'")
    fails(function() columns():heads(head):freeze(3) end,
      "freeze: wants a task or part, or a list of them, not a number")
    fails(function() columns():heads(head):stage(1) end, "only a network with mtl.separation")
  end)
end)
