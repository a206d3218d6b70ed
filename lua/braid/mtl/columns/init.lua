--- mtl.columns: a network with a column of named blocks and a head for each task, and mixers that
-- connect the columns at some blocks. Most published multi-task networks differ only in the mixer.
-- @usage
-- local net = mtl.columns(tasks, nn.backbone("resnet18", {width = 0.25}))
-- net:mix("*", mtl.collaborative{ratio = 1/4})         -- "*", a block, or a list of blocks
-- net:heads(function(task, channels, name) return nn.Sequential{nn.GlobalAvgPool(),
--   nn.Linear(channels, task.size)} end)
-- net(braid.rand(2, 3, 64, 64)).smile                   -- and .landmarks
--
-- Options:
--   columns      "per_task" (default), or "shared": hard sharing
--   split        the last block that all tasks share
--   single       a task (or a group): builds the network for this task (or group) only
--   stacked      false keeps the columns in a list. By default equal columns are stacked: they run
--                as one tensor (n, T*c, h, w) and give the same numbers (net:stacked())
--   init         "copy": columns copy the backbone's weights; "fresh": each column draws its own.
--                By default columns copy a backbone whose weights were loaded, trained or set. If
--                it still has its first random weights, each column draws its own
--   pretrained   weights to begin with: the path of a file, tensors by name, a network or a
--                backbone; net.pretrained is the report
--   groups       {face = {"landmarks"}, attributes = {"gender", "smile"}} gives the tasks of a
--                group one column, which has the group's name
-- A table {column = backbone} may replace the backbone; all must have the same block names.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local attach <const> = require "braid.mtl.operations.attach"
local build <const> = require "braid.mtl.columns.build"
local groups <const> = require "braid.mtl.columns.groups"
local flow <const> = require "braid.mtl.columns.flow"
local optimizer_check <const> = require "braid.mtl.columns.optimizer_check"
local mixer_methods <const> = require "braid.mtl.columns.mixer_methods"
local Mixer <const> = require "braid.mtl.mixer"
local Module <const> = require "braid.nn.module"
local pretrained <const> = require "braid.mtl.columns.pretrained"
local turns <const> = require "braid.mtl.columns.turns"
local weights <const> = require "braid.nn.weights"

local Columns <const> = class("Columns", Module)
-- saved with the state, because it decides which heads run
Columns.buffer_names = {stage_number = true}

local OPTIONS <const> = check.declare("mtl.columns", {
  columns = check.choice{"per_task", "shared"}, split = check.text(), single = check.text(),
  init = check.optional(check.choice{"fresh", "copy"}), stacked = check.flag(),
  groups = groups.OPTION, pretrained = weights.kind,
})

function Columns:init(tasks, backbone, given)
  local o <const> = check.options(OPTIONS, given)
  self.tasks, self.recipe, self.names, self.home = build.recipe(tasks, backbone, o)
end

