--- EMA: the moving average of a module, which often predicts better than the module itself (Polyak
-- and Juditsky 1992).
--
-- Each update sets average = d average + (1 - d) parameter. Options:
--   decay = 0.999       d
--   warmup = true       d is at most (1 + n) / (10 + n) at the n-th update, so that the first
--                       values fade sooner
--   average = "equal"   all updates have the same weight (Izmailov et al. 2018, stochastic weight
--                       averaging; then update once an epoch)
-- Running statistics, such as batch norm's, are averaged too, because the module's own statistics
-- do not fit averaged weights. using{recompute = batches} computes them again with the averaged
-- weights, over the batches of a loader. Frozen parameters are in the averages unchanged. Other
-- buffers keep the module's values. Layers that infer their sizes must have run before.
-- @usage
-- local ema = optim.EMA(net, {decay = 0.99})
-- opt:step(); ema:update()      -- in training
-- do
--   local _ <close> = ema:using() -- the module has the averages here
--   print(tasks:evaluate(net, data.loader(faces.val, {batch = 8})))
-- end

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local grad <const> = require "braid.grad"
local hints <const> = require "braid.nn.hints"
local statistics <const> = require "braid.nn.statistics"
local walk <const> = require "braid.nn.walk"

local EMA <const> = class("EMA")
local ops <const> = core.ops

local OPTIONS <const> = check.declare("EMA", {
  module = check.argument(check.kind("a module", walk.is_module)),
  decay = check.number{0.999, from = 0, to = 1}, warmup = check.flag(false),
  average = check.choice{"exponential", "equal"},
})
local STATE <const> = check.declare("EMA: load_state_dict", {
  updates = check.needed(check.whole{from = 0}),
  decay = check.needed(check.number{from = 0, to = 1}), averages = check.needed(check.any()),
})
local USING <const> = check.declare("EMA: using", {recompute = check.call()})

function EMA:init(module, given)
  local o <const> = check.options(OPTIONS, given, {module = module})
  local _ <close> = grad.no_grad()
  self.decay, self.warmup, self.average = o.decay, o.warmup, o.average
  self.updates, self.swapped = 0, false
  -- The name of each average, the tensor that it averages, and the module that owns a statistic.
  self.names, self.parameters, self.averages, self.owners = {}, {}, {}, {}
  local function add(name, t, owner)
    local i <const> = #self.names + 1
    self.names[i], self.parameters[i], self.owners[i] = name, t, owner or false
    self.averages[i] = core.keep(ops.clone(t:detach()))
  end
  for name, p in module:named_parameters() do add(name, p) end
  if #self.names == 0 then
    check.fail("EMA: the module has no parameters")
  end
  for name, t, owner in statistics.each(module) do add(name, t, owner) end
  self.module, self.seen = module, hints.now()
end

-- Checks that the module still has the parameters that were averaged. This is skipped while no
-- module has gained or lost a parameter.
local function check_current(self)
  if self.seen == hints.now() then return end
  local known <const> = {}
  for _, p in ipairs(self.parameters) do known[p] = true end
  for name, p in self.module:named_parameters() do
    if not known[p] then
      check.fail("EMA: the module has a new tensor %s, which the averages lack: make them anew, "
        .. "optim.EMA(module)", name)
    end
  end
  self.seen = hints.now()
end

-- The share of the old average that stays in the n-th update.
local function share_of(self, n)
  if self.average == "equal" then return (n - 1) / n end
  return self.warmup and math.min(self.decay, (1 + n) / (10 + n)) or self.decay
end

--- Adds the current parameters and statistics to the averages.
function EMA:update()
  if self.swapped then
    check.fail("EMA: update while the averages are swapped in: first close the value of "
      .. "ema:using()")
  end
  check_current(self)
  local _ <close> = grad.no_grad()
  self.updates = self.updates + 1
  local d <const>, owners <const> = share_of(self, self.updates), self.owners
  for i, p in ipairs(self.parameters) do
    local moves
    if owners[i] then moves = not owners[i].frozen else moves = p.requires_grad end
    if moves then ops.lerp_(self.averages[i], p, 1 - d) else ops.copy_(self.averages[i], p) end
  end
end

--- Exchanges the values of the module and the averages; a second call restores them.
function EMA:swap()
  check_current(self)
  local _ <close> = grad.no_grad()
  for i, p in ipairs(self.parameters) do
    local own <const> = ops.clone(p)
    ops.copy_(p, self.averages[i])
    ops.copy_(self.averages[i], own)
  end
  self.swapped = not self.swapped
end

-- Copies the averages of statistics, by their positions.
local function statistics_of(self)
  local copies <const> = {}
  for i, owner in ipairs(self.owners) do
    if owner then copies[i] = core.keep(ops.clone(self.averages[i])) end
  end
  return copies
end

--- Gives the module the averages until the returned value is closed. With {recompute = batches} its
-- running statistics are computed from these batches.
function EMA:using(given)
  if self.swapped then
    check.fail("EMA: the averages are swapped in already: first close the value of ema:using()")
  end
  local o <const> = check.options(USING, given)
  local _ <close> = grad.no_grad()
  local kept <const> = o.recompute and statistics_of(self) or {}
  local function back()
    if not self.swapped then return end
    self:swap()
    local _ <close> = grad.no_grad()
    for i, t in pairs(kept) do ops.copy_(self.averages[i], t) end
  end
  self:swap()
  if o.recompute then
    local _ <close> = setmetatable({}, {__close = function(_, why) if why then back() end end})
    statistics.recompute(self.module, o.recompute)
  end
  return setmetatable({}, {__close = back})
end

--- Returns {updates, decay, averages = tensors by the names of parameters and statistics}. The
-- tensors are the EMA's own, not copies.
function EMA:state_dict()
  if self.swapped then
    check.fail("EMA: state_dict while the averages are swapped in: first close the value of "
      .. "ema:using()")
  end
  local averages <const> = {}
  for i, name in ipairs(self.names) do averages[name] = self.averages[i] end
  return {updates = self.updates, decay = self.decay, averages = averages}
end

function EMA:load_state_dict(dict)
  if self.swapped then
    check.fail("EMA: load_state_dict while the averages are swapped in: first close the value of "
      .. "ema:using()")
  end
  local _ <close> = grad.no_grad()
  check.options(STATE, dict)
  for i, name in ipairs(self.names) do
    local t <const>, own <const> = dict.averages[name], self.averages[i]
    if not core.is_tensor(t) or table.concat(t.shape, ",") ~= table.concat(own.shape, ",") then
      check.fail("EMA: load_state_dict: '%s' must be a tensor (%s), not %s", name,
        table.concat(own.shape, ", "), check.shown(t))
    end
  end
  self.updates, self.decay = dict.updates, dict.decay
  for i, name in ipairs(self.names) do ops.copy_(self.averages[i], dict.averages[name]) end
end

return EMA
