--- EMA: the exponential moving average of a module's parameters, which often predicts better
-- than they do (Polyak and Juditsky 1992).
--
-- average = d average + (1 - d) parameter at each update, d = {decay = 0.999}; with {warmup =
-- true} d is at most (1 + n) / (10 + n) at the n-th update, so that the start is forgotten.
-- Buffers, such as running statistics, stay the module's. Layers that infer their sizes must
-- have run before.
-- @usage
-- local ema = optim.EMA(net, {decay = 0.99})
-- opt:step(); ema:update()      -- in training
-- do
--   local _ <close> = ema:using() -- the module has the averages here
--   validate(net)
-- end

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local grad <const> = require "braid.grad"
local hints <const> = require "braid.nn.hints"
local walk <const> = require "braid.nn.walk"

local EMA <const> = class("EMA")
local ops <const> = core.ops

local OPTIONS <const> = check.declare("EMA", {
  module = check.argument(check.kind("a module", walk.is_module)),
  decay = check.number{0.999, from = 0, to = 1}, warmup = check.flag(false),
})
local STATE <const> = check.declare("EMA: load_state_dict", {
  updates = check.needed(check.whole{from = 0}),
  decay = check.needed(check.number{from = 0, to = 1}), averages = check.needed(check.any()),
})

function EMA:init(module, given)
  local o <const> = check.options(OPTIONS, given, {module = module})
  local _ <close> = grad.no_grad()
  self.decay, self.warmup, self.updates, self.swapped = o.decay, o.warmup, 0, false
  self.names, self.parameters, self.averages = {}, {}, {}
  for name, p in module:named_parameters() do
    local i <const> = #self.names + 1
    self.names[i], self.parameters[i] = name, p
    self.averages[i] = core.keep(ops.clone(p:detach()))
  end
  if #self.names == 0 then check.fail("EMA: the module has no parameters") end
  self.module, self.seen = module, hints.now()
end

-- The module still has the parameters that the averages are of; nothing is asked as long as no
-- parameter came or went anywhere.
local function check_current(self)
  if self.seen == hints.now() then return end
  local known <const> = {}
  for _, p in ipairs(self.parameters) do known[p] = true end
  for name, p in self.module:named_parameters() do
    if not known[p] then
      check.fail("EMA: the averages do not have %s, a tensor that came after them: make them anew, "
        .. "optim.EMA(module)", name)
    end
  end
  self.seen = hints.now()
end

--- Takes the parameters as they are now into the averages.
function EMA:update()
  if self.swapped then check.fail("EMA: update while the averages are swapped in") end
  check_current(self)
  local _ <close> = grad.no_grad()
  self.updates = self.updates + 1
  local d = self.decay
  if self.warmup then d = math.min(d, (1 + self.updates) / (10 + self.updates)) end
  for i, p in ipairs(self.parameters) do
    ops.lerp_(self.averages[i], p, 1 - d)
  end
end

--- Exchanges the values of parameters and averages; a second time brings them back.
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

--- The module has the averages until the returned value closes.
function EMA:using()
  if self.swapped then check.fail("EMA: the averages are swapped in already") end
  self:swap()
  return setmetatable({}, {__close = function()
    if self.swapped then self:swap() end
  end})
end

--- {updates, decay, averages = tensors by the parameters' names}; the tensors are its own.
function EMA:state_dict()
  if self.swapped then check.fail("EMA: state_dict while the averages are swapped in") end
  local averages <const> = {}
  for i, name in ipairs(self.names) do averages[name] = self.averages[i] end
  return {updates = self.updates, decay = self.decay, averages = averages}
end

function EMA:load_state_dict(dict)
  if self.swapped then check.fail("EMA: load_state_dict while the averages are swapped in") end
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
