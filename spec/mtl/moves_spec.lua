--- The tensors that change in a training step, for every mixer, operation and optimizer.
--
-- The table OPERATIONS says which parts train after each operation, from the papers 000 and 001
-- (examples/papers/README.md). Parts that train must change; all other tensors must stay equal to
-- the byte. An optimizer made before the operation trains the same parts, or raises an error
-- before anything has changed.

local braid <const> = require "braid"
local class <const> = require "braid.class"
local shell <const> = require "spec.support.shell"
local nn <const>, mtl <const>, optim <const> = braid.nn, braid.mtl, braid.optim

-- ---- the rules ----------------------------------------------------------------------------

-- Parts: a task's name means its column, its head and its parameters in mixers. The other parts
-- are "mixers", "heads", "columns" and "shared" (a trunk or stream, and what mixers have for all
-- tasks). "-" takes a part away.
-- Each row: a name, the operation on a network of tasks a, b, c, and the parts that train after it.
local OPERATIONS <const> = {
  {"nothing", function() end, "all"},
  {"freeze a task", function(net) net:freeze("b") end, "all -b"},
  {"freeze the mixers", function(net) net:freeze{"mixers"} end, "all -mixers"},
  {"freeze the heads", function(net) net:freeze{"heads"} end, "all -heads"},
  {"freeze the columns", function(net) net:freeze{"columns"} end, "all -columns"},
  {"freeze and unfreeze", function(net) net:freeze("b"):freeze{"mixers"}:unfreeze() end, "all"},
  {"train only the mixers", function(net) net:train_only{"mixers"} end, "mixers"},
  {"train only a task", function(net) net:train_only("a") end, "a"},
  {"train only two parts", function(net) net:train_only{"a", "heads"} end, "a heads"},
  -- 001 section 3: the new subnet and its connections train, "already learned" subnets are fixed
  {"add a task", function(net) net:add_task("d", mtl.classes{2}) end, "all"},
  {"add a task, others frozen", function(net)
    net:add_task("d", mtl.classes{2}, {freeze = "others"})
  end, "d"},
  {"add a task, then train all", function(net)
    net:add_task("d", mtl.classes{2}, {freeze = "others"}):unfreeze()
  end, "all"},
  {"add a task that comes first", function(net) net:add_task("A", mtl.classes{2}) end, "all"},
  {"remove a task", function(net) net:remove_task("b") end, "all"},
  -- 001 section 4.3: some subnets are cut off, the rest is frozen, the connections train again
  {"remove a task, train the mixers", function(net)
    net:remove_task("b"):train_only{"mixers"}
  end, "mixers"},
  {"add a task, remove a task, train the mixers", function(net)
    net:add_task("d", mtl.classes{2}, {freeze = "others"}):remove_task("b"):train_only{"mixers"}
  end, "mixers"},
  {"remove a task and add it again", function(net)
    net:remove_task("b"):add_task("b", mtl.classes{3})
  end, "all"},
  {"freeze a task, add a task", function(net)
    net:freeze("b"):add_task("d", mtl.classes{2})
  end, "all -b"},
  {"unstack the columns", function(net) net:unstack() end, "all"},
  {"stack the columns", function(net) net:unstack():stack() end, "all"},
  {"change the type", function(net) net:to("float64") end, "all"},
  {"change the type and change it back", function(net)
    net:to("float64"):to("float32")
  end, "all"},
  {"load a state", function(net) net:load_state_dict(net:clone():state_dict()) end, "all"},
  {"clone the network", function(net) return net:clone() end, "all"},
  {"measure the network", function(net, batch)
    net:transfer(batch)
    net:ablate(batch, {part = "map"})
    net:summary{1, 5, 5}
  end, "all", measures = true},
}

-- Separation networks train in two stages (000 section 3): first the shared stream and its heads;
-- then these are frozen and the rest trains.
local STAGES <const> = {
  {"stage 1", function() end, "shared"},
  {"stage 2", function(net) net:stage(2) end, "columns mixers heads"},
  {"stage 2 and back", function(net) net:stage(2):stage(1) end, "shared"},
  {"stage 2, a task frozen", function(net) net:stage(2):freeze("b") end,
    "columns mixers heads -b"},
  {"stage 2, a task removed", function(net) net:stage(2):remove_task("b") end,
    "columns mixers heads"},
}

-- In rows of connections each value trains. The exception is the alpha of a column to itself,
-- which is always 1 (001 section 3).
local ROWS <const> = {["%.alpha%..*%.weight$"] = false, ["%.beta%..*%.weight$"] = "not its own"}

