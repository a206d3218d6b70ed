--- Measures of a network of columns, and their pictures: mtl.affinity, mtl.contrast_maps, and
-- plots of net:transfer and net:ablate.

local braid <const> = require "braid"
local nn <const>, mtl <const>, plot <const> = braid.nn, braid.mtl, braid.plot

local columns <const> = require "spec.support.small_columns"

local build <const> = columns.build
local x <const>, batch <const> = columns.x, columns.batch
local largest <const> = columns.largest

local function fails(f, message) assert.error_matches(f, message, 1, true) end

describe("mtl.affinity", function()
  it("gives the cosines between the tasks' gradients at shared parameters", function()
    local w <const> = braid.tensor({1, 2}, {requires_grad = true})
    local own <const> = braid.tensor({3}, {requires_grad = true})
    local losses <const> = {p = w[1] * 2, q = w[1] + w[2] + own:sum(), r = -w[2]}
    local a <const> = mtl.affinity(losses, {w, own})
    assert.same({"p", "q", "r"}, a.names)
    local half <const> = math.sqrt(0.5)
    for i, row in ipairs{{1, half, 0}, {half, 1, -half}, {0, -half, 1}} do
      for j, value in ipairs(row) do assert.near(value, a.cosine[i][j], 1e-6) end
    end
    assert.near(math.sqrt(2), a.norm.q, 1e-6)
    assert.is_nil(w.grad)
    fails(function() mtl.affinity({}, {w}) end, "mtl.affinity: wants {task = loss}")
    fails(function() mtl.affinity({q = w:sum()}) end,
      "mtl.affinity: wants a network or a list of parameters, not a nil")
  end)
end)

describe("mtl.contrast_maps", function()
  it("gives the difference between two classes' mean maps, and groups tasks by it", function()
    local one <const> = mtl.tasks{a = mtl.classes{2}, b = mtl.classes{2}, d = mtl.classes{2}}
    local b <const> = nn.backbone({{"image", nn.Identity()}}, {channels = 1})
    local net <const> = mtl.columns(one, b, {columns = "shared"}):heads(function(task)
      return nn.Sequential{nn.Flatten(), nn.Linear(36, task.size)}
    end)
    local labels <const> = {image = x, a = batch.a, b = batch.a, d = batch.d}
    local r <const> = mtl.contrast_maps(net, {labels, labels}, "image", {groups = 2})
    local wanted <const> = (x[2] + x[3] + x[5]) / 3 - (x[1] + x[4]) / 2
    assert.is_true(largest(wanted[1]:abs(), r.maps.a) < 1e-6)
    assert.equal(0, r.distance[1][2])
    assert.near((r.maps.a - r.maps.d):abs():sum():item(), r.distance[1][3], 1e-5)
    assert.same({{"a", "b"}, {"d"}}, r.groups)
  end)
end)

describe("plot.heatmap", function()
  local path = os.tmpname()

  it("draws cells as a PNG", function()
    local png <const> = path .. ".png"
    assert(plot.heatmap(png, {{-1, 0}, {0.5, 1}}, {cell = 4}))
    local image <const> = assert(braid.load(png))
    assert.same({3, 8, 8}, image.shape)
    local function at(i, j) return image[{ {}, i, j }]:totable() end
    assert.same({49, 87, 164}, at(1, 1))
    assert.same({255, 255, 255}, at(4, 5))
    assert.same({178, 34, 44}, at(8, 8))
    os.remove(png)
  end)

  it("writes names and values into an SVG", function()
    local svg <const> = path .. ".svg"
    assert(plot.heatmap(svg, {{0.25, 0 / 0}}, {rows = {"a<b"}, columns = {"x", "y"}, title = "T"}))
    local file <const> = assert(io.open(svg))
    local text <const> = file:read("a")
    file:close()
    for _, wanted in ipairs{"a&lt;b", ">x</text>", ">0.25</text>", ">-</text>", ">T</text>",
      "</svg>"} do
      assert.is_truthy(text:find(wanted, 1, true), wanted)
    end
    os.remove(svg)
  end)

  it("names the argument that is wrong", function()
    fails(function() plot.heatmap("x.bmp", {{1}}) end, "must end in .svg or .png, not 'x.bmp'")
    fails(function() plot.heatmap("x.png", {{1, 2}, {1}}) end, "row 2 has 1 values")
    fails(function() plot.heatmap("x.png", {}) end, "wants a table of rows of numbers")
    fails(function() plot.heatmap("/nowhere/x.svg", {{1}}) end, "there is no folder /nowhere")
    os.remove(path)
  end)
end)

