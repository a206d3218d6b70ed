--- Ranges of operators' numbers, which their rows state: "p:f=0.5[0,1]". A number outside its range
-- raises an error that names operator, option, range and value.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local ops <const> = core.ops

-- A row for each option that has a range: op, option, low, high, low_open and high_open.
local RANGES <const> = {}
for _, row in ipairs(core.rows) do
  for word in row.args:gmatch("%S+") do
    local name <const>, left <const>, low <const>, high <const>, right <const> =
      word:match("^([%w_]+):[^%[(]*([%[(])([^,]+),([^%])]+)([%])])$")
    if name then
      local function number(text)
        return tonumber(text) or text == "inf" and math.huge or -math.huge
      end
      table.insert(RANGES, {op = row.name, option = name, low = number(low), high = number(high),
        low_open = left == "(", high_open = right == ")"})
    end
  end
end

local x <const>, x2 <const> = braid.ones(4), braid.ones(2, 3)
local labels <const> = braid.ones({2}, {dtype = "int64"})

-- How each operator is called with some options.
local CALLS <const> = {
  normal = function(o) ops.normal_(x:clone(), o) end,
  bernoulli = function(o) ops.bernoulli_(x:clone(), o) end,
  dropout = function(o) ops.dropout(x, o) end,
  batch_norm = function(o)
    o.training = true
    ops.batch_norm(x2, o)
  end,
  standardize = function(o) ops.standardize(x, o) end,
  cross_entropy = function(o) ops.cross_entropy(x2, labels, o) end,
  clamp = function(o) ops.clamp(x, o) end,
  leaky_relu = function(o) ops.leaky_relu(x, o) end,
  elu = function(o) ops.elu(x, o) end,
  norm = function(o) ops.norm(x, o) end,
  resize_nearest = function(o)
    ops.resize_nearest(braid.ones(1, 1, 3, 3), {2, 2}, {scale_h = o.scale_h or 1,
      scale_w = o.scale_w or 1})
  end,
  resize_bilinear = function(o)
    ops.resize_bilinear(braid.ones(1, 1, 3, 3), {2, 2}, {scale_h = o.scale_h or 1,
      scale_w = o.scale_w or 1})
  end,
  fair_program = function(o)
    ops.fair_program(braid.eye(2, {dtype = "float64"}), o)
  end,
  nms = function(o) ops.nms(braid.ones(1, 4), braid.ones(1), o) end,
}

-- Numbers just outside the two ends of a range, and numbers that are in no range.
local function outside(r)
  local list <const> = {0 / 0, -(0 / 0)}
  local function beyond(limit, open, way)
    if math.abs(limit) == math.huge then
      if open then list[#list + 1] = limit end
    else
      list[#list + 1] = open and limit or limit + way * math.max(1e-9, math.abs(limit) * 1e-9)
      list[#list + 1] = way * math.huge
    end
  end
  beyond(r.low, r.low_open, -1)
  beyond(r.high, r.high_open, 1)
  return list
end

describe("the range of", function()
  it("every option that has a range is tested here", function()
    assert.is_true(#RANGES >= 13)
    for _, r in ipairs(RANGES) do assert.is_function(CALLS[r.op], r.op) end
  end)

  for _, r in ipairs(RANGES) do
    it(("%s in %s is checked: a number outside raises an error"):format(r.option, r.op), function()
      for _, value in ipairs(outside(r)) do
        local ok <const>, message <const> = pcall(CALLS[r.op], {[r.option] = value})
        assert(not ok, ("%s is accepted"):format(value))
        assert.matches(("^spec/op/ranges_spec.lua:%%d+: %s_?: %s must be a [%%w ]*number")
          :format(r.op, r.option), message)
        local shown <const> = value ~= value and "nan" or tostring(value)
        assert(message:sub(-#shown - 5) == " not " .. shown, message)
      end
    end)

    it(("%s in %s includes its closed ends"):format(r.option, r.op), function()
      if not r.low_open then CALLS[r.op]{[r.option] = r.low} end
      if not r.high_open then CALLS[r.op]{[r.option] = r.high} end
    end)
  end
end)

describe("an error is raised", function()
  it("where min is above max in clamp", function()
    for _, dtype in ipairs{"float32", "int64"} do
      assert.error_matches(function() braid.tensor({1, 2}, {dtype = dtype}):clamp(3, 1) end,
        "clamp: min = 3 lies above max = 1", 1, true)
    end
    assert.same({1, 1}, x2:clamp(1, 1)[{1, {1, 2}}]:totable())
  end)

  it("where low is above high in uniform_", function()
    assert.error_matches(function() x:clone():uniform_(3, 2) end, "uniform_: ")
  end)
end)
