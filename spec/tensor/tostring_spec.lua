--- tostring of every public value says in a few lines what it is, and never shows an address.

local braid <const> = require "braid"
local folder <const> = require "braid.folder"

local nn <const>, mtl <const>, data <const>, optim <const> = braid.nn, braid.mtl, braid.data,
  braid.optim

local function check(what, value, says)
  local text <const> = tostring(value)
  assert.is_nil(text:find("0x%x%x%x"), what .. " prints as " .. text)
  local lines <const> = select(2, text:gsub("\n", "\n"))
  assert.is_true(#text > 0 and #text < 6000 and lines < 60, what)
  if says then assert.matches(says, text) end
end

describe("printing", function()
  it("says what every table of braid, such as nn or data, is", function()
    for _, name in ipairs{"nn", "optim", "mtl", "data", "loss", "plot", "train", "vision", "io",
      "F", "limits"} do
      check(name, braid[name], name ~= "limits" and "braid." .. name .. ": " or nil)
    end
    check("braid", braid, "^braid: ")
    check("nn.init", nn.init, "^nn.init: ")
  end)

  it("gives every class the name by which scripts find it", function()
    for where, t in pairs{nn = nn, optim = optim} do
      for _, name in ipairs(folder.names(t)) do
        local value <const> = t[name]
        if type(value) == "table" and value.__name and name ~= "backbone" then
          check(name, value, "^class " .. where .. "%." .. name)
        end
      end
    end
    for _, name in ipairs(folder.names(mtl)) do
      local part <const> = type(mtl[name]) == "table" and mtl[name]
      if part then
        check(name, part, folder.is_named(part) and "^braid.mtl." .. name .. ": " or "^class ")
      end
    end
  end)

  it("lists the parameter groups of optimizers with their options", function()
    local p <const> = nn.Module.parameter(braid.ones(2))
    local q <const> = nn.Module.parameter(braid.ones(3))
    for _, name in ipairs{"SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax"} do
      check(name, optim[name]({{params = {p}, lr = 0.25}, {params = {q}, lr_mult = 10}}),
        name .. ": 0 steps, factor 1\n  group 1: 1 parameter, .*lr = 0.25.*\n"
          .. "  group 2: .*lr_mult = 10")
    end
    check("LBFGS", optim.LBFGS{p}, "^LBFGS: ")
    check("EMA", optim.EMA(nn.Linear(2, 2)), "decay = 0.999")
  end)

  it("shows the call that made a schedule", function()
    check("step", optim.step(3, {gamma = 0.5}), "^optim.step%(3, ")
    check("multistep", optim.multistep{3, 5}, "^optim.multistep%({3, 5}%)")
    for name, arguments in pairs{cosine = 10, exponential = 0.9, one_cycle = 10, warmup = 3} do
      check(name, optim[name](arguments), "^optim." .. name .. "%(")
    end
    check("plateau", optim.plateau(), "^optim.plateau%(")
    assert.equal(1, optim.step(3)(0))
  end)

  it("shows tasks and mixers as the calls that make them", function()
    local tasks <const> = mtl.tasks{pose = mtl.classes{3, weight = 0.5},
      points = mtl.landmarks{points = 5}, yaw = mtl.real{1}, many = mtl.attributes{3},
      bins = mtl.landmark_bins{points = 5, pixels = 4}, head = mtl.pose_bins{}}
    check("tasks", tasks, "^mtl.tasks: .*pose = mtl.classes%(.*weight = 0.5")
    for name, task in tasks:each() do check(name, task, "^mtl%.") end
    for _, name in ipairs{"none", "share", "cross_stitch", "ttc", "separation", "collaborative",
      "nddr", "sluice", "progressive"} do
      check(name, mtl[name]{}, "^mtl." .. name .. "{")
    end
    local net <const> = mtl.columns(tasks, nn.backbone("tcdcn", {width = 0.1})):mix("*", mtl.ttc{})
    check("net", net:heads(), "^Columns%(6 tasks")
    check("stopping", mtl.early_stopping(tasks), "^mtl.early_stopping%(")
  end)

  it("describes data sets, samples, loaders, batches and transforms", function()
    local sets <const> = data.faces{n = 20, seed = 1}
    check("sets", sets, "^data: .*train 20 samples")
    check("set", sets.train, "^data.dataset: 20 samples with gender")
    check("sample", sets.train[1], "^sample: .*image uint8 %(1, 64, 64%)")
    local loader <const> = data.loader(sets.train, {batch = 5})
    check("loader", loader, "^data.loader: 4 batches of 5, 0 samples taken")
    check("batch", loader(), "^batch: count 5, .*image float32 %(5, 1, 64, 64%)")
    for name, step in pairs{crop = data.crop{}, resize = data.resize(8), whiten = data.whiten(),
      augment = data.augment{}} do
      check(name, step, "^data." .. name .. " ")
    end
    check("stats", sets.train:stats(), "^20 samples")
  end)

  it("lists what load_state_dict loaded into a module, and what it did not", function()
    local layer <const> = nn.Linear(2, 2)
    local state <const> = layer:state_dict()
    state.bias, state.scale = nil, braid.ones(1)
    check("report", layer:load_state_dict(state, {strict = false}),
      '^load_state_dict: counters {}, fitted {"weight"}, missing {"bias"}, unexpected {"scale"}$')
  end)

  it("names modes and scopes", function()
    local scope <const> = braid.scope()
    check("scope", scope)
    scope:close()
    local mode <close> = braid.no_grad()
    check("no_grad", mode, "no_grad")
    local anomaly <close> = braid.detect_anomaly()
    check("anomaly", anomaly, "anomaly")
    local evaluating <close> = nn.Linear(2, 2):evaluating()
    check("evaluating", evaluating, "^evaluation mode")
  end)

  it("describes a script's own classes and objects in the same way", function()
    local class <const> = require "braid.class"
    local Own <const> = class("Own", nn.Module)
    function Own:init() self.layer, self.rate = nn.Linear(2, 2), 0.5 end
    check("Own", Own, "^class Own, derived from nn.Module")
    check("own", Own(), "^Own%(%)\n  layer: Linear%(2, 2%)")
    local Plain <const> = class("Plain")
    function Plain:init() self.x, self.word = 0.1, "y" end
    check("plain", Plain(), '^Plain%(word = "y", x = 0.1%)')
  end)
end)

describe("a sample and a batch", function()
  it("raise an error for a misspelt field, and give nil for one that is missing", function()
    local set <const> = data.faces{n = 5, seed = 1}.train
    local batch <const> = data.loader(set, {batch = 5})()
    for _, record in ipairs{set[1], batch} do
      assert.error_matches(function() return record.imgae end, "did you mean image?")
      assert.error_matches(function() return record.gendre end, "did you mean gender?")
      assert.is_nil(record.smiles)
      assert.is_nil(record.yaw)
      assert.is_nil(record.x)
    end
    assert.error_matches(function() return set.splti end, "did you mean split?")
  end)
end)
