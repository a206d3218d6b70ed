--- A call of every function that declares options. The keys are the names that its messages have.
--
-- call(a, o) calls the function with arguments a and options o. It must not be a tail call, which
-- would hide its line. `arguments` and `options` are values that work. `what` is how messages
-- begin, if not with the name. refused_ends: options for which an end of the range is refused for
-- another reason. skip: options that are not tried. no_names: the call takes no table of options.
-- takes: a type that may replace that table. elsewhere = true: the call fails after it has read
-- its options. `unknown`: the function that refuses unknown names, if it is another one.

local braid <const> = require "braid"
local F <const>, mtl <const>, nn <const>, optim <const> = braid.F, braid.mtl, braid.nn, braid.optim

local rows <const> = {}

local function parameter() return braid.ones(2):requires_grad_() end

-- ---- optim ------------------------------------------------------------------------------

local OPTIMIZERS <const> = {"Adadelta", "Adagrad", "Adam", "Adamax", "AdamW", "LBFGS", "RMSprop",
  "SGD"}
for _, name in ipairs(OPTIMIZERS) do
  local make <const> = optim[name]
  rows[name] = {call = function(_, o) make({parameter()}, o) end}
  rows[name .. ": group"] = {what = name .. ": group 1", options = {params = {parameter()}},
    call = function(_, o) make({o}) end}
end
rows.SGD.options = {momentum = 0.5}

rows["optim.step"] = {arguments = {size = 3}, call = function(a, o) optim.step(a.size, o) end}
rows["optim.multistep"] = {arguments = {milestones = {2, 4}},
  call = function(a, o) optim.multistep(a.milestones, o) end}
rows["optim.exponential"] = {arguments = {gamma = 0.5}, no_names = true,
  call = function(a) optim.exponential(a.gamma) end}
rows["optim.cosine"] = {arguments = {total = 5}, takes = "number",
  call = function(a, o) optim.cosine(a.total, o) end}
rows["optim.cosine: the factor"] = {arguments = {done = 1, total = 5, last = 0}, no_names = true,
  skip = {total = true}, -- a value that is not a number means options there
  call = function(a) optim.cosine(a.done, a.total, a.last) end}
rows["optim.poly"] = {arguments = {total = 5}, call = function(a, o) optim.poly(a.total, o) end}
rows["optim.one_cycle"] = {arguments = {total = 5},
  call = function(a, o) optim.one_cycle(a.total, o) end}
rows["optim.warmup"] = {arguments = {steps = 5}, call = function(a, o) optim.warmup(a.steps, o) end}
rows["optim.plateau"] = {call = function(_, o) optim.plateau(o) end}
rows["optim.schedule"] = {call = function(_, o)
  optim.schedule(optim.SGD({parameter()}), optim.step(3), o)
end}
rows.EMA = {arguments = {module = nn.Linear(2, 2)},
  call = function(a, o) optim.EMA(a.module, o) end}
rows.clip_grad_norm = {arguments = {max_norm = 1},
  call = function(a, o) optim.clip_grad_norm({parameter()}, a.max_norm, o) end}
rows.clip_grad_value = {arguments = {limit = 1}, no_names = true,
  call = function(a) optim.clip_grad_value({parameter()}, a.limit) end}

rows["optim.schedule: load_state_dict"] = {options = {steps = 1, factor = 1}, call = function(_, o)
  optim.schedule(optim.SGD({parameter()}), optim.step(3)):load_state_dict(o)
end}
rows["optim.plateau: load_state_dict"] = {options = {current = 1, bad = 0, wait = 0},
  call = function(_, o) optim.plateau():load_state_dict(o) end}
rows["random_state: load_state_dict"] = {options = {seed = 1, stream = 2},
  call = function(_, o)
    local was <const> = braid.random_state():state_dict()
    local ok <const>, message <const> = pcall(function()
      braid.random_state():load_state_dict(o)
    end)
    braid.random_state():load_state_dict(was)
    if not ok then error(message, 0) end
  end}
rows["EMA: load_state_dict"] = {
  options = {updates = 1, decay = 0.5,
    averages = {bias = braid.ones(2), weight = braid.ones(2, 2)}},
  call = function(_, o) optim.EMA(nn.Linear(2, 2)):load_state_dict(o) end}
