--- Runs the program of an imported network: the steps that build.lua lists.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"

--- The steps of a network. A program's only tensors are constants, so copies of a network share it.
local Program <const> = class("Program")
Program.apart = true -- nothing in it is trained

function Program:init(fields)
  for key, value in pairs(fields) do self[key] = value end
end

-- The module that keys lead to.
local function module_at(root, keys)
  local at = root
  for i = 1, #keys do at = at[keys[i]] end
  return at
end

-- A constant of floats in the type of the network, which may have been converted to float64.
local function converted(input, float)
  local t <const> = input.constant
  if float == "float32" or t.dtype ~= "float32" then return t end
  input.wide = input.wide or core.keep(t:to("float64"))
  return input.wide
end

local function value_of(run, input)
  if not input then return nil end
  if type(input) == "string" then return run.values[input] end
  if input.constant then return converted(input, run.float) end
  return module_at(run.root, input.keys)[input.key]
end

local steps_of

-- Lets an operator run the graphs that its node holds.
local function with_graphs(run, step)
  local outer <const> = {}
  for name, input in pairs(step.captured) do outer[name] = value_of(run, input) end
  return setmetatable({call = function(name, ...)
    local program <const> = step.graphs[name]
      or check.fail("it has no graph '%s'", name)
    local values <const> = setmetatable({}, {__index = outer})
    for i, input in ipairs(program.inputs) do values[input.name] = select(i, ...) end
    local inner <const> = {root = run.root, values = values, float = run.float}
    steps_of(inner, program.steps)
    local results <const> = {}
    for i, output in ipairs(program.outputs) do results[i] = value_of(inner, output) end
    return results
  end}, {__index = step.a})
end

-- The outputs of a step. An error of an operator gets the name of its node.
local function outputs_of(run, step)
  local given <const> = {}
  for i = 1, step.n do given[i] = value_of(run, step.inputs[i]) end
  local f, first = step.f, step.a
  if step.layer then
    f, first = module_at(run.root, step.layer), given[1]
    if step.flat and first:dim() > 3 then return {f(first:flatten(3, -1)):reshape(first.shape)} end
    return {f(first)}
  end
  first.float = run.float
  if step.graphs then first = with_graphs(run, step) end
  local results <const> = table.pack(check.caught(f, first, table.unpack(given, 1, step.n)))
  if results[1] then return table.move(results, 2, results.n, 1, {}) end
  local message = tostring(results[2])
  if message:find("%.lua:%d+:") then message = "its inputs and attributes do not fit each other" end
  check.fail("%s: %s", step.what, message)
end

function steps_of(run, steps)
  local values <const> = run.values
  for _, step in ipairs(steps) do
    local results <const> = outputs_of(run, step)
    for i, name in ipairs(step.outputs) do
      if name ~= "" then values[name] = results[i] end
    end
    for _, name in ipairs(step.done) do values[name] = nil end
  end
end

--- Runs the steps on inputs; `root` has the modules. Returns the outputs in a list.
function Program:run(root, inputs)
  local run <const> = {root = root, values = {}, float = "float32"}
  for i, input in ipairs(self.inputs) do
    run.values[input.name] = inputs[i]
    if inputs[i].dtype == "float64" and input.dtype ~= "float64" then run.float = "float64" end
  end
  steps_of(run, self.steps)
  local results <const> = {}
  for i, output in ipairs(self.outputs) do
    results[i] = value_of(run, output) or check.fail("nothing made the output '%s'", self.names[i])
  end
  return results
end

return Program
