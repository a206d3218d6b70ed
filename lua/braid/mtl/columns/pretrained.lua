--- Gives networks pretrained weights. In a network of columns, the weights go into its backbones,
-- from which trunk, columns and stream start. In another network they go into the backbones that it
-- contains, or into the network itself if it contains none.
--
-- The weights do not fit a column whose layers take concatenated maps, as in the plain form of
-- mtl.separation. Such a column keeps its first values.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local grad <const> = require "braid.grad"
local Backbone <const> = require "braid.nn.backbone"
local notice <const> = require "braid.notice"
local places <const> = require "braid.nn.places"
local pretrained <const> = require "braid.nn.pretrained"
local Shared <const> = require "braid.mtl.shared"
local state <const> = require "braid.nn.state"
local walk <const> = require "braid.nn.walk"
local weights <const> = require "braid.nn.weights"

local M <const> = {}

-- Replaces a recipe's backbones by copies that have the weights -> the report. If the weights
-- differ between columns, each column gets its own backbone.
local function fill_recipe(what, r, names, given)
  if r.start == "fresh" then
    check.fail("%s: init = \"fresh\" and pretrained contradict each other: give one", what)
  end
  local made <const>, report = {}, nil
  for _, name in ipairs(names) do
    local backbone <const> = r.backbones[name]
    local choice <const> = pretrained.choose(what, backbone, given, name)
    made[backbone] = made[backbone] or {}
    local loaded = made[backbone][choice.prefix]
    if not loaded then
      loaded = Backbone(backbone)
      loaded.pretrained = pretrained.load(what, loaded, given, name)
      r.by_column, made[backbone][choice.prefix] = report ~= nil, loaded
      report = report and report:with(loaded.pretrained) or loaded.pretrained
    end
    r.backbones[name] = loaded
  end
  return report
end

--- Raises an error if a network has a trunk but its columns start from different weights.
function M.check_shared(r, names)
  if r.split == 0 or not r.by_column then return end
  check.fail("pretrained: the weights have a column for each of %s, but the network shares the "
    .. "blocks up to '%s': give the weights of one column, by net:extract{\"%s\"} or as a table",
    table.concat(names, ", "), r.plan.names[r.split], names[1])
end

--- Copies a backbone's values into a part that was built from it; `own` is the part's state ->
-- whether they fit. If they do not, the part stays as it is.
function M.take(own, backbone)
  local values <const> = backbone:state_dict()
  for name, t in pairs(own) do
    local value <const> = values[name]
    if not value or table.concat(value.shape, " ") ~= table.concat(t.shape, " ") then
      return false
    end
  end
  local _ <close> = grad.no_grad()
  for name, t in pairs(own) do t:copy_(values[name]) end
  return true
end

--- Gives a new part the values of its backbone, if the recipe has init = "copy" or if the values
-- were loaded, trained or set.
function M.start(r, part, backbone)
  if r.start == "fresh" or not r.start and not places.is_changed(backbone) then return end
  state.give_sizes(part, backbone:state_dict())
  if M.take(part:state_dict(), backbone) or not r.start then return end
  check.fail("mtl.columns: init = \"copy\": the backbone's weights do not fit columns whose layers "
    .. "take concatenated maps: use a mixer that keeps the number of channels")
end

-- ---- networks that are already built -------------------------------------------------------

local function plural(n, word) return ("%d %s%s"):format(n, word, n == 1 and "" or "s") end

-- A text that names the parts of a network that have their backbone's values.
local function where_in(net, fits)
  local words <const>, count = {}, 0
  if net.trunk then words[1] = "the trunk" end
  for _, name in ipairs(net.columns and net.names or {}) do
    if fits[name] then count = count + 1 end
  end
  if count > 0 then words[#words + 1] = plural(count, "column") end
  if net.shared then words[#words + 1] = "the stream beside them" end
  local rest <const> = net.columns and #net.names - count or 0
  return table.concat(words, " and ") .. (rest > 0
    and (" (%s of concatenated maps keep their first values)"):format(plural(rest, "column")) or "")
end

--- Copies the values of the backbones into a network of columns that is already built.
function M.refill(net)
  local r <const>, fits <const> = net.recipe, {}
  M.check_shared(r, net.names)
  local first <const> = r.backbones[net.names[1]]
  if net.trunk then M.take(net.trunk:state_dict(), first) end
  if net.shared then M.take(net.shared:state_dict(), first) end
  for _, name in ipairs(net.columns and net.names or {}) do
    fits[name] = M.take(net.columns:rows(name), r.backbones[name])
  end
  return where_in(net, fits)
end

-- Gives weights to a network of columns -> the report, which also tells where the weights went.
local function fill_columns(what, net, given)
  if net.recipe.started then
    check.fail("%s: from and pretrained both say what columns start from: give one", what)
  end
  local report <const> = fill_recipe(what, net.recipe, net.names, given)
  report.into = M.refill(net)
  return report
end

-- The parts of a network that take weights: its networks of columns and its backbones. If it has
-- neither, the list has the trunk in hard sharing, and otherwise the network itself.
local function parts_of(net)
  local Columns <const> = require "braid.mtl.columns"
  local list <const> = {}
  local function visit(_, m)
    local found <const> = class.is_a(m, Columns) or class.is_a(m, Backbone)
    if found then list[#list + 1] = m end
    return found
  end
  if not visit(nil, net) then walk.walk(net, visit) end
  if #list == 0 then list[1] = class.is_a(net, Shared) and net.trunk or net end
  return list
end

--- Gives a network pretrained weights, as nn/weights.lua read them; net.pretrained is the report.
function M.network(what, net, given)
  local report
  for _, part in ipairs(parts_of(net)) do
    local own <const> = rawget(part, "recipe") and fill_columns(what, part, given)
      or pretrained.load(what, part, given)
    report = report or own
  end
  if rawget(net, "pretrained") == nil then net.pretrained = report end
  notice.say(tostring(report))
end

--- Reads weights for the recipe of a network of columns that is not built yet.
function M.begin(what, r, names, source)
  r.report = fill_recipe(what, r, names, weights.read(what, source))
end

--- Prints which weights a network began with, after it was built.
function M.tell(net)
  local report <const> = net.recipe.report
  if not report then return end
  report.into, net.pretrained = M.refill(net), report
  notice.say(tostring(report))
end

return M