rows["LBFGS: load_state_dict: parameter 1"] = {options = {n_iter = 0, func_evals = 0},
  refused_ends = {},
  call = function(_, o)
    local opt <const> = optim.LBFGS({parameter()})
    local dict <const> = opt:state_dict()
    dict.state[1] = o
    opt:load_state_dict(dict)
  end}

-- ---- nn ---------------------------------------------------------------------------------

rows.Linear = {arguments = {inputs = 2, outputs = 3},
  call = function(a, o) nn.Linear(a.inputs, a.outputs, o) end}
rows.Bilinear = {arguments = {inputs1 = 2, inputs2 = 2, outputs = 3},
  call = function(a, o) nn.Bilinear(a.inputs1, a.inputs2, a.outputs, o) end}
for _, name in ipairs{"Conv1d", "Conv2d", "ConvTranspose2d"} do
  local make <const> = nn[name]
  rows[name] = {arguments = {inputs = 2, outputs = 3}, options = {kernel = 3},
    call = function(a, o) make(a.inputs, a.outputs, o) end}
end
for _, name in ipairs{"MaxPool2d", "AvgPool2d"} do
  local make <const> = nn[name]
  rows[name] = {arguments = {kernel = 2}, call = function(a, o) make(a.kernel, o) end}
end
for _, name in ipairs{"BatchNorm1d", "BatchNorm2d", "InstanceNorm2d"} do
  local make <const> = nn[name]
  rows[name] = {arguments = {channels = 2}, call = function(a, o) make(a.channels, o) end}
end
rows.GroupNorm = {arguments = {groups = 1, channels = 2},
  call = function(a, o) nn.GroupNorm(a.groups, a.channels, o) end}
rows.LayerNorm = {arguments = {shape = {2, 3}}, call = function(a, o) nn.LayerNorm(a.shape, o) end}
rows.LocalResponseNorm = {arguments = {size = 5},
  call = function(a, o) nn.LocalResponseNorm(a.size, o) end}
for name, key in pairs{Dropout = "p", Dropout2d = "p", LeakyReLU = "slope", ELU = "alpha"} do
  local make <const> = nn[name]
  rows[name] = {no_names = true, call = function(a) make(a[key]) end}
end
rows.Softmax = {arguments = {dim = 2}, no_names = true, call = function(a) nn.Softmax(a.dim) end}
rows.AdaptiveAvgPool2d = {arguments = {size = 2}, no_names = true,
  call = function(a) nn.AdaptiveAvgPool2d(a.size) end}
rows.PReLU = {arguments = {channels = 1}, call = function(a, o) nn.PReLU(a.channels, o) end}
rows.Embedding = {arguments = {count = 4, size = 2},
  call = function(a, o) nn.Embedding(a.count, a.size, o) end}
rows.Upsample = {options = {size = 2}, call = function(_, o) nn.Upsample(o) end}
rows.Sequential = {arguments = {layers = {}},
  call = function(a, o) nn.Sequential(a.layers, o) end}
rows.Concat = {arguments = {modules = {nn.ReLU()}},
  call = function(a, o) nn.Concat(a.modules, o) end}
rows.Parallel = {arguments = {modules = {nn.ReLU()}}, no_names = true,
  call = function(a) nn.Parallel(a.modules) end}
rows.Residual = {arguments = {body = nn.ReLU()}, no_names = true,
  call = function(a) nn.Residual(a.body, a.shortcut) end}
rows.parameter = {call = function(_, o) nn.Module.parameter(braid.ones(2), o) end}
rows.load_state_dict = {arguments = {state = nn.Linear(2, 2):state_dict()},
  call = function(a, o) nn.Linear(2, 2):load_state_dict(a.state, o) end}

local matrix <const> = braid.ones(2, 2)
rows["init.uniform"] = {arguments = {w = matrix, low = -1e9, high = 1e9}, no_names = true,
  call = function(a) nn.init.uniform(a.w, a.low, a.high) end}
rows["init.normal"] = {arguments = {w = matrix}, no_names = true,
  call = function(a) nn.init.normal(a.w, a.mean, a.std) end}
rows["init.constant"] = {arguments = {w = matrix, value = 1}, no_names = true,
  call = function(a) nn.init.constant(a.w, a.value) end}
