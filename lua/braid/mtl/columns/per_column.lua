--- PerColumn: a module for each column, by the column's name.
--
-- The modules are in a list, each under its name, or stacked: one module computes the channels of
-- all (mtl/columns/stack), and `stacked_names` lists its columns. Modules that are added later stay
-- outside the stack, so that its results do not change by a bit. The state is the same either way:
-- every tensor has its column's name. A mixer keeps the parameters of single columns in one, from
-- the module that the example requires.
-- @usage
-- local PerColumn <const> = require "braid.mtl.columns.per_column"
-- local scales <const> = PerColumn({"pose", "smile"}, {pose = nn.Linear(4, 4),
--   smile = nn.Linear(4, 4)})
-- scales:modules()

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

-- PerColumn's own fields. No column can have one of these names.
local OWN <const> = {order = true, stacked = true, stacked_names = true}

--- Raises an error if a column cannot have this name.
function PerColumn.check_name(name)
  if PerColumn[name] ~= nil or OWN[name] then
    check.fail("columns: a task cannot be called '%s'", name)
  end
end

--- `names` gives the order; `modules` has a module for each name.
function PerColumn:init(names, modules)
  self.order = table.move(names, 1, #names, 1, {})
  for _, name in ipairs(names) do
    PerColumn.check_name(name)
    self[name] = modules[name]
  end
end

--- A PerColumn for other names. It keeps the modules that exist (stacked modules stay stacked), and
-- make(name) makes the other modules.
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

--- The modules of all columns in order; the modules of a stack are copies.
function PerColumn:modules()
  local list <const>, copies <const> = {}, {}
  for i, m in ipairs(self.stacked and stack.unstack(self.stacked, #self.stacked_names) or {}) do
    copies[self.stacked_names[i]] = m
  end
  for i, name in ipairs(self.order) do list[i] = copies[name] or self[name] end
  return list
end

--- The modules that compute: the stack, if there is one, and the modules outside it.
function PerColumn:parts()
  local list <const> = {self.stacked}
  for _, name in ipairs(self.order) do list[#list + 1] = self[name] end
  return list
end

--- Whether one module computes all columns.
function PerColumn:is_stacked()
  return self.stacked ~= nil and #self.stacked_names == #self.order
end

--- The names of the columns outside the stack, in order.
function PerColumn:names_beside()
  local list <const> = {}
  for _, name in ipairs(self.order) do
    if self.stacked and self[name] then list[#list + 1] = name end
  end
  return list
end

--- Whether the modules can be stacked; or false and the reason.
function PerColumn:can_stack()
  if self:is_stacked() then return true end
  if #self.order < 2 then return false, "there is one column" end
  return stack.possible(self:modules())
end

--- Stacks the modules. Their parameters become new tensors.
function PerColumn:stack()
  if self:is_stacked() then return end
  local old <const> = Module.parameters(self)
  self.stacked = stack.stack(self:modules())
  hints.replaced(old, self.stacked:parameters())
  self.stacked_names = table.move(self.order, 1, #self.order, 1, {})
  for _, name in ipairs(self.order) do self[name] = nil end
end

--- Turns the stack back into a list. The parameters become new tensors.
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

--- The tensors by name. For a stacked tensor, each column has a view of its rows.
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

--- The tensors of a column by their paths in the column. They are views if the column is stacked.
function PerColumn:rows(name)
  local list <const>, prefix <const> = {}, name .. "."
  for path, t in pairs(self:own_state()) do
    if path:sub(1, #prefix) == prefix then list[path:sub(#prefix + 1)] = t end
  end
  return list
end

--- The columns' maps in order, from x, the concatenated maps of the stack, and {name = map} for
-- others.
function PerColumn:listed(x, beside)
  local place <const>, xs <const> = {}, {}
  for i, map in ipairs(Pair.each(x, #self.stacked_names)) do place[self.stacked_names[i]] = map end
  for i, name in ipairs(self.order) do xs[i] = place[name] or beside[name] end
  return xs
end

--- The inverse of `listed`: returns x, {name = map}.
function PerColumn:side_by_side(xs)
  local own <const>, beside <const> = {}, {}
  for i, name in ipairs(self.order) do
    if self[name] then beside[name] = xs[i] else own[#own + 1] = xs[i] end
  end
  return ops.cat(own, 2), beside
end

local function followed(x, z) return z and ops.cat({x, z}, 2) or x end

--- Runs each module -> the outputs in order. Module i gets xs[i], or all get the same x. If z is
-- given, it is appended to each input along the channels.
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

-- The number of channels of an input that all columns share. It is false if the module that reads
-- the input cannot take a shared input. The field `first` of a composed module names the part that
-- reads the input.
local function shared_channels(m)
  if m.takes_shared then return m.weight:size(2) * (m.options and m.options.groups or 1) end
  return m.first ~= nil and shared_channels(m[m.first])
end

--- The number of channels of an image that the stack can read once for all columns, or false.
function PerColumn:image_channels() return shared_channels(self.stacked) end

--- Repeats the input of one column for all stacked columns.
function PerColumn:spread(x)
  local times <const> = {1, #self.stacked_names}
  for d = 3, x:dim() do times[d] = 1 end
  return ops.repeat_(x, times)
end

return PerColumn
