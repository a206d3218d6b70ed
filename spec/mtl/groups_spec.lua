--- The option `groups`, which puts several tasks in one column, and every operation on a network
-- with groups. The poster (examples/papers/004_variants.lua) has a column for landmarks and a
-- column for all attributes.

local braid <const> = require "braid"
local files <const> = require "spec.support.file"
local mtl <const>, nn <const> = braid.mtl, braid.nn

local GROUPS <const> = {face = {"landmarks"}, traits = {"gender", "pose", "smile"}}
local function tasks_of()
  return mtl.tasks{landmarks = mtl.landmarks{}, gender = mtl.classes{2}, smile = mtl.classes{2},
    pose = mtl.classes{5}}
end
local tasks <const> = tasks_of()
local x <const> = braid.randn(6, 1, 40, 40)
local function ints(list) return braid.tensor(list, {dtype = "int64"}) end
local batch <const> = {image = x, count = 6, landmarks = braid.rand(6, 5, 2) - 0.5,
  gender = ints{1, 2, 1, 2, 1, 2}, smile = ints{2, 2, 1, 1, 2, 1}, pose = ints{1, 2, 3, 4, 5, 1}}

local MIXERS <const> = {none = {}, cross_stitch = {}, ttc = {}, collaborative = {}, nddr = {},
  sluice = {}, progressive = {order = {"traits", "face"}}, separation = {end_to_end = true}}

local function build(name, options, groups, stacked)
  braid.manual_seed(3)
  local net <const> = mtl.columns(tasks, nn.backbone("tcdcn", {width = 0.25}),
    {groups = groups or GROUPS, stacked = stacked})
  return net:mix({"conv1", "conv3"}, mtl[name](options)):heads()
end

local function fails(f, message) assert.error_matches(f, message, 1, true) end
local function largest(a, b) return (a - b):abs():max():item() end

local function outputs(net)
  local _ <close> = braid.no_grad()
  local _ <close> = net:evaluating()
  return net(x)
end

local function equal(net, other, names, within)
  local a <const>, b <const> = outputs(net), outputs(other)
  for _, name in ipairs(names or tasks.names) do
    assert.is_true(largest(a[name], b[name]) <= (within or 0), name)
  end
end