for _, name in ipairs{"xavier_uniform", "kaiming_uniform", "kaiming_normal"} do
  local init <const> = nn.init[name]
  rows["init." .. name] = {arguments = {w = matrix}, no_names = true,
    call = function(a) init(a.w, a.gain) end}
end

-- ---- functional -------------------------------------------------------------------------

local x4 <const>, x2 <const> = braid.ones(1, 2, 2, 2), braid.ones(2, 4)
local labels <const> = braid.ones({2}, {dtype = "int64"})

rows.affine_grid = {arguments = {theta = braid.ones(1, 2, 3), size = {1, 1, 2, 2}},
  skip = {size = true}, call = function(a, o) F.affine_grid(a.theta, a.size, o) end}
rows.bilinear = {no_names = true,
  arguments = {a = x2, b = x2, weight = braid.ones(3, 4, 4), bias = braid.ones(3)},
  call = function(a) F.bilinear(a.a, a.b, a.weight, a.bias) end}
rows.conv1d = {arguments = {x = braid.ones(1, 2, 5), weight = braid.ones(2, 2, 3),
  bias = braid.ones(2)},
  skip = {bias = true}, -- a table means options there
  call = function(a, o) F.conv1d(a.x, a.weight, a.bias, o) end}
rows.crelu = {arguments = {x = x4}, no_names = true, call = function(a) F.crelu(a.x, a.dim) end}
rows.glu = {arguments = {x = x4}, no_names = true, call = function(a) F.glu(a.x, a.dim) end}
rows.dropout2d = {arguments = {x = x4}, call = function(a, o) F.dropout2d(a.x, o) end,
  takes = "number"}
rows.embedding = {arguments = {labels = braid.ones({2}, {dtype = "int64"}), weight = x2},
  call = function(a, o) F.embedding(a.labels, a.weight, o) end}
rows.group_norm = {arguments = {x = x4, groups = 1},
  call = function(a, o) F.group_norm(a.x, a.groups, nil, nil, o) end}
rows.instance_norm = {arguments = {x = x4},
  call = function(a, o) F.instance_norm(a.x, nil, nil, o) end}
rows.layer_norm = {arguments = {x = x2, shape = 4},
  call = function(a, o) F.layer_norm(a.x, a.shape, nil, nil, o) end}
rows.local_response_norm = {arguments = {size = 5},
  call = function(a, o) F.local_response_norm(x4, a.size, o) end}
rows.lp_pool2d = {arguments = {x = x4, p = 2, kernel = 2},
  call = function(a, o) F.lp_pool2d(a.x, a.p, a.kernel, o) end}
rows.normalize = {arguments = {x = x4}, call = function(a, o) F.normalize(a.x, o) end}
rows.pixel_shuffle = {arguments = {x = braid.ones(1, 4, 2, 2), r = 2}, no_names = true,
  refused_ends = {r = true}, call = function(a) F.pixel_shuffle(a.x, a.r) end}
rows.interpolate = {options = {size = 2}, call = function(_, o) F.interpolate(x4, o) end}

-- ---- tensors ----------------------------------------------------------------------------

for name, call in pairs{
  tensor = function(o) braid.tensor({1, 0}, o) end, full = function(o) braid.full({2}, 1, o) end,
  full_like = function(o) braid.full_like(x2, 1, o) end, eye = function(o) braid.eye(2, o) end,
  randint = function(o) braid.randint(0, 1, {2}, o) end,
  arange = function(o) braid.arange(1, 2, 1, o) end,
  linspace = function(o) braid.linspace(0, 1, 2, o) end,
  index_add = function(o) x2:index_add(1, labels, x2, o) end,
  addmm = function(o) braid.addmm(matrix, matrix, matrix, o) end,
} do
  rows[name] = {call = function(_, o) call(o) end}
end
for _, name in ipairs{"zeros", "ones", "empty", "rand", "randn"} do
  local make <const>, like <const> = braid[name], braid[name .. "_like"]
  rows[name] = {call = function(_, o) make({2}, o) end}
  rows[name .. "_like"] = {call = function(_, o) like(x2, o) end}
end
rows.backward = {options = {gradient = braid.ones(2)},
  call = function(_, o) (parameter() * 2):backward(o) end}

