--- braid.export(net, "net.onnx", {input = {c, h, w}}): writes a network as an ONNX file, which
-- onnxruntime and other programs run. The file uses opset 17, has the weights inside, and takes any
-- number of samples.
--
-- The network runs three times in evaluation mode, on 1, 2 and 3 samples, and its calls of
-- operators become the graph (trace.lua, merge.lua); each needs a row in braid/onnx/export/rows.
-- It is an error, before anything is written, if a graph cannot hold what the network does: an
-- operator without a row, a number that is read out of a tensor, a size that depends on the number
-- of samples but is no multiple of it. The error names the operator and the path of its module. The
-- network's modes and weights and the state of the random numbers stay as they are.
--
-- The input is called image, and outputs have the names of their tasks; if the network returns a
-- single tensor, that output is called output. Classes count from 0 in ONNX's own operators, but
-- labels that the network returns count from 1. The file's metadata has, as JSON, the names of
-- classes, the tasks, the card and its preprocessing.
--
-- Options:
--   input        the shape of one sample, {c, h, w}; a list of shapes for a network that takes
--                several tensors (default: the shape that net.card.preprocessing makes)
--   names        the names of the inputs (default: image, or input1, input2 ... if there are
--                several)
--   preprocess   the graph takes a picture of bytes, uint8 (n,c,h,w) of the size `input`, and first
--                prepares it as net.card.preprocessing says (preprocess.lua)
-- @return true
-- @usage
-- local net <const> = braid.model("tcdcn", {tasks = tasks})
-- braid.export(net, "tcdcn.onnx", {input = {1, 40, 40}})

local cards <const> = require "braid.model.card"
local check <const> = require "braid.check"
local class <const> = require "braid.class"
local files <const> = require "braid.io.files"
local Draft <const> = require "braid.onnx.export.draft"
local json <const> = require "braid.io.json"
local merge <const> = require "braid.onnx.export.merge"
local origin <const> = require "braid.origin"
local core <const> = require "braid.core"
local preprocess <const> = require "braid.onnx.export.preprocess"
local proto <const> = require "braid.onnx.proto"
local rows <const> = require "braid.onnx.export.rows"
local trace <const> = require "braid.onnx.export.trace"
local version <const> = require "braid.version"
local walk <const> = require "braid.nn.walk"
local write <const> = require "braid.onnx.export.write"

local COUNTS <const> = {1, 2, 3} -- the number of samples in each run
local MOST_BYTES <const> = (1 << 31) - 1 -- of a protobuf message: the whole file is one

local SIZE <const> = check.whole{from = 1, to = 1 << 20}
local SHAPE <const> = check.list{of = SIZE, least = 1, most = 7}
local OPTIONS <const> = check.declare("export", {
  input = check.either(SHAPE, check.list{of = SHAPE, least = 1}),
  names = check.list{of = check.text(), least = 1}, preprocess = check.flag(false),
})

local function fail(form, ...) check.fail("export: " .. form, ...) end

-- ---- what is asked ----------------------------------------------------------------------

local function recipe_of(net)
  local card <const> = rawget(net, "card")
  return type(card) == "table" and type(card.preprocessing) == "table" and card.preprocessing or nil
end

-- The shapes of one sample of each input.
local function shapes_of(net, o)
  local given <const> = o.input
  if given then return type(given[1]) == "table" and given or {given} end
  local shape <const> = preprocess.shape(recipe_of(net) or {})
  if shape then return {shape} end
  fail("input is missing: the shape of one sample, such as {3, 224, 224}")
end

