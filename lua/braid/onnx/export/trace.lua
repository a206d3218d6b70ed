--- Runs a network once in evaluation mode, and lists the calls of operators that it made.
--
-- The core keeps each call with its tensors (csrc/op/trace.h), whoever made it: layers, functions,
-- methods, arithmetic or indexing. No calls are fused while it does. So any network can be
-- exported, and this file needs no knowledge of layers.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local grad <const> = require "braid.grad"
local random_state <const> = require "braid.random_state"
local walk <const> = require "braid.nn.walk"
local watching <const> = require "braid.nn.watching"

local M <const> = {}

local MAX_DEPTH <const> = 10

-- Adds the tensors in a network's result to the list, each {name =, tensor =}. The keys of tables
-- give the names.
local function gather(list, value, name, depth)
  if core.is_tensor(value) then
    list[#list + 1] = {name = name == "" and "output" or name, tensor = value}
    return
  end
  if type(value) ~= "table" or depth > MAX_DEPTH then
    check.fail("export: the network returns %s%s, which is not a tensor", check.shown(value),
      name == "" and "" or " as " .. name)
  end
  for _, key in ipairs(walk.fields(value)) do
    gather(list, value[key], (name == "" and "" or name .. ".") .. key, depth + 1)
  end
end

local function outputs_of(results)
  local list <const> = {}
  for i = 1, results.n do
    gather(list, results[i], i == 1 and "" or "output" .. i, 0)
  end
  if #list == 0 then check.fail("export: the network returns no tensor") end
  for _, o in ipairs(list) do o.fact = core.trace_fact(o.tensor) end
  return list
end

-- Random numbers from -1 to 1, or random bytes for uint8, of a stream that nothing else uses.
local function sample(shape, dtype, seed)
  local count = 1
  for _, size in ipairs(shape) do count = count * size end
  local x <const> = core.uniforms(seed, 7919, count):reshape(shape)
  return dtype == "uint8" and (x * 255):to(dtype) or (x * 2 - 1):to(dtype)
end

-- Sets `follows` of each fact: whether its value is computed from the inputs. Facts that follow
-- release their tensors, because a file needs only the tensors of the other facts.
local function let_go(run)
  local follows <const> = {}
  for _, fact in ipairs(run.inputs) do follows[fact.storage] = true end
  local function mark(fact)
    fact.follows = follows[fact.storage] or false
    if fact.follows then fact.tensor = nil end
  end
  for _, entry in ipairs(run.entries) do
    local any = false
    for _, fact in pairs(entry.inputs) do
      mark(fact)
      any = any or fact.follows
    end
    for _, fact in ipairs(entry.outputs) do
      follows[fact.storage] = follows[fact.storage] or any
      mark(fact)
    end
  end
  for _, output in ipairs(run.outputs) do
    output.tensor = nil
    mark(output.fact)
  end
  for _, fact in ipairs(run.inputs) do mark(fact) end
end

-- Runs the network on n random samples of each shape.
local function once(net, shapes, dtype, n)
  local arguments <const>, run <const> = {}, {n = n, inputs = {}}
  for i, shape in ipairs(shapes) do
    arguments[i] = sample({n, table.unpack(shape)}, dtype, 100 * n + i)
    run.inputs[i] = core.trace_fact(arguments[i])
  end
  local paths <const>, stop <const> = watching.places(net, function(path) return path end, true)
  local _ <close> = setmetatable({}, {__close = stop})
  run.paths = paths
  core.trace_begin()
  local results
  do
    local _ <close> = setmetatable({}, {__close = function() run.entries = core.trace_end() end})
    results = table.pack(net(table.unpack(arguments)))
  end
  run.outputs = outputs_of(results)
  let_go(run)
  return run
end

--- Runs a network for each number of samples in `counts`, in evaluation mode and without gradients.
-- Modes and random numbers are put back, after an error too.
-- @return a list of {n =, entries =, inputs = a list of facts, outputs = {{name =, fact =}, ...},
-- paths = of modules, by number}; csrc/bind/trace.c says what facts and entries have
function M.runs(net, shapes, dtype, counts)
  local state <const>, list <const> = random_state():state_dict(), {}
  local _ <close> = setmetatable({}, {__close = function() random_state(state) end})
  local _ <close> = net:evaluating()
  local _ <close> = grad.no_grad()
  for i, n in ipairs(counts) do list[i] = once(net, shapes, dtype, n) end
  return list
end

return M
