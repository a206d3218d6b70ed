--- braid.checkpoint and braid.resume: plain Lua values come back with the same bits, objects with a
-- state continue from it, and a mismatch is reported before anything is changed or written.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local notice <const> = require "braid.notice"
local shell <const> = require "spec.support.shell"
local nn <const>, optim <const> = braid.nn, braid.optim

local folder <const> = shell.run("mktemp -d").out:match("[^\n]+")
local path <const> = folder .. "/c.safetensors"
teardown(function() shell.run("rm -rf " .. folder) end)

local write <const> = notice.write
local said
before_each(function()
  said = {}
  notice.write = function(text) said[#said + 1] = text end
end)
after_each(function() notice.write = write end)

local function bits(v) return math.type(v) == "float" and string.pack("n", v) or v end

local function same(a, b, where)
  if core.is_tensor(a) then
    assert.equal(a.dtype, b.dtype)
    assert.same(a.shape, b.shape)
    assert.equal(core.bytes(a), core.bytes(b), where)
  elseif type(a) == "table" then
    assert.equal("table", type(b), where)
    for k, v in pairs(a) do same(v, b[k], where .. "." .. tostring(k)) end
    for k in pairs(b) do assert.is_true(a[k] ~= nil, where .. "." .. tostring(k)) end
  else
    assert.equal(math.type(a), math.type(b), where)
    assert.equal(bits(a), bits(b), where)
  end
end

-- A random plain value: a number, text, tensor, list or table of such values.
local function draw(depth)
  local kind <const> = math.random(depth > 0 and 11 or 8)
  if kind == 1 then return math.random(0) end
  if kind == 2 then return (string.unpack("n", string.pack("j", math.random(0)))) end
  if kind == 3 then
    return ({0 / 0, -(0 / 0), math.huge, -math.huge, -0.0, 0.0, 5e-324, math.maxinteger,
      math.mininteger, 3, 3.0, 1e300})[math.random(12)]
  end
  if kind == 4 then return math.random() < 0.5 end
  if kind <= 6 then
    local chars <const> = {}
    for i = 1, math.random(0, 12) do chars[i] = string.char(math.random(0, 255)) end
    return kind == 5 and table.concat(chars) or ("wörd %d\n"):format(math.random(99))
  end
  if kind == 7 then
    return braid.randn(table.unpack(({{}, {0}, {3}, {2, 1, 2}})[math.random(4)]))
  end
  if kind == 8 then
    local list <const> = {}
    for i = 1, 40 do list[i] = math.random(2) == 1 and i or i / 3 end
    return list
  end
  local t <const> = {}
  for i = 1, math.random(0, 5) do
    local key = i
    if kind == 10 then key = draw(0) elseif kind == 11 then key = "k" .. i end
    if type(key) == "table" or core.is_tensor(key) or key ~= key then key = "other" end
    t[key] = draw(depth - 1)
  end
  return t
end

describe("a checkpoint", function()
  it("gives back random plain values with the same bits", function()
    math.randomseed(7)
    for round = 1, 60 do
      local value <const> = {}
      for i = 1, 6 do value["v" .. i] = draw(4) end
      value.series, value.whole = {}, {}
      for i = 1, 50 do value.series[i], value.whole[i] = draw(0) == true and 0 / 0 or i / 7, i end
      braid.checkpoint(path, value)
      same(value, (braid.resume(path)), "round " .. round)
    end
    for dtype in pairs{float32 = 1, float64 = 1, int64 = 1, int32 = 1, uint8 = 1, bool = 1} do
      local t <const> = braid.tensor({ {1, 0}, {0, 1} }, {dtype = dtype})
      braid.checkpoint(path, {t = t, view = t:t()})
      local again <const> = braid.resume(path)
      same({t = t, view = t:t()}, again, dtype)
    end
  end)

  it("stores a tensor once that occurs in several places", function()
    local t <const> = braid.randn(1000)
    braid.checkpoint(path, {a = t, b = {t, {c = t}}})
    assert.is_true(#shell.read(path) < 5000)
    same({a = t, b = {t, {c = t}}}, braid.resume(path), "")
  end)

  it("names values that a file cannot hold, and does not change the file", function()
    braid.checkpoint(path, {epoch = 1})
    local before <const> = shell.read(path)
    local endless <const> = {}
    endless.again = endless
    for wrong, value in pairs{
      ["parts%.at%.f is a function %(.*checkpoint_spec%.lua:%d+%)"] =
        {parts = {at = {f = function() end}}},
      ["parts%.l%[2%]%.x is a thread"] = {parts = {l = {1, {x = coroutine.create(print)}}}},
      ["parts%.o is a queue.*state_dict"] = {parts = {o = setmetatable({}, {__name = "queue"})}},
      ["parts is a userdata"] = {parts = io.stdout},
      ["the key of parts%[a function%] is a function"] = {parts = { [print] = 1 }},
      ["parts%.again.* tables that are nested too deeply"] = {parts = endless},
    } do
      local ok <const>, why <const> = pcall(braid.checkpoint, path, value)
      assert.is_false(ok)
      assert.matches("checkpoint_spec%.lua:%d+: checkpoint: " .. wrong, why)
      assert.equal(before, shell.read(path))
    end
    for wrong, call in pairs{
      ["is a %.safetensors file, not x%.pt"] = function() braid.checkpoint("x.pt", {}) end,
      ["wants a table of what the run is made of"] = function() braid.checkpoint(path, 3) end,
      ["wants the path of a file"] = function() braid.checkpoint(nil, {}) end,
      ["there is no folder"] = function() braid.checkpoint(folder .. "/no/c.safetensors", {}) end,
    } do
      local ok <const>, why <const> = pcall(call)
      assert.is_false(ok)
      assert.matches("checkpoint_spec%.lua:%d+: checkpoint: .*" .. wrong, why)
    end
  end)

  it("saves objects that have a state, at any depth, also the user's own objects", function()
    local own <const> = {n = 3}
    function own:state_dict() return {n = self.n} end
    function own:load_state_dict(d) self.n = d.n end
    local layer <const> = nn.Linear(2, 3)
    braid.checkpoint(path, {deep = {layers = {layer}, own = own}})
    own.n = 4
    local values <const> = layer.weight:detach():clone()
    braid.no_grad(function() layer.weight:zero_() end)
    local result <const> = braid.resume(path, {deep = {layers = {layer}, own = own}})
    assert.equal(3, own.n)
    assert.equal(layer, result.deep.layers[1])
    same(values, layer.weight:detach(), "")
  end)

  it("keeps the state of the random numbers, so that braid.resume continues them", function()
    braid.manual_seed(3)
    braid.rand(5)
    braid.checkpoint(path, {})
    local wanted <const> = braid.rand(3)
    braid.manual_seed(9)
    braid.resume(path)
    same(wanted, braid.rand(3), "")
    local state <const> = braid.random_state():state_dict()
    local next_one <const> = braid.rand(2)
    assert.matches("seed 3, ", tostring(braid.random_state(state)))
    assert.error_matches(function() braid.random_state(braid.random_state()) end,
      "wants a saved state")
    same(next_one, braid.rand(2), "")
  end)
end)

describe("resume", function()
  it("fills the tables and tensors that it is given", function()
    braid.checkpoint(path, {at = {epoch = 3, curve = {1, 2}}, t = braid.ones(2)})
    local at <const>, t <const> = {epoch = 0, curve = {9, 9, 9}, new = 5}, braid.zeros(2)
    local result <const> = braid.resume(path, {at = at, t = t})
    assert.equal(at, result.at)
    assert.same({epoch = 3, curve = {1, 2}, new = 5}, at)
    assert.same({1, 1}, t:totable())
  end)

  it("names a state in the file that was not used", function()
    local layer <const> = nn.Linear(2, 2)
    braid.checkpoint(path, {net = layer, opt = optim.SGD(layer:parameters()), epoch = 3,
      random = braid.random_state()})
    local result <const>, left <const> = braid.resume(path, {net = layer})
    assert.same({"opt"}, left)
    assert.equal(3, result.epoch)
    assert.equal(1e-3, result.opt.groups[1].lr)
    assert.matches("also holds the state of opt", said[1])
  end)

  it("compares everything before it changes anything", function()
    local layer <const> = nn.Linear(2, 2)
    local opt <const> = optim.Adam(layer:parameters())
    local at <const> = {epoch = 1}
    braid.checkpoint(path, {net = layer, opt = opt, at = at, t = braid.ones(3)})
    local other <const> = nn.Linear(2, 2)
    local before <const> = other.weight:detach():clone()
    local function refused(wrong, given)
      given.at = given.at or {epoch = 0}
      local ok <const>, why <const> = pcall(braid.resume, path, given)
      assert.is_false(ok)
      assert.matches("checkpoint_spec%.lua:%d+: resume: .*" .. wrong, why)
      assert.matches(path, why, 1, true)
      assert.same(type(given.at) == "table" and {epoch = 0} or given.at, given.at)
      same(before, other.weight:detach(), wrong)
    end
    refused("net.weight is float32 %(2, 2%) in the file and float32 %(3, 2%) here",
      {net = nn.Linear(2, 3)})
    refused("net.bias is not here", {net = nn.Linear(2, 2, {bias = false})})
    refused("opt is the state of Adam in the file and SGD here",
      {net = other, opt = optim.SGD(other:parameters())})
    refused("opt: Adam: load_state_dict: group 1 has 2 parameters",
      {net = other, opt = optim.Adam({other.weight})})
    refused("has no 'ema'; it has at, net, opt, t", {net = other, ema = optim.EMA(other)})
    refused("t is float32 %(3%) in the file and float32 %(2%) here",
      {net = other, t = braid.ones(2)})
    refused("at is a table in the file and a tensor here", {net = other, at = braid.ones(2)})
    refused("t is a tensor %(3%) in the file and a table here", {net = other, t = {}})
  end)

  it("refuses files that are not checkpoints, and damaged checkpoints", function()
    local net <const> = braid.model("models/tcdcn.lua",
      {tasks = braid.mtl.tasks{pose = braid.mtl.classes{5}}})
    for wrong, make in pairs{
      ["is not a checkpoint: it holds tensors, which braid.load reads"] = function()
        braid.save(path, {a = braid.ones(2)})
      end,
      ["is not a checkpoint: it holds a network, which braid.open opens"] = function()
        braid.save(path, net)
      end,
      ["format \"9\".*newer"] = function()
        braid.save(path, {}, {["braid.checkpoint"] = "9"})
      end,
      ["is damaged"] = function() braid.save(path, {}, {["braid.checkpoint"] = "1"}) end,
      ["is damaged: its tree"] = function()
        braid.save(path, {}, {["braid.checkpoint"] = "1", ["braid.tree"] = '{"a":["t","b"]}',
          ["braid.random"] = "{}"})
      end,
      ["not a whole safetensors file"] = function()
        braid.checkpoint(path, {a = braid.ones(9)})
        local text <const> = shell.read(path)
        shell.write(path, text:sub(1, -5))
      end,
    } do
      make()
      local ok <const>, why <const> = pcall(braid.resume, path)
      assert.is_false(ok)
      assert.matches("checkpoint_spec%.lua:%d+: resume: .*" .. wrong, why)
    end
  end)
end)
