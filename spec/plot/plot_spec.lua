--- Figures: the functions of plot with all kinds of data, as SVG, PNG and text.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local files <const> = require "spec.support.file"
local scale <const> = require "braid.plot.draw.scale"
local path <const> = require "braid.plot.draw.path"
local mtl <const>, nn <const>, plot <const> = braid.mtl, braid.nn, braid.plot

local NAN <const>, INF <const> = 0 / 0, math.huge

local figures <const> = require "spec.support.figures"
local check_svg <const> = figures.check_svg
local check_figure <const> = figures.check_figure

-- ---- data of all kinds ---------------------------------------------------------------------

local function walk(n)
  local t <const> = {}
  for i = 1, n do t[i] = math.sin(i / 7) + i / n end
  return t
end

local function many(count, n)
  local t <const> = {}
  for i = 1, count do t["series number " .. i] = walk(n) end
  return t
end

local SERIES <const> = {
  ["nothing"] = {}, ["an empty series"] = {a = {}, b = {1, 2}}, ["one point"] = {3},
  ["all the same"] = {5, 5, 5, 5}, ["all zero"] = {0, 0, 0}, ["only NaN"] = {NAN, NAN},
  ["NaN between"] = {1, NAN, 3, NAN, NAN, 2}, ["infinity"] = {1, INF, 2, -INF, 3},
  ["both signs"] = {-3, 2, -1}, ["huge"] = {-1.7e308, 1.7e308}, ["tiny"] = {1e-320, 3e-320, 2e-310},
  ["close to each other"] = {1e9, 1e9 + 1e-3, 1e9}, ["smallest and largest integers"] =
    {math.mininteger, math.maxinteger}, ["many series"] = many(40, 12),
  ["names of all kinds"] = {["<b>&amp;\"'</b>"] = {1, 2}, [("long "):rep(60)] = {2, 3},
    ["bytes \xff\xfe\1\2"] = {3, 4}, ["嗨 größe"] = {4, 5}, [""] = {5, 6}},
  ["a tensor"] = braid.arange(1, 9), ["rows of a tensor"] = braid.arange(1, 12):reshape(3, 4),
}

local TAKES <const> = {
  ["plot.lines"] = plot.lines, ["plot.scatter"] = plot.scatter,
  ["plot.histogram"] = plot.histogram, ["plot.lines, logarithmic"] = function(data, o)
    o.log = "xy"
    return plot.lines(data, o)
  end,
}

for name, f in pairs(TAKES) do
  describe(name, function()
    for kind, data in pairs(SERIES) do
      it("draws " .. kind, function() check_figure(f(data, {title = "T", xlabel = "x"})) end)
    end
  end)
end

local MILLION <const> = 1000000

