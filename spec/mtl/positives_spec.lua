--- Positive and negative samples as in Fang et al. 2017: balanced accuracy (section 4.1) and
-- response contrast maps (section 2) do not depend on which class has which number.

local braid <const> = require "braid"
local mtl <const>, nn <const> = braid.mtl, braid.nn

local function fails(f, message) assert.error_matches(f, message, 1, true) end

-- The report for a network that says the class `said[i]` of sample i.
local function measured(task, said, labels)
  local size <const> = task.size
  local out <const> = braid.zeros(#said, size)
  for i, s in ipairs(said) do out[{i, s}] = 1 end
  local tasks <const> = mtl.tasks{t = task}
  return tasks:evaluate(function() return {t = out} end, coroutine.wrap(function()
    coroutine.yield{image = out, t = braid.tensor(labels, {dtype = "int64"}), count = #said}
  end))
end

describe("balanced accuracy", function()
  -- acc_p = 1/4 (class 2), acc_n = 5/6 (class 1): (1/4 + 5/6) / 2
  local labels <const> = {2, 2, 2, 2, 1, 1, 1, 1, 1, 1}
  local said <const> = {2, 1, 1, 1, 1, 1, 1, 1, 1, 2}
  local wanted <const> = (1 / 4 + 5 / 6) / 2

  it("is the mean of acc_p and acc_n; with metric = 'balanced' reports show it", function()
    local r <const> = measured(mtl.classes{2, metric = "balanced"}, said, labels)
    assert.near(wanted, r.t.balanced, 1e-12)
    assert.near(0.6, r.t.accuracy, 1e-12)
    assert.equal(0, r.t.unseen)
    assert.equal(("t %.1f%% balanced"):format(100 * wanted), tostring(r))
    assert.equal("t 60.0%", tostring(measured(mtl.classes{2}, said, labels)))
    local single <const> = measured(mtl.classes{2, metric = "balanced"}, labels, labels)
    assert.near(wanted - 1, (mtl.delta_m(r, single)), 1e-12)
    assert.near(0.6 - 1, (mtl.delta_m(r, single, {t = "accuracy"})), 1e-12)
    assert.near(0.6 - 1, (mtl.delta_m(measured(mtl.classes{2}, said, labels),
      measured(mtl.classes{2}, labels, labels))), 1e-12)
  end)

  it("is the same when the two classes exchange their numbers", function()
    local function other(list)
      local swapped <const> = {}
      for i, v in ipairs(list) do swapped[i] = 3 - v end
      return swapped
    end
    assert.near(wanted, measured(mtl.classes{2}, other(said), other(labels)).t.balanced, 1e-12)
  end)

  it("leaves out classes without a sample, and gives their number as `unseen`", function()
    local r <const> = measured(mtl.classes{3, metric = "balanced"}, {1, 2, 1}, {1, 1, 2})
    assert.near((1 / 2 + 0) / 2, r.t.balanced, 1e-12)
    assert.equal(1, r.t.unseen)
    assert.equal("t 25.0% balanced, 1 class unseen", tostring(r))
    local none <const> = measured(mtl.classes{2, metric = "balanced"}, {1, 2}, {-100, -100})
    assert.is_nil(none.t.balanced)
    assert.equal("no sample has a label", none.t.undefined.balanced)
    assert.equal("t no label", tostring(none))
    assert.equal(2, none.t.unseen)
  end)

  it("of mtl.attributes is the mean of each attribute's balanced accuracy", function()
    local task <const>, sums <const> = mtl.attributes{"a", "b", metric = "balanced"}, {}
    local out <const> = braid.tensor{{1, 0, 1, 0}, {0, 1, 1, 0}, {1, 0, 0, 1}}
    task:observe(sums, out, braid.tensor({{1, 1}, {1, 1}, {2, 1}}, {dtype = "int64"}))
    local m <const> = task:metrics(sums)
    -- a: 1 of 2 samples of class 1 right, class 2 wrong. b: 2 of 3 samples of class 1 right, none
    -- of class 2.
    assert.near((1 / 2 + 0) / 2, m.balanced_each[1], 1e-12)
    assert.near(2 / 3, m.balanced_each[2], 1e-12)
    assert.near((1 / 4 + 2 / 3) / 2, m.balanced, 1e-12)
    assert.equal(1, m.unseen)
    assert.equal(("%.1f%% balanced, 1 class unseen"):format(100 * m.balanced), task:show(m))
  end)
end)

-- A network whose map at the block "map" is the image, with two channels.
local function network(tasks)
  return mtl.columns(mtl.tasks(tasks),
    nn.backbone({{"map", nn.Identity()}}, {channels = 2}), {columns = "shared"}):heads()
end

local x <const> = braid.randn(8, 2, 3, 4)
local LABELS <const> = {a = {1, 1, 2, 2, 1, 2, 1, 2}, b = {1, 1, 2, 2, 1, 2, 2, 1},
  c = {1, 2, 1, 2, 2, 1, -100, 2}, d = {2, 2, 1, 1, 2, 1, 2, 2}}

local function swapped(list)
  local other <const> = {}
  for i, v in ipairs(list) do other[i] = v < 0 and v or 3 - v end
  return other
end

local function batch_of(labels)
  local batch <const> = {image = x}
  for name, list in pairs(labels) do batch[name] = braid.tensor(list, {dtype = "int64"}) end
  return batch
end

-- |mean of class 1 - mean of class 2|, averaged over channels, in plain loops. With `signed_for`
-- it has a sign: that class minus the other.
local function by_hand(list, signed_for)
  local map <const> = {}
  for h = 1, 3 do
    map[h] = {}
    for w = 1, 4 do
      local total = 0
      for c = 1, 2 do
        local sum <const>, n <const> = {0, 0}, {0, 0}
        for i, v in ipairs(list) do
          if v > 0 then
            sum[v], n[v] = sum[v] + x[{i, c, h, w}]:item(), n[v] + 1
          end
        end
        local d <const> = sum[1] / n[1] - sum[2] / n[2]
        total = total + (signed_for and (signed_for == 1 and d or -d) or math.abs(d))
      end
      map[h][w] = total / 2
    end
  end
  return map
end

local function near(wanted, map)
  assert.is_true((map - braid.tensor(wanted)):abs():max():item() < 1e-5)
end

describe("the response contrast maps of mtl.contrast_maps", function()
  local function classes(o)
    local tasks <const> = {}
    for name in pairs(LABELS) do
      tasks[name] = mtl.classes{2, names = o and o.names, positive = o and o.positive}
    end
    return tasks
  end

  it("are |positive - negative|, and their distances are sums of |differences|", function()
    local r <const> = mtl.contrast_maps(network(classes()), {batch_of(LABELS)}, "map")
    for name, list in pairs(LABELS) do near(by_hand(list), r.maps[name]) end
    local a <const>, c <const>, total = by_hand(LABELS.a), by_hand(LABELS.c), 0
    for h = 1, 3 do
      for w = 1, 4 do total = total + math.abs(a[h][w] - c[h][w]) end
    end
    assert.near(total, r.distance[1][3], 1e-4)
  end)

  it("group tasks the same when classes exchange their numbers and names", function()
    local whole <const> = mtl.contrast_maps(network(classes()), {batch_of(LABELS)}, "map",
      {groups = 2})
    for name in pairs(LABELS) do
      local labels <const>, tasks <const> = {}, classes()
      for other, list in pairs(LABELS) do
        labels[other] = other == name and swapped(list) or list
      end
      tasks[name] = mtl.classes{2, names = {"without", "with"}, positive = "with"}
      local r <const> = mtl.contrast_maps(network(tasks), {batch_of(labels)}, "map", {groups = 2})
      assert.same(whole.groups, r.groups)
      for i, row in ipairs(whole.distance) do
        for j, d in ipairs(row) do assert.near(d, r.distance[i][j], 1e-5) end
      end
    end
  end)

  it("have a sign, with signed = true, by the positive class's name, not its number", function()
    for _, o in ipairs{{names = {"yes", "no"}}, {names = {"no", "yes"}},
      {names = {"m", "f"}, positive = "f"}, {names = {"m", "f"}, positive = "m"}} do
      local place <const> = (o.positive or "yes") == o.names[1] and 1 or 2
      local r <const> = mtl.contrast_maps(network(classes(o)), {batch_of(LABELS)}, "map",
        {signed = true})
      for name, list in pairs(LABELS) do near(by_hand(list, place), r.maps[name]) end
    end
    fails(function()
      mtl.contrast_maps(network(classes{names = {"m", "f"}}), {batch_of(LABELS)}, "map",
        {signed = true})
    end, "mtl.contrast_maps: signed = true needs the positive class of 'a'")
  end)

  it("have a sign by the names of classes that a reader gives", function()
    local faces <const> = braid.data.faces{n = 60, size = 16}.train
    local tasks <const> = {}
    for _, name in ipairs{"smile", "glasses"} do
      tasks[name] = mtl.classes{2, names = faces.classes[name]}
      assert.same({"yes", "no"}, tasks[name].names)
    end
    local batch <const> = braid.data.loader(faces, {batch = 50, transforms = {}})()
    local net <const> = mtl.columns(mtl.tasks(tasks),
      nn.backbone({{"map", nn.Identity()}}, {channels = 1}), {columns = "shared"}):heads()
    batch.image = batch.image:to("float32"):mean(2, true)
    local r <const> = mtl.contrast_maps(net, {batch}, "map", {signed = true})
    local yes <const> = batch.smile:eq(1):to("float32")
    local function mean(w) return (batch.image * w:reshape(-1, 1, 1, 1)):sum(1) / w:sum() end
    near((mean(yes) - mean(1 - yes)):mean(1):totable(), r.maps.smile)
  end)

  it("include a map for each attribute of mtl.attributes", function()
    local net <const> = network{all = mtl.attributes{"a", "b", "c", "d"}, a = mtl.classes{2}}
    local r <const> = mtl.contrast_maps(net, {batch_of(LABELS)}, "map")
    assert.same({"a", "all.a", "b", "c", "d"}, r.names)
    near(by_hand(LABELS.c), r.maps.c)
    near(by_hand(LABELS.a), r.maps["all.a"])
  end)
end)

describe("the names of classes", function()
  it("must have the same order in the data, the tasks and all sets of a mix", function()
    local faces <const> = braid.data.faces{n = 20, size = 16}.train
    for label, task in pairs{smile = mtl.classes{2, names = {"no", "yes"}},
      glasses = mtl.attributes{"smile", "glasses", names = {"no", "yes"}}} do
      fails(function()
        braid.data.loader(faces, {tasks = mtl.tasks{smile = task}, transforms = {}})
      end, ("data.loader: the classes of '%s' are yes, no in the data set, but no, yes in its task")
        :format(label))
    end
    local other <const> = braid.data.faces{n = 20, size = 16}.train
    other.classes = {smile = {"no", "yes"}}
    fails(function()
      braid.data.loader(braid.data.mix{{faces, 1}, {other, 1}}, {transforms = {}})
    end, "data.loader: the classes of 'smile' are no, yes in the data set, but yes, no in another")
    local same <const> = mtl.tasks{smile = mtl.classes{2, names = {"yes", "no"}}}
    assert.is_truthy(braid.data.loader(faces, {tasks = same, transforms = {}})())
  end)

  it("must be as many as the classes, and are kept in a network's file", function()
    fails(function() mtl.classes{2, names = {"a"}} end,
      "mtl.classes: names has 1 of the 2 classes")
    fails(function() mtl.classes{2, names = {"a", "a"}} end, 'mtl.classes: names has "a" twice')
    fails(function() mtl.classes{2, names = {"a", "b"}, positive = "c"} end,
      'mtl.classes: positive is "c", which is not one of names: a, b')
    fails(function() mtl.attributes{3, positive = "c"} end,
      "mtl.attributes: positive must be one of names, but names is not given")
    local tasks <const> = mtl.tasks{a = mtl.classes{2, names = {"no", "yes"}, metric = "balanced",
      positive = "no"}, b = mtl.attributes{3, metric = "balanced"}}
    local net <const> = braid.model("models/tcdcn.lua", {tasks = tasks, width = 0.25})
    local path <const> = os.tmpname() .. ".safetensors"
    braid.save(path, net)
    local _, again <const> = braid.open(path)
    os.remove(path)
    assert.same({"no", "yes"}, again.a.names)
    assert.equal("no", again.a.positive)
    assert.equal("balanced", again.a.metric)
    assert.equal("balanced", again.b.metric)
  end)
end)

describe("braid.vision.detector", function()
  it("finds the class of faces by its name in the networks' task", function()
    local function networks(names)
      local list <const> = {}
      for _, stage in ipairs{"P", "R", "O"} do
        braid.manual_seed(9)
        list[stage] = braid.model("models/mtcnn.lua", {stage = stage, tasks = mtl.tasks{
          face = mtl.classes{2, names = names}, box = mtl.real{4}, landmarks = mtl.landmarks{}}})
      end
      return list
    end
    local own <const>, other <const> = networks{"no", "yes"}, networks{"yes", "no"}
    for stage, net in pairs(other) do
      braid.no_grad(function() -- exchanges the rows of "no" and "yes"
        for _, part in ipairs{"weight", "bias"} do
          net.head.face[part]:copy_(own[stage].head.face[part]:flip(1))
        end
      end)
    end
    local picture <const> = braid.randint(0, 255, {3, 40, 40}):to("uint8")
    local o <const> = {min_face = 14, thresholds = {0.3, 0.3, 0.3}}
    local found <const> = braid.vision.detector(own, o)(picture)
    local again <const> = braid.vision.detector(other, o)(picture)
    assert.is_true(found.scores:numel() > 0)
    assert.is_true((found.scores - again.scores):abs():max():item() < 1e-6)
    assert.is_true((found.boxes - again.boxes):abs():max():item() < 1e-3)
  end)
end)
