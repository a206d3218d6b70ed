--- Module: the class of every layer and network.
--
-- A module has parameters, buffers, options and other modules, and nothing else: forward reads them
-- and returns tensors. A tensor in a field is a parameter, made by Module.parameter, or a buffer,
-- made by self:buffer or named in the class's `buffer_names`. A "counter" counts steps and may be
-- missing in a file of weights; a "statistic" follows the data and is averaged with the parameters.
-- Modules may be in fields or in tables in fields. Fields are searched in sorted order.
-- @usage nn.Linear(3, 4):summary{3}

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local class <const> = require "braid.class"
local described <const> = require "braid.nn.described"
local hints <const> = require "braid.nn.hints"
local state <const> = require "braid.nn.state"
local summary <const> = require "braid.nn.summary"
local tree <const> = require "braid.nn.tree"
local walk <const> = require "braid.nn.walk"
local watching <const> = require "braid.nn.watching"

local Module <const> = class("Module")
Module.is_module = true
Module.training = true
Module.frozen = false
Module.unsized = false -- true while a layer needs a first input to know its sizes
Module.buffer_names = {}
-- A class sets this to its forward if x goes straight through: each operator takes the result of
-- the one before, and nothing else uses this result (as in Sequential). Then calls may be fused. A
-- subclass that overrides forward is not straight.
Module.straight = false
-- Whether the module computes every channel by itself and in the same way. Then equal modules of
-- several columns may run as one module over all channels (mtl/columns/stack).
Module.channelwise = false

-- The methods that a single object may replace.
Module.__newindex = class.shield{init = true, forward = true, describe = true}

Module.is = walk.is_module

-- ---- where an error happened ------------------------------------------------------------

local function name_within(parent, child)
  local name
  walk.walk(parent, function(path, value)
    if value == child and not name then name = path end
  end)
  return name
end

-- Calls forward with less work than __call: nothing watches it, and it returns one value.
function Module.step(self, x)
  local y <const> = self:forward(x) -- no tail call: running_path looks for this frame
  return y
end

