--- Strands: equal things of several columns, one module for each, by name.
--
-- They stand in a list, each under its name; or joined, as one module over all their channels
-- (mtl/join). Those that come later stand beside what is joined, which so goes on computing what
-- it did to the bit; `together` names what is joined. The state is the same either way: every
-- tensor under its column's name.

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local hints <const> = require "braid.nn.hints"
local join <const> = require "braid.mtl.columns.join"
local Module <const> = require "braid.nn.module"
local Pair <const> = require "braid.mtl.columns.join.pair"
local ops <const> = core.ops
local state_dict <const> = Module.state_dict

local Strands <const> = class("Strands", Module)

-- Its own fields, whose names no column can have.
local OWN <const> = {order = true, joined = true, together = true}

--- Refuses a name that no column can have.
function Strands.check_name(name)
  if Strands[name] ~= nil or OWN[name] then
    check.fail("columns: a task cannot be called '%s'", name)
  end
end

--- `names` in their order, `modules` by name.
function Strands:init(names, modules)
  self.order = table.move(names, 1, #names, 1, {})
  for _, name in ipairs(names) do
    Strands.check_name(name)
    self[name] = modules[name]
  end
end

--- Those of other names: what stands here stays, joined if it is; make(name) gives the others.
function Strands:extended(names, make)
  local known <const>, modules <const> = {}, {}
  for _, name in ipairs(self.order) do known[name] = true end
  for _, name in ipairs(names) do
    if known[name] then modules[name] = self[name] else modules[name] = make(name) end
  end
  local other <const> = Strands(names, modules)
  other.joined, other.together = self.joined, self.together
  return other
end

--- The module of each, in the order; of those that are joined, a copy of its own.
function Strands:modules()
  local list <const>, parted <const> = {}, {}
  for i, m in ipairs(self.joined and join.split(self.joined, #self.together) or {}) do
    parted[self.together[i]] = m
  end
  for i, name in ipairs(self.order) do list[i] = parted[name] or self[name] end
  return list
end

--- What computes: the joined module, if there is one, and those beside it.
function Strands:parts()
  local list <const> = {self.joined}
  for _, name in ipairs(self.order) do list[#list + 1] = self[name] end
  return list
end

--- Whether one module stands for all.
function Strands:is_joined() return self.joined ~= nil and #self.together == #self.order end

--- The names of those that stand beside what is joined, in the order.
function Strands:names_beside()
  local list <const> = {}
  for _, name in ipairs(self.order) do
    if self.joined and self[name] then list[#list + 1] = name end
  end
  return list
end

--- Whether they can be joined; or false, and why not.
function Strands:can_stack()
  if self:is_joined() then return true end
  if #self.order < 2 then return false, "there is one column" end
  return join.possible(self:modules())
end

--- Joins them. The parameters are new tensors.
function Strands:stack()
  if self:is_joined() then return end
  local old <const> = Module.parameters(self)
  self.joined = join.join(self:modules())
  hints.replaced(old, self.joined:parameters())
  self.together = table.move(self.order, 1, #self.order, 1, {})
  for _, name in ipairs(self.order) do self[name] = nil end
end

--- Parts them. The parameters are new tensors.
function Strands:unstack()
  if not self.joined then return end
  local old <const>, new <const> = self.joined:parameters(), {}
  for i, m in ipairs(join.split(self.joined, #self.together)) do
    self[self.together[i]] = m
    table.move(m:parameters(), 1, #old, #new + 1, new)
  end
  hints.replaced(old, new)
  self.joined, self.together = nil, nil
end

--- The tensors by name, those of a joined module as views of each column's rows.
function Strands:own_state()
  local state <const> = {}
  for path, t in pairs(self.joined and state_dict(self.joined) or {}) do
    for i, name in ipairs(self.together) do
      state[name .. "." .. path] = join.slice(t, i, #self.together)
    end
  end
  for _, name in ipairs(self.order) do
    for path, t in pairs(self[name] and state_dict(self[name]) or {}) do
      state[name .. "." .. path] = t
    end
  end
  return state
end

--- Each tensor's rows of a column, for parameters of joined and parted columns alike:
-- iterates over path, rows.
function Strands:rows(name)
  local list <const>, prefix <const> = {}, name .. "."
  for path, t in pairs(self:own_state()) do
    if path:sub(1, #prefix) == prefix then list[path:sub(#prefix + 1)] = t end
  end
  return list
end

--- Maps in the order, from x, those of what is joined side by side, and {name = map} of the rest.
function Strands:listed(x, beside)
  local place <const>, xs <const> = {}, {}
  for i, map in ipairs(Pair.parted(x, #self.together)) do place[self.together[i]] = map end
  for i, name in ipairs(self.order) do xs[i] = place[name] or beside[name] end
  return xs
end

--- The other way round: x, {name = map}
function Strands:side_by_side(xs)
  local own <const>, beside <const> = {}, {}
  for i, name in ipairs(self.order) do
    if self[name] then beside[name] = xs[i] else own[#own + 1] = xs[i] end
  end
  return ops.cat(own, 2), beside
end

local function followed(x, z) return z and ops.cat({x, z}, 2) or x end

--- Each module's output, in the order, of xs[i], or of one x for all; with z behind it, if given.
function Strands:run_each(xs, z)
  local common <const>, ys <const> = core.is_tensor(xs), {}
  for i, name in ipairs(self.order) do
    if self[name] then ys[i] = self[name](followed(common and xs or xs[i], z)) end
  end
  if not self.joined then return ys end
  local x <const> = common and xs or (self:side_by_side(xs))
  local y <const> = self.joined(z and Pair(x, z, #self.together) or x)
  local beside <const> = {}
  for i, name in ipairs(self.order) do beside[name] = ys[i] end
  return self:listed(y, beside)
end

function Strands:describe() return table.concat(self.together or {}, ", ") end

-- The channels of an input that is that of all columns, if what a module does first with its
-- input, which it names in `first`, takes one.
local function shared_channels(m)
  if m.takes_shared then return m.weight:size(2) * (m.options and m.options.groups or 1) end
  return m.first ~= nil and shared_channels(m[m.first])
end

--- The channels of an image that the joined module takes for all columns as it is; or false.
function Strands:image_channels() return shared_channels(self.joined) end

--- An input of one column as that of all.
function Strands:spread(x)
  local times <const> = {1, #self.together}
  for d = 3, x:dim() do times[d] = 1 end
  return ops.repeat_(x, times)
end

return Strands