-- ---- losses -----------------------------------------------------------------------------

local losses <const> = braid.loss
local targets <const> = {cross_entropy = labels, nll = labels, focal = labels}
for _, name in ipairs{"mse", "l1", "smooth_l1", "huber", "wing", "bce", "bce_with_logits", "kl_div",
  "hinge", "cross_entropy", "nll", "focal"} do
  local loss <const> = losses[name]
  rows[name] = {call = function(_, o) loss(x2, targets[name] or x2, o) end}
end
rows.cosine = {call = function(_, o) losses.cosine(x2, x2, braid.ones(2), o) end}
rows.cross_entropy.skip = {weight = true} -- a tensor in this place is the weight

-- ---- mtl --------------------------------------------------------------------------------

rows["mtl.classes"] = {options = {3}, call = function(_, o) mtl.classes(o) end}
rows["mtl.real"] = {call = function(_, o) mtl.real(o) end}
rows["mtl.landmarks"] = {call = function(_, o) mtl.landmarks(o) end,
  refused_ends = {points = true}} -- with one point, eyes are not given
rows["mtl.landmark_bins"] = {options = {pixels = 8}, call = function(_, o) mtl.landmark_bins(o) end,
  refused_ends = {points = true}}
rows["mtl.attributes"] = {options = {3}, call = function(_, o) mtl.attributes(o) end}
rows["mtl.pose_bins"] = {call = function(_, o) mtl.pose_bins(o) end}
for _, name in ipairs(require("braid.folder").names(mtl.metric)) do
  rows["mtl.metric." .. name] = {call = function(_, o) mtl.metric[name](o) end}
end
rows["a metric of your own"] = {what = "mtl.real: the metric 'mine'", no_names = true,
  options = {result = print}, call = function(_, o) mtl.real{metrics = {mine = o}} end}
rows["mtl.ced"] = {arguments = {errors = {0.1, 0 / 0}},
  call = function(a, o) mtl.ced(a.errors, o) end}
for file in io.popen("ls lua/braid/mtl/mixers"):lines() do
  local name <const> = file:match("^(.*)%.lua$")
  local mixer <const> = mtl[name]
  rows["mtl." .. name] = {call = function(_, o) mixer(o) end}
end

local tasks <const> = mtl.tasks{a = mtl.classes{2}, b = mtl.real{1}}
local blocks <const> = { {"one", function(c) return nn.Conv2d(c, 2, {kernel = 1}) end},
  {"two", function(c) return nn.Conv2d(c, 2, {kernel = 1}) end} }
local function backbone() return nn.backbone(blocks, {channels = 1}) end
local function network() return mtl.columns(tasks, backbone()):heads() end
local batch <const> = {image = braid.ones(2, 1, 2, 2),
  a = braid.tensor({1, 2}, {dtype = "int64"}), b = braid.ones(2, 1)}
local net <const> = network()

rows["mtl.columns"] = {options = {split = "one", single = "a"},
  call = function(_, o) mtl.columns(tasks, backbone(), o) end}
rows.network = {options = {tasks = {"a", "b"}}, call = function(_, o) net(batch.image, o) end}
rows["mtl.network"] = {options = {tasks = tasks, blocks = blocks, split = "one", single = "a"},
  call = function(_, o) mtl.network(o) end}
for _, name in ipairs(require("braid.folder").names(mtl.weighting)) do
  local method <const> = mtl.weighting[name]
  rows["mtl.weighting." .. name] = {options = name == "fixed" and {weights = {a = 1}} or nil,
    call = function(_, o) method(o) end}
end
rows["mtl.task_rates"] = {arguments = {net = net, rates = {a = 1}}, no_names = true,
  call = function(a) mtl.task_rates(a.net, a.rates) end}
rows["weighing: load_state_dict"] = {
  options = {steps = 1, method = "equal", memory = {}, shared = {"w"}},
  skip = {memory = true}, -- takes any table
  call = function(_, o) tasks:weigh(net, mtl.weighting.equal{}):load_state_dict(o) end}
rows["weighing: gather"] = {call = function(_, o)
  tasks:weigh(net, mtl.weighting.sdmgrad{sampling = "double"}):gather(net(batch.image), batch, o)
end}
rows["mtl.early_stopping"] = {options = {main = "a"},
  call = function(_, o) mtl.early_stopping(tasks, o) end}
