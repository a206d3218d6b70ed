--- NaN is printed as "nan" wherever Braid prints or returns a number, with any sign in memory: 0 /
-- 0 gives on x86 a NaN that Lua prints as "-nan".

local braid <const> = require "braid"
local format <const> = require "braid.format"
local data <const>, mtl <const>, nn <const>, optim <const> = braid.data, braid.mtl, braid.nn,
  braid.optim

local NEGATIVE <const> = string.unpack("n", string.pack("j", 0xFFF8000000000000 | 0))

describe("NaN", function()
  it("has no sign in what item and totable return", function()
    for _, dtype in ipairs{"float32", "float64"} do
      local t <const> = braid.tensor({NEGATIVE, -NEGATIVE}, {dtype = dtype})
      for i = 1, 2 do
        assert.equal("nan", tostring(t[i]:item()))
        assert.equal("nan", tostring(t:totable()[i]))
        assert.equal("nan", ("%f"):format((t[i] * -1):item()))
      end
      assert.equal("nan", tostring((t[1] - t[1]):item()))
    end
  end)

  it("is printed without a sign by tensors and by braid.format", function()
    assert.matches("nan, nan", tostring(braid.tensor{NEGATIVE, -NEGATIVE}), 1, true)
    assert.equal("nan  nan 1", format("%g %4.1f %d", NEGATIVE, -NEGATIVE, 1))
    assert.equal("nan", format("%s", NEGATIVE))
  end)

  it("has no sign in error messages", function()
    for _, f in ipairs{
      function(v) braid.nn.Dropout(v) end, function(v) braid.F.dropout(braid.ones(1), v) end,
      function(v) braid.ones(1):clamp(v) end, function(v) braid.optim.SGD({}, {lr = v}) end,
      function(v) braid.ones({1}, {dtype = "int64"}):fill_(v) end,
      function(v) braid.zeros(v) end, function(v) braid.ones(2):size(v) end,
      function(v) braid.arange(1, v) end, function(v) braid.manual_seed(v) end,
      function(v) braid.set_threads(v) end, function(v) nn.Linear(v, 2) end,
      function(v) optim.cosine(v) end, function(v) mtl.classes{v} end,
      function(v) data.faces{n = v} end, function(v) data.resize(v) end,
      function(v) braid.ones(2, 2):split(v) end,
      function(v) braid.model("tcdcn.lua", {width = v}) end,
    } do
      for _, v in ipairs{NEGATIVE, -NEGATIVE} do
        local ok <const>, message <const> = pcall(f, v)
        assert.is_false(ok)
        assert.matches("nan", message, 1, true)
        assert.is_nil(message:find("-nan", 1, true), message)
      end
    end
  end)

  it("is not looked for in file names: \"x-nan.csv\" stays as it is", function()
    for _, f in ipairs{braid.load, braid.data.csv} do
      local ok <const>, message <const> = pcall(f, "no-such/x-nan.csv")
      assert.is_false(ok)
      assert.matches("x-nan.csv", message, 1, true)
    end
    local ok <const>, message <const> = pcall(braid.load, "no-such/x-nan.png")
    assert.is_false(ok)
    assert.matches("x-nan.png", message, 1, true)
  end)

  it("has no sign in reports of every kind of task, also without labels", function()
    local tasks <const> = mtl.tasks{classes = mtl.classes{2}, real = mtl.real{1},
      landmarks = mtl.landmarks{points = 2, eyes = {1, 2}}, attributes = mtl.attributes{2},
      bins = mtl.landmark_bins{points = 2, eyes = {1, 2}, pixels = 4}, pose = mtl.pose_bins{}}
    local nan <const> = braid.full({2, 1}, NEGATIVE)
    for _, label in ipairs{1, -100} do
      local function net()
        local out <const> = {}
        for name, task in tasks:each() do out[name] = nan:expand(2, task.size) end
        return out
      end
      local labels <const> = braid.full({2}, label, {dtype = "int64"})
      local there <const> = label == 1 and braid.zeros(2, 2, 2) or braid.full({2, 2, 2}, NEGATIVE)
      local batch <const> = {image = nan, count = 2, classes = labels, real = nan,
        pose = nan:expand(2, 3),
        landmarks = there, bins = there, attributes = labels:reshape(2, 1):expand(2, 2)}
      local report <const> = tasks:evaluate(net,
        coroutine.wrap(function() coroutine.yield(batch) end))
      local function check(value)
        if type(value) == "table" then
          for _, v in pairs(value) do check(v) end
        else
          assert.is_nil(tostring(value):find("-nan", 1, true))
        end
      end
      for name in tasks:each() do
        check(report[name])
        check(report.loss[name])
      end
      assert.is_nil(tostring(report):find("-nan", 1, true), tostring(report))
    end
  end)

  -- Files that print no numbers of the user, or check numbers before they print them.
  local ALONE <const> = {["lua/braid/printing.lua"] = true, ["lua/braid/io/csv.lua"] = true,
    ["lua/braid/io/json.lua"] = true, ["lua/braid/plot/heatmap.lua"] = true}

  it("cannot be printed with a sign, because a single function formats numbers", function()
    local found <const> = {}
    for path in io.popen("grep -rlE '%[-+0-9. ]*[aeEfgG]' lua --include=*.lua"):lines() do
      local text <const> = io.open(path):read("a"):gsub("%-%-[^\n]*", "")
      for form, call in text:gmatch('(%b"")%)(:format)') do
        if form:find("%%[-+0-9. ]*[aeEfgG]") and not ALONE[path] then
          found[#found + 1] = path .. ": " .. form .. call
        end
      end
    end
    assert.same({}, found)
  end)
end)
