--- The table of ONNX's operators: what Braid computes for each of them.
--
-- A row is {the least number of inputs, f}. f(a, ...) gets the attributes of the node and its
-- inputs, tensors or nil, and returns its outputs. Besides attributes, `a` has opset (the version
-- of the operators), results (the number of outputs that the node names) and float (the type that
-- stands for ONNX's float). The families are the files of ops/; a new file needs no entry here.

local folder <const> = require "braid.folder"

local M <const> = {}

local families <const> = folder "braid.onnx.import.ops"
for _, family in ipairs(folder.names(families)) do
  for name, row in pairs(families[family]) do M[name] = row end
end

return M
