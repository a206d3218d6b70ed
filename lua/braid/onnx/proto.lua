--- The messages of ONNX files, as far as a network needs them: each field's name, number and kind.
-- https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
--
-- A field is {number, kind}. The kind is "whole" (int32, int64, enum), "float", "double", "text"
-- (a string), "bytes", or the name of a message in this table. `many` marks a repeated field.
-- Numbers that are repeated may stand packed in one field, or one by one.

local M <const> = {}

local function one(number, kind) return {number = number, kind = kind} end
local function many(number, kind) return {number = number, kind = kind, many = true} end

--- The messages, by name.
M.messages = {
  Model = {
    ir_version = one(1, "whole"), producer_name = one(2, "text"), producer_version = one(3, "text"),
    domain = one(4, "text"), model_version = one(5, "whole"), doc_string = one(6, "text"),
    graph = one(7, "Graph"), opset_import = many(8, "OperatorSet"),
    metadata_props = many(14, "Entry"), functions = many(25, "bytes"),
  },
  OperatorSet = {domain = one(1, "text"), version = one(2, "whole")},
  Graph = {
    node = many(1, "Node"), name = one(2, "text"), initializer = many(5, "Tensor"),
    doc_string = one(10, "text"), input = many(11, "ValueInfo"), output = many(12, "ValueInfo"),
    value_info = many(13, "ValueInfo"), sparse_initializer = many(15, "bytes"),
    metadata_props = many(16, "Entry"),
  },
  Node = {
    input = many(1, "text"), output = many(2, "text"), name = one(3, "text"),
    op_type = one(4, "text"), attribute = many(5, "Attribute"), doc_string = one(6, "text"),
    domain = one(7, "text"), metadata_props = many(9, "Entry"),
  },
  Attribute = {
    name = one(1, "text"), f = one(2, "float"), i = one(3, "whole"), s = one(4, "bytes"),
    t = one(5, "Tensor"), g = one(6, "Graph"), floats = many(7, "float"), ints = many(8, "whole"),
    strings = many(9, "bytes"), tensors = many(10, "Tensor"), graphs = many(11, "Graph"),
    doc_string = one(13, "text"), type = one(20, "whole"), ref_attr_name = one(21, "text"),
    sparse_tensor = one(22, "bytes"),
  },
  Tensor = {
    dims = many(1, "whole"), data_type = one(2, "whole"), segment = one(3, "bytes"),
    float_data = many(4, "float"), int32_data = many(5, "whole"), string_data = many(6, "bytes"),
    int64_data = many(7, "whole"), name = one(8, "text"), raw_data = one(9, "bytes"),
    double_data = many(10, "double"), uint64_data = many(11, "whole"), doc_string = one(12, "text"),
    external_data = many(13, "Entry"), data_location = one(14, "whole"),
  },
  ValueInfo = {name = one(1, "text"), type = one(2, "Type"), doc_string = one(3, "text")},
  Type = {
    tensor_type = one(1, "TensorType"), sequence_type = one(4, "bytes"), map_type = one(5, "bytes"),
    denotation = one(6, "text"), sparse_tensor_type = one(8, "bytes"),
    optional_type = one(9, "bytes"),
  },
  TensorType = {elem_type = one(1, "whole"), shape = one(2, "Shape")},
  Shape = {dim = many(1, "Dimension")},
  Dimension = {dim_value = one(1, "whole"), dim_param = one(2, "text"),
    denotation = one(3, "text")},
  Entry = {key = one(1, "text"), value = one(2, "text")},
}

--- Numbers of the element types (TensorProto.DataType), by ONNX's names.
M.element_types = {
  FLOAT = 1, UINT8 = 2, INT8 = 3, UINT16 = 4, INT16 = 5, INT32 = 6, INT64 = 7, STRING = 8, BOOL = 9,
  FLOAT16 = 10, DOUBLE = 11, UINT32 = 12, UINT64 = 13, COMPLEX64 = 14, COMPLEX128 = 15,
  BFLOAT16 = 16,
}

--- Numbers of the element types that Braid has, by Braid's names.
M.dtypes = {float32 = 1, float64 = 11, int64 = 7, int32 = 6, uint8 = 2, bool = 9}

--- Numbers of the kinds of attributes (AttributeProto.AttributeType), by the field that holds
-- the value.
M.attribute_types = {f = 1, i = 2, s = 3, t = 4, g = 5, floats = 6, ints = 7, strings = 8,
  tensors = 9, graphs = 10, sparse_tensor = 11, sparse_tensors = 12}

--- The version of the format, and of the operators, that Braid writes.
M.IR_VERSION, M.OPSET = 10, 17

return M
