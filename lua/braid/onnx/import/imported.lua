--- Imported: the module that braid.import makes of an ONNX file.
--
-- Its layers and parameters are in fields, by the names in the file. Called with the inputs of the
-- file in their order, it returns the output, or a table of the outputs by name if there are
-- several.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local Module <const> = require "braid.nn.module"

local Imported <const> = class("Imported", Module)

--- Makes a module of a program (program.lua); build.lua has put the layers into `self` already.
function Imported:begin(program) rawset(self, "program", program) end

local function check_input(i, input, x)
  if not core.is_tensor(x) then
    check.fail("import: input %d ('%s') must be a tensor, not %s", i, input.name, check.shown(x))
  end
  if input.shape and #input.shape ~= x:dim() then
    check.fail("import: input '%s' must have %d dimensions, not the shape (%s)", input.name,
      #input.shape, table.concat(x.shape, ", "))
  end
end

--- The inputs are in the order of the file.
-- @treturn Tensor|table the output, or a table of the outputs by name
function Imported:forward(...)
  local program <const>, inputs <const> = self.program, {...}
  if select("#", ...) ~= #program.inputs then
    check.fail("import: the network has %d inputs, not %d", #program.inputs, select("#", ...))
  end
  for i, input in ipairs(program.inputs) do check_input(i, input, inputs[i]) end
  local results <const> = program:run(self, inputs)
  if #results == 1 then return results[1] end
  local by_name <const> = {}
  for i, name in ipairs(program.names) do by_name[name] = results[i] end
  return by_name
end

--- The blocks {name, module} of a backbone (cut.lua), and the channels of the input.
function Imported:cut(o) return require("braid.onnx.import.cut")(self, o) end

function Imported:describe()
  local words <const> = {}
  for i, input in ipairs(self.program.inputs) do words[i] = input.name end
  return ("%s -> %s"):format(table.concat(words, ", "), table.concat(self.program.names, ", "))
end

return Imported