-- The parts that a tensor of a network's state is in.
local function parts_of(path, names)
  local first <const>, rest <const> = path:match("^([%w_]+)%.(.*)$")
  if first == nil then return {} end
  local owner <const> = rest:match(first == "mixer" and "^%w+%.%w+%.(%w+)" or "^(%w+)")
  local owned <const> = first ~= "shared" and first ~= "trunk" and first ~= "shared_head"
    and names[owner] and owner
  return {[first == "mixer" and "mixers" or first == "head" and "heads" or first] = true,
    shared = not owned, [owned or "shared"] = true, owner = owned}
end

local function trains(rule, parts)
  local yes = false
  for sign, word in rule:gmatch("(%-?)([%w_]+)") do
    if sign == "-" and parts[word] then return false end
    yes = yes or sign == "" and (word == "all" or parts[word])
  end
  return yes or false
end

-- Statistics of batch norm change if their part trains; other buffers never change.
local function is_statistic(path) return path:find("running_") or path:find("num_batches") end
local function is_fixed(path) return path:find("%.limit$") or path == "stage_number" end

-- ---- networks -----------------------------------------------------------------------------

local tasks <const> = mtl.tasks{a = mtl.classes{2}, b = mtl.classes{3}, c = mtl.classes{2}}

local function conv(outputs)
  return function(c)
    return nn.Sequential{nn.Conv2d(c, outputs, {kernel = 3, padding = 1, bias = false}),
      nn.BatchNorm2d(outputs), nn.LeakyReLU()} -- not ReLU, so that no map is all 0
  end
end

local function head(task, c) return nn.Sequential{nn.GlobalAvgPool(), nn.Linear(c, task.size)} end

-- For each mixer, the options with which it makes different networks.
local FORMS <const> = {
  cross_stitch = {{}, {granularity = "scalar"}},
  ttc = {{}, {granularity = "channel"}, {start = 0}, {start = 1}},
  collaborative = {{}, {gamma_init = "uniform"}},
  separation = {{end_to_end = true}, {end_to_end = true, form = "channelwise"}},
}

local function each_form(f)
  for path in shell.run("ls lua/braid/mtl/mixers/*.lua").out:gmatch("%S+") do
    local word <const> = path:match("([%w_]+)%.lua$")
    for _, options in ipairs(FORMS[word] or {{}}) do f(word, options) end
  end
end

local function build(word, options, where, stacked)
  if word == "progressive" then stacked = false end -- it has no stacked form
  local blocks <const> = nn.backbone({{"conv1", conv(4)}, {"conv2", conv(4)}}, {channels = 1})
  local net <const> = mtl.columns(tasks, blocks, {stacked = stacked})
  return net:mix(word == "share" and "conv1" or where, mtl[word](options)):heads(head)
end

-- Sets biases of lateral convolutions so that none of their ReLUs is 0 at all pixels. Biases of
-- batch norms before a ReLU stay, because the next norm removes them if the ReLU is open
-- everywhere.
local function open_relus(net)
  for path, t in pairs(net:state_dict()) do
    if path:find("^mixer%..*%.conv%.bias$") then t:fill_(1) end
  end
end

-- ---- a step -------------------------------------------------------------------------------

local function int(values) return braid.tensor(values, {dtype = "int64"}) end

local x <const> = braid.randn(6, 1, 5, 5, {dtype = "float64"})
local batch <const> = {image = x, count = 6, a = int{1, 2, 2, 1, 2, 1}, b = int{3, 2, 1, 1, 2, 3},
  c = int{2, 2, 1, 2, 1, 1}}

local function step(net, opt)
  return opt:step(function()
    opt:zero_grad()
    local image <const> = x:to(net.head.a[2].weight.dtype)
    local out <const>, total = net(image), 0
    for i, name in ipairs(net.tasks.names) do
      total = total + (out[name] + i / 3):square():sum() * i
    end
    total:backward()
    return total
  end)
end

local function state_of(net)
  local state <const> = {}
  for path, t in pairs(net:state_dict()) do state[path] = t:clone() end
  return state
end

-- Says how a tensor breaks the rule; nil if it does not.
local function fault(rule, names, path, before, after)
  local moved <const> = after:ne(before)
  local should <const> = not is_fixed(path) and trains(rule, parts_of(path, names))
  if not should then return moved:any():item() and path .. " should stay" or nil end
  if not moved:any():item() then return path .. " should move" end
  for pattern, own in pairs(ROWS) do
    if path:find("^mixer") and path:find(pattern) then
      local row <const> = moved:reshape(moved:size(1), -1)
      for j = 1, row:size(1) do
        local is_own <const> = own and names[parts_of(path, names).owner] == j
        if row[j]:all():item() == is_own then
          return ("%s: place %d should %s"):format(path, j, is_own and "stay" or "move")
        end
      end
    end
  end