--- The names of the blocks, in order.
-- @treturn string[]
function Columns:blocks()
  local names <const> = self.recipe.plan.names
  return table.move(names, 1, #names, 1, {})
end

-- The positions of the blocks that `where` names, in order.
local function places(self, where, mixer)
  local plan <const>, r <const> = self.recipe.plan, self.recipe
  if where == "*" then
    local all <const> = {}
    for place = mixer.kind.structural and 1 or r.split + 1, #plan.names do
      all[#all + 1] = place
    end
    if #all == 0 then check.fail("mix: all blocks are shared by the tasks; there is no column") end
    return all
  end
  local list <const> = {}
  for i, name in ipairs(type(where) == "table" and where or {where}) do
    list[i] = plan:find(name, "mix")
    if list[i] <= r.split and not mixer.kind.structural then
      check.fail("mix: block '%s' is shared by all tasks; put mixers after block '%s'", name,
        plan.names[r.split])
    end
  end
  if #list == 0 then
    check.fail("mix: wants a block, a list of them or \"*\"; there is %s",
      table.concat(plan.names, ", "))
  end
  table.sort(list)
  return list
end

-- Shares all blocks up to the last of `at`.
local function share(self, at)
  local r <const> = self.recipe
  local last <const> = math.max(r.split, at[#at])
  for place = 1, last do
    local name <const> = r.plan.names[place]
    if r.mixers[name] then
      check.fail("mix: block '%s' has a mixer and cannot be shared", name)
    end
  end
  build.own_recipe(self).split = last
end

--- Puts a mixer at some blocks; "*" means every block of the columns. The heads may be made
-- already, so that columns can first train without mixers. The mixers' parameters are then new, so
-- make the optimizer afterwards. At first the outputs stay as they were if the mixer begins as the
-- identity: cross_stitch or sluice with diag = 1 and off = 0, ttc with start = 0, collaborative
-- with gamma_init = "zero" after blocks that end in ReLU.
-- @treturn self
-- @usage
-- train.fit{net = net, train = faces.train, stages = {{epochs = 5},
--   {epochs = 5, prepare = function(n) n:mix("*", mtl.ttc{start = 0}) end}}}
function Columns:mix(where, mixer)
  if not Mixer.is_recipe(mixer) then
    check.fail("mix: the mixer is a %s; it must be one like mtl.cross_stitch{}", type(mixer))
  end
  if self.head then attach.check(self, mixer) end
  local at <const>, blocks <const> = places(self, where, mixer), {}
  if not mixer.kind.structural then
    mixer_methods.can_run("mix", self.recipe.plan.names[at[1]], mixer.kind, Mixer)
  end
  if mixer.kind.structural then
    share(self, at)
    return self
  end
  for i, place in ipairs(at) do
    local name <const> = self.recipe.plan.names[place]
    if self.recipe.mixers[name] then
      check.fail("mix: block '%s' has a mixer already", name)
    end
    if name == blocks[i - 1] then check.fail("mix: block '%s' is named twice", name) end
    build.equal_channels(self, name, mixer)
    blocks[i] = name
  end
  if self.head then
    attach.mixer(self, blocks, mixer)
  else
    local mixers <const> = build.own_recipe(self).mixers
    for _, name in ipairs(blocks) do mixers[name] = mixer end
  end
  return self
end

--- Builds the network with its heads. `kind` is "linear" (default) or "deep" as in mtl.heads, or
-- f(task, channels, name) that returns a task's head; `channels` is the number of the last block's
-- output channels.
-- @treturn self
function Columns:heads(kind)
  if self.head then
    check.fail("heads: the network has its heads already; build it anew for others")
  end
  build.network(self, kind == nil and "linear" or kind)
  pretrained.tell(self)
  if self.recipe.stacked ~= false then
    local ok <const>, why <const> = self:stack()
    if not ok and self.recipe.stacked then
      check.fail("mtl.columns: stacked = true, but %s", why)
    end
  end
  return self
end

-- ---- stacked or in a list -----------------------------------------------------------------

--- Whether the columns are stacked; or false and the reason.
-- @treturn boolean
-- @treturn string?
function Columns:stacked()
  local columns <const> = self.columns
  if columns and columns:is_stacked() then return true end
  if columns and columns.stacked then
    return false, table.concat(columns:names_beside(), ", ")
      .. " came later and runs beside the others until net:stack()"
  end
  return false, select(2, self:can_stack())
end

--- Whether the columns can be stacked; or false and the reason.
-- @treturn boolean
-- @treturn string?
function Columns:can_stack()
  if not self.head then return false, "the heads are not made yet" end
  if not self.columns then return false, "all blocks are shared" end
  local ok, why = self.columns:can_stack()
  for _, block in ipairs(check.sorted_keys(self.mixer)) do
    if ok then ok, why = self.mixer[block]:can_stack() end
  end
  return ok, why
end

--- Stacks the columns if possible. Their parameters become new tensors, so make an optimizer
-- afterwards. It returns whether the columns are stacked; or false and the reason.
-- @treturn boolean
-- @treturn string?
function Columns:stack()
  local ok <const>, why <const> = self:can_stack()
  if not ok then return false, why end
  if not self.columns:is_stacked() then optimizer_check.renew(self, "stack") end
  self.columns:stack()
  for _, mixer in pairs(self.mixer) do mixer:stack() end
  return true
end

--- Puts the columns in a list, net.columns.pose.conv1 and so on. Their parameters become new
-- tensors, so make an optimizer afterwards.
-- @treturn self
function Columns:unstack()
  if self.columns and self.columns.stacked then optimizer_check.renew(self, "unstack") end
  if self.columns then self.columns:unstack() end
  for _, mixer in pairs(self.mixer or {}) do mixer:unstack() end
  return self
end

-- ---- running ------------------------------------------------------------------------------

--- Runs the network: x (n,c,h,w) -> {task = output}. Columns without a trunk also take {task = x}.
-- tap(block, name, x), if given, gets every column's map before the mixer, and its result replaces
-- the map. If its second result is true, the mixer gives nothing of this map to other columns. For
-- maps of the trunk and of the shared stream, `name` is "shared".
--
-- net(x, {tasks = "smile"}), or a list such as tasks:present(batch), returns only the outputs of
-- these tasks. The column of another task runs only if a mixer takes its maps. It runs as in
-- evaluation, so its running statistics do not change; its parameters train if the tasks' loss
-- depends on them. In training the columns must be in a list: call net:unstack() before you make
-- the optimizer.
-- @treturn table<string, Tensor>
function Columns:forward(x, tap)
  if not self.head then
    check.fail("network: there are no heads yet; net:heads(function(task, channels, name) ... end) "
      .. "makes them")
  end
  if self.training and core.is_recording() then optimizer_check.check(self) end
  local names = self.tasks.names -- each access copies the list, so there is only one
  if tap and type(tap) ~= "function" then names, tap = turns.tasks(self, tap), nil end
  if #names == 0 then return {} end
  local features <const>, home <const> = flow.run(self, x, tap, names), self.home
  local out <const>, heads <const> = {}, flow.is_first_stage(self) and self.shared_head or self.head
  for _, name in ipairs(names) do
    out[name] = heads[name](features[home and home[name] or name])
  end
  return out
end

--- The maps at a block or a list of blocks (default: all) before they are mixed: {block = {task =
-- x, shared = x}}.
-- @treturn table<string, table<string, Tensor>>
-- @usage local maps = net:features(batch.image, {"conv1", "conv3"})
function Columns:features(x, blocks)
  local maps <const> = {}
  for _, block in ipairs(self.recipe.plan:list(blocks, 0, "features")) do maps[block] = {} end
  self(x, function(block, name, map)
    if maps[block] then maps[block][name] = map end
  end)
  return maps
end

function Columns:describe()
  local words <const> = {("%d tasks"):format(#self.tasks.names)}
  if self.columns then
    words[2] = ("%d columns%s"):format(#self.names, self:stacked() and ", stacked" or "")
  end
  return table.concat(words, ", ")
end

for name, f in pairs(require "braid.mtl.columns.stages") do Columns[name] = f end
for _, name in ipairs{"add_task", "remove_task", "extract", "transfer", "ablate"} do
  Columns[name] = require("braid.mtl.operations." .. name)
end

return Columns
