--- Networks from definition files.

local check <const> = require "braid.check"
local definition <const> = require "braid.model.definition"
local pretrained <const> = require "braid.mtl.columns.pretrained"
local walk <const> = require "braid.nn.walk"
local weights <const> = require "braid.nn.weights"

-- Options that definitions do not see, and what they may be.
local OWN <const> = {tasks = true, single = true, parameters = true, pretrained = true}
local KINDS <const> = {single = check.text(), parameters = check.number{from = 1},
  pretrained = weights.kind}

-- The network of a definition, of about so many parameters if a number is given.
local function built(text, place, tasks, options, parameters)
  if parameters == nil then return definition.define(text, place, tasks, options) end
  local widened <const> = require "braid.mtl.widen"(function(width)
    options.width = width
    return definition.define(text, place, tasks, options)
  end, parameters)
  return widened
end

--- The network that a definition file describes: braid.model("models/tcdcn.lua", {tasks =
-- tasks}). Three options work for every definition: single = "pose" is the network of that task
-- alone, or of a group of tasks (groups = {face = {"landmarks"}, ...}); parameters = 5e6 the width
-- at which it has about as many; pretrained the weights that its backbone begins with, in every
-- column and in the stream beside them: the path of a file, tensors by name, a network or a
-- backbone. Names of torchvision's and Caffe's are known; net.pretrained is the report, which is
-- also printed. No definition sees it, and it is no part of a saved network. Other options are the
-- definition's own; its header tells them.
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
      check.fail("model: single names one of tasks, and there are none: give tasks, too")
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