rows["mtl.mutual"] = {arguments = {net = net}, options = {blocks = "one"},
  call = function(a, o) mtl.mutual(a.net, o) end}
rows["mtl.mirrored"] = {arguments = {net = net, tasks = net.tasks}, no_names = true,
  call = function(a) mtl.mirrored(a.net, a.tasks) end}
rows["mtl.contrast_maps"] = {arguments = {net = net},
  call = function(a, o) mtl.contrast_maps(a.net, {batch}, "one", o) end}
local function wide(w) return nn.Linear(math.ceil(w * 8), 1, {bias = false}) end
rows["mtl.widen"] = {arguments = {make = wide, count = 9}, no_names = true,
  call = function(a) mtl.widen(a.make, a.count) end}
rows["mtl.heads"] = {call = function(_, o) mtl.heads("deep", o) end}
rows["mtl.readout"] = {arguments = {task = mtl.real{1}, channels = 2}, no_names = true,
  call = function(a) mtl.readout(a.task, a.channels) end}
local report <const> = {a = {accuracy = 0.5}}
rows["mtl.delta_m"] = {arguments = {report = report, single = report}, no_names = true,
  call = function(a) mtl.delta_m(a.report, a.single, a.metrics) end}
rows["mtl.ttc_update"] = {call = function(_, o)
  mtl.ttc_update(net, optim.SGD(net:parameters()), o)
end}
rows.ablate = {options = {blocks = "one", part = "map"},
  call = function(_, o) net:ablate({batch}, o) end}
rows.add_task = {options = {init = "a"}, call = function(_, o)
  network():add_task("c", mtl.real{1}, o)
end}

-- ---- data -------------------------------------------------------------------------------

local data <const> = braid.data
local set <const> = data.faces{n = 4, size = 16}.train
local function existing(path, text)
  local file <const> = assert(io.open(path, "w"))
  file:write(text)
  file:close()
  return path
end
local folder <const> = io.popen("mktemp -d"):read("l")
local table_csv <const> = existing(folder .. "/t.csv", "image,a,b,c,d\n1.png,1,2,3,4\n")

rows["data.crop"] = {call = function(_, o) data.crop(o) end, takes = "number"}
rows["data.resize"] = {arguments = {height = 8, width = 8},
  call = function(a, o) data.resize(a.height, a.width, o) end}
rows["data.align"] = {options = {size = 8}, call = function(_, o) data.align(o) end}
rows["data.augment"] = {call = function(_, o) data.augment(o) end}
rows["data.loader: augment"] = {call = function(_, o) data.loader(set, {augment = o}) end}
for _, name in ipairs{"perspective", "elastic", "erase", "jpeg"} do
  local make <const> = data[name]
  -- The ends of some options depend on each other.
  rows["data." .. name] = {call = function(_, o) make(o) end, takes = "number",
    refused_ends = {amount = true, cells = true, least = true, most = true}}
end
rows["data.cutout"] = {call = function(_, o) data.cutout(o) end, takes = "number"}
rows["data.normalize"] = {call = function(_, o) data.normalize(o) end}
rows["data.landmark_bins"] = {call = function(a, o) data.landmark_bins(a.label, o) end}
rows["data.pose_bins"] = {call = function(a, o) data.pose_bins(a.label, o) end}
for name, key in pairs{brightness = "spread", contrast = "spread", saturation = "spread",
  gray = "probability", equalize = "probability", noise = "deviation", blur = "most",
  gamma = "spread", hue = "spread", mixup = "alpha", cutmix = "alpha"} do
  local step <const> = data[name]
  rows["data." .. name] = {arguments = {[key] = 0.5}, no_names = true,
    call = function(a) step(a[key]) end}
end

rows["data.show"] = {call = function(_, o) data.show(set, 2, folder .. "/show.png", o) end,
  refused_ends = {side = true, lines = true}}
rows.stats = {call = function(_, o) set:stats(o) end}
rows.split = {arguments = {share = 1}, call = function(a, o) set:split(a.share, o) end}
rows.Dataset = {options = {images = set.images, labels = {a = braid.ones(4)}},
  call = function(_, o) require "braid.data.dataset"(o) end}

