--- Cuts an imported network into blocks at named places, for nn.backbone.
--
-- A place is a part of the network ("layer1", "features.4"), a node or a value. After it, a single
-- value must hold all that the rest of the network needs. A block has the steps that its last value
-- needs, and the modules of these steps; what comes after the last place is left out.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local build <const> = require "braid.onnx.import.build"
local grad <const> = require "braid.grad"
local Imported <const> = require "braid.onnx.import.imported"
local places <const> = require "braid.onnx.import.places"
local Program <const> = require "braid.onnx.import.program"

local USUAL_SIDE <const> = 224 -- pixels of an image, if the file gives no size
local ACTIVATIONS <const> = {}
for op in ([[Relu Sigmoid Tanh LeakyRelu Clip HardSwish HardSigmoid Elu Selu Gelu
  PRelu]]):gmatch("%a+") do
  ACTIVATIONS[op] = true
end

-- Calls f with each input of a step, and of the graphs in it.
local function each_input(step, f)
  for _, input in ipairs(step.inputs) do
    if type(input) == "string" then f(input) end
  end
  for _, input in pairs(step.captured or {}) do
    if type(input) == "string" then f(input) end
  end
end

local function is_within(place, part)
  return place == part or place:sub(1, #part + 1) == part .. "."
end

-- The names of values that hold only shapes. They do not count as values that later steps need.
local function shape_values(program)
  local shapes <const> = {}
  for _, step in ipairs(program.steps) do
    local all, any = true, false
    each_input(step, function(name)
      any = true
      all = all and shapes[name]
    end)
    local op <const> = step.what:match("%((%w+)%)$")
    local shapely <const> = op == "Shape" or op == "Size" or all and any
    for _, name in ipairs(step.outputs) do shapes[name] = shapely or nil end
  end
  return shapes
end

-- For each step the value that is still needed after it, if exactly one value is needed.
local function only_values(program)
  local shapes <const>, last <const> = shape_values(program), {}
  for i, step in ipairs(program.steps) do
    each_input(step, function(name) last[name] = i end)
  end
  for _, name in ipairs(program.outputs) do last[name] = #program.steps + 1 end
  local live <const>, count, only = {}, 0, {}
  local function add(name)
    if last[name] and not shapes[name] and not live[name] then
      live[name], count = true, count + 1
    end
  end
  for _, input in ipairs(program.inputs) do add(input.name) end
  for i, step in ipairs(program.steps) do
    for _, name in ipairs(step.outputs) do add(name) end
    for name in pairs(live) do
      if last[name] <= i then live[name], count = nil, count - 1 end
    end
    only[i] = count == 1 and next(live) or false
  end
  return only
end

local function places_of(program)
  local seen <const>, list <const> = {}, {}
  for _, step in ipairs(program.steps) do
    local head <const> = step.place:match("^[^.]+")
    if step.named and head and not seen[head] then
      seen[head] = true
      list[#list + 1] = head
    end
  end
  if #list > 12 then list[13] = "..." end
  return table.concat(list, ", ", 1, math.min(#list, 13))
end

-- The number of the last step of a place.
local function last_step(program, place)
  local last
  for i, step in ipairs(program.steps) do
    local named = is_within(step.place, place) or step.what:find("'" .. place .. "'", 1, true)
    for _, name in ipairs(step.outputs) do named = named or name == place end
    if named then last = i end
  end
  return last or check.fail("backbone: at: the network has no part, node or value '%s'; there is "
    .. "%s", place, places_of(program))
end

-- The number of the step after which the network is cut, and the value that later steps need.
local function cut_behind(program, only, place)
  local first <const> = last_step(program, place)
  local i = first
  while not only[i] do
    i = i + 1
    local step <const> = program.steps[i]
    if not step or step.layer then
      check.fail("backbone: at: behind '%s' the network needs several values, so that it cannot be "
        .. "cut there", place)
    end
  end
  -- an activation whose place is not known belongs to the step before it
  local after = program.steps[i + 1]
  while after and not after.named and ACTIVATIONS[after.what:match("%((%w+)%)$")] and only[i + 1] do
    i, after = i + 1, program.steps[i + 2]
  end
  return i, only[i]
end

-- The steps that make `value` out of `from`, in order.
local function slice(program, from, value, name)
  local maker <const>, wanted <const>, steps <const> = {}, {}, {}
  for i, step in ipairs(program.steps) do
    for _, output in ipairs(step.outputs) do maker[output] = i end
  end
  local stack <const> = {value}
  while #stack > 0 do
    local v <const> = table.remove(stack)
    local i <const> = v ~= from and maker[v]
    if v ~= from and not i then
      check.fail("backbone: at: block '%s' needs the value '%s' from before the block", name, v)
    end
    if i and not wanted[i] then
      wanted[i] = true
      each_input(program.steps[i], function(input) stack[#stack + 1] = input end)
    end
  end
  for i, step in ipairs(program.steps) do
    if wanted[i] then steps[#steps + 1] = step end
  end
  return steps
end

-- ---- modules of a block -------------------------------------------------------------------

-- Calls f(keys, key) for each module (key is nil) or tensor that a step uses.
local function each_part(step, f)
  if step.layer then f(step.layer) end
  for _, input in ipairs(step.inputs) do
    if type(input) == "table" and input.keys then f(input.keys, input.key) end
  end
end

-- How many leading keys all parts have in common with the place. The block's names omit them.
local function shared_keys(steps, place)
  local n = select(2, place:gsub("[^.]+", ""))
  for _, step in ipairs(steps) do
    if step.graphs then return 0 end
    each_part(step, function(keys, key)
      local path <const> = table.concat(keys, ".")
      if not is_within(path, place) or path == place and not key then n = 0 end
    end)
  end
  return n
end

local function without(keys, n) return table.move(keys, n + 1, #keys, 1, {}) end

local function moved(step, n)
  local copy <const> = {}
  for key, value in pairs(step) do copy[key] = value end
  copy.layer = step.layer and without(step.layer, n)
  copy.inputs = {}
  for i = 1, step.n do
    local input <const> = step.inputs[i]
    copy.inputs[i] = type(input) == "table" and input.keys
      and {keys = without(input.keys, n), key = input.key} or input
  end
  return copy
end

-- Gives `block` what the network has at the keys of a step.
local function share(net, block, keys, key, n)
  local from, to = net, block
  for i, k in ipairs(keys) do
    from = from[k]
    local leaf <const> = i == #keys and not key
    if i > n then
      if not rawget(to, k) then rawset(to, k, leaf and from or places.group()) end
      to = to[k]
    end
  end
  if not key then return end
  if rawget(from.buffer_names, key) or from.buffer_names[key] then
    to:buffer(key, from[key], from.buffer_names[key])
  else
    to[key] = from[key]
  end
end

local function block_of(net, place, name, from, value)
  local steps <const> = slice(net.program, from, value, name)
  local n <const>, block <const> = shared_keys(steps, place), class.adopt(Imported, {})
  local program <const> = {inputs = {{name = from}}, outputs = {value}, names = {value}, steps = {}}
  for i, step in ipairs(steps) do
    if step.graphs then
      check.fail("backbone: at: block '%s' has graphs within graphs, and cannot be cut out", name)
    end
    each_part(step, function(keys, key) share(net, block, keys, key, n) end)
    program.steps[i] = moved(step, n)
  end
  build.note_last_uses(program)
  block:begin(Program(program))
  return block
end

-- ---- channels -----------------------------------------------------------------------------

local function size_of(program, input)
  local shape <const> = program.inputs[1].shape or {}
  local function side(d)
    local given <const> = input and (type(input) == "table" and input[d - 2] or input)
    return given or math.type(shape[d]) == "integer" and shape[d] > 0 and shape[d] or USUAL_SIDE
  end
  if #shape ~= 0 and #shape ~= 4 then
    check.fail("backbone: the network's input has %d dimensions, not (n, c, h, w)", #shape)
  end
  return math.type(shape[2]) == "integer" and shape[2], side(3), side(4)
end

-- Runs the blocks once to learn how many channels each returns.
local function note_channels(blocks, c, h, w)
  local _ <close> = grad.scope()
  local _ <close> = grad.no_grad()
  local x = core.new({1, c, h, w}, "float32", 0)
  for _, entry in ipairs(blocks) do
    local block <const> = entry[2]
    local _ <close> = block:evaluating()
    x = block(x)
    rawset(block, "outputs", x:size(2))
  end
end

--- The blocks {name, module} of an imported network, and the channels of its input. `o` has `at`,
-- `names`, `input` and `channels` of nn.backbone.
return function(net, o)
  local program <const> = net.program
  if #program.inputs ~= 1 then
    check.fail("backbone: the network has %d inputs, and a backbone has one", #program.inputs)
  end
  if not o.at then
    check.fail("backbone: at = {...} must name the places at which the network is cut; there is %s",
      places_of(program))
  end
  local only <const>, blocks <const> = only_values(program), {}
  local from, behind = program.inputs[1].name, 0
  for i, place in ipairs(o.at) do
    local last <const>, value <const> = cut_behind(program, only, place)
    if last <= behind then
      check.fail("backbone: at: '%s' does not come after '%s'", place, o.at[i - 1] or "the input")
    end
    local name <const> = o.names and o.names[i] or place:gsub("[^%w_]", "_")
    blocks[i] = {name, block_of(net, place, name, from, value)}
    from, behind = value, last
  end
  local c <const>, h <const>, w <const> = size_of(program, o.input)
  note_channels(blocks, c or o.channels, h, w)
  return blocks, c or o.channels
end