local function names_of(o, count)
  local names <const> = o.names or {}
  if o.names and #names ~= count then
    fail("names has %d of the %d inputs", #names, count)
  end
  for i = 1, o.names and 0 or count do names[i] = count == 1 and "image" or "input" .. i end
  local seen <const> = {}
  for _, name in ipairs(names) do
    if seen[name] or name == "" then fail("names: '%s' is not a name of its own", name) end
    seen[name] = true
  end
  return names
end

-- ---- the graph --------------------------------------------------------------------------

-- The paths of a network's tensors, by the key of their values.
local function tensor_names(net)
  local names <const> = {}
  walk.walk(net, function(path, value)
    if core.is_tensor(value) then
      local key <const> = merge.key(core.trace_fact(value))
      names[key] = names[key] or path
    end
  end)
  return names
end

local function check_rows(graph)
  local missing <const>, seen <const> = {}, {}
  for _, call in ipairs(graph.calls) do
    if not rows[call.name] and not seen[call.name] then
      seen[call.name] = true
      missing[#missing + 1] = call.path == "" and call.name
        or ("%s (in %s)"):format(call.name, call.path)
    end
  end
  if #missing > 0 then
    fail("there is no form in ONNX for %s", table.concat(missing, ", "))
  end
end

local function write_call(g, call)
  local row <const> = rows[call.name]
  g.at, g.operator = call.path, call.name
  local names
  if type(row) == "string" then
    names = {g:node(row, {g:of(call.inputs.x, call.outputs[1].dtype)})}
  else
    names = {row(g, call)}
  end
  for i, value in ipairs(call.outputs) do value.name = names[i] end
end

-- Gives the outputs their names. An output that is also an input, a constant or an earlier output
-- gets an Identity node.
local function name_outputs(g, graph)
  local made <const>, named <const> = {}, {}
  for _, node in ipairs(g.nodes) do
    for _, name in ipairs(node.output) do made[name] = true end
  end
  g.at, g.operator = "", "an output"
  for _, output in ipairs(graph.outputs) do
    local name <const> = named[output.value] or g:of(output.value)
    if made[name] and not named[output.value] then
      g:rename(name, output.name)
      output.value.name, named[output.value] = output.name, output.name
    else
      g:node("Identity", {name})
      g.nodes[#g.nodes].output[1] = output.name
    end
  end
end

local function dimensions(shape)
  local list <const> = {}
  for i, size in ipairs(shape) do
    list[i] = type(size) ~= "table" and {dim_value = size}
      or {dim_param = size.times == 1 and "batch" or "batch_" .. size.times}
  end
  return {dim = list}
end

local function info(name, dtype, shape)
  return {name = name, type = {tensor_type = {elem_type = proto.dtypes[dtype],
    shape = dimensions(shape)}}}
end

-- ---- metadata ---------------------------------------------------------------------------

local function kind_of(task)
  return getmetatable(task).__name:gsub("(%l)(%u)", "%1_%2"):lower()
end

local function metadata(net, o)
  local made <const> = origin.of(net)
  local tasks <const> = rawget(net, "tasks") or made and made.tasks
  local known <const> = class.of(tasks) and tasks.each and tasks or nil
  local card <const> = cards.of(net, known)
  local entries <const> = {["braid.version"] = version, ["braid.card"] = card and json.encode(card)}
  local classes <const>, kinds <const> = card and card.classes or {}, {}
  if known then
    local names <const> = {}
    for name, task in known:each() do
      kinds[name] = {kind = kind_of(task), size = task.size}
      names[name] = task.names or classes[name]
    end
    entries["braid.tasks"] = json.encode(kinds)
    entries["braid.classes"] = next(names) and json.encode(names)
  end
  if card and card.preprocessing then
    entries["braid.preprocessing"] = json.encode(card.preprocessing)
    entries["braid.preprocessing.inside"] = tostring(o.preprocess)
  end
  local list <const> = {}
  for _, key in ipairs(check.sorted_keys(entries)) do
    if entries[key] then list[#list + 1] = {key = key, value = entries[key]} end
  end
  return list
end

-- ---- the file ---------------------------------------------------------------------------

-- The shapes that the network sees, and the plan (preprocess.lua) of the nodes before it, or nil.
local function seen_of(net, o, shapes)
  if not o.preprocess then return shapes end
  local recipe <const> = recipe_of(net)
  if not recipe then
    fail("preprocess: the network's card does not say what is done to a picture; net.card = "
      .. "{preprocessing = loader:recipe()} keeps that")
  end
  if #shapes > 1 then fail("preprocess: the network takes %d inputs, not one picture", #shapes) end
  local steps <const> = preprocess.plan(recipe, shapes[1])
  return {steps.shape}, steps
end

local function model_of(net, o)
  local shapes <const> = shapes_of(net, o)
  local names <const> = names_of(o, #shapes)
  local seen <const>, steps <const> = seen_of(net, o, shapes)
  local dtype <const> = walk.dtype(net)
  local graph <const> = merge.graph(trace.runs(net, seen, dtype, COUNTS))
  check_rows(graph)
  local taken <const> = table.move(names, 1, #names, 1, {})
  for _, output in ipairs(graph.outputs) do
    for _, name in ipairs(taken) do
      if name == output.name then fail("two inputs or outputs are called '%s'", name) end
    end
    taken[#taken + 1] = output.name
  end
  local g <const> = Draft.new(tensor_names(net), taken)
  g.first = names[1]
  local inputs <const>, outputs <const> = {}, {}
  for i, value in ipairs(graph.inputs) do
    value.name = steps and preprocess.write(g, names[i], steps, dtype) or names[i]
    inputs[i] = info(names[i], steps and "uint8" or dtype,
      {{times = 1}, table.unpack(shapes[i])})
  end
  for _, call in ipairs(graph.calls) do write_call(g, call) end
  name_outputs(g, graph)
  for i, output in ipairs(graph.outputs) do
    outputs[i] = info(output.name, output.value.dtype, output.value.shape)
  end
  return {ir_version = proto.IR_VERSION, producer_name = "Braid", producer_version = version,
    opset_import = {{version = proto.OPSET}}, metadata_props = metadata(net, o),
    graph = {name = getmetatable(net).__name, node = g.nodes, initializer = g.constants,
      input = inputs, output = outputs}}
end

return function(net, path, given)
  if not walk.is_module(net) then
    fail("wants a network and a path: braid.export(net, \"net.onnx\", {input = {c, h, w}})")
  end
  check.path("export", path)
  if not path:lower():find("%.onnx$") then fail("writes an .onnx file, not %s", path) end
  local o <const> = check.options(OPTIONS, given)
  net:parameters() -- an error if sizes are not known yet
  local pieces <const>, size <const> = write.pieces("Model", model_of(net, o))
  if size > MOST_BYTES then
    fail("the file would have %d bytes, and an ONNX file has at most %d", size, MOST_BYTES)
  end
  local ok <const>, why <const> = files.write(path, pieces)
  if not ok then fail("%s", why) end
  return true
end