-- ---- plot, vision, grad, io -------------------------------------------------------------

local plot <const> = braid.plot
local picture <const>, numbers <const> = braid.zeros({3, 4, 4}, {dtype = "uint8"}), { {1, 2} }

rows["plot.heatmap"] = {refused_ends = {low = true},
  call = function(_, o) plot.heatmap(folder .. "/h.svg", numbers, o) end}
local epoch <const> = {event = "epoch", epoch = 1, step = 2, train = {loss = {total = 1}}}
for name, value in pairs{lines = {1, 2, 3}, scatter = {1, 2, 3}, histogram = {1, 2, 3},
  bars = {a = 1, b = 2}, confusion = { {1, 0}, {0, 1} }, ced = {0.01, 0.2},
  history = braid.train.history{epoch}, topology = braid.nn.Linear(2, 2)} do
  rows["plot." .. name] = {options = {log = ""}, call = function(_, o)
    if plot[name](value, o):svg() == "" then error("nothing drawn") end
  end}
end
for _, name in ipairs{"confusion", "ced", "topology"} do rows["plot." .. name].options = nil end
rows["plot.lines"].options.of = nil
for name, arguments in pairs{scalar = {tag = "a", value = 1, step = 1},
  histogram = {tag = "a", values = {1, 2}, step = 1}, hparams = {options = {}, metrics = {}},
  image = {tag = "a", picture = braid.ones({1, 2, 2}, {dtype = "uint8"}), step = 1}} do
  local order <const> = ({scalar = {"tag", "value", "step"}, histogram = {"tag", "values", "step"},
    hparams = {"options", "metrics"}, image = {"tag", "picture", "step"}})[name]
  rows["train.events: " .. name] = {arguments = arguments, no_names = name ~= "histogram",
    call = function(a, o)
      local events <close> = braid.train.events(folder)
      local list <const> = {a[order[1]], a[order[2]], a[order[3]]}
      if name == "histogram" then list[4] = o end
      events[name](events, table.unpack(list, 1, name == "histogram" and 4 or #order))
    end}
end
rows["train.events"] = {arguments = {dir = folder}, call = function(a, o)
  local events <close> = braid.train.events(a.dir, o)
  events.last = 1
end}
rows["train.report"] = {arguments = {dir = folder}, elsewhere = true,
  call = function(a, o) braid.train.report(a.dir, o) end}
rows["profile"] = {call = function(_, o) braid.profile(function() end, o) end}
rows["figure: text"] = {call = function(_, o) plot.lines({1, 2}):text(o) end}
rows["plot.transfer"] = {unknown = "plot.heatmap", call = function(_, o)
  plot.transfer(folder .. "/t.svg", {blocks = {"one"}, names = {"a", "b"}, tasks = {"a"},
    weights = {one = { {1, 2} }}, gradients = {one = { {1, 2} }}}, o)
end}
rows["plot.landmarks"] = {call = function(_, o)
  plot.landmarks(folder .. "/l.png", braid.zeros(1, 1, 4, 4), braid.zeros(1, 2, 2), nil, o)
end}
rows["plot.detections"] = {call = function(_, o)
  plot.detections(folder .. "/d.png", picture, braid.ones(1, 4), nil, o)
end}
rows["plot.maps"] = {call = function(_, o)
  plot.maps(folder .. "/m.png", braid.ones(1, 2, 2), o)
end}
local progress <const> = braid.train.progress
rows["train.progress"] = {arguments = {total = 3}, no_names = true,
  call = function(a) progress(a.total) end}
rows["train.progress: advance"] = {no_names = true,
  call = function(a) progress(3):advance(a.label, a.items) end}
for _, part in ipairs{"compare", "papers", "tables"} do
  for name, row in pairs(require("spec.support.option_rows_" .. part)(folder)) do
    rows[name] = row
  end
end
rows["train.patience"] = {arguments = {epochs = 3},
  call = function(a, o) braid.train.patience(a.epochs, o) end}
rows["train.patience: load_state_dict"] = {options = {steps = 3, bad = 1},
  call = function(_, o) braid.train.patience(3):load_state_dict(o) end}
rows["train.best"] = {arguments = {path = folder .. "/best.safetensors", net = nn.Linear(2, 2)},
  call = function(a, o) braid.train.best(a.path, a.net, o) end}
rows["train.best: load_state_dict"] = {options = {steps = 3}, call = function(_, o)
  braid.train.best(folder .. "/best.safetensors", nn.Linear(2, 2)):load_state_dict(o)
end}
rows["train.log"] = {arguments = {dir = folder .. "/log"}, call = function(a, o)
  braid.train.log(a.dir, o):close()
end}
rows["train.log: load_state_dict"] = {options = {size = 0}, call = function(_, o)
  local log <close> = braid.train.log(folder .. "/log")
  log:load_state_dict(o)
end}
rows["train.history"] = {arguments = {events = {}}, no_names = true,
  call = function(a) braid.train.history(a.events) end}
rows["train.history.read"] = {arguments = {dir = folder .. "/log"}, no_names = true,
  call = function(a)
    braid.train.log(folder .. "/log"):close()
    braid.train.history.read(a.dir)
  end}
local fit_faces <const> = braid.data.faces{n = 16, size = 16}
local fit_tasks <const> = mtl.tasks{smile = mtl.classes{2}}
local fit_net <const> = mtl.network{tasks = fit_tasks, blocks = nn.backbone({{"one", function(c)
  return nn.Conv2d(c, 2, {kernel = 3})
end}}, {channels = 1})}
rows["train.fit"] = {refused_ends = {steps = true, every = true}, -- they depend on other options
  skip = {resume = true}, -- true is also one of its values
  options = {net = fit_net, tasks = fit_tasks, train = fit_faces.train, val = fit_faces.train,
    epochs = 1, progress = false},
  call = function(_, o) braid.train.fit(o) end}
rows["train.fit: ema"] = {unknown = "EMA", no_names = true, takes = "number", call = function(_, o)
  braid.train.fit{net = fit_net, tasks = fit_tasks, train = fit_faces.train, progress = false,
    epochs = 1, ema = o or {}}
end}
rows["train.fit: stage"] = {what = "train.fit: stages[1]", options = {epochs = 1},
  refused_ends = {steps = true},
  call = function(_, o)
    braid.train.fit{net = fit_net, tasks = fit_tasks, train = fit_faces.train, progress = false,
      stages = {o}}
  end}
rows["train.find_lr"] = {arguments = {net = fit_net},
  options = {tasks = fit_tasks, train = fit_faces.train, steps = 10},
  call = function(a, o) braid.train.find_lr(a.net, o) end}
rows["train.test"] = {elsewhere = true, arguments = {dir = folder, set = fit_faces.test},
  call = function(a, o) braid.train.test(a.dir, a.set, o) end}
rows["EMA: using"] = {call = function(_, o)
  local _ <close> = optim.EMA(nn.Linear(2, 2)):using(o)
end}
rows["vision.detector"] = {arguments = {nets = {}}, elsewhere = true,
  call = function(a, o) braid.vision.detector(a.nets, o) end}
local scenes <const> = data.scenes{n = 2, size = 64, val = 1, test = 1}.train
rows["vision.samples"] = {arguments = {set = scenes}, options = {pictures = 1},
  call = function(a, o) braid.vision.samples(a.set, o) end}
local squares <const> = braid.vision.samples(scenes)
rows["vision.samples: loader"] = {call = function(_, o) squares:loader(o)() end}
rows["vision.measure"] = {arguments = {detect = function()
  return {boxes = braid.zeros({0, 4}), points = braid.zeros({0, 5, 2})}
end, set = scenes}, call = function(a, o) braid.vision.measure(a.detect, a.set, o) end}
local leaf <const> = parameter()
rows.grad = {arguments = {inputs = {leaf}}, options = {gradient = braid.ones(2)},
  call = function(a, o) braid.grad(a.y == nil and leaf * 2 or a.y, a.inputs, o) end}
rows.Function = {options = {forward = print, backward = print},
  call = function(_, o) braid.Function(o) end}
local one <const> = braid.ones({2}, {dtype = "float64", requires_grad = true})
rows.gradcheck = {arguments = {f = function(v) return v * 1 end, inputs = {one}},
  call = function(a, o) braid.gradcheck(a.f, a.inputs, o) end}
rows.load = {elsewhere = true, call = function(_, o) braid.load(folder .. "/h.png", o) end}
rows["load: .csv"] = {what = "load", elsewhere = true,
  call = function(_, o) braid.load(table_csv, o) end}

for _, name in ipairs{"alexnet", "dmt", "kth", "resnet18", "resnet_small", "tcdcn", "vgg16"} do
  rows["backbone " .. name] = {options = {width = 0.05},
    refused_ends = {width = true, input = true}, call = function(_, o) nn.backbone(name, o) end}
end
rows["backbone vgg16"].options = {width = 0.05, input = 32}
rows.import = {elsewhere = true, call = function(_, o) braid.import("no such.onnx", o) end}
rows.backbone = {options = {channels = 1}, elsewhere = true,
  call = function(_, o) nn.backbone(blocks, o) end}
rows["backbone: build"] = {no_names = true, call = function(a)
  nn.backbone(blocks, {channels = 1}):build(a.from, a.to, a.channels, a.inputs)
end}
rows["backbone: of another backbone"] = {call = function(_, o) nn.backbone(backbone(), o) end}

-- ---- readers ----------------------------------------------------------------------------

local trees <const> = require "spec.support.reader_trees"
local state <const> = data.loader(set, {batch = 2, size = 16}):state()

rows["data.loader"] = {options = {batch = 2, size = 16, enlarge = true},
  call = function(_, o) data.loader(set, o) end}
rows["copied"] = {call = function(_, o) set:copied(o) end}
rows["data.loader: state"] = {options = state, elsewhere = true,
  call = function(_, o) data.loader(set, {batch = 2, size = 16, state = o}) end}
rows["data.mix"] = {options = { {set, 1} }, call = function(_, o) data.mix(o) end}
rows["data.faces"] = {options = {n = 1, size = 16, val = 1, test = 1},
  refused_ends = {n = true, val = true, test = true}, -- they are more than fit in memory
  call = function(_, o) data.faces(o) end}
rows["data.scenes"] = {options = {n = 1, size = 64, val = 1, test = 1},
  refused_ends = {n = true, val = true, test = true, size = true, -- more than fits in memory
    least = true, most = true}, -- one above the other
  call = function(_, o) data.scenes(o) end}
for name in pairs(trees.readers) do
  local path <const> = trees.path(name)
  rows["data." .. name] = {options = name == "mtfl" and {val = 1} or nil,
    arguments = name == "idx" and {images = path} or nil,
    -- The product of some options has a limit; the tree of coco has one person, with one point.
    refused_ends = {size = true, surround = true, detail = true, least = true, year = true},
    call = function(a, o)
      if name == "idx" then data.idx(a.images, a.labels, o) else data[name](path, o) end
    end}
end

-- ---- files of networks ------------------------------------------------------------------

local cards <const> = require "braid.model.card"
local recipe <const> = require "braid.data.recipe"

local function wanted(wrong)
  if wrong then require "braid.check".fail("%s", wrong) end
end
local METRICS <const> = {values = {pose = {accuracy = 0.5}}}

rows.card = {no_names = true, options = {metrics = METRICS},
  call = function(_, o) wanted(cards.wrong(o)) end}
rows["card.metrics"] = {no_names = true, options = METRICS,
  call = function(_, o) wanted(cards.wrong{metrics = o}) end}
rows.recipe = {no_names = true, options = {channels = 1, size = 16}, call = function(_, o)
  local _, wrong <const> = recipe.options(o)
  wanted(wrong)
end}
local asked <const> = braid.model("tcdcn", {tasks = mtl.tasks{pose = mtl.classes{5}}})
rows.predict = {options = {size = 40}, refused_ends = {size = true},
  call = function(_, o) asked:predict(braid.zeros(40, 40):to("uint8"), o) end}
rows.serve = {options = {text = tostring}, elsewhere = true,
  call = function(_, o) require "braid.serve"(nn.Linear(2, 2), o) end}

rows.export = {options = {input = {1, 40, 40}}, call = function(_, o)
  asked.card = {preprocessing = {size = 40, channels = 1}}
  braid.export(asked, folder .. "/net.onnx", o)
end}

local M <const> = {rows = rows}
function M.remove_files() os.execute("rm -r " .. folder) end

return M