describe("plot.transfer and plot.ablation", function()
  local path <const> = os.tmpname() .. ".svg"
  after_each(function() os.remove(path) end)

  local function texts()
    local file <const> = assert(io.open(path))
    local list <const> = {}
    for text in file:read("a"):gmatch("<text[^>]*>([^<]*)</text>") do list[#list + 1] = text end
    file:close()
    return table.concat(list, " ")
  end

  it("draw a row for each block and task: what that task takes from each task", function()
    local net <const> = build(mtl.cross_stitch{diag = 0.8, off = 0.1})
    assert(plot.transfer(path, net:transfer(), {digits = 1}))
    assert.equal("a b d conv1 a 0.8 0.1 0.1 conv1 b 0.1 0.8 0.1 conv1 d 0.1 0.1 0.8 "
      .. "conv2 a 0.8 0.1 0.1 conv2 b 0.1 0.8 0.1 conv2 d 0.1 0.1 0.8", texts())
    assert(plot.transfer(path, build(mtl.none{}):transfer(batch), {of = "gradients", digits = 0}))
    assert.equal("a b d conv1 a 1 0 0 conv1 b 0 1 0 conv1 d 0 0 1 "
      .. "conv2 a 1 0 0 conv2 b 0 1 0 conv2 d 0 0 1", texts())
  end)

  it("draw a row for each task whose map is zeroed", function()
    local function change(v) return {landmarks = {failure = v, error = 0}} end
    local table_of <const> = {names = {"landmarks", "pose"}, blocks = {"conv1", "fc"},
      base = change(0.5), change = {conv1 = {landmarks = change(1), pose = change(2)},
        fc = {landmarks = change(3), pose = change(4)}}}
    assert(plot.ablation(path, table_of, {task = "landmarks", metric = "failure", digits = 0}))
    assert.equal("failure of landmarks, a task's map zeroed conv1 fc landmarks 1 3 pose 2 4",
      texts())
    fails(function() plot.ablation(path, table_of, {task = "smile"}) end,
      "plot.ablation: there is no task 'smile'; there is landmarks")
    fails(function() plot.ablation(path, table_of, {task = "landmarks", metric = "auc"}) end,
      "plot.ablation: there is no metric 'auc'; there is error, failure")
  end)

  it("name the argument that is missing or wrong", function()
    fails(function() plot.transfer(path, build(mtl.nddr{}):transfer()) end,
      "plot.transfer: the table has no weights; net:transfer(batch) computes gradients, and")
    fails(function() build():transfer(3) end,
      "transfer: wants a batch with an input and labels, not a number")
    fails(function() build(mtl.separation{}):transfer(batch) end,
      "transfer: in stage 1 the columns do not run; call net:stage(2) first")
    fails(function() plot.transfer(path, build():transfer(), "red") end,
      "plot.transfer: options must be a table, not string")
    fails(function() plot.heatmap(nil, {{1}}) end,
      "plot.heatmap: wants the path of a file, a string, not nil")
    fails(function() plot.transfer(path) end,
      "plot.transfer: wants the result of net:transfer, not a nil")
    fails(function() plot.ablation(path, {}) end,
      "plot.ablation: wants the result of net:ablate, not a table")
    fails(function() plot.transfer(path, build():transfer(), {of = "flow"}) end,
      "plot.transfer: of must be \"weights\" or \"gradients\", not \"flow\"")
  end)
end)