end

-- ---- the optimizers -----------------------------------------------------------------------

local OPTIONS <const> = {SGD = {lr = 0.01, momentum = 0.9, weight_decay = 0.1}}

local FAMILIES <const> = {
  {"SGD, plain", function(list) return optim.SGD(list, {lr = 0.01}) end},
}
for path in shell.run("ls lua/braid/optim/*.lua").out:gmatch("%S+") do
  local value <const> = require("braid.optim." .. path:match("([%w_]+)%.lua$"))
  if class.is_class(value) and value.declared then
    FAMILIES[#FAMILIES + 1] = {value.__name, function(list)
      return value(list, OPTIONS[value.__name] or {lr = 0.01})
    end}
  end
end

local SAID <const> = {"no optimizer holds ", " is no longer in its network"}

-- One case. v = {where = the mixer's blocks, stacked, steps before the operation, family}.
local function check_case(word, options, operation, v)
  local make <const> = v.family[2]
  local net = build(word, options, v.where, v.stacked):to("float64")
  local opt, was = make(net:parameters()), net
  for _ = 1, v.steps do step(net, opt) end
  local measured <const> = operation.measures and state_of(net)
  net = operation[2](net, batch) or net
  local names <const>, rule <const> = {}, operation[3]
  for i, name in ipairs(net.names) do names[name] = i end
  for path, t in pairs(measured or {}) do
    assert.is_true(t:eq(net:state_dict()[path]):all():item(), path .. " should not be moved")
  end
  open_relus(net)
  local before <const>, any = state_of(net), false
  for path in pairs(before) do
    any = any or not is_statistic(path) and not is_fixed(path)
      and trains(rule, parts_of(path, names))
  end
  if not any then
    for path, p in net:named_parameters() do assert.is_false(p.requires_grad, path) end
    return
  end
  if net ~= was then opt = make(net:parameters()) end -- the operation gave another network
  local ok <const>, message <const> = pcall(step, net, opt)
  if not ok then
    assert.is_truthy(message:find(SAID[1], 1, true) or message:find(SAID[2], 1, true), message)
    for path, t in pairs(state_of(net)) do assert.is_true(t:eq(before[path]):all():item(), path) end
    step(net, make(net:parameters()))
  end
  for path, t in pairs(state_of(net)) do
    local wrong <const> = fault(rule, names, path, before[path], t)
    if wrong then
      error(("%s; mixer at %s, %s, %d steps before, %s"):format(wrong, v.where,
        v.stacked and "stacked" or "in a list", v.steps, v.family[1]), 0)
    end
  end
end

local VARIANTS <const> = {}
for _, where in ipairs{"*", "conv1"} do
  for _, stacked in ipairs{false, true} do
    for steps = 0, 1 do
      for _, family in ipairs(FAMILIES) do
        VARIANTS[#VARIANTS + 1] = {where = where, stacked = stacked, steps = steps, family = family}
      end
    end
  end
end

-- Runs a case with the next variant: an optimizer, the mixer's blocks, columns in a list or
-- stacked, and a number of steps before the operation. With `all`, every optimizer runs it.
local turn = 0
local function check_variants(word, options, operation, all)
  for i = 1, all and #FAMILIES or 1 do
    turn = turn + 29 -- has no common divisor with the number of variants
    local other <const> = turn // #FAMILIES * #FAMILIES + i -- the i-th optimizer
    local v <const> = VARIANTS[((all and other or turn) - 1) % #VARIANTS + 1]
    braid.manual_seed(turn)
    check_case(word, options, operation, v)
  end
end

local function title(word, options)
  local words <const> = {}
  for key, value in pairs(options) do words[#words + 1] = ("%s = %s"):format(key, value) end
  table.sort(words)
  return ("mtl.%s{%s}"):format(word, table.concat(words, ", "))
end

describe("a training step changes the parts that should train, and nothing else:", function()
  each_form(function(word, options)
    describe(title(word, options), function()
      for _, operation in ipairs(OPERATIONS) do
        it(operation[1], function() check_variants(word, options, operation) end)
        it(operation[1] .. ", with every optimizer #slow", function()
          check_variants(word, options, operation, true)
        end)
      end
    end)
  end)

  for _, options in ipairs{{}, {form = "channelwise"}, {form = "channelwise", fine_tune = true}} do
    describe(title("separation", options), function()
      for _, operation in ipairs(STAGES) do
        it(operation[1], function() check_variants("separation", options, operation) end)
        it(operation[1] .. ", with every optimizer #slow", function()
          check_variants("separation", options, operation, true)
        end)
      end
    end)
  end
end)
