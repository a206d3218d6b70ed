--- plot.differences, which compares networks, and plot.parallel, which shows a search of options.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"

local plot <const> = braid.plot

local MEANS <const> = {{name = "a & b", mean = 0.3, deviation = 0.01},
  {name = "best", mean = 0.1, deviation = 0.02}, {name = "middle", mean = 0.12}}

describe("plot.differences", function()
  it("lists the best first, and joins each group of two or more by a bar", function()
    local svg <const> = plot.differences(MEANS, {groups = {{"best", "middle"}, {"a & b"}},
      percent = true}):svg()
    local order <const> = {}
    for name in svg:gmatch('text%-anchor="end">([^<]+)</text>') do order[#order + 1] = name end
    assert.equal("best, middle, a &amp; b", table.concat(order, ", "))
    assert.equal(1, select(2, svg:gsub('stroke%-width="4"', "")))
    assert(svg:find("<title>best: 10 ± 2</title>", 1, true))
    assert(svg:find("joined by a bar: not distinguishable", 1, true))
    local turned <const> = plot.differences(MEANS, {direction = "max"}):svg()
    assert(turned:find("a &amp; b", 1, true) < turned:find(">middle<", 1, true))
    assert(not turned:find("joined", 1, true))
  end)

  it("draws an SVG, a PNG and text, also with NaN and huge numbers", function()
    shell.in_directory(function(dir)
      plot.differences(dir .. "/d.svg", MEANS)
      plot.differences(dir .. "/d.png", MEANS, {title = "t"})
      assert.same("uint8", braid.load(dir .. "/d.png").dtype)
      for _, data in ipairs{MEANS, {{name = "one", mean = 0}},
        {{name = "x", mean = 0 / 0}, {name = "y", mean = 1e300, deviation = 1e299}}} do
        local text <const> = plot.differences(data):text{columns = 60}
        assert(text:find(data[#data].name, 1, true), text)
      end
    end)
    assert.error_matches(function() plot.differences{} end, "wants a list of {name =, mean =")
    assert.error_matches(function() plot.differences{{name = "a"}} end, "entry 1 must be {name =")
  end)
end)

describe("plot.parallel", function()
  local DATA <const> = {axes = {{name = "lr", log = true}, {name = "kind", values = {"a", "b"}},
    {name = "n"}, {name = "error <x>"}}, rows = {{1e-3, "a", 2, 0.1}, {1e-1, "b", 5, 0.2},
    {1e-2, "b", false, 0.3}, {1e-4, "a", 3, 1 / 0}}}

  it("has an axis for each column and a line for each row; the best lines are coloured", function()
    local svg <const> = plot.parallel(DATA, {best = 2}):svg()
    for _, name in ipairs{"lr", "kind", "n", "error &lt;x&gt;", "0.001", "a", "b"} do
      assert(svg:find(">" .. name .. "</text>", 1, true), name)
    end
    assert.equal(1, select(2, svg:gsub('stroke="var%(%-%-s2,', "")))
    assert.equal(1, select(2, svg:gsub('stroke="var%(%-%-s1,', "")))
    local points <const> = {}
    for p in svg:gmatch('<polyline points="([^"]+)"') do
      local n <const> = select(2, p:gsub(",", ""))
      points[n] = (points[n] or 0) + 1
    end
    -- A line of an axis has two points; so has the row that ends before its missing value.
    assert.same({[2] = 5, [3] = 1, [4] = 2}, points)
    assert(plot.parallel(DATA):text{columns = 70}:find("kind", 1, true))
    plot.parallel{axes = {{name = "x"}}, rows = {}}:svg()
    assert.error_matches(function() plot.parallel{axes = {}} end, "wants {axes =")
    assert.error_matches(function() plot.parallel{axes = {{name = "x"}}, rows = {{"y"}}} end,
      "value 1 of row 1 must be a number, not \"y\"")
  end)
end)