describe("groups", function()
  it("give a column for each group and a head for each task, as on the poster", function()
    local net <const> = braid.model("models/cross_stitch.lua", {tasks = tasks, width = 0.25,
      groups = GROUPS, mutual = "l2", lambda_w = 1})
    assert.same({"face", "traits"}, net.names)
    assert.is_true((net:stacked()))
    local parted <const>, total = net:clone():unstack(), 0
    for _, block in ipairs(net:blocks()) do -- L_w of the poster, with the squared distance as r_w
      local one <const>, two <const> = parted.columns.face[block], parted.columns.traits[block]
      for path, p in one:named_parameters() do
        if p:dim() > 1 then
          total = total + (p - two:state_dict()[path]):square():sum():item()
        end
      end
    end
    assert.near(total, net:penalty():item(), 1e-3 * total)
    local maps <const> = net:features(x, {"fc"}).fc
    assert.same({"face", "traits"}, (function()
      local names <const> = {}
      for name in pairs(maps) do names[#names + 1] = name end
      table.sort(names)
      return names
    end)())
    -- the sum of both maps, weighted by alpha
    local function fc(name)
      local row <const> = net.mixer.fc.alpha:rows(name).weight
      return maps.face * row[1] + maps.traits * row[2]
    end
    local out <const> = net(x)
    for name in tasks:each() do
      local own <const> = name == "landmarks" and "face" or "traits"
      assert.is_true(largest(net.head[name](fc(own)), out[name]) < 1e-5, name)
    end
  end)

  it("leave a task outside all groups its own column", function()
    local net <const> = build("ttc", {}, {traits = {"gender", "smile"}})
    assert.same({"landmarks", "pose", "traits"}, net.names)
  end)

  it("of one task each give the same network as no groups", function()
    local single <const> = build("cross_stitch", {}, {pose = {"pose"}, smile = {"smile"}})
    braid.manual_seed(3)
    local plain <const> = mtl.columns(tasks, nn.backbone("tcdcn", {width = 0.25}))
      :mix({"conv1", "conv3"}, mtl.cross_stitch{}):heads()
    equal(single, plain)
  end)

  it("raise an error that says which name is wrong", function()
    for message, groups in pairs{
      ["groups: a names 'gendre', which is not a task; there is gender, landm"] = {a = {"gendre"}},
      ["groups: 'pose' is in two groups, a and b"] = {a = {"pose"}, b = {"pose"}},
      ["groups: 'pose' is the name of a task; give the group another name"] = {pose = {"smile"}},
      ["groups: a column cannot be called 'shared'"] = {shared = {"smile"}},
      ["columns: a task cannot be called 'order'"] = {order = {"smile"}},
      ["groups must be a table by name, each a list of 1 or more values"] = {a = {}},
    } do
      fails(function() build("none", {}, groups) end, message)
    end
    fails(function()
      braid.model("models/hard_sharing.lua", {tasks = tasks, groups = GROUPS})
    end, "mtl.columns: groups: all blocks are shared, so no column is left for a group; set split")
  end)

  for name, options in pairs(MIXERS) do
    describe("with mtl." .. name, function()
      it("give the same outputs stacked and in a list, and train", function()
        local net <const> = build(name, options)
        equal(net, net:clone():unstack(), nil, 1e-5)
        local loss <const> = tasks:loss(net(x), batch)
        loss:backward()
        for path, p in net:named_parameters() do assert.is_truthy(p.grad, path) end
      end)

      it("can lose and gain tasks", function()
        local net <const> = build(name, options)
        local less <const> = net:clone()
        less:remove_task("smile") -- the column stays for the other tasks
        equal(net, less, {"gender", "landmarks", "pose"})
        assert.same({"face", "traits"}, less.names)
        less:remove_task("landmarks")
        assert.same({"traits"}, less.names)
        local _ = outputs(less).pose
        local more <const> = net:clone()
        more:add_task("glasses", mtl.classes{2}, {column = "traits"})
        assert.same({"face", "traits"}, more.names)
        equal(net, more)
        assert.same({6, 2}, outputs(more).glasses.shape)
        more:add_task("hat", mtl.classes{2}, {init = "pose"})
        equal(net, more, nil, 1e-5)
        assert.same({"face", "hat", "traits"}, more.names)
        fails(function() net:add_task("x", mtl.classes{2}, {column = "hat"}) end,
          "add_task: column: there is no column 'hat'")
      end)

      it("keep in net:extract the columns that its tasks need", function()
        local net <const> = build(name, options)
        local part <const> = net:extract{"gender", "smile"}
        equal(net, part, {"gender", "smile"}, 1e-5)
        assert.is_nil(outputs(part).pose)
        local alone <const> = name == "none" or name == "separation"
        assert.same(alone and {"traits"} or name == "progressive" and {"traits"}
          or {"face", "traits"}, part.names)
      end)

      it("freeze as a whole by a group's name, and only a head by a task's name", function()
        local net <const> = build(name, options)
        local function trains(prefix)
          local some = false
          for path, p in net:named_parameters() do
            if path:sub(1, #prefix) == prefix then some = some or p.requires_grad end
          end
          return some
        end
        net:freeze{"smile"}
        assert.is_true(trains("columns.") and trains("head.pose") and not trains("head.smile"))
        net:freeze{"traits"}
        assert.is_true(trains("columns.face") and trains("head.landmarks"))
        assert.is_false(trains("columns.traits") or trains("head.pose") or trains("head.gender"))
        net:train_only{"landmarks"}
        assert.is_true(trains("columns.face") and trains("head.landmarks"))
        assert.is_false(trains("columns.traits") or trains("head.pose"))
        net:train_only{"pose"}
        assert.is_true(trains("head.pose"))
        assert.is_false(trains("columns.") or trains("head.gender") or trains("mixer"))
      end)

      it("train the columns and heads of a step's own tasks, and no other head", function()
        local net <const> = build(name, options):unstack()
        for _, wanted in ipairs{{"smile"}, {"gender", "pose"}, {"landmarks"},
          {"landmarks", "smile"}} do
          local all <const> = net:eval()(x)
          local some <const>, total = net(x, {tasks = wanted}), 0
          for _, task in ipairs(wanted) do assert.equal(0, largest(all[task], some[task])) end
          for _, p in ipairs(net:parameters()) do p.grad = nil end
          for task, y in pairs(net:train()(x, {tasks = wanted})) do
            assert.is_truthy(some[task])
            total = total + y:square():sum()
          end
          total:backward()
          for path, p in net:named_parameters() do
            local task <const> = path:match("^head%.(%a+)")
            if task then assert.equal(some[task] ~= nil, p.grad ~= nil, path) end
            local column <const> = path:match("^columns%.(%a+)")
            local own <const> = column == "face" and some.landmarks or column == "traits"
              and (some.smile or some.gender)
            if own then assert.is_truthy(p.grad, path) end
            if column and not own and (name == "none" or name == "separation") then
              assert.is_nil(p.grad, path)
            end
          end
        end
      end)

      it("are the rows of net:transfer and net:ablate", function()
        local net <const> = build(name, options)
        local flow <const> = net:transfer(batch)
        assert.same({"face", "traits"}, flow.names)
        assert.equal(4, #flow.gradients.conv1)
        assert.equal(2, #flow.gradients.conv1[4])
        local aggregates <const> = net.mixer.conv1.aggregates
        local ablation <const> = net:ablate(batch, {part = aggregates and "aggregation" or "map"})
        assert.is_table(ablation.change.conv1.traits.landmarks)
        assert.equal("traits", ablation.columns.smile)
        files.with("a.svg", function(path)
          braid.plot.ablation(path, ablation, {task = "smile", metric = "accuracy"})
          local text <const>, rows <const> = io.open(path):read("a"), {}
          for row in text:gmatch('text%-anchor="end">(%a+)<') do rows[#rows + 1] = row end
          assert.same({"traits", "face"}, rows)
        end)
        files.with("t.svg", function(path) braid.plot.transfer(path, flow, {of = "gradients"}) end)
        local maps <const> = mtl.contrast_maps(net, {batch}, "conv1")
        assert.same({"gender", "smile"}, maps.names)
      end)
    end)
  end
end)

-- ---- definitions --------------------------------------------------------------------------

local TAKE <const> = {"cross_stitch", "dcnet", "dmt", "nddr", "progressive", "sluice",
  "soft_sharing", "smtn", "hard_sharing", "mtcnn"}
local SMALL <const> = {
  dcnet = {backbone = "tcdcn", width = 0.25}, dmt = {width = 0.1, input = 40},
  smtn = {backbone = "tcdcn", width = 0.25, channels = 1, input = 40},
  hard_sharing = {width = 0.25, split = "conv2"}, mtcnn = {width = 0.25, channels = 1},
}

for _, name in ipairs(TAKE) do
  describe("models/" .. name .. ".lua with groups", function()
    local path <const> = "models/" .. name .. ".lua"
    local function model(o)
      o.tasks, o.groups = o.tasks or tasks_of(), GROUPS
      for key, value in pairs(SMALL[name] or {width = 0.25}) do o[key] = value end
      if name == "mtcnn" then o.mixer = mtl.collaborative{} end
      return braid.model(path, o)
    end
    local image <const> = name == "mtcnn" and braid.randn(2, 1, 48, 48) or x

    it("has a column for each group, and is the same after braid.save and braid.open", function()
      local net <const> = model{}
      assert.same({"face", "traits"}, net.names)
      -- The file of a network cannot hold the option `mixer` of mtcnn.
      if name == "mtcnn" then return assert.equal(4, #net.tasks.names) end
      if net.shared_head then
        net:stage(1)
        local _ = net(image)
        net:stage(2)
      end
      if not net.shared_head then
        net:add_task("glasses", mtl.classes{2}, {column = "traits", head = "deep"})
      end
      net:remove_task("gender")
      files.with("net.safetensors", function(to)
        braid.save(to, net)
        local other <const> = braid.open(to)
        local _ <close> = net:evaluating()
        local _ <close> = other:evaluating()
        local a <const>, b <const> = net(image), other(image)
        for task, y in pairs(a) do assert.same(y:totable(), b[task]:totable()) end
        assert.equal(tostring(net), tostring(other))
      end)
    end)

    it("takes weights from networks of one task or one group by net:start_from", function()
      if name == "mtcnn" or name == "hard_sharing" then return end
      local net <const> = model{}
      local face <const>, traits <const> = model{single = "landmarks"}, model{single = "traits"}
      assert.same({"face"}, face.names)
      assert.same({"gender", "pose", "smile"}, traits.tasks.names)
      net:start_from{landmarks = face, traits = traits}
      local state <const> = net:state_dict()
      for source, from in pairs{face = face, traits = traits} do
        for key, t in pairs(from:state_dict()) do
          if key:find("^columns") or key:find("^head") then
            assert.is_truthy(key:find(source, 1, true) or key:find("^head"))
            assert.equal(0, largest(t, state[key]))
          end
        end
      end
      fails(function() net:start_from{pose = traits} end,
        "start_from: 'pose' shares its column: give the weights of its group, 'traits'")
    end)
  end)
end
