--- Reads the attributes of ONNX's nodes. An attribute's name has the same kind of value in all
-- operators, with few exceptions, so kinds are checked here and not by each operator.

local core <const> = require "braid.core"
local damage <const> = require "braid.io.damage"
local proto <const> = require "braid.onnx.proto"
local tensors <const> = require "braid.onnx.import.tensors"

local M <const> = {}

local fail <const> = damage.fail

-- The field that holds a value, by the number of its kind; and the value of an empty field.
local FIELDS <const>, NOTHING <const> = {}, {i = 0, f = 0.0, s = ""}
for field, number in pairs(proto.attribute_types) do FIELDS[number] = field end
local ORDER <const> = {"f", "i", "s", "t", "g", "floats", "ints", "strings", "tensors", "graphs",
  "sparse_tensor"}

local KINDS <const> = {}
for kind, names in pairs{
  i = [[axis allowzero keepdims noop_with_empty_axes select_last_index storage_order ceil_mode
    count_include_pad group transA transB to training_mode num_groups p align_corners blocksize
    batch_dims fmod exclusive reverse largest sorted size end start ignore_index stash_type
    num_outputs antialias exclude_outside center_point_box hidden_size input_forget layout
    linear_before_reset output_height output_width sampling_ratio dtype upper detect_negative
    detect_positive spatial consumed_inputs batch_axis time_axis num_scan_inputs is_test
    broadcast saturate unidirectional is_causal kv_num_heads q_num_heads interleaved
    num_heads rotary_embedding_dim block_size sample_size]],
  f = [[alpha beta epsilon momentum bias lambd gamma cubic_coeff_a extrapolation_value
    spatial_scale ratio high low mean scale clip softcap]],
  s = [[auto_pad mode padding_mode reduction equation approximate coordinate_transformation_mode
    nearest_mode keep_aspect_ratio_policy direction round_mode]],
  t = "sparse_value", g = "then_branch else_branch body",
  ints = [[pads strides dilations kernel_shape perm axes output_shape output_padding starts ends
    steps repeats scan_input_axes scan_input_directions scan_output_axes scan_output_directions]],
  floats = "scales activation_alpha activation_beta", strings = "activations",
} do
  for name in names:gmatch("%S+") do KINDS[name] = kind end
end

-- The field that holds an attribute's value. Old files do not say the attribute's kind.
local function field_of(given, node, name)
  if given.ref_attr_name then
    fail("%s: the value of '%s' is that of a function's attribute", node.what, name)
  end
  if given.type then
    return FIELDS[given.type] or fail("%s: '%s' is of no known kind", node.what, name)
  end
  for _, field in ipairs(ORDER) do
    if given[field] ~= nil then return field end
  end
  return fail("%s: '%s' has no value", node.what, name)
end

-- Makes a graph within a node, and notes in node.captured which outer values that graph uses.
local function inner_graph(c, node, given)
  local captured <const> = node.captured or {}
  node.captured = captured
  local seen <const> = {}
  local outer <const> = setmetatable({}, {__index = function(_, name)
    if name == "" then return nil end
    if not seen[name] then
      seen[name] = true
      captured[#captured + 1] = name
    end
    return true
  end})
  return c.graph(given, outer)
end

local function value_of(c, node, given, name)
  local field <const> = field_of(given, node, name)
  local wanted <const> = KINDS[name]
  if wanted and wanted ~= field then
    fail("%s: '%s' is of the kind %s, not %s", node.what, name, field, wanted)
  end
  local value <const> = given[field]
  if field == "t" then
    return tensors.read(c.source, value or fail("%s: '%s' has no tensor", node.what, name),
      c.outside)
  elseif field == "g" then
    return inner_graph(c, node, value or fail("%s: '%s' has no graph", node.what, name))
  elseif field == "tensors" or field == "graphs" or field == "sparse_tensor"
    or field == "sparse_tensors" then
    fail("%s: '%s' is of the kind %s, which Braid does not know", node.what, name, field)
  end
  if value == nil then return NOTHING[field] or {} end
  return value
end

--- The attributes of a node by name.
function M.read(c, node, list)
  local result <const> = {}
  for _, given in ipairs(list) do
    local name <const> = given.name or ""
    if result[name] ~= nil then fail("%s has two attributes '%s'", node.what, name) end
    result[name] = value_of(c, node, given, name)
  end
  return result
end

--- The tensor that the attributes of a Constant describe, or nil.
function M.constant(a)
  local function of(value, dtype)
    return core.from_table(value, dtype)
  end
  if core.is_tensor(a.value) then return a.value end
  if math.type(a.value_int) == "integer" then return of(a.value_int, "int64") end
  if math.type(a.value_float) == "float" then return of(a.value_float, "float32") end
  if type(a.value_ints) == "table" then return of(a.value_ints, "int64") end
  if type(a.value_floats) == "table" then return of(a.value_floats, "float32") end
end

return M
