--- Steps on the labels of only some tasks, such as tasks that take turns. This file decides which
-- columns run and which of their parts learn.
--
-- Columns get roles, from the last block to the first. A column is "live" if the head of a task in
-- turn depends on its map. It is "read" if only the gradient of a connection's weight needs its
-- map; the column itself then gets no gradient. Other columns do not run. Columns without a task in
-- turn run as in evaluation, so that their statistics do not follow another task's batch. Parts of
-- mixers get no gradient if their result is not needed.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local grad <const> = require "braid.grad"
local groups <const> = require "braid.mtl.columns.groups"
local mixer_methods <const> = require "braid.mtl.columns.mixer_methods"
local Module <const> = require "braid.nn.module"

local M <const> = {}

local OPTIONS <const> = check.declare("network", {
  tasks = check.either(check.text(), check.list{of = check.text()}),
})

--- The names of the tasks in the options of a call, in order; without options all names.
function M.tasks(self, given)
  local o <const>, names <const>, wanted <const> = check.options(OPTIONS, given),
    self.tasks.names, {}
  if not o.tasks then return names end
  for _, name in ipairs(type(o.tasks) == "string" and {o.tasks} or o.tasks) do
    if not self.head[name] then
      check.fail("network: tasks names '%s', which is not a task; there is %s", name,
        table.concat(names, ", "))
    end
    wanted[name] = true
  end
  local list <const> = {}
  for _, name in ipairs(names) do
    if wanted[name] then list[#list + 1] = name end
  end
  return list
end

--- Returns {column = true} for the columns that serve the tasks. It returns nil if all columns
-- serve them, or if the columns are stacked and do not train, because then they all run anyway.
function M.columns(self, names)
  local set <const> = {}
  for _, name in ipairs(names) do set[groups.of(self, name)] = true end
  local all = true
  for _, name in ipairs(self.names) do all = all and set[name] == true end
  if all or not self.columns then return nil end
  if not self.columns.stacked then return set end
  if self.training then
    check.fail("network: its columns are stacked, so an optimizer would also move columns without "
      .. "a task among %s: call net:unstack() before you make the optimizer",
      table.concat(names, ", "))
  end
end

-- The roles of the columns' maps before a mixer, from their roles after it.
local function before(self, block, behind)
  local list <const> = {}
  local function needs(...) return mixer_methods.needs("network", self, block, ...) end
  for i, name in ipairs(self.names) do
    local role <const> = behind[name]
    for _, other in ipairs(role and needs(i) or {}) do
      list[other] = list[other] == "live" and "live" or role
    end
    local learning <const> = role == "live" and core.is_recording()
    for _, other in ipairs(learning and needs(i, true) or {}) do
      list[other] = list[other] or "read"
    end
  end
  return list
end

-- The columns' roles by block, and the roles of the maps after the mixers.
local function plan(self, blocks, turn)
  local runs <const>, wanted <const>, now = {}, {}, {}
  for name in pairs(turn) do now[name] = "live" end
  for b = #blocks, 1, -1 do
    wanted[b] = now
    if self.mixer[blocks[b]] then now = before(self, blocks[b], now) end
    runs[b] = now
  end
  return runs, wanted
end

local function run_block(module, x, role, in_turn)
  local _ <close> = not in_turn and Module.evaluating(module) or nil
  local _ <close> = role == "read" and grad.no_grad() or nil
  local y <const> = module(x)
  return role == "live" and y or core.detach(y)
end

-- Until the value is closed, the mixer's parts run as in evaluation for columns that are not in
-- turn. Parts get no gradient if no head depends on their result.
local function resting(self, mixer, wanted, turn)
  local modes <const>, still <const> = {}, {}
  for _, name in ipairs(self.names) do
    for _, part in ipairs(turn[name] and wanted[name] == "live" and {}
      or mixer:column_parts(name)) do
      if not turn[name] then modes[#modes + 1] = Module.evaluating(part) end
      for _, p in ipairs(wanted[name] ~= "live" and Module.parameters(part) or {}) do
        if p.requires_grad then still[#still + 1] = core.requires_grad(p, false) end
      end
    end
  end
  return setmetatable({}, {__close = function()
    for _, p in ipairs(still) do core.requires_grad(p) end
    for _, mode in ipairs(modes) do getmetatable(mode).__close(mode) end
  end})
end

local function mixed(self, mixer, block, maps, z, wanted, turn)
  local _, any <const> = next(maps)
  local xs <const>, ys <const> = {}, {}
  for i in ipairs(self.names) do xs[i] = maps[i] or core.like(any, any.dtype, 0) end
  local _ <close> = resting(self, mixer, wanted, turn)
  for i, y in ipairs(mixer(xs, z, block)) do
    ys[i] = wanted[self.names[i]] and y or nil
  end
  return ys
end

--- Runs the columns on their images xs and the shared stream's image z -> the features for the
-- heads of the columns in `turn`, by place.
function M.run(self, xs, z, turn)
  local blocks <const> = self.recipe.plan:list(nil, self.recipe.split)
  local runs <const>, wanted <const> = plan(self, blocks, turn)
  for b, block in ipairs(blocks) do
    local ys <const> = {}
    for i, name in ipairs(self.names) do
      local role <const> = runs[b][name]
      if role then ys[i] = run_block(self.columns[name][block], xs[i], role, turn[name]) end
    end
    if self.shared and self.shared[block] then z = self.shared[block](z) end
    local mixer <const> = self.mixer[block]
    xs = mixer and mixed(self, mixer, block, ys, z, wanted[b], turn) or ys
  end
  return xs
end

return M
