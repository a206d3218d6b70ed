--- Metrics against values of scikit-learn and SciPy, which spec/support/golden_metrics.py wrote: in
-- one batch, in batches of any size, merged from parts, and through a task.

local braid <const> = require "braid"
local mtl <const> = braid.mtl

local TOLERANCE <const> = 1e-12 -- relative to 1: sums of some hundred numbers in another order
local golden <const> = assert(braid.load("spec/golden/metrics.safetensors"))

-- A case's metrics: their names with their values.
local function values_of(case)
  local list <const> = {}
  for key, value in pairs(golden) do
    local name <const> = key:sub(1, #case + 1) == case .. "/" and key:sub(#case + 2)
    if name and value.dtype == "float64" and name ~= "scores" and name ~= "said"
      and name ~= "truth" then
      list[name] = value
    end
  end
  return list
end

local function cases_of(kind)
  local set <const> = {}
  for key in pairs(golden) do
    local case <const> = key:match("^(" .. kind .. "/[^/]+)/")
    if case then set[case] = true end
  end
  local list <const> = {}
  for case in pairs(set) do list[#list + 1] = case end
  table.sort(list)
  assert.is_true(#list >= 5)
  return list
end

-- The metric of a name such as "f1.macro" or "auc.pr.weighted".
local function made(name)
  return require("braid.mtl.measure.parts.named").metric("spec", name)
end

-- Rows first to last of a tensor.
local function rows(t, first, last) return t[{ {first, last} }] end

-- Gives the metric batches of a size.
local function observed(m, outputs, targets, size)
  for first = 1, outputs:size(1), size do
    local last <const> = math.min(first + size - 1, outputs:size(1))
    m:observe(rows(outputs, first, last), rows(targets, first, last))
  end
  return m
end

local function merged(name, outputs, targets)
  local n <const> = outputs:size(1)
  local cut <const> = n // 3
  local a <const>, b <const> = made(name), made(name)
  if cut > 0 then a:observe(rows(outputs, 1, cut), rows(targets, 1, cut)) end
  b:observe(rows(outputs, cut + 1, n), rows(targets, cut + 1, n))
  return a:merge(b)
end

local function compare(what, m, expected)
  local value <const>, reason <const> = m:result()
  if expected:dim() == 2 then -- a matrix
    assert.same(expected:to("int64"):totable(), value.counts, what)
  elseif expected:dim() == 1 then -- a value for each class
    for c, wanted in ipairs(expected:totable()) do
      local own <const> = value and value[c]
      if wanted ~= wanted then assert.is_nil(own, what) else assert.near(wanted, own, TOLERANCE) end
    end
  elseif expected:item() ~= expected:item() then
    assert.is_nil(value, what)
    assert.is_true(type(reason) == "string" and #reason > 5, what)
  else
    local wanted <const> = expected:item()
    assert.is_number(value, what .. ": " .. tostring(reason))
    assert.near(wanted, value, TOLERANCE * (1 + math.abs(wanted)), what)
  end
end

local function compare_all(case, outputs, targets)
  for name, expected in pairs(values_of(case)) do
    local what <const> = case .. " " .. name
    for _, size in ipairs{1000, outputs:size(1) <= 50 and 1 or 13} do
      compare(what .. " by " .. size, observed(made(name), outputs, targets, size), expected)
    end
    compare(what .. " merged", merged(name, outputs, targets), expected)
  end
end

describe("metrics of classes", function()
  for _, case in ipairs(cases_of("classes")) do
    it("equal scikit-learn's: " .. case, function()
      compare_all(case, golden[case .. "/scores"], golden[case .. "/labels"])
    end)
  end

  it("are the same from mtl.classes, which takes scores as logits", function()
    for _, case in ipairs(cases_of("classes")) do
      local values <const>, list <const> = values_of(case), {}
      for name in pairs(values) do list[#list + 1] = name end
      local scores <const> = golden[case .. "/scores"]
      local task <const>, sums <const> = mtl.classes{scores:size(2), metrics = list}, {}
      task:observe(sums, scores, golden[case .. "/labels"])
      local m <const> = task:metrics(sums)
      for name, expected in pairs(values) do
        compare(case .. " " .. name, {result = function()
          return m[name], m.undefined and m.undefined[name]
        end}, expected)
      end
    end
  end)
end)

describe("metrics of numbers", function()
  for _, case in ipairs(cases_of("numbers")) do
    it("equal scikit-learn's and SciPy's: " .. case, function()
      compare_all(case, golden[case .. "/said"], golden[case .. "/truth"])
    end)
  end
end)
