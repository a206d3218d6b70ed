--- train.report: writes a run as an HTML page that needs no other file.

local braid <const> = require "braid"
local files <const> = require "braid.io.files"
local samples <const> = require "braid.train.reporting.samples"
local shell <const> = require "spec.support.shell"
local data <const>, mtl <const>, nn <const>, train <const> = braid.data, braid.mtl, braid.nn,
  braid.train

local NAN <const>, INF <const> = 0 / 0, math.huge

local function read(path) return assert(files.read(path)) end

local VOID <const> = {meta = true, img = true}

-- Raises an error if the elements of a page do not close in order, if an & or < is not escaped, or
-- if the page names another file.
local function check_page(html)
  local open <const>, at = {}, html:find("<html", 1, true)
  local body <const> = html:gsub("<style>.-</style>", "")
  while true do
    local from <const>, to, slash, name, _, empty =
      body:find("<(/?)(%a[%w]*)([^<>]-)(/?)>", at)
    local between <const> = body:sub(at, (from or #body + 1) - 1)
    assert.is_nil(between:find("[<>]"), between:sub(1, 200))
    for entity in between:gmatch("&([^;]*)") do
      assert.is_truthy(({amp = 1, lt = 1, gt = 1, quot = 1})[entity], entity)
    end
    if not from then break end
    if slash == "/" then
      assert.equal(open[#open], name)
      open[#open] = nil
    elseif empty == "" and not VOID[name] then
      open[#open + 1] = name
    end
    at = to + 1
  end
  assert.same({}, open)
  for _, attribute in ipairs{"src", "href"} do
    for place in html:gmatch(" " .. attribute .. '="([^"]*)"') do
      assert.is_truthy(place:find("^#") or place:find("^data:image/png;base64,"), place)
    end
  end
  assert.is_nil(html:find("url(", 1, true))
  assert.is_nil(html:find("<script", 1, true))
  assert.is_true(#html <= 5000000)
  assert.is_truthy(utf8.len(html))
end

local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{points = 5},
  glasses = mtl.classes{2, names = {"yes", "no"}}, pose = mtl.classes{5, weight = 0.1}}
local faces <const> = data.faces{n = 120, seed = 3, size = 40}
local net <const> = braid.model("models/tcdcn.lua", {tasks = tasks})

-- A run's directory as fit leaves it.
local function write_run(dir, epochs)
  local log <close> = train.log(dir)
  log:clock{event = "profile", ms = 10, blocks = { {block = "conv<1>", forward_ms = 1,
    backward_ms = 2} }, tasks = { {task = "pose", forward_ms = 1, backward_ms = 2} }}
  for epoch = 1, epochs do
    for step = 1, 4 do
      log:step{step = epoch * 4 + step, epoch = epoch, lr = 1e-3, loss = {total = 1 / step,
        pose = step == 3 and NAN or 2}, weights = {pose = 1, landmarks = 2}, cosine = {
        names = {"glasses", "landmarks", "pose"}, rows = {{1, -0.5, 0.25}, {-0.5, 1, NAN},
        {0.25, NAN, 1}}}}
    end
    log:epoch{epoch = epoch, step = epoch * 4, seconds = 1.5, lr = 1e-3,
      train = {loss = {total = 1}},
      val = {landmarks = {error = 1 / epoch, ["failure.0.08"] = 0.25, other = INF},
        pose = {accuracy = 0.5}}}
  end
  if epochs > 0 then
    log:event{event = "best", epoch = 1, metric = "landmarks.error", value = 1.0}
    log:event{event = "stop", reason = "<patience> & more", epoch = epochs, step = epochs * 4}
  end
end

describe("train.report", function()
  it("shows all parts of a run, and the same page again without the data", function()
    shell.in_directory(function(dir)
      write_run(dir, 3)
      local file <close> = io.open(dir .. "/config.json", "w")
      file:write('{"braid": "0.1", "seed": 7, "options": {"<b>": "\\u0001&", "list": [1, 2]}}')
      file:flush()
      braid.save(dir .. "/best.safetensors", net)
      local path <const> = train.report(dir, {data = faces.val, samples = 3, worst = 2})
      assert.equal(dir .. "/report.html", path)
      local html <const> = read(path)
      check_page(html)
      for _, id in ipairs{"curves", "metrics", "conflicts", "weights", "worst", "samples",
        "confusion", "topology", "config", "time"} do
        assert.is_truthy(html:find(('<section id="%s">'):format(id), 1, true), id)
      end
      for _, words in ipairs{"failure.0.08", "&lt;patience&gt; &amp; more", "options.list.2",
        "best landmarks.error, epoch 1", "-0.50", "The largest losses of 15 samples.",
        "prefers-color-scheme:dark", "@media print", "lower is better"} do
        assert.is_truthy(html:find(words, 1, true), words)
      end
      assert.equal(5, select(2, html:gsub("<img", "")))
      train.report(dir)
      assert.equal(html, read(path))
    end)
  end)

  it("has the names of classes of a table, and tells of points only where some are", function()
    shell.in_directory(function(dir)
      local lines <const> = {"x,outcome"}
      for i = 1, 12 do lines[#lines + 1] = ("%d,%s"):format(i, i > 6 and "healed" or "ill") end
      assert(files.write(dir .. "/rows.csv", {table.concat(lines, "\n"), "\n"}))
      local sets <const> = data.table(dir .. "/rows.csv", {classes = {"outcome"}})
      local set <const> = sets.train or sets
      local own <const> = mtl.tasks{outcome = mtl.classes{2}}
      local small <const> = mtl.network{tasks = own, blocks = nn.backbone({{"one", function(c)
        return nn.Linear(c, 4), 4
      end}}, {channels = 1}), heads = function(_, c) return nn.Linear(c, 2) end}
      for _, p in ipairs(small.head.outcome:parameters()) do
        braid.no_grad(function() p:zero_() end) -- the answer is the same for all rows
      end
      write_run(dir, 1)
      for _, given in ipairs{set, data.loader(set, {batch = 4, tasks = own})} do
        small.card = given ~= set and {classes = {outcome = set.classes.outcome}} or nil
        local html <const> = read(train.report(dir, {data = given, net = small}))
        check_page(html)
        assert.is_truthy(html:find("outcome", 1, true))
        assert.is_truthy(html:find("healed %d+%%") or html:find("ill %d+%%"))
        assert.is_truthy(html:find(", is healed", 1, true) or html:find(", is ill", 1, true))
        assert.is_nil(html:find(", is %d"))
        assert.is_nil(html:find("true points", 1, true))
      end
      local shown <const> = read(train.report(dir, {data = faces.val, net = net}))
      assert.is_truthy(shown:find("Rings are true points", 1, true))
    end)
  end)

  it("makes a page of a run with few events", function()
    for _, epochs in ipairs{0, 1} do
      shell.in_directory(function(dir)
        write_run(dir, epochs)
        check_page(read(train.report(dir, {path = dir .. "/other.html"})))
        assert.is_nil(io.open(dir .. "/report.html"))
      end)
    end
  end)

  it("stays below 5 MB", function()
    shell.in_directory(function(dir)
      write_run(dir, 1)
      local large <const> = data.faces{n = 400, seed = 1, size = 200}
      local deep <const> = mtl.tasks{landmarks = mtl.landmarks{points = 5}}
      local wide <const> = mtl.network{tasks = deep, blocks = {{"one", function()
        return nn.Conv2d(1, 4, {kernel = 3, stride = 8}), 4
      end}}, heads = function(_, c) return nn.Sequential{nn.GlobalAvgPool(), nn.Linear(c, 10)} end}
      local html <const> = read(train.report(dir, {data = large.train, net = wide, samples = 320}))
      check_page(html)
      assert.is_true(#html > 4000000)
    end)
  end)

  it("names what is missing or wrong", function()
    shell.in_directory(function(dir)
      local function fails(words, ...)
        local ok <const>, message <const> = pcall(function(...) return (train.report(...)) end, ...)
        assert.is_false(ok)
        assert.is_truthy(message:find(words, 1, true), message)
        assert.matches("^spec/train/report_spec", message)
      end
      fails("is not the directory of a run: it has no metrics.jsonl", dir)
      write_run(dir, 1)
      fails("there is no best.safetensors in", dir, {data = faces.val})
      fails("path must end in .html", dir, {path = dir .. "/x.pdf"})
      fails("samples must be a whole number", dir, {samples = -1})
      fails("data must be a data set or a loader, not 5", dir, {data = 5})
      fails("the network has no tasks; pass them: tasks =", dir, {data = faces.val,
        net = nn.Linear(2, 2)})
      local broken <close> = io.open(dir .. "/best.safetensors", "w")
      broken:write("no network")
      broken:flush()
      check_page(read(train.report(dir)))
      fails("cannot be opened", dir, {data = faces.val})
    end)
  end)
end)

describe("the samples of a report", function()
  it("are the first ones and those of the largest losses, with a confusion matrix", function()
    local loader <const> = data.loader(faces.val, {batch = 4, tasks = tasks})
    local found <const> = samples.collect(net, tasks, loader, {samples = 2, worst = 3})
    assert.equal(15, found.count)
    assert.same({1, 2}, {found.samples[1].number, found.samples[2].number})
    local losses <const>, n = {}, 0
    net:eval()
    for batch in data.loader(faces.val, {batch = 1, tasks = tasks}) do
      n = n + 1
      losses[n] = braid.no_grad(function() return (tasks:loss(net(batch.image), batch)) end):item()
    end
    table.sort(losses, function(a, b) return a > b end)
    for i = 1, 3 do assert.near(losses[i], found.worst[i].loss, 1e-5) end
    local sum = 0
    for _, row in ipairs(found.confusion.pose.counts) do
      for _, count in ipairs(row) do sum = sum + count end
    end
    assert.equal(15, sum)
    assert.same({"yes", "no"}, found.confusion.glasses.names)
  end)

  it("may have missing labels, outputs that are NaN and pictures of any range", function()
    local batch <const> = {count = 3, image = braid.randn(3, 3, 10, 20) * 1e3,
      glasses = braid.tensor({-100, 1, 2}, {dtype = "int64"}),
      landmarks = braid.full({3, 5, 2}, NAN), pose = braid.tensor({-100, -100, 5},
        {dtype = "int64"})}
    batch.image[1] = 7
    local served = false
    local function batches()
      local once <const> = not served and batch or nil
      served = true
      return once
    end
    local function odd() return {glasses = braid.full({3, 2}, NAN), pose = braid.randn(3, 5),
      landmarks = braid.full({3, 10}, INF)} end
    local found <const> = samples.collect(odd, tasks, batches, {samples = 3, worst = 3})
    assert.equal(3, #found.worst)
    assert.equal(3, #found.samples)
  end)

  it("have text but no picture where the inputs are numbers", function()
    local served = false
    local function batches()
      local once <const> = not served and {count = 2, input = braid.randn(2, 3),
        glasses = braid.tensor({1, 2}, {dtype = "int64"})} or nil
      served = true
      return once
    end
    local only <const> = mtl.tasks{glasses = mtl.classes{2, weight = function(e) return e end}}
    local found <const> = samples.collect(function(x)
      return {glasses = x[{ {}, {1, 2} }]}
    end, only, batches, {samples = 2, worst = 1})
    assert.is_nil(found.samples[1].picture)
    local cards <const> = require("braid.train.reporting.page").cards(found.samples)
    assert.is_nil(cards:find("<img", 1, true))
    assert.is_truthy(cards:find("sample 2, loss", 1, true))
  end)

  it("have pictures that are encoded as base64 (RFC 4648, 10)", function()
    for _, case in ipairs{{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
      {"foobar", "Zm9vYmFy"}, {"\0\255\254", "AP/+"}} do
      assert.equal(case[2], samples.base64(case[1]))
    end
  end)
end)
