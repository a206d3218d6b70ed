--- How each operator is written in ONNX: one table of the families' rows, by the operator's name.

local core <const> = require "braid.core"

local M <const> = {}
for _, family in ipairs{"elementwise", "shapes", "reduce", "layers"} do
  for name, row in pairs(require("braid.onnx.export.rows." .. family)) do M[name] = row end
end

--- The names of the operators that have no row, in order.
function M.without()
  local list <const> = {}
  for _, row in ipairs(core.rows) do
    if not M[row.name] then list[#list + 1] = row.name end
  end
  return list
end

return M
