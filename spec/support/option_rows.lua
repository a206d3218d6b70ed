--- A call of every function whose options are declared, by the name that its messages have.
--
-- call(a, o), no tail call, which would hide its line, calls it with the arguments a and the
-- options o; `arguments` and `options` are such that it works. `what` is what messages begin
-- with where it is not the name. refused_ends names options of which an end of the range is
-- refused for another reason, skip those that are not tried; no_names says that the call takes
-- no table of options.

local braid <const> = require "braid"
local nn <const>, optim <const> = braid.nn, braid.optim

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

rows.step = {arguments = {size = 3}, call = function(a, o) optim.step(a.size, o) end}
rows.multistep = {arguments = {milestones = {2, 4}},
  call = function(a, o) optim.multistep(a.milestones, o) end}
rows.exponential = {arguments = {gamma = 0.5}, no_names = true,
  call = function(a) optim.exponential(a.gamma) end}
rows.cosine = {arguments = {total = 5}, takes_number = true,
  call = function(a, o) optim.cosine(a.total, o) end}
rows["cosine: the factor"] = {arguments = {done = 1, total = 5, last = 0}, no_names = true,
  skip = {total = true}, -- anything but a number stands for options there
  call = function(a) optim.cosine(a.done, a.total, a.last) end}
rows.poly = {arguments = {total = 5}, call = function(a, o) optim.poly(a.total, o) end}
rows.one_cycle = {arguments = {total = 5},
  call = function(a, o) optim.one_cycle(a.total, o) end}
rows.warmup = {arguments = {steps = 5}, call = function(a, o) optim.warmup(a.steps, o) end}
rows.plateau = {call = function(_, o) optim.plateau(o) end}
rows.schedule = {call = function(_, o)
  optim.schedule(optim.SGD({parameter()}), optim.step(3), o)
end}
rows.EMA = {arguments = {module = nn.Linear(2, 2)},
  call = function(a, o) optim.EMA(a.module, o) end}
rows.clip_grad_norm = {arguments = {max_norm = 1},
  call = function(a, o) optim.clip_grad_norm({parameter()}, a.max_norm, o) end}
rows.clip_grad_value = {arguments = {limit = 1}, no_names = true,
  call = function(a) optim.clip_grad_value({parameter()}, a.limit) end}

rows["schedule: load_state_dict"] = {options = {steps = 1, factor = 1}, call = function(_, o)
  optim.schedule(optim.SGD({parameter()}), optim.step(3)):load_state_dict(o)
end}
rows["plateau: load_state_dict"] = {options = {current = 1, bad = 0, wait = 0},
  call = function(_, o) optim.plateau():load_state_dict(o) end}
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

return rows
