--- The option `pretrained` of every definition in models/: weights of backbones, networks and files
-- of other libraries, with the names that these use.

local braid <const> = require "braid"
local files <const> = require "braid.io.files"
local file <const> = require "spec.support.file"
local notice <const> = require "braid.notice"
local torch_file <const> = require "spec.support.torch_file"
local mtl <const>, nn <const> = braid.mtl, braid.nn

local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{}, pose = mtl.classes{5},
  smile = mtl.classes{2}}

local said = {}
local write <const> = notice.write
setup(function() notice.write = function(text) said[#said + 1] = text end end)
teardown(function() notice.write = write end)
before_each(function() said = {} end)

local function fails(f, message) assert.error_matches(f, message, 1, true) end
local function equal(a, b, path)
  assert.same(a.shape, b.shape, path)
  assert.equal(0, (a:to("float64") - b:to("float64")):abs():max():item(), path)
end

-- Options that make large definitions small. `flat` marks those whose tensors have torchvision's
-- names.
local SMALL <const> = setmetatable({
  alexnet = {width = 0.0625, flat = true}, dcnet = {width = 0.125}, dmt = {width = 0.25},
  hyperface = {width = 0.0625, input = 64}, kth = {width = 0.1, input = 30},
  resnet18 = {width = 0.125, flat = true}, vgg16 = {width = 0.0625, flat = true},
  smtn = {width = 0.0625, input = 16, variant = "channelwise"},
}, {__index = function() return {} end})

local function model(name, more)
  local o <const> = {tasks = tasks}
  for key, value in pairs(SMALL[name] or {}) do if key ~= "flat" then o[key] = value end end
  for key, value in pairs(more or {}) do o[key] = value end
  return braid.model("models/" .. name .. ".lua", o)
end

local function changed(state, f)
  local result <const> = {}
  for name, t in pairs(state) do
    local other <const>, value <const> = f(name, t)
    if other then result[other] = value or t end
  end
  return result
end

-- Fills a state with random values, statistics too.
local function filled(state)
  braid.no_grad(function()
    for name, t in pairs(state) do
      if t.dtype == "float32" then t:copy_(braid.rand(t.shape) + 0.5) end
      if name:find("num_batches") then t:fill_(7) end
    end
  end)
  return state
end

-- A new backbone with the layout of a network's.
local function backbone_of(name, net)
  if SMALL[name].flat then return nn.backbone(name, {width = SMALL[name].width}) end
  local b <const> = net.recipe and net.recipe.backbones.pose or net.trunk
  return nn.backbone(b)
end

-- Calls f(path, name) for each tensor of a network's trunk, stream and columns. `name` is the
-- tensor's name in the backbone.
local function each_place(net, f)
  local count = 0
  for path in pairs(net:state_dict()) do
    local name <const> = path:match("^trunk%.(.+)$") or path:match("^shared%.(.+)$")
      or path:match("^columns%.[^.]+%.(.+)$")
    if name then
      f(path, name)
      count = count + 1
    end
  end
  assert.is_true(count > 0)
end

for path in io.popen("ls models/*.lua"):lines() do
  local name <const> = path:match("([%w_]+)%.lua$")

  describe("the option pretrained of " .. path, function()
    it("takes a backbone, whose weights begin the trunk, the stream or each column", function()
      local first <const> = model(name)
      local b <const> = backbone_of(name, first)
      local state <const> = filled(b:state_dict())
      local net <const> = model(name, {pretrained = b})
      local own <const> = net:state_dict()
      if SMALL[name].flat then
        assert.is_true(net.pretrained.used > 0)
        for i, p in ipairs(b:parameters()) do
          local same = 0
          for _, q in ipairs(net.trunk:parameters()) do
            local equal_shape <const> = table.concat(p.shape, " ") == table.concat(q.shape, " ")
            if equal_shape and (p - q):abs():max():item() == 0 then same = same + 1 end
          end
          assert.is_true(same > 0, i)
        end
      else
        each_place(net, function(p, inner) equal(own[p], state[inner], p) end)
        assert.equal(net.pretrained.of, net.pretrained.used)
      end
      assert.matches("^pretrained: %d+ of %d+ tensors of the backbone from a Backbone", said[1])
      assert.equal(1, #said)
      assert.is_truthy(tostring(net):find(said[1], 1, true))
    end)

    local function like(source, net)
      local own <const> = net:state_dict()
      -- If the given network has a stream, its columns and stream both take the stream's weights.
      local function check(p, inner)
        equal(own[p], source["shared." .. (inner or "")] or source[p], p)
      end
      if not SMALL[name].flat then return each_place(net, check) end
      for p in pairs(own) do
        if p:find("^trunk%.") then check(p) end
      end
    end

    it("takes a network, a state or a file, also with prefixes before the names", function()
      local other <const> = model(name)
      local state <const> = filled(other:state_dict())
      like(state, model(name, {pretrained = other}))
      like(state, model(name, {pretrained = state}))
      like(state, model(name, {pretrained = changed(state, function(n, t)
        return "module." .. n, t.dtype == "float32" and t:to("float64") or t
      end)}))
      like(changed(state, function(n, t)
        return n, n:find("num_batches") and braid.zeros(t.shape, {dtype = "int64"}) or t
      end), model(name, {pretrained = changed(state, function(n)
        return not n:find("num_batches") and "net.backbone." .. n or nil
      end)}))
      file.with("w.safetensors", function(saved)
        braid.save(saved, state)
        local net <const> = model(name, {pretrained = saved})
        like(state, net)
        assert.equal(saved:match("[^/]+$"), net.pretrained.source)
      end)
      file.with("w.safetensors", function(saved) -- a file of a whole network
        braid.save(saved, other)
        like(state, model(name, {pretrained = saved}))
      end)
    end)

    it("is not in the network's file, but the weights are", function()
      local net <const> = model(name, {pretrained = backbone_of(name, model(name))})
      file.with("net.safetensors", function(saved)
        braid.save(saved, net)
        local again <const> = braid.open(saved)
        assert.is_nil(again.pretrained)
        for p, t in pairs(net:state_dict()) do equal(t, again:state_dict()[p], p) end
      end)
    end)

    it("is refused if no tensor fits, or if it is not weights", function()
      fails(function() model(name, {pretrained = {x = braid.ones(3)}}) end,
        "model: pretrained: no tensor of a table belongs to this backbone: its names are x; the ")
      fails(function() model(name, {pretrained = {}}) end, "its names are none;")
      fails(function() model(name, {pretrained = "/nowhere/w.safetensors"}) end,
        "model: pretrained: /nowhere/w.safetensors: No such file")
      for _, wrong in ipairs{3, true, print} do
        fails(function() model(name, {pretrained = wrong}) end, "model: pretrained must be weights")
      end
      fails(function() model(name, {pretrained = {"x"}}) end, "must be tensors by name; '1' is a")
      fails(function() model(name, {pretrained = {x = 1}}) end, "must be tensors by name; 'x' is a")
    end)

    it("is refused if a convolution is missing, or has another shape or type", function()
      local state <const> = backbone_of(name, model(name)):state_dict()
      local conv
      for _, key in ipairs(require "braid.check".sorted_keys(state)) do
        if state[key]:dim() == 4 then conv = key end
      end
      fails(function()
        model(name, {pretrained = changed(state, function(n) return n ~= conv and n end)})
      end, "lacks convolutions of the backbone: ")
      fails(function()
        model(name, {pretrained = changed(state, function(n, t)
          return n, n == conv and braid.ones(3, 3, 9, 9) or t
        end)})
      end, conv .. " of a table has shape (3, 3, 9, 9), the network's ")
      fails(function()
        model(name, {pretrained = changed(state, function(n, t)
          return n, n == conv and t:to("int64") or t
        end)})
      end, conv .. " of a table is int64, not in floating point")
    end)
  end)
end

-- ---- names that others give ---------------------------------------------------------------

-- The numbers of the convolutions in torchvision's `features`, block by block.
local VGG <const> = {0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28}
local VGG_BN <const> = {0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40}
local ALEXNET <const> = {0, 3, 6, 8, 10}

-- A backbone's state under published names: name(i) for each block's convolution, and norm(i) for
-- the batch norm after it. Also the state itself.
local function published(b, name, norm)
  local state <const>, result <const> = filled(b:state_dict()), {}
  for i, block in ipairs(b:blocks()) do
    for _, part in ipairs{"weight", "bias"} do
      result[name(i, block) .. "." .. part] = state[("%s.1.%s"):format(block, part)]
    end
    for _, part in ipairs{"weight", "bias", "running_mean", "running_var"} do
      if norm then result[norm(i) .. "." .. part] = state[("%s.2.%s"):format(block, part)] end
    end
  end
  return result, state
end

describe("pretrained weights", function()
  local function into(layout, state)
    return mtl.columns(tasks, nn.backbone(layout), {pretrained = state}):heads()
  end

  local function check(net, state)
    for _, task in ipairs(tasks.names) do
      for name, t in pairs(net.columns:rows(task)) do
        if not name:find("num_batches") then equal(t, state[name], name) end
      end
    end
  end

  it("are found by torchvision's numbers of layers", function()
    local alexnet <const> = {name = "alexnet", width = 0.1}
    local given <const>, state <const> = published(nn.backbone(alexnet), function(i)
      return "features." .. ALEXNET[i]
    end)
    given["classifier.6.weight"] = braid.ones(1000, 4)
    local net <const> = into(alexnet, given)
    check(net, state)
    assert.same({10, 10, {"classifier.6.weight"}},
      {net.pretrained.used, net.pretrained.of, net.pretrained.unused})
    for norm, numbers in pairs{[false] = VGG, [true] = VGG_BN} do
      local vgg <const> = {name = "vgg16", width = 0.0625, norm = norm}
      local other <const>, values <const> = published(nn.backbone(vgg), function(i)
        return "features." .. numbers[i]
      end, norm and function(i) return "features." .. numbers[i] + 1 end)
      check(into(vgg, other), values)
      if norm then
        vgg.norm = nil
        fails(function() into(vgg, other) end, "it is of a network with batch norm")
      end
    end
  end)

  it("with torchvision's names are taken by load_state_dict of a backbone too", function()
    for layout, numbers in pairs{alexnet = ALEXNET, vgg16 = VGG} do
      local b <const> = {name = layout, width = 0.0625}
      local given <const>, state <const> = published(nn.backbone(b), function(i)
        return "features." .. numbers[i]
      end)
      local backbone <const> = nn.backbone(b)
      local report = backbone:load_state_dict(given)
      for name, t in pairs(backbone:state_dict()) do equal(t, state[name], name) end
      assert.same({2 * #numbers, 0, 0}, {#report.fitted, #report.missing, #report.unexpected})
      given["classifier.6.weight"] = braid.ones(1000, 4)
      fails(function() nn.backbone(b):load_state_dict(given) end,
        "load_state_dict: missing: ; unexpected: classifier.6.weight")
      report = nn.backbone(b):load_state_dict(given, {strict = false})
      assert.same({2 * #numbers, {"classifier.6.weight"}}, {#report.fitted, report.unexpected})
      given[("features.%d.bias"):format(numbers[2])] = nil -- an incomplete set is not renamed
      fails(function() nn.backbone(b):load_state_dict(given) end, "load_state_dict: missing: conv1")
    end
    local resnet <const> = {name = "resnet18", width = 0.125}
    local state <const> = filled(nn.backbone(resnet):state_dict())
    for _, prefix in ipairs{"", "module.", "net.backbone."} do
      local backbone <const> = nn.backbone(resnet)
      local report <const> = backbone:load_state_dict(changed(state, function(n)
        return prefix .. n:gsub("^stem%.", "")
      end))
      for name, t in pairs(backbone:state_dict()) do equal(t, state[name], name) end
      assert.same({120, {}, {}}, {#report.fitted, report.missing, report.unexpected})
    end
    local two <const> = {} -- two sets of the same names, with different prefixes
    for name, t in pairs(state) do two["a." .. name], two["b." .. name] = t, t end
    fails(function() nn.backbone(resnet):load_state_dict(two) end, "load_state_dict: missing: ")
    local net <const> = model("resnet18", {pretrained = changed(state, function(n)
      return (n:gsub("^stem%.", ""))
    end)})
    assert.equal(100, net.pretrained.used)
  end)

  it("come from a PyTorch file if it has only one table of tensors", function()
    local resnet <const> = {name = "resnet18", width = 0.125}
    local state <const> = filled(nn.backbone(resnet):state_dict())
    local given <const> = changed(state, function(n) return (n:gsub("^stem%.", "")) end)
    local opcodes <const>, storages <const> = torch_file.state(given)
    local text <const> = torch_file.text
    local checkpoint <const> = torch_file.dict(text "state_dict", opcodes, text "epoch",
      torch_file.number(3), text "optimizer", torch_file.dict(text "lr", torch_file.number(0.1)))
    file.with("w.pth", function(path)
      for _, value in ipairs{opcodes, checkpoint} do
        assert(files.write(path, {torch_file.bytes(value, storages)}))
        local net <const> = into(resnet, path)
        check(net, state)
        assert.same({100, 100}, {net.pretrained.used, net.pretrained.of})
      end
      local d <const> = braid.load(path)
      assert.equal(0.1, d.optimizer.lr)
      assert.equal(120, #nn.backbone(resnet):load_state_dict(d.state_dict).fitted)
      fails(function() nn.backbone(resnet):load_state_dict(d) end,
        "unexpected: epoch, optimizer, state_dict; tables of tensors are in it: state_dict")
      assert(files.write(path, {torch_file.bytes(torch_file.dict(text "net", opcodes, text "ema",
        opcodes), storages)}))
      fails(function() into(resnet, path) end,
        "w.pth has several tables of tensors, ema, net; give one of those that braid.load gives")
    end)
  end)

  it("are found by resnet18's names, without num_batches_tracked", function()
    local resnet <const> = {name = "resnet18", width = 0.125}
    local state <const> = filled(nn.backbone(resnet):state_dict())
    check(into(resnet, changed(state, function(n)
      return not n:find("num_batches") and "module." .. n:gsub("^stem%.", "") or nil
    end)), state)
  end)

  it("are found by the names of blocks in a .caffemodel", function()
    local vgg <const> = {name = "vgg16", width = 0.0625}
    local given <const>, state <const> = published(nn.backbone(vgg), function(_, b) return b end)
    local layers <const> = {}
    for _, block in ipairs(nn.backbone(vgg):blocks()) do
      layers[#layers + 1] = {block, given[block .. ".weight"], given[block .. ".bias"]}
    end
    layers[#layers + 1] = {"fc8", braid.ones(1000, 4), braid.ones(1000)}
    file.with("vgg.caffemodel", function(path)
      assert(files.write(path, {file.caffemodel(layers)}))
      local net <const> = into(vgg, path)
      check(net, state)
      assert.same({"fc8.bias", "fc8.weight"}, net.pretrained.unused)
    end)
  end)

  it("of a network for colour pictures are refused by one for gray pictures", function()
    local state <const> = nn.backbone("resnet18", {width = 0.125}):state_dict()
    local gray <const> = {name = "resnet18", width = 0.125, channels = 1}
    fails(function() into(gray, state) end, "for colour, and this network takes gray pictures")
    state["stem.conv1.weight"] = state["stem.conv1.weight"]:sum(2, {keepdim = true})
    assert.equal(100, into(gray, state).pretrained.used)
  end)

  it("of columns go to the columns with the same names, or from a single column to all", function()
    local source <const> = model("cross_stitch")
    local state <const> = filled(source:state_dict())
    local net <const> = model("dcnet", {backbone = "tcdcn", width = 1, pretrained = source})
    for _, task in ipairs(tasks.names) do
      equal(net.columns:rows(task)["conv1.1.weight"],
        state[("columns.%s.conv1.1.weight"):format(task)], task)
    end
    for _, name in ipairs(net.pretrained.unused) do -- the tensors of columns are all used
      assert.is_nil(name:find("^columns"), name)
    end
    assert.equal(10, net.pretrained.used)
    fails(function() model("hard_sharing", {pretrained = source}) end,
      "have a column for each of landmarks, pose, smile")
    local one <const> = model("cross_stitch", {single = "pose"})
    local other <const> = model("dcnet", {backbone = "tcdcn", width = 1, pretrained = one})
    equal(other.columns:rows("smile")["conv1.1.weight"],
      one:state_dict()["columns.pose.conv1.1.weight"])
  end)

  it("go to the column of a later task, but not to plain columns of concatenated maps", function()
    local b <const> = nn.backbone("tcdcn")
    local net <const> = model("cross_stitch", {pretrained = b})
    net:add_task("glasses", mtl.classes{2})
    equal(net.columns:rows("glasses")["conv1.1.weight"], b.conv1[1].weight)
    local smtn <const> = model("smtn", {variant = "plain",
      pretrained = nn.backbone("vgg16", {width = 0.0625})})
    assert.equal("the stream beside them (3 columns of concatenated maps keep their first values)",
      smtn.pretrained.into)
  end)

  it("cannot be a file that a definition names, nor be combined with `init` or `from`", function()
    file.with("d.lua", function(path)
      for _, call in ipairs{[[nn.backbone("tcdcn", {pretrained = "w.safetensors"})]],
        [[mtl.columns(tasks, "tcdcn", {pretrained = "w.safetensors"})]]} do
        assert(files.write(path, {"return function(tasks) return " .. call .. " end"}))
        fails(function() braid.model(path, {tasks = tasks}) end, "a definition cannot name a file")
      end
    end)
    fails(function() mtl.columns(tasks, "tcdcn", {init = "fresh", pretrained = {}}) end,
      "contradict each other")
    fails(function()
      model("cross_stitch", {from = {pose = model("cross_stitch", {single = "pose"})},
        pretrained = nn.backbone("tcdcn")})
    end, "from and pretrained both say")
  end)
end)

describe("an nn.backbone as the option backbone", function()
  local WITH <const> = {"cascade", "cross_stitch", "dcnet", "hard_sharing", "mtan", "nddr",
    "progressive", "sluice", "smtn", "soft_sharing"}
  local WAYS <const> = {
    loaded = function(b) b:load_state_dict(nn.backbone("tcdcn"):state_dict()) end,
    set = function(b) braid.no_grad(function() b.conv3[1].bias:fill_(2) end) end,
    trained = function(b)
      local opt <const> = braid.optim.SGD(b:parameters(), {lr = 0.1})
      b(braid.randn(2, 1, 40, 40)):square():sum():backward()
      opt:step()
    end,
  }

  for _, name in ipairs(WITH) do
    it("gives its weights to models/" .. name .. ".lua if they were loaded or changed", function()
      for _, change in pairs(WAYS) do
        local b <const> = nn.backbone("tcdcn")
        change(b)
        local net <const> = braid.model("models/" .. name .. ".lua", {tasks = tasks, backbone = b,
          variant = name == "smtn" and "channelwise" or nil})
        local state <const>, own <const> = b:state_dict(), net:state_dict()
        each_place(net, function(p, inner) equal(own[p], state[inner], p) end)
      end
    end)
  end

  it("gives only its layout while its weights are the first random ones", function()
    local net <const> = model("cross_stitch", {backbone = nn.backbone("tcdcn")})
    local a <const>, b <const> = net.columns:rows("pose"), net.columns:rows("smile")
    assert.is_true((a["conv1.1.weight"] - b["conv1.1.weight"]):abs():max():item() > 0)
    local copied <const> = mtl.columns(tasks, nn.backbone("tcdcn"), {init = "copy"}):heads()
    equal(copied.columns:rows("pose")["fc.2.weight"], copied.columns:rows("smile")["fc.2.weight"])
  end)
end)
