--- braid.diff, which tells how two networks differ; and definitions that call braid.model to use
-- other definitions.

local braid <const> = require "braid"
local files <const> = require "braid.io.files"
local shell <const> = require "spec.support.shell"
local mtl <const>, nn <const> = braid.mtl, braid.nn

local function fails(f, ...) assert.error_matches(f, ..., 1, true) end

local dir
setup(function() dir = shell.run("mktemp -d").out:match("^[^\n]+") end)
teardown(function() shell.run("rm -rf " .. shell.quote(dir)) end)

local function network(width)
  braid.manual_seed(1)
  local tasks <const> = mtl.tasks{smile = mtl.classes{2}, pose = mtl.classes{5}}
  return braid.model("tcdcn", {tasks = tasks, width = width})
end

describe("braid.diff", function()
  it("finds nothing between a network, its clone and its file", function()
    local net <const>, path <const> = network(), (dir .. "/a.safetensors")
    braid.save(path, net)
    for _, other in ipairs{net, net:clone(), path} do
      local diff <const> = braid.diff(net, other)
      assert.is_true(diff.same)
      assert.equal(14, diff.tensors.same)
      assert.equal("the same: 14 tensors", tostring(diff))
    end
  end)

  it("says which tensors differ, and by how much", function()
    local net <const> = network()
    local other <const> = net:clone()
    local bias <const> = other.head.pose.bias
    bias:detach():copy_(net.head.pose.bias:detach())
    bias:detach()[2] = bias:detach()[2] + 0.5
    local diff <const> = braid.diff(net, other)
    assert.equal(1, #diff.tensors.changed)
    local change <const> = diff.tensors.changed[1]
    assert.equal("head.pose.bias", change.name)
    assert.near(0.5, change.largest, 1e-6)
    local norm <const> = net.head.pose.bias:detach():to("float64"):norm():item()
    assert.near(0.5 / norm, change.relative, 1e-5)
    assert.matches("head.pose.bias: by 0.5 at most", tostring(diff), 1, true)
  end)

  it("finds other options, cards, shapes, tasks and definitions; NaN equals NaN", function()
    local net <const> = network()
    net.head.pose.bias:detach()[1] = 0 / 0
    assert.is_true(braid.diff(net, net:clone()).same)
    local wide <const> = network(2)
    wide.card = {licence = "MIT"}
    local diff <const> = braid.diff(net, wide)
    assert.same({ {"width", nil, 2} }, diff.options)
    assert.same({ {"licence", nil, "MIT"} }, diff.card)
    assert.is_true(#diff.tensors.shapes > 0)
    local smaller <const> = braid.diff(net, net:extract{"smile"})
    assert.same({"head.pose.bias", "head.pose.weight"}, smaller.tensors.removed)
    local path <const> = dir .. "/d.lua"
    assert(files.write(path, {"return function(tasks)\n"
      .. "  return mtl.columns(tasks, nn.backbone(\"tcdcn\"), {columns = \"shared\"}):heads()\n"
      .. "end\n"}))
    local mine <const> = braid.diff(net, braid.model(path, {tasks = net.tasks}))
    assert.is_truthy(mine.definition.added[1])
    assert.matches("%- %-%-%- TCDCN", tostring(mine))
  end)

  it("compares modules and files of tensors, and refuses other values", function()
    local a <const>, b <const> = dir .. "/x.safetensors", nn.Linear(2, 3)
    braid.save(a, b:state_dict())
    assert.is_true(braid.diff(a, b).same)
    assert.same({"bias"}, braid.diff(b, nn.Linear(2, 3, {bias = false})).tensors.removed)
    fails(function() braid.diff(5, b) end, "diff: the first value is a network or the path")
    fails(function() braid.diff(b) end, "diff: the second value is a network or the path")
    fails(function() braid.diff(b, "/nowhere") end, "/nowhere")
  end)
end)

describe("braid.model in a definition", function()
  local OUTER <const> = "return function(tasks, o)\n"
    .. "  return braid.model(o.inner, {tasks = tasks, width = o.width})\nend\n"
  local tasks <const> = mtl.tasks{smile = mtl.classes{2}}

  local function outer(inner, text)
    local path <const> = dir .. "/outer.lua"
    assert(files.write(path, {text or OUTER}))
    return braid.model(path, {tasks = tasks, inner = inner, width = 0.5})
  end

  it("makes the network of another definition by name, and a file holds both", function()
    local net <const> = outer "tcdcn"
    local direct <const> = braid.model("tcdcn", {tasks = tasks, width = 0.5})
    assert.equal(direct:count_parameters(), net:count_parameters())
    local path <const> = dir .. "/both.safetensors"
    braid.save(path, net)
    assert.is_true(braid.diff(net, braid.open(path)).same)
    local own <const> = braid.inspect(path).definitions
    assert.matches("TCDCN with hard sharing", own.tcdcn)
    assert.matches("definition tcdcn:", tostring(braid.inspect(path)))
  end)

  it("refuses a path, an unknown name and an unknown option", function()
    fails(function() outer "../tcdcn" end, "takes another one by its name")
    fails(function() outer "tcdnc" end, "there is no definition 'tcdnc'")
    fails(function() outer("tcdcn", (OUTER:gsub("width = o.width", "size = o.width"))) end,
      "has no option 'size'")
  end)

  it("finds definitions in BRAID_PATH, as braid models does, and refuses a cycle", function()
    local own <const> = dir .. "/own"
    assert(require "braid.core".make_folder(own))
    assert(files.write(own .. "/mine.lua", {"--- Mine (Me 2026).\n", OUTER}))
    assert(files.write(own .. "/itself.lua", {"return function(tasks) "
      .. "return braid.model(\"itself\", {tasks = tasks}) end"}))
    local path <const> = dir .. "/mine.safetensors"
    local function lua(code)
      return shell.run(("BRAID_PATH=/nowhere:%s %s -e '%s' 2>&1"):format(own, shell.braid, code))
    end
    local made <const> = lua(([[braid = require "braid"
      t = braid.mtl.tasks{smile = braid.mtl.classes{2}}
      n = braid.model("mine", {tasks = t, inner = "tcdcn"})
      braid.save("%s", n)
      print(select(2, pcall(braid.model, "itself", {tasks = t})))]]):format(path))
    assert.matches("definitions take each other without an end", made.out)
    assert.matches("mine *Mine %(Me 2026%)", shell.run(("BRAID_PATH=%s %s models"):format(own,
      shell.braid)).out)
    -- This process has no BRAID_PATH, but the file holds all that it needs.
    assert.is_true(braid.open(path):count_parameters() > 0)
    assert.same({"tcdcn"}, require "braid.check".sorted_keys(braid.inspect(path).definitions))
  end)
end)
