--- Traces: what core.trace_end returns about the calls that ran since core.trace_begin.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local nn <const> = braid.nn

-- The trace's entries for the calls in f.
local function traced(f)
  core.trace_begin()
  local ok <const>, why <const> = pcall(f)
  local entries <const> = core.trace_end()
  assert(ok, why)
  return entries
end

local function names(entries)
  local list <const> = {}
  for i, entry in ipairs(entries) do list[i] = entry.name or "(read)" end
  return table.concat(list, " ")
end

describe("a trace", function()
  it("lists every call in order, also the calls of arithmetic and indexing", function()
    local x <const> = braid.randn(2, 3)
    assert.equal("mul add narrow select relu", names(traced(function()
      local y <const> = 2 * x + x
      return y[{ {}, {1, 2} }]:select(1, 1):relu()
    end)))
  end)

  it("lists a call for each layer, although without a trace they run as one call", function()
    local net <const> = nn.Sequential{nn.Conv2d(1, 2, {kernel = 3}), nn.ReLU(), nn.MaxPool2d(2)}
    local _ <close> = braid.no_grad()
    assert.equal("conv2d relu max_pool2d",
      names(traced(function() return net(braid.zeros(1, 1, 6, 6)) end)))
  end)

  it("has each call's arguments and defaults, counts dims from 0, omits a missing dim", function()
    local x <const> = braid.randn(1, 2, 6, 6)
    local entries <const> = traced(function()
      return x:max_pool2d(2, {ceil_mode = true}):sum({3, 4}):clamp{min = 0}, x:argmax()
    end)
    assert.same({kernel = {2, 2}, stride = {2, 2}, padding = {0, 0}, dilation = {1, 1},
      ceil_mode = true}, entries[1].args)
    assert.same({dim = {2, 3}, keepdim = false}, entries[2].args)
    assert.same({min = 0.0, max = math.huge}, entries[3].args)
    assert.same({keepdim = false}, entries[4].args)
  end)

  it("shows by storage and version which tensors are the same", function()
    local x <const> = braid.randn(4)
    local entries <const> = traced(function()
      local y <const> = x + 1
      return y:detach():reshape(2, 2) * 2
    end)
    local made <const>, read <const> = entries[1].outputs[1], entries[2].inputs.x
    assert.equal(made.storage, read.storage)
    assert.same({made.at, made.version}, {read.at, read.version})
    assert.same({2, 2}, entries[2].outputs[1].shape)
    assert.equal(made.storage, entries[2].outputs[1].storage)
    assert.is_true(entries[3].inputs.y.number)
    assert.is_false(entries[3].inputs.x.number)
    assert.equal(core.trace_fact(x).storage, entries[1].inputs.x.storage)
  end)

  it("has the version of a tensor before and after each call in place", function()
    local x <const> = braid.zeros(3)
    local entries <const> = traced(function() x:add_(1):relu_() end)
    for i, entry in ipairs(entries) do
      assert.is_true(entry.in_place)
      assert.equal(i - 1, entry.inputs.x.version)
      assert.equal(i, entry.outputs[1].version)
    end
  end)

  it("has the tensors of a list argument as a list, and every result of a call", function()
    local a <const>, b <const> = braid.ones(2), braid.ones(3)
    local entries <const> = traced(function() return braid.cat({a, b}, 1), a:max(1) end)
    assert.same({ {2}, {3} }, {entries[1].inputs[1].shape, entries[1].inputs[2].shape})
    assert.equal(2, #entries[2].outputs)
    assert.equal("int64", entries[2].outputs[2].dtype)
  end)

  it("has an entry wherever a number is read from a tensor", function()
    local x <const> = braid.tensor{3, 1}
    assert.equal("sum (read) (read) argmax (read) select", names(traced(function()
      local _, _ = x:sum():item(), x:totable()
      return x[x:argmax()]
    end)))
  end)

  it("lists no call while it is paused, and keeps its tensors after their scope closes", function()
    local x <const> = braid.ones(2)
    local entries <const> = traced(function()
      local _ <close> = braid.scope()
      local before <const> = core.trace_pause(true)
      local _ = x + 1
      core.trace_pause(before)
      return x * 2
    end)
    assert.equal("mul", names(entries))
    assert.same({2, 2}, entries[1].outputs[1].tensor:totable())
  end)

  it("cannot begin inside another trace, and is empty where none was begun", function()
    core.trace_begin()
    assert.is_false(pcall(core.trace_begin))
    core.trace_end()
    assert.same({}, core.trace_end())
  end)

  it("leaves out calls that fail", function()
    local x <const> = braid.ones(2)
    assert.equal("relu", names(traced(function()
      pcall(function() return x:reshape(3) end)
      return x:relu()
    end)))
  end)
end)
