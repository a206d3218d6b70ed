--- PerColumn: a module for each column, by the column's name.
--
-- The modules stand in a list, each under its name, or they are stacked: one module over all their
-- channels (mtl/columns/stack), whose columns `stacked_names` lists. Modules that come later stand
-- beside the stack, so that it goes on computing what it did to the bit. The state is the same
-- either way: every tensor under its column's name.

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local hints <const> = require "braid.nn.hints"
local stack <const> = require "braid.mtl.columns.stack"
local Module <const> = require "braid.nn.module"
local Pair <const> = require "braid.mtl.columns.stack.pair"
local ops <const> = core.ops
local state_dict <const> = Module.state_dict

local PerColumn <const> = class("PerColumn", Module)

-- Its own fields, whose names no column can have.
local OWN <const> = {order = true, stacked = true, stacked_names = true}

--- Refuses a name that no column can have.
function PerColumn.check_name(name)
  if PerColumn[name] ~= nil or OWN[name] then
    check.fail("columns: a task cannot be called '%s'", name)
  end
end

--- `names` in their order, `modules` by name.
function PerColumn:init(names, modules)
  self.order = table.move(names, 1, #names, 1, {})
  for _, name in ipairs(names) do
    PerColumn.check_name(name)
    self[name] = modules[name]
  end
end

--- One for other names. Modules that are here stay, stacked if they are; make(name) gives the rest.
function PerColumn:extended(names, make)
  local known <const>, modules <const> = {}, {}
  for _, name in ipairs(self.order) do known[name] = true end
  for _, name in ipairs(names) do
    if known[name] then modules[name] = self[name] else modules[name] = make(name) end
  end
  local other <const> = PerColumn(names, modules)
  other.stacked, other.stacked_names = self.stacked, self.stacked_names
  return other
end

--- The module of each column, in the order; a stacked one is a copy.
function PerColumn:modules()
  local list <const>, copies <const> = {}, {}
  for i, m in ipairs(self.stacked and stack.unstack(self.stacked, #self.stacked_names) or {}) do
    copies[self.stacked_names[i]] = m
  end
  for i, name in ipairs(self.order) do list[i] = copies[name] or self[name] end
  return list
end

--- The modules that compute: the stack, if there is one, and those beside it.
function PerColumn:parts()
  local list <const> = {self.stacked}
  for _, name in ipairs(self.order) do list[#list + 1] = self[name] end
  return list
end

--- Whether one module computes all columns.
function PerColumn:is_stacked()
  return self.stacked ~= nil and #self.stacked_names == #self.order
end

--- The names of the columns beside the stack, in the order.
function PerColumn:names_beside()
  local list <const> = {}
  for _, name in ipairs(self.order) do
    if self.stacked and self[name] then list[#list + 1] = name end
  end
  return list
end

--- Whether the modules can be stacked; or false, and why not.
function PerColumn:can_stack()
  if self:is_stacked() then return true end
  if #self.order < 2 then return false, "there is one column" end
  return stack.possible(self:modules())
end

--- Stacks the modules. The parameters are new tensors.
function PerColumn:stack()
  if self:is_stacked() then return end
  local old <const> = Module.parameters(self)
  self.stacked = stack.stack(self:modules())
  hints.replaced(old, self.stacked:parameters())
  self.stacked_names = table.move(self.order, 1, #self.order, 1, {})
  for _, name in ipairs(self.order) do self[name] = nil end
end

--- Makes a list of the stack again. The parameters are new tensors.
function PerColumn:unstack()
  if not self.stacked then return end
  local old <const>, new <const> = self.stacked:parameters(), {}
  for i, m in ipairs(stack.unstack(self.stacked, #self.stacked_names)) do
    self[self.stacked_names[i]] = m
    table.move(m:parameters(), 1, #old, #new + 1, new)
  end
  hints.replaced(old, new)
  self.stacked, self.stacked_names = nil, nil
end

--- The tensors by name; the stack's are views of each column's rows.
function PerColumn:own_state()
  local state <const> = {}
  for path, t in pairs(self.stacked and state_dict(self.stacked) or {}) do
    for i, name in ipairs(self.stacked_names) do
      state[name .. "." .. path] = stack.slice(t, i, #self.stacked_names)
    end
  end
  for _, name in ipairs(self.order) do
    for path, t in pairs(self[name] and state_dict(self[name]) or {}) do
      state[name .. "." .. path] = t
    end
  end
  return state
end

--- A column's tensors by their path in it, whether it is stacked or not; stacked ones are views.
function PerColumn:rows(name)
  local list <const>, prefix <const> = {}, name .. "."
  for path, t in pairs(self:own_state()) do
    if path:sub(1, #prefix) == prefix then list[path:sub(#prefix + 1)] = t end
  end
  return list
end

--- The columns' maps in the order: the stack's are side by side in x, the rest in {name = map}.
function PerColumn:listed(x, beside)
  local place <const>, xs <const> = {}, {}
  for i, map in ipairs(Pair.each(x, #self.stacked_names)) do place[self.stacked_names[i]] = map end
  for i, name in ipairs(self.order) do xs[i] = place[name] or beside[name] end
  return xs
end

--- The inverse of `listed`: x, {name = map}.
function PerColumn:side_by_side(xs)
  local own <const>, beside <const> = {}, {}
  for i, name in ipairs(self.order) do
    if self[name] then beside[name] = xs[i] else own[#own + 1] = xs[i] end
  end
  return ops.cat(own, 2), beside
end

local function followed(x, z) return z and ops.cat({x, z}, 2) or x end

--- Each module's output, in the order, for input xs[i] or one x for all, with z behind it if given.
function PerColumn:run_each(xs, z)
  local common <const>, ys <const> = core.is_tensor(xs), {}
  for i, name in ipairs(self.order) do
    if self[name] then ys[i] = self[name](followed(common and xs or xs[i], z)) end
  end
  if not self.stacked then return ys end
  local x <const> = common and xs or (self:side_by_side(xs))
  local y <const> = self.stacked(z and Pair(x, z, #self.stacked_names) or x)
  local beside <const> = {}
  for i, name in ipairs(self.order) do beside[name] = ys[i] end
  return self:listed(y, beside)
end

function PerColumn:describe() return table.concat(self.stacked_names or {}, ", ") end

-- The channels of an input that all columns have in common, if the module that meets the input
-- first (a module names it in `first`) takes such a one.
local function shared_channels(m)
  if m.takes_shared then return m.weight:size(2) * (m.options and m.options.groups or 1) end
  return m.first ~= nil and shared_channels(m[m.first])
end

--- The channels of an image that the stack takes once for all columns; or false.
function PerColumn:image_channels() return shared_channels(self.stacked) end

--- One column's input as the input of all stacked ones.
function PerColumn:spread(x)
  local times <const> = {1, #self.stacked_names}
  for d = 3, x:dim() do times[d] = 1 end
  return ops.repeat_(x, times)
end

return PerColumn