describe("a figure of a million points #slow", function()
  local x <const> = braid.randn(MILLION)

  it("has only the points that can be seen, so its SVG is below 2 MB", function()
    for _, f in ipairs{plot.lines, plot.scatter, plot.histogram} do
      local svg <const> = f(x):svg()
      assert.is_true(#svg < 2e6, #svg)
      check_svg(svg)
    end
  end)

  it("keeps the lowest and highest point of each column of pixels", function()
    local p <const>, extremes <const> = {}, {}
    for i = 1, 5000 do
      local column <const> = i // 10
      p[2 * i - 1], p[2 * i] = i / 10, (i * 7919 % 1000) / 10
      local e <const> = extremes[column] or {p[2 * i], p[2 * i]}
      extremes[column] = {math.min(e[1], p[2 * i]), math.max(e[2], p[2 * i])}
    end
    local thin <const>, found <const> = path.thin(p, 100), {}
    assert.is_true(#thin < #p)
    for i = 1, #thin, 2 do
      local column <const> = thin[i] // 1
      local e <const> = found[column] or {INF, -INF}
      found[column] = {math.min(e[1], thin[i + 1]), math.max(e[2], thin[i + 1])}
    end
    for column, e in pairs(extremes) do assert.same(e, found[column + 0.0]) end
  end)
end)

-- ---- axes ------------------------------------------------------------------------------------

describe("the axes of a figure", function()
  it("have round ticks", function()
    for _, case in ipairs{
      {0, 1, "0 0.2 0.4 0.6 0.8 1.0"}, {0.113, 0.4871, "0.1 0.2 0.3 0.4 0.5", 0.1, 0.5},
      {-3, 17, "-5 0 5 10 15 20", -5, 20}, {0, 12345678, "0 2e6 4e6 6e6 8e6 1e7 1.2e7"},
      {1e-6, 9e-6, "2e-6 4e-6 6e-6 8e-6"},
    } do
      local axis <const> = scale.linear{low = case[1], high = case[2], count = 5,
        fixed_low = case[4], fixed_high = case[5]}
      assert.equal(case[3], table.concat(axis.labels, " "))
    end
  end)

  it("have ticks 1, 2 or 5 times a power of ten apart, for any range", function()
    for k = 1, 400 do
      local low <const> = math.tan(k) * 10.0 ^ (k % 40 - 20)
      local high <const> = low + math.abs(math.sin(k)) * 10.0 ^ (k % 37 - 18)
      local axis <const> = scale.linear{low = low, high = high, count = 2 + k % 7}
      local digit <const> = ("%.0e"):format(axis.step):sub(1, 1)
      assert.is_truthy(({["1"] = 1, ["2"] = 1, ["5"] = 1})[digit], axis.step)
      assert.is_true(#axis.ticks <= 2 * (2 + k % 7) + 2)
      for i = 2, #axis.labels do assert.are_not.equal(axis.labels[i - 1], axis.labels[i]) end
      for _, tick in ipairs(axis.ticks) do
        assert.is_true(axis.at(tick) > -0.01 and axis.at(tick) < 1.01)
      end
    end
  end)

  it("have ticks at powers of ten if logarithmic, with a note on values left out", function()
    local axis <const> = scale.log{low = 1e-4, high = 1, count = 5}
    assert.equal("1e-4 0.001 0.01 0.1 1", table.concat(axis.labels, " "))
    assert.near(0.5, axis.at(1e-2), 0.01)
    local svg <const> = plot.lines({1, 0, -1, 10}, {log = "y"}):svg()
    assert.is_truthy(svg:find("2 values left out: infinite or not above 0", 1, true))
  end)

  it("place points at their values", function()
    local svg <const> = plot.lines({x = {0, 10}, y = {0, 1}}, {ylim = {0, 1}, xlim = {0, 10}}):svg()
    local points <const> = {}
    for p in svg:gmatch('points="([^"]*)" fill="none" stroke="var%(%-%-s1') do points[1] = p end
    local x0 <const>, y0 <const>, x1 <const>, y1 <const> =
      points[1]:match("([%d.]+),([%d.]+) ([%d.]+),([%d.]+)")
    local zero <const> = svg:match('<text x="([%d.]+)"[^>]*text%-anchor="middle">0<')
    assert.near(tonumber(zero), tonumber(x0), 8)
    assert.equal(260, math.floor(y0 - y1 + 0.5))
    assert.is_true(x1 - x0 > 550)
  end)

  it("cannot have limits in the wrong order, or at 0 with a logarithm", function()
    assert.error_matches(function() plot.lines({1}, {xlim = {2, 1}}) end,
      "plot.lines: xlim = {2, 1} must have its lower number first", 1, true)
    assert.error_matches(function() plot.lines({1}, {log = "y", ylim = {0, 1}}) end,
      "ylim must be above 0 on a logarithmic axis, not 0", 1, true)
  end)
end)

-- ---- single functions ------------------------------------------------------------------------

-- The words of an SVG in their order.
local function words(figure)
  local list <const> = {}
  for text in figure:svg():gmatch("<text[^>]*>([^<]+)</text>") do list[#list + 1] = text end
  return table.concat(list, " ")
end

describe("plot.lines", function()
  it("orders names by the numbers in them; no two lines look the same", function()
    local data <const>, looks <const> = {}, {}
    for i = 1, 40 do data["block" .. i] = {i, i} end
    local figure <const> = plot.lines(data)
    for i, entry in ipairs(figure.panels[1].legend) do assert.equal("block" .. i, entry.name) end
    local LOOK <const> = 'stroke="var%((%-%-s%d),[^"]*" stroke%-width="2"([^/]*)'
    for stroke, dash in figure:svg():gmatch(LOOK) do
      looks[stroke .. dash:gsub(" stroke%-linejoin=\"round\"", "")] = true
    end
    local count = 0
    for _ in pairs(looks) do count = count + 1 end
    assert.equal(40, count)
    check_figure(plot.lines{[("9"):rep(400)] = {1}, ["a12345678901234567890123"] = {2}})
  end)

  it("draws the mean of runs with a band of one deviation", function()
    local figure <const> = plot.lines({a = {{1, 2}, {3, 6}}})
    local band <const> = figure.panels[1].marks[1]
    assert.equal("band", band.kind)
    assert.same({2, 4}, figure.panels[1].marks[2].y)
    assert.near(2 - math.sqrt(2), band.low[1], 1e-12)
    assert.near(4 + math.sqrt(8), band.high[2], 1e-12)
  end)

  it("smooths by an exponential mean that does not begin at 0", function()
    local marks <const> = plot.lines({4, 4, 8}, {smooth = 0.5}).panels[1].marks
    assert.same({4, 4, 8}, marks[1].y)
    assert.same({4.0, 4.0}, {marks[2].y[1], marks[2].y[2]})
    assert.near((0.25 * 0.5 * 4 + 0.25 * 4 + 0.5 * 8) / 0.875, marks[2].y[3], 1e-12)
  end)

  it("draws histories of trainings", function()
    local events <const> = {}
    for epoch = 1, 5 do
      events[epoch] = {event = "epoch", epoch = epoch, step = epoch * 10, lr = 0.1 / epoch,
        train = {loss = {total = 1 / epoch, a = 2 / epoch}}, val = {a = {accuracy = epoch / 5}}}
    end
    events[6] = {event = "best", epoch = 4, metric = "a.accuracy", value = 0.8}
    local history <const> = braid.train.history(events)
    check_figure(plot.lines(history))
    check_figure(plot.lines({one = history, two = history}, {of = "val.a.accuracy"}))
    check_figure(plot.history(history))
    assert.is_truthy(words(history:plot()):find("validation: accuracy a epoch", 1, true) or
      words(history:plot()):find("validation: accuracy", 1, true))
    assert.is_truthy(words(history:plot()):find("best", 1, true))
    assert.error_matches(function() plot.lines({one = history}) end, "of = \"val.TASK.METRIC\"", 1,
      true)
    check_figure(plot.history(braid.train.history()))
  end)

  it("raises an error that names what is wrong in the data", function()
    for _, case in ipairs{
      {nil, "wants lists of numbers"}, {5, "wants lists of numbers"}, {print, "wants lists"},
      {{1, "x"}, "value 2 is \"x\""}, {{a = {1, {}}}, "'a' must hold numbers; value 2 is {}"},
      {{a = 5}, "'a' must be a list of numbers or a tensor, not 5"},
      {{{x = {1, 2}, y = {1}}}, "has 1 values of y and 2 of x"},
      {{a = {y = {1}, z = {1}}}, "'a' has a field 'z'; a series has x, y, low, high, name"},
      {{a = {y = {1}, low = {1}}}, "has only one of low and high"},
      {{a = braid.ones(2, 2, 2)}, "must have one dimension, not shape (2, 2, 2)"},
      {{1, 2, [4] = 3}, "must be a list, but it has a field 4"},
    } do
      local ok <const>, message <const> = pcall(function() return plot.lines(case[1]) end)
      assert.is_false(ok)
      assert.is_truthy(message:find(case[2], 1, true), message)
    end
  end)
end)

describe("plot.bars", function()
  local DATA <const> = {
    ["nothing"] = {}, ["one"] = {a = 1}, ["both signs"] = {a = -2, b = 3, c = 0},
    ["not numbers"] = {a = NAN, b = INF, c = -INF, d = 1}, ["a list"] = {3, 1, 2},
    ["a tensor"] = braid.ones(3), ["bounds"] = {a = {value = 1, low = 0.5, high = 2}, b = 2},
    ["groups"] = {a = {x = 1, y = 2}, b = {x = 3}}, ["names"] = {["<&>"] = 1, [("n"):rep(200)] = 2},
  }
  for kind, data in pairs(DATA) do
    it("draws " .. kind, function()
      check_figure(plot.bars(data))
      check_figure(plot.bars(data, {log = "x"}))
    end)
  end

  it("draws bars in the order of names or of `order`, with their values", function()
    local function drawn(o) return words(plot.bars({b = 2.5, a = 1.25}, o)) end
    assert.matches("^a b .*1%.25 2%.5$", drawn())
    assert.matches("^b a .*2%.5 1%.25$", drawn{order = {"b", "a"}})
    assert.error_matches(function() plot.bars({ab = 1}, {order = {"ac"}}) end,
      "order names 'ac', but there is no such bar; ", 1, true)
    assert.error_matches(function() plot.bars({a = "x"}) end, "'a' must be a number, not \"x\"", 1,
      true)
    assert.error_matches(function() plot.bars({a = {value = 1, lo = 2}}) end, "its lo is 2", 1,
      true)
  end)

  it("has a line of text for each bar, as long as its value", function()
    local text <const> = plot.bars({a = {x = 2, y = 1}, b = {x = 1, y = 2}}):text{columns = 40}
    local bars <const> = {}
    for line in text:gmatch("[^\n]+") do
      local _, n <const> = line:gsub("█", "")
      if n > 0 then bars[#bars + 1] = n end
    end
    assert.equal(4, #bars)
    assert.near(bars[1] / bars[2], 2, 0.1)
    assert.equal(bars[1], bars[4])
  end)
end)

describe("plot.histogram", function()
  it("counts every finite value once", function()
    for _, bins in ipairs{1, 7, 50} do
      local marks <const>, sum = plot.histogram({3, 1, 2, 2, NAN, 5, INF, 1}, {bins = bins})
        .panels[1].marks, 0
      for _, m in ipairs(marks) do sum = sum + m.y1 end
      assert.equal(6, sum)
    end
    local svg <const> = plot.histogram({1, NAN, INF}):svg()
    assert.is_truthy(svg:find("2 not finite, left out", 1, true))
  end)

  it("has area 1 with density = true", function()
    local area = 0
    for _, m in ipairs(plot.histogram(braid.randn(500), {density = true}).panels[1].marks) do
      area = area + (m.x1 - m.x0) * m.y1
    end
    assert.near(1, area, 1e-9)
  end)
end)

describe("plot.confusion", function()
  it("writes counts, and colours each cell by its share of the row", function()
    local figure <const> = plot.confusion({{8, 2}, {0, 0}}, {names = {"a", "b"}})
    check_figure(figure)
    assert.is_truthy(words(figure):find("a b a 8 2 b 0 0", 1, true))
    assert.same({{0.8, 0.2}, {0, 0}}, figure.panels[1].values)
    assert.is_truthy(figure:svg():find("a taken for b: 2, 20.0%", 1, true))
    check_figure(plot.confusion(braid.eye(60), {share = true}))
  end)

  it("takes the value of mtl.metric.confusion", function()
    local outputs <const> = braid.tensor{{2, 1}, {0, 1}, {3, 1}}
    local found <const> = mtl.metric.confusion{names = {"no", "yes"}}
    found:observe(outputs, braid.tensor({1, 1, 2}, {dtype = "int64"}))
    local drawn <const> = words(plot.confusion((found:result())))
    assert.is_truthy(drawn:find("no yes no 1 1 yes 1 0", 1, true), drawn)
  end)

  it("raises an error that names the wrong count", function()
    for _, case in ipairs{{{}, "wants counts"}, {{{1, 2}}, "row 1 of 1 must have 1 counts, not 2"},
      {{{1, 2}, {3, -1}}, "count 2 of row 2 must be a number from 0, not -1"}, {7,
        "wants counts"}} do
      assert.error_matches(function() plot.confusion(case[1]) end, case[2], 1, true)
    end
  end)
end)

describe("plot.ced", function()
  it("draws curves from lists, tensors and tables of errors, with area and failures", function()
    local errors <const> = {0.01, 0.02, 0.05, 0.2, NAN}
    for _, data in ipairs{errors, braid.tensor(errors), {errors = errors}, mtl.ced(errors),
      {one = errors, two = {errors = braid.tensor(errors)}}} do
      local figure <const> = plot.ced(data)
      check_figure(figure)
      assert.is_truthy(words(figure):find("(area 0.550, 25.0% above)", 1, true), words(figure))
    end
    check_figure(plot.ced({a = {}, b = {NAN}}))
    assert.error_matches(function() plot.ced(5) end, "plot.ced: wants errors", 1, true)
  end)
end)

describe("plot.heatmap", function()
  it("draws tables of any size and values", function()
    for _, values in ipairs{{{1}}, {{NAN, INF}, {-INF, 0}}, braid.randn(3, 200), braid.randn(200,
      3),
      braid.randn(500, 500), braid.zeros(4, 4)} do
      check_figure(plot.heatmap(values))
    end
    check_figure(plot.heatmap({{1, 2}}, {rows = {("r"):rep(99)}, columns = {"<&>", ("c"):rep(99)}}))
    assert.is_truthy(words(plot.heatmap(braid.randn(500, 500))):find("mean of 5 x 5 values", 1,
      true))
  end)
end)

describe("plot.topology", function()
  local tasks <const> = mtl.tasks{a = mtl.classes{2}, b = mtl.landmarks{points = 5},
    c = mtl.classes{3}}
  local image <const> = braid.randn(2, 1, 40, 40)

  it("draws networks of every mixer, stacked and not", function()
    for _, mixer in ipairs{"none", "cross_stitch", "ttc", "collaborative", "separation", "nddr",
      "sluice", "share"} do
      for _, stacked in ipairs{false, true} do
        local net <const> = mtl.network{tasks = tasks, blocks = nn.backbone("tcdcn"),
          mixer = mtl[mixer]{}}
        if mixer ~= "separation" then net(image) end
        if not stacked then net:unstack() end
        local figure <const> = plot.topology(net, {title = mixer})
        check_figure(figure)
        for _, word in ipairs{"conv1", "fc", "a", "landmarks"} do
          assert.is_truthy(words(figure):find(word, 1, true), mixer .. word)
        end
      end
    end
  end)

  it("writes the mixers' weights as numbers", function()
    local net <const> = mtl.network{tasks = tasks, blocks = nn.backbone("tcdcn"),
      mixer = mtl.cross_stitch{diag = 0.7, off = 0.15}, at = {"conv2"}}
    local _, count <const> = words(plot.topology(net)):gsub(
      "0%.70 0%.15 0%.15 0%.15 0%.70 0%.15 0%.15 0%.15 0%.70", "")
    assert.equal(1, count)
  end)

  it("draws groups, many tasks, published networks and those without columns", function()
    check_figure(plot.topology(mtl.network{tasks = tasks, blocks = nn.backbone("tcdcn"),
      groups = {both = {"a", "b"}}}))
    local forty <const> = {}
    for i = 1, 40 do forty["task" .. i] = mtl.classes{2} end
    check_figure(plot.topology(mtl.network{tasks = mtl.tasks(forty), blocks = nn.backbone("tcdcn"),
      mixer = mtl.ttc{}}))
    for _, name in ipairs{"tcdcn", "hyperface", "mtan", "cascade"} do
      check_figure(plot.topology(braid.model(("models/%s.lua"):format(name), {tasks = tasks})))
    end
    check_figure(plot.topology(nn.Sequential{nn.Linear(2, 2), nn.ReLU()}))
    check_figure(plot.topology(nn.ReLU()))
    assert.error_matches(function() plot.topology({}) end, "plot.topology: wants a network, not {}",
      1, true)
  end)
end)

-- ---- files and terminals ---------------------------------------------------------------------

describe("a figure", function()
  local figure <const> = plot.lines({1, 2, 3}, {title = "T"})

  it("is written as SVG, PNG or text, by the ending of the path", function()
    for _, ending in ipairs{"svg", "png", "txt"} do
      files.with("p." .. ending, function(p)
        assert.is_true(plot.lines(p, {1, 2, 3}, {title = "T"}))
        local file <close> = io.open(p, "rb")
        local bytes <const> = file:read("a")
        if ending == "png" then
          assert.same({3, 2 * 296, 2 * 640}, {braid.load(p):size(1), 592, braid.load(p):size(3)})
        else
          assert.equal(ending == "svg" and figure:svg() or figure:text{columns = 80} .. "\n", bytes)
        end
        assert.is_true(figure:save(p))
      end)
    end
    assert.error_matches(function() figure:save("x.gif") end, "plot.lines: the path must end in", 1,
      true)
    assert.error_matches(function() plot.lines(nil, {1}) end, "wants the path of a file", 1, true)
    assert.error_matches(function() plot.lines(5, {1}) end, "wants the path of a file", 1, true)
  end)

  it("has colours for light and dark pages, or only for the option theme", function()
    local both <const> = figure:svg()
    assert.is_truthy(both:find("prefers-color-scheme:dark", 1, true))
    local dark <const> = plot.lines({1, 2}, {theme = "dark"})
    assert.is_nil(dark:svg():find("prefers-color-scheme", 1, true))
    assert.is_true(dark:canvas():to("float32"):mean():item() < 60)
    assert.is_true(figure:canvas():to("float32"):mean():item() > 200)
  end)

  it("prints as braille text, with colours only if asked for", function()
    local text <const> = tostring(plot.lines({a = {1, 2}, b = {2, 1}}))
    assert.is_truthy(text:find("a = a   b = b", 1, true))
    assert.is_truthy(text:find("[\xE2][\xA0-\xA3][\x80-\xBF]"), "braille")
    assert.is_truthy(plot.lines({1, 2}):text{colour = true}:find("\27[38;5;33m", 1, true))
  end)
end)

describe("core.draw_polygon", function()
  it("colours each pixel by the share of it that is inside", function()
    local canvas <const> = core.new({4, 4, 1}, "uint8", 0)
    core.draw_polygon(canvas, {0, 0, 2, 0, 2, 2, 0, 2}, 1, {255, 255, 255})
    assert.same({64, 128, 64, 0}, canvas[1]:reshape(4):totable())
    assert.same({128, 255, 128, 0}, canvas[2]:reshape(4):totable())
    assert.same({0, 0, 0, 0}, canvas[4]:reshape(4):totable())
    core.draw_polygon(canvas, {-99, -99, 99, -99, 99, 99, -99, 99}, 0.5, {0, 0, 0})
    assert.same({64, 128, 64, 0}, canvas[2]:reshape(4):totable())
  end)

  it("draws nothing for points that make no polygon, or with opacity 0", function()
    local canvas <const> = core.new({3, 3, 3}, "uint8", 9)
    for _, p in ipairs{{}, {1, 1}, {0, 0, 1, 1}, {0, 0, NAN, 1, 2, 2}, {0, 0, INF, 1, 2, 2}} do
      core.draw_polygon(canvas, p, 1, {0, 0, 0})
    end
    core.draw_polygon(canvas, {0, 0, 2, 0, 2, 2}, 0, {0, 0, 0})
    assert.equal(9, canvas:min():item())
  end)
end)
