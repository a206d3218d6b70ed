--- braid.model: makes networks from definition files.

local check <const> = require "braid.check"
local definition <const> = require "braid.model.definition"
local pretrained <const> = require "braid.mtl.columns.pretrained"
local walk <const> = require "braid.nn.walk"
local weights <const> = require "braid.nn.weights"

-- The options that braid.model reads itself.
local OWN <const> = {tasks = true, single = true, parameters = true, pretrained = true}
local KINDS <const> = {single = check.text(), parameters = check.number{from = 1},
  pretrained = weights.kind}

-- Makes the network of a definition. If `parameters` is given, the network has about this many.
local function built(text, place, tasks, options, parameters)
  if parameters == nil then return definition.define(text, place, tasks, options) end
  local widened <const> = require "braid.mtl.widen"(function(width)
    options.width = width
    return definition.define(text, place, tasks, options)
  end, parameters)
  return widened
end

--- Makes the network that a definition file describes: braid.model("models/tcdcn.lua", {tasks =
-- tasks}).
--
-- Three options work for every definition:
--   single = "pose"    makes the network for this task only; it may also name a group
--                      (groups = {face = {"landmarks"}, ...})
--   parameters = 5e6   chooses the width at which the network has about this many parameters
--   pretrained         the weights that all columns and the stream begin with: a file's path,
--                      tensors by name, a network or a backbone. Names used by torchvision and
--                      Caffe are understood. net.pretrained is the report, which is also printed.
--                      Definitions do not see this option, and it is not saved with the network
-- All other options belong to the definition; the header of its file lists them.
-- @usage braid.model("models/cross_stitch.lua", {tasks = tasks, input = 40})
return function(path, given)
  if given ~= nil and type(given) ~= "table" then
    check.fail("model: options must be a table, not %s", type(given))
  end
  given = given or {}
  for name, kind in pairs(KINDS) do
    if given[name] ~= nil then check.value("model", name, given[name], kind) end
  end
  local options <const>, place <const> = {}, definition.find(path)
  for _, key in ipairs(check.sorted_keys(given)) do
    if not OWN[key] then options[key] = given[key] end
  end
  local file <const> = assert(io.open(place))
  local text <const> = file:read("a")
  file:close()
  local tasks = given.tasks
  if given.single ~= nil then
    if not tasks then
      check.fail("model: single names one of the tasks, so give tasks too")
    end
    local groups <const> = require "braid.mtl.columns.groups"
    local wanted
    wanted, options.groups = groups.single(options.groups, given.single)
    tasks = require("braid.mtl.columns.build").only(tasks, wanted, "model")
  end
  local start <const> = given.pretrained ~= nil and weights.read("model", given.pretrained)
  local net <const> = built(text, place, tasks, options, given.parameters)
  if start and walk.is_module(net) then pretrained.network("model", net, start) end
  return net
end