-- The path of the innermost running module, found in the call stack; or the path of `last`, which
-- has just returned.
local function running_path(last)
  local running <const>, call <const>, step <const> = {}, Module.__call, Module.step
  for level = 2, 200 do
    local info <const> = debug.getinfo(level, "f")
    if not info then break end
    if info.func == call or info.func == step then
      table.insert(running, 1, select(2, debug.getlocal(level, 1)))
    end
  end
  running[#running + 1] = last
  if not running[1] then return nil end
  local words <const> = {getmetatable(running[1]).__name}
  for i = 2, #running do
    words[#words + 1] = name_within(running[i - 1], running[i])
      or getmetatable(running[i]).__name
  end
  return table.concat(words, ".")
end

-- ---- calls ----------------------------------------------------------------------------

--- Whether something watches all calls of modules, so that none may be left out. @treturn boolean
function Module.is_watched() return watching.all end

-- The results of forward. No result is an error, because a `return` was probably forgotten.
local function returned(self, first, ...)
  if first == nil then
    check.fail("%s: its forward returned nothing; is a `return` missing?", running_path(self))
  end
  return first, ...
end

-- returned() keeps this frame on the stack, where error messages look for the path.
Module.__call = function(self, ...)
  local observer <const> = watching.f
  if observer then return observer(self, ...) end
  return returned(self, self:forward(...))
end

function Module:forward()
  check.fail("%s has no forward", getmetatable(self).__name)
end

--- Makes a tensor a trainable parameter; `hint` has options for optimizers: {lr_mult = 100,
-- weight_decay = 0}. @treturn Tensor
function Module.parameter(t, hint)
  hints.set(t, hint)
  hints.declare(t)
  return core.keep(core.requires_grad(t))
end

local NAME <const> = check.text()

--- Keeps a tensor as a buffer, which is saved and copied but not trained. kind is nil, "statistic"
-- or "counter".
-- @usage self:buffer("steps", braid.zeros(1))
function Module:buffer(name, t, kind)
  check.value("buffer", "name", name, NAME)
  if not walk.is_module(self) then check.fail("buffer: wants a module to hold '%s'", name) end
  if not core.is_tensor(t) then check.fail("buffer: '%s' is a %s, not a tensor", name, type(t)) end
  local names <const> = {[name] = kind or true}
  for key, other in pairs(self.buffer_names) do names[key] = names[key] or other end
  rawset(self, "buffer_names", names)
  self[name] = core.keep(t)
  return t
end

-- Raises an error for a tensor that looks like a parameter but would never be trained.
local function check_trains(path, t)
  if hints.is_declared(t) then return end
  if t.requires_grad then return hints.declare(t) end
  local float <const> = t.dtype == "float32" or t.dtype == "float64"
  check.fail("parameters: %s is a plain %s tensor, which no optimizer would change; %s"
    .. "self:buffer(%q, t) keeps it as state that is not trained", path, t.dtype,
    float and "nn.Module.parameter(t) makes it a parameter, " or "", path:match("[^.]+$"))
end

local function is_parameter(value, owner, key)
  return core.is_tensor(value) and not owner.buffer_names[key]
end

local function is_buffer(value, owner, key)
  return core.is_tensor(value) and owner.buffer_names[key] ~= nil
end

local function parameters_of(self)
  local function check_size(path, m)
    if not m.unsized then return end
    check.fail("parameters: %s%s(%s) does not know its input size yet; call the network once first",
      path, getmetatable(m).__name, described(m))
  end
  check_size("", self)
  walk.walk(self, function(path, value)
    if walk.is_module(value) then check_size(path .. ": ", value) end
  end)
  local paths <const>, values <const> = walk.collect(self, is_parameter)
  for i, t in ipairs(values) do check_trains(paths[i], t) end
  return paths, values
end

--- All parameters in the order of their names, each once. @treturn Tensor[]
function Module:parameters()
  local _, values <const> = parameters_of(self)
  return values
end

--- Iterates over the names and values of parameters. @treturn fun(): string, Tensor
-- @usage for name, p in net:named_parameters() do print(name, p) end
function Module:named_parameters()
  local names <const>, values <const> = parameters_of(self)
  local i = 0
  return function()
    i = i + 1
    return names[i], values[i]
  end
end

--- The parameters of this module itself, without those of its submodules. @treturn Tensor[]
function Module:own_parameters()
  local _, values <const> = walk.collect(self, function(value, owner, key)
    return owner == self and is_parameter(value, owner, key)
  end)
  return values
end

--- All buffers: state that is saved but not trained. @treturn Tensor[]
function Module:buffers()
  local _, values <const> = walk.collect(self, is_buffer)
  return values
end

local FUNCTION <const> = check.call()

--- Calls f on every submodule, then on this module. @treturn self
function Module:apply(f)
  check.value("apply", "what is called", f, FUNCTION)
  local _, modules <const> = walk.collect(self, walk.is_module)
  for i = #modules, 1, -1 do f(modules[i]) end
  f(self)
  return self
end

--- The modules of a class or one derived from it: net:find(nn.Conv2d). @treturn Module[]
function Module:find(wanted)
  if type(wanted) ~= "table" then
    check.fail("find: wants a class such as nn.Conv2d, not a %s", type(wanted))
  end
  local function matches(m)
    return class.is_a(m, wanted)
  end
  local _, found <const> = walk.collect(self, function(value)
    return walk.is_module(value) and matches(value)
  end)
  if matches(self) then table.insert(found, 1, self) end
  return found
end

--- The number of trainable values. @treturn integer
function Module:count_parameters()
  local total = 0
  for _, p in ipairs(self:parameters()) do total = total + p:numel() end
  return total
end

--- Switches to training mode: batch statistics, dropout. train(false) switches to evaluation.
function Module:train(on)
  local training <const> = on ~= false
  return self:apply(function(m) m.training = training end)
end

function Module:eval() return self:train(false) end

--- Sets evaluation mode until the returned value is closed, also by an error. Then every part gets
-- its former mode back. @treturn any
-- @usage local _ <close> = net:evaluating()
function Module:evaluating()
  local before <const> = {}
  Module.apply(self, function(m) before[#before + 1] = {m, rawget(m, "training")} end)
  Module.eval(self)
  return setmetatable({}, {__tostring = function() return "evaluation mode, until it closes" end,
    __close = function()
      for _, entry in ipairs(before) do entry[1].training = entry[2] end
    end})
end

--- Freezes the module: its parameters get no gradients, and batch norm and dropout behave as in
-- evaluation. @treturn self
function Module:freeze()
  local parameters <const> = self:parameters()
  core.clear_grads(parameters) -- so that no later step uses them
  for _, p in ipairs(parameters) do core.requires_grad(p, false) end
  return self:apply(function(m) m.frozen = true end)
end

function Module:unfreeze()
  for _, p in ipairs(self:parameters()) do
    if not p.requires_grad then hints.declare(core.requires_grad(p)) end
  end
  return self:apply(function(m) m.frozen = false end)
end

--- Whether the module behaves as in training: it is in training mode and not frozen.
function Module:is_training() return self.training and not self.frozen end

Module.state_dict, Module.load_state_dict = state.state_dict, state.load_state_dict
Module.clone, Module.to = state.clone, state.to

--- The number of output channels if the input has `channels` channels. @treturn integer
function Module:channels_after(channels) return self.outputs or channels end

--- The multiply-accumulates of one call that returned `output`.
function Module.macs() return 0 end

-- Runs the module on x and lists all calls of modules, in the order in which they begin.
local function trace(self, x)
  local calls <const>, stack <const>, names <const> = {}, {}, {[self] = ""}
  walk.walk(self, function(path, value) names[value] = names[value] or path end)
  local stop <const> = watching.begin(function(m, ...)
    local call <const> = {module = m, path = names[m] or getmetatable(m).__name}
    calls[#calls + 1] = call
    if #stack > 0 then stack[#stack].has_children = true end
    stack[#stack + 1] = call
    local results <const> = table.pack(m:forward(...))
    stack[#stack] = nil
    call.output = results[1]
    return table.unpack(results, 1, results.n)
  end, true)
  local _ <close> = setmetatable({}, {__close = stop})
  self(x)
  return calls
end

--- The output, parameters and cost of each layer for an input of this shape (without the batch), as
-- a table that prints: print(net:summary{1, 40, 40}).
function Module:summary(input_shape) return summary(self, input_shape, trace) end

--- The text in the brackets when the module is printed. @treturn string
function Module:describe() return "" end

Module.__tostring = tree
core.set_context(running_path)

return Module
