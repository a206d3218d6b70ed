--- braid.import: makes a network of an ONNX file.
--
-- The result is a module like any other: its layers are in fields under the names that they have in
-- the file (net.layer1[0].conv1), and it can be trained, saved by its state_dict, converted and
-- copied. Batch norm is a layer unless the file has it folded into convolutions. The network
-- takes any number of images at once, if the file allows it.
--
-- Options:
--   external   whether the values of tensors may be in other files (false); those files must be in
--              the directory of the ONNX file or below it
--
-- A file that is damaged, or uses an operator that Braid does not have, is an error that names the
-- node, its operator and version. Nothing in a file is run but Braid's operators.
-- @treturn Module
-- @usage
-- net = braid.import("net.onnx")
-- net:eval()(images)
-- @usage nn.backbone(braid.import("net.onnx"), {at = {"conv1", "layer1"}})

local check <const> = require "braid.check"
local files <const> = require "braid.io.files"
local parse <const> = require "braid.onnx.import.parse"

local OPTIONS <const> = check.declare("import", {external = check.flag(false)})

return function(path, given)
  check.path("import", path)
  local o <const> = check.options(OPTIONS, given)
  local source <close>, message <const> = files.open(path)
  if not source then check.fail("import: %s%s", message, files.hint(path)) end
  local net <const>, wrong <const> = parse(source, o.external)
  if not net then check.fail("import: %s: not an ONNX file that Braid can run: %s", path, wrong) end
  return net
end
