--- Tests that errors name the user's own line and have a message of Braid: every public function,
-- and every method of Braid's objects, is called with wrong arguments.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local data <const>, mtl <const>, nn <const>, optim <const> = braid.data, braid.mtl, braid.nn,
  braid.optim

local HERE <const> = "^spec/house/place_spec%.lua:%d+: "

local function nothing() return nil end
local function made(v) return function() return v end end
local WRONG <const> = {
  nothing, made(3), made(-1), made("x"), function() return {} end, made(true), made(nothing),
  made(0 / 0), function() return braid.ones(2, 3) end, function() return nn.ReLU() end,
  function() return {braid.ones(2)} end, function() return {lr = -1} end,
}

-- What is wrong with the message of a failed call, or nil.
local function fault(message)
  if type(message) ~= "string" then return "no text: " .. tostring(message) end
  if not message:find(HERE) then return message end
  if message:find("attempt to", 1, true) or message:find("bad argument", 1, true) then
    return message
  end
end

-- Calls f(x, y) with all pairs of wrong arguments. Adds what is wrong with messages to the list.
local function tried(name, f, found)
  for _, first in ipairs(WRONG) do
    for _, second in ipairs(WRONG) do
      local ok <const>, message <const> = pcall(function()
        local result = f(first(), second())
        return result ~= nil
      end)
      local wrong <const> = not ok and fault(message)
      if wrong then
        found[#found + 1] = name .. ": " .. wrong
        return
      end
    end
  end
end

-- ---- functions --------------------------------------------------------------------------

local function files_of(folder)
  local names <const> = {}
  for path in io.popen("ls lua/braid/" .. folder):lines() do
    names[#names + 1] = path:match("^([%w_]+)%.lua$")
  end
  return names
end

local function keys_of(t)
  local names <const> = {}
  for name in pairs(t) do names[#names + 1] = tostring(name) end
  table.sort(names)
  return names
end

local function words(text)
  local list <const> = {}
  for word in text:gmatch("%S+") do list[#list + 1] = word end
  return list
end

local function operators()
  local names <const> = {}
  for _, row in ipairs(core.rows) do
    if not row.hidden then names[#names + 1] = row.name end
  end
  return names
end

-- Functions that are not for users, that render for a long time, or that leave a mode open.
local SKIP <const> = {}
for _, name in ipairs(words [[
  nn.init.dtype nn.init.default data.faces plot.init scope no_grad detect_anomaly set_threads
  set_winograd

  ]]) do SKIP[name] = true end

local PLACES <const> = {
  {"nn", nn, words [[Linear Bilinear Conv1d Conv2d ConvTranspose2d MaxPool2d AvgPool2d
    AdaptiveAvgPool2d GlobalAvgPool BatchNorm1d BatchNorm2d LayerNorm GroupNorm InstanceNorm2d
    LocalResponseNorm Dropout Dropout2d ReLU LeakyReLU PReLU ELU GELU SiLU Sigmoid Tanh AbsTanh
    Softmax CReLU Flatten Identity Embedding Upsample Sequential Residual Concat Parallel
    backbone]]},
  {"nn.init", nn.init, keys_of(nn.init)},
  {"optim", optim, words [[SGD Adam AdamW RMSprop Adagrad Adadelta Adamax LBFGS EMA clip_grad_norm
    clip_grad_value step multistep exponential cosine poly one_cycle warmup plateau schedule]]},
  {"loss", braid.loss, words [[mse l1 smooth_l1 huber wing cross_entropy nll bce bce_with_logits
    kl_div focal cosine hinge]]},
  {"F", braid.F, files_of("functional")},
  {"F", braid.F, operators()},
  {"mtl", mtl, words [[tasks classes real landmarks landmark_bins attributes pose_bins columns
    network ced mutual early_stopping contrast_maps ttc_update affinity delta_m none share
    cross_stitch ttc separation collaborative nddr sluice progressive readout heads]]},
  {"data", data, words [[mtfl celeba aflw wider scenes cifar10 cifar100 idx images csv jsonl pts
    table tensors of tar
    loader mix show crop resize align augment brightness contrast saturation gray equalize noise
    blur cutout whiten normalize landmark_bins pose_bins]]},
  {"plot", braid.plot, files_of("plot")},
  {"vision", braid.vision, words "detector mtcnn samples measure"},
  {"", braid, keys_of(braid)},
}

local function is_callable(v)
  local meta <const> = type(v) == "table" and getmetatable(v)
  return type(v) == "function" or type(meta) == "table" and meta.__call ~= nil
end

-- ---- methods ----------------------------------------------------------------------------

local blocks <const> = { {"one", function(c) return nn.Conv2d(c, 2, {kernel = 1}) end},
  {"two", function(c) return nn.Conv2d(c, 2, {kernel = 1}) end} }
local set <const> = data.faces{n = 4, size = 16}.train
local function parameters() return {braid.ones(2):requires_grad_()} end
local function tasks() return mtl.tasks{a = mtl.classes{2}, b = mtl.real{1}} end

local OBJECTS <const> = {
  module = function() return nn.Sequential{nn.Linear(2, 2)} end,
  optimizer = function() return optim.Adam(parameters()) end,
  LBFGS = function() return optim.LBFGS(parameters()) end,
  schedule = function() return optim.schedule(optim.SGD(parameters()), optim.step(3)) end,
  plateau = function() return optim.plateau() end,
  EMA = function() return optim.EMA(nn.Linear(2, 2)) end,
  tasks = tasks,
  columns = function()
    return mtl.columns(tasks(), nn.backbone(blocks, {channels = 1})):mix("*",
      mtl.cross_stitch{}):heads()
  end,
  set = function() return set end,
  loader = function() return (data.loader(set, {batch = 2, size = 16})) end,
  backbone = function() return nn.backbone(blocks, {channels = 1}) end,
}

-- Methods that only Braid itself calls.
local INNER <const> = {}
for _, name in ipairs(words [[init declare check_state_of new_state update forward count
  record_changes]]) do INNER[name] = true end

-- The names of an object's methods, through its class and those it derives from.
local function methods_of(object)
  local names <const>, seen <const>, cls = {}, {}, getmetatable(object)
  while type(cls) == "table" do
    for name, f in pairs(cls) do
      if type(name) == "string" and type(f) == "function" and not name:find("^__")
        and not seen[name] and not INNER[name] then
        seen[name] = true
        names[#names + 1] = name
      end
    end
    cls = cls.base
  end
  table.sort(names)
  return names
end

describe("wrong arguments are named at the line of the call, in", function()
  for _, place in ipairs(PLACES) do
    local prefix <const>, t <const>, names <const> = table.unpack(place)
    it(("%s (%d functions)"):format(prefix == "" and "braid" or prefix, #names), function()
      local found <const> = {}
      for _, name in ipairs(names) do
        local full <const> = prefix == "" and name or prefix .. "." .. name
        local known <const>, f <const> = pcall(function() return t[name] end)
        if not SKIP[full] and known and is_callable(f) then tried(full, f, found) end
      end
      assert.same({}, found)
    end)
  end

  for name, make in pairs(OBJECTS) do
    it("the methods of " .. name, function()
      local found <const>, names <const> = {}, methods_of(make())
      assert.is_true(#names > 0)
      for _, method in ipairs(names) do
        tried(name .. ":" .. method, function(x, y)
          local object <const> = make()
          local result = object[method](object, x, y)
          return result
        end, found)
      end
      assert.same({}, found)
    end)
  end
end)
